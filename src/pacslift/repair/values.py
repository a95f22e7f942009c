"""Element values as bytes: pads, dictionary VRs, text in an object's character set, numbers.

PS3.5 6.2 (VRs and their padding), 6.1 (character repertoires). pydicom's tables and codecs are
used, not its Dataset: a value is decoded only when somebody asks for it.
"""

import functools
import struct
import warnings
from collections.abc import Sequence

from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.datadict import DicomDictionary, keyword_for_tag  # type: ignore[attr-defined]
from pydicom.valuerep import TEXT_VR_DELIMS

from pacslift.errors import Cause, SetAsideError

TEXT_VRS = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
CHARSET_VRS = frozenset(b"LO LT PN SH ST UC UT".split())  # (0008,0005) speaks of these
UNSPLIT_VRS = frozenset(b"LT ST UT UR".split())  # a backslash in them is a letter
SPACE_PADDED = TEXT_VRS - {b"UI"}
NUMBERS = {
    b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FL": "f", b"FD": "d", b"UV": "Q", b"SV": "q",
}  # fmt: skip
_STANDARD = {
    tag: row[0].split(" or ")[0].encode()
    for tag, row in DicomDictionary.items()
    if row[0] != "NONE"
}
_GROUP_LENGTH = b"UL"
_CREATOR = range(0x10, 0x100)
_ESCAPE = b"\x1b"


def standard_vr(tag: int) -> bytes:
    """Give the VR of an element by the dictionary (the first if there are two); else UN."""
    vr = _STANDARD.get(tag)
    if vr is not None:
        return vr
    if not tag & 0xFFFF:
        return _GROUP_LENGTH
    if tag >> 16 & 1:
        return b"LO" if tag & 0xFFFF in _CREATOR else b"UN"
    return _repeating_vr(tag)


@functools.lru_cache(maxsize=4096)
def _repeating_vr(tag: int) -> bytes:
    """Curves and overlays: one entry of the dictionary for many groups."""
    from pydicom.datadict import dictionary_VR  # noqa: PLC0415

    try:
        return dictionary_VR(tag).split(" or ")[0].encode()
    except KeyError:
        return b"UN"


@functools.lru_cache(maxsize=4096)
def name(tag: int) -> str:
    """Give the keyword of an element, or "(gggg,eeee)" where it has none."""
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def padded(vr: bytes, value: bytes) -> bytes:
    """Give the value with even length: a space behind text, a zero byte behind all else."""
    if not len(value) & 1:
        return value
    return value + (b" " if vr in SPACE_PADDED else b"\0")


@functools.lru_cache(maxsize=256)
def codecs_of(character_set: bytes) -> tuple[str, ...] | None:
    """Give Python's codecs for a value of (0008,0005); None where a term is not known to anyone.

    PS3.3 C.12.1.1.2. The first one is for text without escape sequences.
    """
    names = [term.strip() for term in character_set.decode("latin-1").strip("\0 ").split("\\")]
    if any(term and term not in python_encoding for term in names):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tuple(convert_encodings(names))
        except (LookupError, ValueError):
            return None


def decode(raw: bytes, codecs: Sequence[str] | None, vr: bytes = b"LO") -> str:
    """Give a text as it reads, padding stripped.

    Raises  SetAsideError TEXT_UNREADABLE where the bytes are no text in this character set.
    """
    raw = raw.rstrip(b"\0 ")
    if raw.isascii() and _ESCAPE not in raw:
        return raw.decode("ascii")
    if codecs is None:
        raise _undecodable()
    delimiters = {0x0D, 0x0A, 0x09, 0x0C} if vr in UNSPLIT_VRS else TEXT_VR_DELIMS
    if vr == b"PN":
        delimiters = {*TEXT_VR_DELIMS, 0x5E, 0x3D}
    try:
        if len(codecs) == 1 and _ESCAPE not in raw:
            return raw.decode(codecs[0])
        return _strictly(raw, codecs, delimiters)
    except (LookupError, ValueError) as error:
        raise _undecodable() from error


def _strictly(raw: bytes, codecs: Sequence[str], delimiters: set[int]) -> str:
    """Decode by pydicom, which warns and replaces where it cannot: that is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return decode_bytes(raw, list(codecs), delimiters)
        except UserWarning as warning:
            raise ValueError(str(warning)) from warning


def _undecodable() -> SetAsideError:
    return SetAsideError(
        Cause.TEXT_UNREADABLE,
        "a text cannot be read by the object's Specific Character Set (0008,0005); a rule has to "
        "say which character set it really is",
    )


def number(vr: bytes, raw: bytes | None, *, big: bool = False) -> int | None:
    """Give the first value of US, SS, UL, SL; of IS, if it is digits; else None."""
    if not raw:
        return None
    if vr == b"IS":
        text = raw.split(b"\\")[0].strip(b"\0 ")
        digits = text.removeprefix(b"-").removeprefix(b"+")
        return int(text) if digits.isdigit() and len(digits) < 19 else None  # noqa: PLR2004
    size = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4}.get(vr, 0)
    if not size or len(raw) < size:
        return None
    signed = vr in {b"SS", b"SL"}
    return int.from_bytes(raw[:size], "big" if big else "little", signed=signed)


def shown(vr: bytes, raw: bytes, codecs: Sequence[str] | None, *, big: bool = False) -> str:
    """Give a value as text for the record; what is no text is told by its length."""
    if vr in TEXT_VRS:
        try:
            return decode(raw, codecs, vr)
        except SetAsideError:
            return raw.rstrip(b"\0 ").decode("latin-1")
    letter = NUMBERS.get(vr)
    if letter and len(raw) % struct.calcsize(letter) == 0 and len(raw) <= 512:  # noqa: PLR2004
        mark = ">" if big else "<"
        count = len(raw) // struct.calcsize(letter)
        return "\\".join(map(str, struct.unpack(f"{mark}{count}{letter}", raw)))
    return f"{vr.decode('latin-1') or 'UN'}, {len(raw)} bytes"
