"""Find the end of a sequence, or of fragments, of undefined length.

Strategy: one loop and a stack of its own, never recursion, so that a hostile nesting costs nothing
but an early end (a well known test object of deep sequences kills three toolkits). Items of defined
length are jumped over. The bytes are seen through a window that moves forward, so memory does not
grow with the object.

PS3.5 7.5 (sequences, items, delimiters), 6.2.2 note 2 (UN of undefined length holds Implicit VR
Little Endian whatever the transfer syntax), A.4 (fragments are items of defined length).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from struct import Struct
from typing import NamedTuple

from pacslift.inventory.bytesource import FIRST_BLOCK, ByteSource

UNDEFINED = 0xFFFFFFFF
DEEPEST = 64  # sequences within sequences; real objects stay below ten
_NEAR = 4 * 1024  # read after a jump: only an element's header is wanted there
_FAR = 256 * 1024  # read when the walk runs out of its window: it goes on element by element
MARGIN = 16  # zero bytes behind the end, so that a header cut short can be unpacked
_MARGIN = bytes(MARGIN)

ITEM_GROUP = 0xFFFE
ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD


class Fault(StrEnum):
    """Why a walk stopped before the end."""

    OVERRUN = "a length runs past the end"
    NO_ELEMENT = "the bytes are no element header"
    BAD_UNDEFINED = "undefined length where the VR does not allow it"
    NO_ITEM = "a sequence holds something else than items"
    NO_DELIMITER = "the bytes end inside a sequence, after a whole item"
    TOO_DEEP = f"sequences nest deeper than {DEEPEST}"
    TOO_MANY = "too many elements"


def _names(text: str) -> frozenset[bytes]:
    return frozenset(text.encode().split())


# PS3.5 tables 7.1-1 and 7.1-2: VRs with 32-bit lengths, and the others.
LONG_VRS = _names("OB OD OF OL OV OW SQ SV UC UN UR UT UV")
SHORT_VRS = _names("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US")


class ByteOrder(NamedTuple):
    """How the parts of an element's header are unpacked."""

    explicit: Struct  # group, element, VR, 16-bit length
    implicit: Struct  # group, element, 32-bit length
    length: Struct


LITTLE = ByteOrder(Struct("<HH2sH"), Struct("<HHI"), Struct("<I"))
BIG = ByteOrder(Struct(">HH2sH"), Struct(">HHI"), Struct(">I"))


class Window:
    """The part of a source that is in memory while it is walked forward."""

    def __init__(self, source: ByteSource, start: int, end: int) -> None:
        self._source = source
        self.end = min(end, source.size)
        self.base = start
        self.data = b""
        # What the source has read already costs nothing.
        self._load(start, FIRST_BLOCK - start if start < FIRST_BLOCK else FIRST_BLOCK)

    def reach(self, position: int) -> int:
        """Give where *position* lies in data; 16 bytes can be unpacked there."""
        if position > self.limit:
            self._load(position, _NEAR if position > self.base + len(self.data) else _FAR)
        return position - self.base

    def _load(self, position: int, block: int) -> None:
        size = max(min(block, self.end - position), 0)
        self.data = self._source.read(position, size) + _MARGIN
        self.base = position
        at_end = position + size >= self.end
        self.limit = self.end if at_end else position + size - len(_MARGIN)


@dataclass(slots=True)
class Nested:
    """What lies behind a header with undefined length.

    end     offset behind the delimiter; with a fault, where the trouble is
    items   items on the first level, fragments and their offset table included
    odd     whether one of those has an odd length
    """

    end: int
    items: int = 0
    odd: bool = False
    fault: Fault | None = None


class Content(NamedTuple):
    """How the elements inside an item are written."""

    implicit: bool
    order: ByteOrder


class _Event(Enum):
    """What made the walk of one level pause, other than a fault."""

    ITEM_OPENS = 1
    ITEM_ENDS = 2
    SEQUENCE_OPENS = 3
    UNKNOWN_OPENS = 4  # a sequence under VR UN
    SEQUENCE_ENDS = 5


def behind_sequence(window: Window, position: int, content: Content) -> Nested:
    """Walk from the first item, at *position*, to behind the sequence's delimiter."""
    levels = [content]
    found = Nested(position)
    while True:
        event = _through_items(window, found, levels[-1].order, first=len(levels) == 1)
        if event is _Event.SEQUENCE_ENDS:
            levels.pop()
        if not levels or isinstance(event, Fault):
            found.fault = event if isinstance(event, Fault) else None
            return found
        event = _through_item(window, found, levels[-1])
        if isinstance(event, Fault):
            found.fault = event
            return found
        if event is not _Event.ITEM_ENDS:
            unknown = event is _Event.UNKNOWN_OPENS
            levels.append(inside(window, found.end, levels[-1], unknown=unknown))
        if len(levels) > DEEPEST:
            found.fault = Fault.TOO_DEEP
            return found


def inside(window: Window, position: int, content: Content, *, unknown: bool) -> Content:
    """Say how a sequence's items are written; under VR UN the first item's bytes tell the order."""
    if not unknown:
        return content
    offset = window.reach(position)
    big = window.data[offset : offset + 2] == b"\xff\xfe"
    return Content(implicit=True, order=BIG if big else LITTLE)


def _through_items(
    window: Window, found: Nested, order: ByteOrder, *, first: bool
) -> _Event | Fault:
    """Jump from item to item until one has to be entered, or the sequence ends."""
    unpack, position, items, odd = order.implicit.unpack_from, found.end, 0, 0
    event: _Event | Fault = Fault.NO_DELIMITER if first else Fault.OVERRUN
    while position + 8 <= window.end:
        offset = window.reach(position)
        group, element, length = unpack(window.data, offset)
        tag = group << 16 | element
        behind = position + 8 + length
        if tag == ITEM and length != UNDEFINED and behind <= window.end:
            position = behind
            items += 1
            odd |= length
            continue
        event, position = _not_jumped(tag, length, position, event)
        items += event is _Event.ITEM_OPENS
        break
    found.end = position
    if first:
        found.items += items
        found.odd |= bool(odd & 1)
    return event


def _not_jumped(
    tag: int, length: int, position: int, cut: _Event | Fault
) -> tuple[_Event | Fault, int]:
    """Say what stands in a sequence instead of an item to jump over; *cut* is for zero bytes."""
    if tag == SEQUENCE_END:
        return _Event.SEQUENCE_ENDS, position + 8
    if tag == ITEM and length == UNDEFINED:
        return _Event.ITEM_OPENS, position + 8
    if tag == ITEM:
        return Fault.OVERRUN, position
    return Fault.NO_ITEM if tag else cut, position


def _through_item(window: Window, found: Nested, content: Content) -> _Event | Fault:
    """Jump from element to element until the item ends or a sequence opens."""
    implicit, order = content
    position = found.end
    while position + 8 <= window.end:
        offset = window.reach(position)
        found.end = position
        group, element, vr, length = order.explicit.unpack_from(window.data, offset)
        size = 8
        if group == ITEM_GROUP:
            found.end = position + 8
            closes = element == ITEM_END & 0xFFFF
            return _Event.ITEM_ENDS if closes else Fault.NO_ELEMENT
        if implicit or vr in LONG_VRS:
            size = 8 if implicit else 12
            (length,) = order.length.unpack_from(window.data, offset + size - 4)
            if length == UNDEFINED:
                found.end = position + size
                return _opens(vr, implicit=implicit)
        elif vr not in SHORT_VRS:
            return Fault.NO_ELEMENT
        position += size + length
    return Fault.OVERRUN


def _opens(vr: bytes, *, implicit: bool) -> _Event | Fault:
    if implicit or vr in {b"SQ", b"OB", b"OW"}:
        return _Event.SEQUENCE_OPENS
    return _Event.UNKNOWN_OPENS if vr == b"UN" else Fault.BAD_UNDEFINED
