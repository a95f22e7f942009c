"""What an object says of itself: read from its header, nothing behind it but lengths.

The values are the object's, as they will be sent if no rule changes them; whether the database says
the same is for whoever compares.
"""

import functools
import warnings
from dataclasses import dataclass
from pathlib import Path

from pydicom.charset import convert_encodings, decode_bytes

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.roots import open_inside
from pacslift.inventory.stored import SOP_CLASS, SOP_INSTANCE, StoredObject, open_stored

_CHARACTER_SET = 0x00080005
_PATIENT_NAME, _PATIENT_ID, _BIRTH_DATE = 0x00100010, 0x00100020, 0x00100030
_STUDY_DATE, _ACCESSION_NUMBER = 0x00080020, 0x00080050
_STUDY, _SERIES = 0x0020000D, 0x0020000E
_LONGEST_ID = 1024  # PS3.5 allows 64 characters; more is cut, never read in full
_NAME_DELIMITERS = frozenset(b"^=")  # character sets begin anew behind them, PS3.5 6.1.2.5.3


@dataclass(frozen=True, slots=True)
class Probed:
    """The identity of an object. Only the first two, and the last UID, are never empty."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    transfer_syntax_uid: str
    patient_name: str = ""
    patient_birth_date: str = ""
    accession_number: str = ""
    study_date: str = ""


def probe(
    mount: Path, relative: str, container: str | None = None, member: str | None = None
) -> Probed:
    """Read the identity of the object in a file below *mount*; see open_stored().

    Raises  SetAsideError, whatever is wrong with the path, the file or the object.
    """
    stored = open_stored(open_inside(mount, relative), container, member)
    try:
        return identity(stored)
    finally:
        stored.close()


def identity(stored: StoredObject) -> Probed:
    """Read the identity of an object that is open.

    Raises  SetAsideError IDENTITY_MISSING without SOP Class UID or SOP Instance UID.
    """
    sop_class, sop_instance = stored.uid(SOP_CLASS), stored.uid(SOP_INSTANCE)
    if not sop_class or not sop_instance:
        lacking = "SOP Instance UID" if sop_class else "SOP Class UID"
        raise SetAsideError(
            Cause.IDENTITY_MISSING, f"the object has no {lacking}, which storing it needs"
        )
    return Probed(
        sop_class,
        sop_instance,
        stored.uid(_STUDY),
        stored.uid(_SERIES),
        _text(stored, _PATIENT_ID),
        stored.transfer_syntax_uid,
        _text(stored, _PATIENT_NAME, _NAME_DELIMITERS),
        _text(stored, _BIRTH_DATE),
        _text(stored, _ACCESSION_NUMBER),
        _text(stored, _STUDY_DATE),
    )


def _text(stored: StoredObject, tag: int, delimiters: frozenset[int] = frozenset()) -> str:
    """Decode a text by the object's own Specific Character Set; what it lacks becomes U+FFFD."""
    value = (stored.value(tag) or b"")[:_LONGEST_ID].strip(b"\0 ")
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    names = (stored.value(_CHARACTER_SET) or b"").decode("latin-1").strip("\0 ")
    encodings = _encodings(tuple(name.strip() for name in names.split("\\")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_bytes(value, encodings, set(delimiters)).strip("\0 ")
    except (LookupError, ValueError):
        return value.decode("ascii", "replace")


@functools.lru_cache(maxsize=64)
def _encodings(names: tuple[str, ...]) -> tuple[str, ...]:
    """Give Python's names for DICOM character sets; the default one for what it does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tuple(convert_encodings(list(names)))
        except (LookupError, ValueError):
            return ("iso8859",)
