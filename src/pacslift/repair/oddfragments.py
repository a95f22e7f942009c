"""Fragments of odd length, which make targets drop the association, padded (repair.md P11).

A fragment gets one zero byte behind it, as PS3.5 A.4 wants, and the Basic Offset Table is moved by
the bytes that came in front of each offset. The fragments themselves stay in the file.
"""

from collections.abc import Iterator
from itertools import accumulate
from struct import Struct

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import PIXEL_DATA, Element, Encoding
from pacslift.inventory.stored import StoredObject
from pacslift.repair.splice import Edits

RULE = "P11"
_EXTENDED_OFFSET_TABLE = 0x7FE00001
_ITEM = 0xE000
_OFFSET = 4  # bytes


def padded_fragments(stored: StoredObject) -> Edits:
    """Give the value of Pixel Data with every fragment even; nothing where all are.

    Raises  SetAsideError PIXELS_DAMAGED where an Extended Offset Table speaks of the fragments'
            places, since it names their lengths as well.
    """
    pixels = stored.header.find(PIXEL_DATA)
    if pixels is None or pixels.tag not in stored.header.ends or not stored.header.odd_items:
        return {}
    if _EXTENDED_OFFSET_TABLE in stored.header:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            "fragments of odd length would have to be padded, and an Extended Offset Table "
            "names their lengths",
        )
    mark = ">" if stored.header.encoding is Encoding.EXPLICIT_BIG else "<"
    head = Struct(mark + "HHI")
    places = list(_items(stored, pixels, head))
    return {PIXEL_DATA: tuple(_rewritten(stored, pixels, head, places))}


def _items(stored: StoredObject, pixels: Element, head: Struct) -> Iterator[tuple[int, int]]:
    """Give offset and length of each item's value, the offset table first."""
    position = pixels.value
    while position + head.size <= pixels.end:
        _, element, length = head.unpack(stored.source.read(position, head.size))
        if element != _ITEM:
            return
        yield position + head.size, length
        position += head.size + length


def _rewritten(
    stored: StoredObject, pixels: Element, head: Struct, places: list[tuple[int, int]]
) -> Iterator[Segment]:
    source = stored.source
    (table, table_length), *fragments = places
    offsets = _moved(source.read(table, table_length), head, fragments)
    yield memoryview(head.pack(0xFFFE, _ITEM, len(offsets)) + offsets)
    for start, length in fragments:
        yield memoryview(head.pack(0xFFFE, _ITEM, length + length % 2))
        yield from source.segments(start, start + length)
        if length % 2:
            yield memoryview(b"\0")
    end = fragments[-1][0] + fragments[-1][1] if fragments else table + table_length
    yield from source.segments(end, pixels.end)


def _moved(table: bytes, head: Struct, fragments: list[tuple[int, int]]) -> bytes:
    """Move each offset, counted from the first fragment's header, by the pads in front of it."""
    lengths = [head.size + length for _, length in fragments]
    starts = accumulate(lengths, initial=0)
    pads = accumulate((length % 2 for length in lengths), initial=0)
    moved = {start: start + pad for start, pad in zip(starts, pads, strict=True)}
    offsets = Struct(f"{head.format[0]}{len(table) // _OFFSET}I")
    read = offsets.unpack(table[: offsets.size])
    if not all(offset in moved for offset in read):
        return b""  # it was wrong before; an empty one is right (repair.md P12)
    return offsets.pack(*(moved[offset] for offset in read))
