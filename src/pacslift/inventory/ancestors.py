"""Formats older than DICOM, or beside it, that look like it: told apart and set aside by name.

ACR-NEMA 1.0 and 2.0 (repair.md E26), the same in foreign word orders (E27), SPI of Siemens and
Philips (E28), Papyrus 3 (E29). None of them has the UIDs that an archive files by; making objects
of them is a conversion that a person has to order, never a repair.
"""

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import ByteSource
from pacslift.inventory.header import PIXEL_DATA, Header

PAPYRUS_SYNTAX = "1.2.840.10008.1.20"
_SOP_CLASS, _RECOGNITION, _LENGTH_TO_END = 0x00080016, 0x00080010, 0x00080001
_SPI_GROUPS = (0x0009, 0x0011, 0x0019, 0x0021, 0x0029)
_PAPYRUS_CREATOR, _PAPYRUS_POINTERS = 0x00410010, 0x00411050
# (0008,0000) with the length 4, as each word order writes it.
_WORD_ORDERS = {
    b"\0\x08\0\0\0\0\0\x04": "4321 (big endian)",
    b"\x08\0\0\0\0\0\x04\0": "3412",
    b"\0\x08\0\0\0\x04\0\0": "2143",
}
_REMEDY = "convert it with a tool for this format and have the result reviewed"


def refuse_word_orders(source: ByteSource) -> None:
    """Raise SetAsideError RETIRED_FORMAT for ACR-NEMA in a word order that DICOM never had."""
    order = _WORD_ORDERS.get(source.read(0, 8))
    if order:
        raise _retired(f"ACR-NEMA data in the word order {order} (E27)")


def refuse_ancestor(source: ByteSource, header: Header, transfer_syntax_uid: str) -> None:
    """Raise SetAsideError RETIRED_FORMAT for an object of one of the other formats."""
    if _SOP_CLASS in header and transfer_syntax_uid != PAPYRUS_SYNTAX:
        return  # a DICOM object, whoever wrote private elements into it
    if transfer_syntax_uid == PAPYRUS_SYNTAX or _is_papyrus(source, header):
        raise _retired("a Papyrus 3 file, which holds several images (E29)")
    if any(_text(source, header, group << 16 | 0x10)[:3] == b"SPI" for group in _SPI_GROUPS):
        raise _retired("an SPI object of Siemens or Philips, without UIDs (E28)")
    code = _text(source, header, _RECOGNITION)
    if code.startswith((b"ACR-NEMA", b"ACRNEMA")) or _LENGTH_TO_END in header:
        raise _retired("an ACR-NEMA object, without UIDs (E26)")


def _is_papyrus(source: ByteSource, header: Header) -> bool:
    named = _text(source, header, _PAPYRUS_CREATOR).startswith(b"PAPYRUS")
    return named and _PAPYRUS_POINTERS in header and PIXEL_DATA not in header


def _text(source: ByteSource, header: Header, tag: int) -> bytes:
    element = header.find(tag)
    return source.read(element.value, min(element.length, 64)) if element else b""


def _retired(what: str) -> SetAsideError:
    return SetAsideError(Cause.RETIRED_FORMAT, f"the file is {what}; {_REMEDY}")
