"""Change top-level elements between the bytes of the original, which stay as they are.

What is not edited is passed on as views of the original or as spans of its file; nothing is parsed
again, nothing is copied but the new elements. Cost: by the number of edits, not of elements, as
long as the original is in order; else every element is put in its place.
PS3.5 7.1 (element headers and tag order).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import chain
from struct import Struct
from typing import TypeAlias

from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import UNDEFINED, Element, Encoding
from pacslift.inventory.nesting import LONG_VRS
from pacslift.inventory.stored import StoredObject

Edits: TypeAlias = Mapping[int, tuple[Segment, ...]]

_SMALL = 32 * 1024  # bytes


def splice(stored: StoredObject, edits: Edits) -> tuple[Segment, ...]:
    """Give the data set with some elements replaced, inserted or left out.

    Takes   *edits*, tag to the whole new element with its header; no segment leaves the element
            out, whether it is there or not.
    Gives   segments in tag order. Elements whose tag was met before are left out.
    """
    header = stored.header
    if not header.ascending:
        return _sorted(stored, edits)
    source = stored.source
    if not edits:
        return source.segments(stored.dataset_start, stored.dataset_end)
    tags, ends, base = list(header.places), header.ends, stored.dataset_start
    first = next(iter(source.segments(base, stored.dataset_end)), None)
    memory = first if isinstance(first, memoryview) else memoryview(b"")
    in_memory = base + len(memory)
    pieces: list[Segment] = []
    done = base
    for tag in sorted(edits):
        place = header.places.get(tag)
        start = place[1] if place else _behind(stored, tags, tag)
        if start <= in_memory:
            pieces.append(memory[done - base : start - base])
        else:
            pieces += source.segments(done, start)
        pieces += edits[tag]
        done = start
        if place:
            _, _, value, length = place
            done = ends[tag] if length == UNDEFINED else value + length
    rest = source.segments(done, stored.dataset_end)
    return (*_together(pieces), *rest)


def _behind(stored: StoredObject, tags: list[int], tag: int) -> int:
    """Give where an element that is not there would lie in the source."""
    behind = bisect_right(tags, tag)
    return stored.header.places[tags[behind]][1] if behind < len(tags) else stored.dataset_end


def _together(pieces: list[Segment]) -> Iterator[Segment]:
    """Put small pieces of memory that follow each other into one: fewer things to send.

    What is large stays where it is, be it pixels or a document.
    """
    small: list[memoryview] = []
    for piece in pieces:
        if isinstance(piece, memoryview) and len(piece) <= _SMALL:
            small.append(piece)
            continue
        if small:
            yield memoryview(b"".join(small))
            small = []
        yield piece
    if small:
        yield memoryview(b"".join(small))


def _sorted(stored: StoredObject, edits: Edits) -> tuple[Segment, ...]:
    """Splice where the original is out of order: element by element, sorted by tag."""
    kept: dict[int, tuple[Segment, ...]] = {
        element.tag: stored.source.segments(element.start, element.end)
        for element in stored.header.elements()
    }
    kept.update(edits)
    return tuple(chain.from_iterable(kept[tag] for tag in sorted(kept)))


def encoded(tag: int, vr: bytes, value: bytes, encoding: Encoding) -> memoryview:
    """Write one element; the value must have even length, and fit where its VR has 16 bits."""
    return memoryview(element_header(tag, vr, len(value), encoding) + value)


def element_header(tag: int, vr: bytes, length: int, encoding: Encoding) -> bytes:
    """Write the header of an element with this length."""
    mark = ">" if encoding is Encoding.EXPLICIT_BIG else "<"
    group, number = tag >> 16, tag & 0xFFFF
    if encoding is Encoding.IMPLICIT_LITTLE:
        return Struct("<HHI").pack(group, number, length)
    if vr in LONG_VRS:
        return Struct(mark + "HH2sxxI").pack(group, number, vr, length)
    return Struct(mark + "HH2sH").pack(group, number, vr, length)


def item_header(length: int, encoding: Encoding) -> bytes:
    """Write the header of an item with this length (PS3.5 7.5)."""
    mark = ">" if encoding is Encoding.EXPLICIT_BIG else "<"
    return Struct(mark + "HHI").pack(0xFFFE, 0xE000, length)


def odd_elements(stored: StoredObject) -> Iterator[Element]:
    """Give the top-level elements of odd length, which PS3.5 7.1.1 forbids."""
    if stored.header.odd:
        yield from (item for item in stored.header.elements() if (item.end - item.value) & 1)
