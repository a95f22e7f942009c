"""Element values as bytes: pads, dictionary VRs, numbers, and how the record shows them.

PS3.5 6.2 (VRs and their padding). pydicom's tables are used, not its Dataset: a value is decoded
only when somebody asks for it.
"""

import functools
import struct

from pydicom.datadict import DicomDictionary, keyword_for_tag  # type: ignore[attr-defined]

from pacslift.errors import SetAsideError
from pacslift.repair.texts import Codecs, decode

TEXT_VRS = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
CHARSET_VRS = frozenset(b"LO LT PN SH ST UC UT".split())  # (0008,0005) speaks of these
UNSPLIT_VRS = frozenset(b"LT ST UT UR".split())  # a backslash in them is a letter
SPACE_PADDED = TEXT_VRS - {b"UI"}
NUMBERS = {
    b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FL": "f", b"FD": "d", b"UV": "Q", b"SV": "q",
}  # fmt: skip
_INTEGERS = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4}
_STANDARD = {
    tag: row[0].split(" or ")[0].encode()
    for tag, row in DicomDictionary.items()
    if row[0] != "NONE"
}
_GROUP_LENGTH = b"UL"
_CREATOR = range(0x10, 0x100)


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
    return keyword_for_tag(tag) or numbers(tag)


def numbers(tag: int) -> str:
    """Give "(gggg,eeee)"."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def padded(vr: bytes, value: bytes) -> bytes:
    """Give the value with even length: a space behind text, a zero byte behind all else."""
    if not len(value) & 1:
        return value
    return value + (b" " if vr in SPACE_PADDED else b"\0")


def number(vr: bytes, raw: bytes | None, *, big: bool = False) -> int | None:
    """Give the first value of US, SS, UL, SL; of IS, if it is digits; else None."""
    if not raw:
        return None
    if vr == b"IS":
        text = raw.split(b"\\")[0].strip(b"\0 ")
        digits = text.removeprefix(b"-").removeprefix(b"+")
        return int(text) if digits.isdigit() and len(digits) < 19 else None  # noqa: PLR2004
    size = _INTEGERS.get(vr, 0)
    if not size or len(raw) < size:
        return None
    signed = vr in {b"SS", b"SL"}
    return int.from_bytes(raw[:size], "big" if big else "little", signed=signed)


def shown(vr: bytes, raw: bytes, codecs: Codecs, *, big: bool = False) -> str:
    """Give a value as text for the record; what is no text is told by its length."""
    if vr in TEXT_VRS:
        try:
            return decode(raw, codecs)
        except SetAsideError:
            return raw.rstrip(b"\0 ").decode("latin-1")
    letter = NUMBERS.get(vr)
    if letter and len(raw) % struct.calcsize(letter) == 0 and len(raw) <= 512:  # noqa: PLR2004
        mark = ">" if big else "<"
        count = len(raw) // struct.calcsize(letter)
        return "\\".join(map(str, struct.unpack(f"{mark}{count}{letter}", raw)))
    return f"{vr.decode('latin-1') or 'UN'}, {len(raw)} bytes"
