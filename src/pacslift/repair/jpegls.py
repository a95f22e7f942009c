"""JPEG-LS as dcm4chee 2 wrote it, made to conform: the thresholds it used are put into the stream.

Its codec (JAI Image I/O) computed the thresholds of 13 to 16 bits without the limit that the
standard sets, so a decoder that computes them right gets wrong pixels, mostly without noticing.
With an LSE marker segment that names them, every decoder gets the right ones. The archive itself
did so on each retrieve; whoever reads its files must do the same.

Strategy: 15 bytes are inserted behind the frame header of each fragment that begins a code stream;
all else stays in the file. Offset tables are moved by the bytes inserted.
Sources: dcm4chee 2, FileDataSource.java (thresholds, and by which UID its files are known);
ISO 14495-1 C.2.4.1.1 (LSE) and C.2.4.1.1.1 (default thresholds). PS3.5 A.4.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from struct import Struct, pack
from typing import NamedTuple

from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import PIXEL_DATA, Element
from pacslift.inventory.nesting import UNDEFINED
from pacslift.inventory.stored import StoredObject
from pacslift.repair.rule import Edit
from pacslift.repair.view import View

RULE = "LSE"
WRITER = "1.2.40.0.13.1.1"  # Implementation Class UID of dcm4che 1.4
LOSSLESS = "1.2.840.10008.1.2.4.80"
THRESHOLDS = {13: (34, 131, 548), 14: (66, 259, 1092), 15: (130, 515, 2180), 16: (258, 1027, 4356)}
RESET = 64
_EXTENDED, _EXTENDED_LENGTHS = 0x7FE00001, 0x7FE00002
_ITEM = 0xE000
_HEAD = Struct("<HHI")
_BEGINS = b"\xff\xd8\xff\xf7\x00\x0b"  # SOI, SOF55 of one component
_SCAN = b"\xff\xda"  # SOS: no LSE stands in front of it
_FRAME_HEADER = 15  # bytes of SOI and SOF55
_LOOKED_AT = _FRAME_HEADER + len(_SCAN)


class Fragment(NamedTuple):
    """A fragment's value in the source, and the segment to put into it; none where it is right."""

    start: int
    length: int
    lse: bytes

    @property
    def grown(self) -> int:
        """Its length when repaired, even."""
        length = self.length + len(self.lse)
        return length + length % 2


def edits(view: View) -> Iterator[Edit]:
    """Pixel Data with the thresholds named, and its offset tables; nothing where all is well."""
    stored = view.stored
    pixels = stored.header.find(PIXEL_DATA)
    if (
        stored.implementation_class_uid != WRITER
        or stored.transfer_syntax_uid != LOSSLESS
        or pixels is None
        or pixels.length != UNDEFINED
    ):
        return
    places = list(_items(stored, pixels))
    fragments = [Fragment(start, length, _missing(stored, start)) for start, length in places[1:]]
    if not any(fragment.lse for fragment in fragments):
        return
    table = stored.source.read(*places[0])
    value = tuple(_rewritten(stored, pixels, table, fragments))
    yield from _extended(stored, fragments)
    yield Edit(
        PIXEL_DATA,
        b"OB",
        value,
        undefined=True,
        before="no thresholds",
        after="LSE marker segments",
    )


def _items(stored: StoredObject, pixels: Element) -> Iterator[tuple[int, int]]:
    """Offset and length of each item's value, the offset table first."""
    position = pixels.value
    while position + _HEAD.size <= pixels.end:
        _, element, length = _HEAD.unpack(stored.source.read(position, _HEAD.size))
        if element != _ITEM:
            return
        yield position + _HEAD.size, length
        position += _HEAD.size + length


def _missing(stored: StoredObject, start: int) -> bytes:
    """The LSE segment that a fragment lacks; nothing where it begins no stream, or has one."""
    first = stored.source.read(start, _LOOKED_AT)
    if not first.startswith(_BEGINS) or first[_FRAME_HEADER:] != _SCAN:
        return b""
    bits = first[len(_BEGINS)]
    if bits not in THRESHOLDS:
        return b""
    return pack(">HHBHHHHH", 0xFFF8, 13, 1, (1 << bits) - 1, *THRESHOLDS[bits], RESET)


def _rewritten(
    stored: StoredObject, pixels: Element, table: bytes, fragments: Sequence[Fragment]
) -> Iterator[Segment]:
    source = stored.source
    offsets = _moved(table, "I", fragments)
    yield memoryview(_HEAD.pack(0xFFFE, _ITEM, len(offsets)) + offsets)
    for start, length, lse in fragments:
        yield memoryview(_HEAD.pack(0xFFFE, _ITEM, Fragment(start, length, lse).grown))
        behind = start
        if lse:
            behind += _FRAME_HEADER
            yield memoryview(source.read(start, _FRAME_HEADER) + lse)
        yield from source.segments(behind, start + length)
        if (length + len(lse)) % 2:
            yield memoryview(b"\0")
    yield from source.segments(fragments[-1].start + fragments[-1].length, pixels.end)


def _moved(table: bytes, form: str, fragments: Sequence[Fragment]) -> bytes:
    """Offsets from the first fragment's header, moved; empty if one names no fragment (P12)."""
    old = accumulate((_HEAD.size + f.length for f in fragments), initial=0)
    new = accumulate((_HEAD.size + f.grown for f in fragments), initial=0)
    moved = dict(zip(old, new, strict=True))
    offsets = Struct(f"<{len(table) // Struct(form).size}{form}")
    read = offsets.unpack(table[: offsets.size])
    if not all(offset in moved for offset in read):
        return b""
    return offsets.pack(*(moved[offset] for offset in read))


def _extended(stored: StoredObject, fragments: Sequence[Fragment]) -> Iterator[Edit]:
    """The Extended Offset Table and its lengths; left out where they name no whole fragments."""
    if _EXTENDED not in stored.header:
        return
    offsets = _moved(stored.value(_EXTENDED) or b"", "Q", fragments)
    lengths = b"".join(f.grown.to_bytes(8, "little") for f in fragments)
    is_whole = len(offsets) == len(lengths)
    yield Edit(_EXTENDED, b"OV", offsets if is_whole else None, silent=True)
    yield Edit(_EXTENDED_LENGTHS, b"OV", lengths if is_whole else None, silent=True)
