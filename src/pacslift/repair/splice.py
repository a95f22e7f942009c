"""Change top-level elements between the bytes of the original, which stay as they are.

What is not edited is passed on as views of the original or as spans of its file; nothing is parsed
again, nothing is copied but the new elements. Cost: by the number of edits, not of elements, as
long as the original is in order; else every element is put in its place.
PS3.5 7.1 (element headers and tag order).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct
from typing import NamedTuple, TypeAlias

from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import UNDEFINED, Element, Encoding
from pacslift.inventory.nesting import LONG_VRS
from pacslift.inventory.stored import StoredObject

Edits: TypeAlias = Mapping[int, tuple[Segment, ...]]

SMALL = 32 * 1024  # bytes


class Cut(NamedTuple):
    """The original from *start* to *end* as it is, and behind it what is new."""

    start: int
    end: int
    new: tuple[Segment, ...]


def splice(stored: StoredObject, edits: Edits) -> tuple[Segment, ...]:
    """Give the data set with some elements replaced, inserted or left out.

    Takes   *edits*, tag to the whole new element with its header; no segment leaves the element
            out, whether it is there or not.
    Gives   segments in tag order. Elements whose tag was met before are left out.
    """
    if not stored.header.ascending:
        return resorted(stored, edits)
    cuts, rest = cuts_of(stored, edits)
    return spliced(stored, cuts, rest)


def cuts_of(stored: StoredObject, edits: Edits) -> tuple[list[Cut], int]:
    """Give where the original, which is in order, is cut for the edits; and where its rest begins.

    What is edited lies between one cut's end and the next one's start.
    """
    places, ends = stored.header.places, stored.header.ends
    tags = list(places) if edits.keys() - places.keys() else []
    cuts: list[Cut] = []
    done = stored.dataset_start
    for tag in sorted(edits):
        place = places.get(tag)
        start = place[1] if place else _behind(stored, tags, tag)
        cuts.append(Cut(done, start, edits[tag]))
        done = start
        if place:
            _, _, value, length = place
            done = ends[tag] if length == UNDEFINED else value + length
    return cuts, done


def spliced(stored: StoredObject, cuts: Sequence[Cut], rest: int) -> tuple[Segment, ...]:
    """Give the original with what is new put in at the cuts."""
    source, base = stored.source, stored.dataset_start
    tail = source.segments(rest, stored.dataset_end)
    if not cuts:
        return tail
    first = next(iter(source.segments(base, stored.dataset_end)), None)
    memory = first if isinstance(first, memoryview) else memoryview(b"")
    in_memory = base + len(memory)
    pieces: list[Segment] = []
    for start, end, new in cuts:
        if end <= in_memory:
            pieces.append(memory[start - base : end - base])
        else:
            pieces += source.segments(start, end)
        pieces += new
    return (*_together(pieces), *tail)


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
        if isinstance(piece, memoryview) and len(piece) <= SMALL:
            small.append(piece)
            continue
        if small:
            yield memoryview(b"".join(small))
            small = []
        yield piece
    if small:
        yield memoryview(b"".join(small))


def resorted(stored: StoredObject, edits: Edits) -> tuple[Segment, ...]:
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
