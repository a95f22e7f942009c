"""What an object says of itself as it will be sent: its identity, and what verify looks for."""

from typing import NamedTuple

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.view import View

_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
_LONGEST = 1024  # characters; real ones have 64, more is cut


class Identity(NamedTuple):
    """Texts as they read; empty where the object has none."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    accession_number: str
    study_date: str


def identity(view: View) -> Identity:
    """Read the identity of an object after its repair.

    Raises  SetAsideError IDENTITY_MISSING without SOP Class UID or SOP Instance UID.
    """
    found = Identity(
        view.text(_SOP_CLASS),
        view.own_text(_SOP_INSTANCE),
        view.text(_STUDY),
        view.text(_SERIES),
        _text(view, 0x00100020),
        _text(view, 0x00100021),
        _text(view, 0x00100010),
        view.text(0x00100030),
        _text(view, 0x00080050),
        view.text(0x00080020),
    )
    if found.sop_class_uid and found.sop_instance_uid:
        return found
    raise lacking("SOP Instance UID" if found.sop_class_uid else "SOP Class UID")


def lacking(what: str) -> SetAsideError:
    """Give the error for an object without one of its UIDs."""
    return SetAsideError(
        Cause.IDENTITY_MISSING, f"the object has no {what}, which storing it needs"
    )


def _text(view: View, tag: int) -> str:
    """Read a text; what its character set does not explain becomes U+FFFD."""
    raw = (view.value(tag) or b"")[:_LONGEST].strip(b"\0 ")
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    try:
        return "\\".join(view.decoded(tag))[:_LONGEST]
    except SetAsideError:
        return raw.decode("ascii", "replace")
