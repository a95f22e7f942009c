"""Walk the top level of a data set element by element, as bytes.

Strategy: an element's header says where the next one starts, so values are jumped over, not read;
what has undefined length is left to nesting.py. Damage raises nothing: the walk stops and says
where and why, because whoever sniffs an encoding must be able to fail cheaply (repair.md 1.1).
What was walked before is met as a run (familiar.py) and not walked again.
Cost: linear in the number of elements; about a fifth of a microsecond for each that is new.

PS3.5 7.1 (element headers), A.4 (Pixel Data of undefined length).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pacslift.inventory.bytesource import ByteSource
from pacslift.inventory.familiar import Familiar, Place
from pacslift.inventory.nesting import (
    BIG,
    ITEM_GROUP,
    LITTLE,
    LONG_VRS,
    MARGIN,
    SHORT_VRS,
    UNDEFINED,
    Content,
    Fault,
    Window,
    behind_sequence,
    inside,
)

__all__ = ["PIXEL_DATA", "UNDEFINED", "Element", "Encoding", "Fault", "Header", "walk"]

PIXEL_DATA = 0x7FE00010
_WORTH_LEARNING = 16  # elements that were not met as a run
MOST_ELEMENTS = 65_536  # on the top level; real objects stay below ten thousand
_NO_TAG = ITEM_GROUP << 16  # items and delimiters are no elements of a data set, nor is (0000,0000)
_NONE: frozenset[bytes] = frozenset()
_UNDEFINED_VRS = frozenset({b"", b"SQ", b"UN", b"OB", b"OW"})


class Encoding(StrEnum):
    """How elements are written; what a transfer syntax says apart from compression."""

    IMPLICIT_LITTLE = "Implicit VR Little Endian"
    EXPLICIT_LITTLE = "Explicit VR Little Endian"
    EXPLICIT_BIG = "Explicit VR Big Endian"


class Element(NamedTuple):
    """One element of the top level. Offsets count from the start of the source.

    *length* is as written, UNDEFINED where there is none; *end* is the offset behind the value and
    its delimiter. *vr* is empty under Implicit VR.
    """

    tag: int
    vr: bytes
    start: int
    value: int
    length: int
    end: int


_FAMILIAR = {encoding: Familiar() for encoding in Encoding}


@dataclass(slots=True)
class Header:
    """What a walk found.

    places   tag to its Place, in file order
    ends     tag to the offset behind the element, only for those of undefined length
    repeats  elements whose tag was met before
    start    offset of the first element
    stop     offset behind the last whole element; where the walk stopped if there is a fault
    items    items or fragments on the first level of the sequence walked last
    odd      some element has an odd length; odd_items the same of those items or fragments
    """

    encoding: Encoding
    start: int
    stop: int
    places: dict[int, Place] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    repeats: list[Element] = field(default_factory=list)
    fault: Fault | None = None
    ascending: bool = True
    odd: bool = False
    items: int = 0
    odd_items: bool = False

    def __contains__(self, tag: int) -> bool:
        return tag in self.places

    def find(self, tag: int) -> Element | None:
        """Give the element with this tag, the first one if there are several."""
        place = self.places.get(tag)
        if place is None:
            return None
        vr, start, value, length = place
        end = self.ends[tag] if length == UNDEFINED else value + length
        return Element(tag, vr, start, value, length, end)

    def elements(self) -> Iterator[Element]:
        """Give all elements in file order; of those with one tag, the first."""
        for tag, (vr, start, value, length) in self.places.items():
            end = self.ends[tag] if length == UNDEFINED else value + length
            yield Element(tag, vr, start, value, length, end)


def ends_in_fragments(header: Header, size: int) -> bool:
    """Say whether all has a defined length but Pixel Data, with which the source ends.

    Compressed objects of a series are alike in all but the length of these.
    """
    return header.ends == {PIXEL_DATA: size} and next(reversed(header.places)) == PIXEL_DATA


def walk(source: ByteSource, start: int, end: int, encoding: Encoding) -> Header:
    """Walk the elements from *start* to *end*.

    Gives a Header, also for damaged bytes: then with a fault, and everything before it. Pixel Data
    that lacks nothing but its sequence delimiter is in it, with the fault NO_DELIMITER.
    Raises SetAsideError only when the source cannot be read.
    """
    header = Header(encoding, start, start)
    window = Window(source, start, end)
    first = window.data
    fresh = _walk(window, header, _FAMILIAR[encoding])
    if fresh >= _WORTH_LEARNING and header.fault is None and header.ascending:
        _FAMILIAR[encoding].learn(header.places, first, start, len(first) - MARGIN)
    return header


def walk_on(source: ByteSource, known: Header) -> Header:
    """Walk from Pixel Data on, where all before them stands as in a header that was walked.

    Takes   *known*, a header whose last element they are.
    Gives   what walk() gives.
    """
    places = known.places.copy()
    _, start, _, _ = places.pop(PIXEL_DATA)
    header = Header(known.encoding, known.start, start, places, odd=known.odd)
    _walk(Window(source, start, source.size), header, _FAMILIAR[known.encoding])
    return header


def _walk(window: Window, header: Header, familiar: Familiar) -> int:  # noqa: C901, PLR0915
    """Fill the header; give how many elements had to be walked, and were not met as a run."""
    # One flat loop over local names, since this is the hottest code of the inventory. Under
    # Implicit VR there are no VRs to look up, which costs the other encodings nothing.
    implicit, order = _content(header.encoding)
    short_vrs, long_vrs = (_NONE, _NONE) if implicit else (SHORT_VRS, LONG_VRS)
    unpack, unpack_length = order.explicit.unpack_from, order.length.unpack_from
    places, position, end = header.places, header.stop, window.end
    data, base, limit = window.data, window.base, window.limit
    reach = min(end, UNDEFINED - 1)  # no element of undefined length ends before it
    last, odd, skipped, runs = 0, 0, 0, familiar.runs
    while position < end:
        if position > limit:
            if len(places) > MOST_ELEMENTS:
                header.fault = Fault.TOO_MANY
                break
            window.reach(position)
            data, base, limit = window.data, window.base, window.limit
        if position in runs:
            run = familiar.run_at(position, data, position - base, last, reach)
            if run is not None:
                places.update(run.places)
                skipped += len(run.places)
                last, position = run.last, run.end
                continue
        group, element, vr, length = unpack(data, position - base)
        if vr in short_vrs:
            value = position + 8
        elif vr in long_vrs:
            value = position + 12
            (length,) = unpack_length(data, position - base + 8)
        elif implicit:
            vr, value = b"", position + 8
            (length,) = unpack_length(data, position - base + 4)
        else:
            header.fault = Fault.NO_ELEMENT
            break
        tag = group << 16 | element
        behind = value + length
        if behind <= reach and last < tag < _NO_TAG:
            places[tag] = (vr, position, value, length)
            odd |= length
            last, position = tag, behind
        else:
            unusual = Element(tag, vr, position, value, length, behind)
            position = _note(window, header, unusual, last)
            last = max(last, tag)
            if header.fault is not None:
                break
    header.stop = position
    header.odd |= bool(odd & 1)
    return len(places) - skipped


def _content(encoding: Encoding) -> Content:
    order = BIG if encoding is Encoding.EXPLICIT_BIG else LITTLE
    return Content(encoding is Encoding.IMPLICIT_LITTLE, order)


def _note(window: Window, header: Header, element: Element, last: int) -> int:
    """Note an element that is out of the ordinary, or its fault; give where the walk goes on."""
    if not 0 < element.tag < _NO_TAG:
        header.fault = Fault.NO_ELEMENT
        return element.start
    if element.length == UNDEFINED:
        element = element._replace(end=_behind_delimiter(window, header, element))
        if element.end < 0:
            return element.start
    elif element.end > window.end:
        header.fault = Fault.OVERRUN
        return element.start
    else:
        header.odd |= bool(element.length & 1)
    header.ascending &= element.tag > last
    if element.tag in header.places:
        header.repeats.append(element)
    else:
        header.places[element.tag] = element[1:5]
    return element.end


def _behind_delimiter(window: Window, header: Header, element: Element) -> int:
    """Give where an element of undefined length ends; -1, and the fault noted, if nowhere."""
    if element.vr not in _UNDEFINED_VRS:
        header.fault = Fault.BAD_UNDEFINED
        return -1
    unknown = element.vr == b"UN"
    content = inside(window, element.value, _content(header.encoding), unknown=unknown)
    found = behind_sequence(window, element.value, content)
    header.fault, header.items, header.odd_items = found.fault, found.items, found.odd
    header.ends[element.tag] = found.end
    if found.fault is Fault.NO_DELIMITER and element.tag != PIXEL_DATA:
        header.fault = Fault.OVERRUN  # more items may have been lost: nothing says how many
    return found.end if header.fault in {None, Fault.NO_DELIMITER} else -1
