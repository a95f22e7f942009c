"""What lies inside sequences: read element by element, and written anew with changes.

Strategy: the items of the one top-level sequence that a rule asks about are parsed into a tree of
nodes that hold their bytes, and only those; depth is limited by the walk before (inventory.nesting)
and once more here. What is not changed keeps its bytes, its VR and its way of saying its length;
where something changes, only the defined lengths around it are written anew.

PS3.5 7.5 (items and delimiters), 6.2.2 note 2 (UN of undefined length holds Implicit VR).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import Encoding
from pacslift.inventory.nesting import (
    BIG,
    DEEPEST,
    ITEM,
    ITEM_END,
    LITTLE,
    LONG_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Content,
)
from pacslift.repair import values

_CHARACTER_SET = 0x00080005
_SHORT_MOST = 0xFFFE
_SHORT_HEADER = 8


class Inner(NamedTuple):
    """An element inside a sequence, as a rule sees it.

    path           the tags of the sequences around it inside the top-level one, outermost first
    vr             the dictionary's under Implicit VR
    value          bytes as written; empty for a sequence, whose elements follow: it can be
                   removed, not given another value
    character_set  what (0008,0005) says in its item, or in the nearest one around it
    item           the number of its item, counted from 1 through the whole top-level sequence
    items          the same in each sequence on the way by itself, the top-level one first
    """

    path: tuple[int, ...]
    tag: int
    vr: bytes
    value: bytes
    character_set: bytes
    item: int
    is_sequence: bool = False
    items: tuple[int, ...] = ()


class Removed:
    """The type of REMOVED."""


REMOVED: Final = Removed()
Outcome: TypeAlias = bytes | Removed | None
Change: TypeAlias = Callable[[Inner], Outcome]


@dataclass(slots=True)
class Node:
    """An element: its header and value as written, or its items instead of a value.

    *value* of fragments, and *tail* of a sequence, end with the sequence delimiter if there is one.
    """

    tag: int
    vr: bytes
    header: bytes
    content: Content
    value: bytes = b""
    items: "list[Item] | None" = None
    tail: bytes = b""
    undefined: bool = False


@dataclass(slots=True)
class Item:
    """An item: its elements, and its delimiter if its length is undefined."""

    number: int
    nodes: list[Node]
    content: Content
    tail: bytes = b""
    undefined: bool = False


class Way(NamedTuple):
    """Which sequences lead to an element, and by which of their items."""

    path: tuple[int, ...]
    items: tuple[int, ...]

    def into(self, nth: int, tag: int) -> "Way":
        """Give the way into a sequence in the item *nth*."""
        return Way((*self.path, tag), (*self.items, nth))


_TOP = Way((), ())


def content_of(encoding: Encoding, vr: bytes, value: bytes) -> Content:
    """Say how the items of a sequence are written; under UN the first item's bytes tell."""
    if vr == b"UN":
        return Content(implicit=True, order=BIG if value[:2] == b"\xff\xfe" else LITTLE)
    order = BIG if encoding is Encoding.EXPLICIT_BIG else LITTLE
    return Content(encoding is Encoding.IMPLICIT_LITTLE, order)


def parsed(value: bytes, content: Content) -> tuple[list[Item], bytes]:
    """Give the items of a sequence's value, and its delimiter if it has one.

    Raises  SetAsideError HEADER_DAMAGED where the items cannot be followed.
    """
    items, position = _Parser(value).items(0, len(value), content, 0)
    return items, value[position:]


def elements(value: bytes, content: Content, character_set: bytes) -> Iterator[Inner]:
    """Give the elements of a sequence's value, to any depth. Raises what parsed() raises."""
    return _inner_of(parsed(value, content)[0], _TOP, character_set)


def item_count(value: bytes, content: Content) -> int:
    """Give the number of items in a sequence's value, those of inner sequences included."""
    parser = _Parser(value)
    parser.items(0, len(value), content, 0)
    return parser.met


def rewritten(value: bytes, content: Content, character_set: bytes, change: Change) -> bytes:
    """Give a sequence's value with *change* made; the delimiter at its end, if any, stays."""
    items, tail = parsed(value, content)
    return _written(items, _TOP, character_set, change) + tail


def _inner_of(items: list[Item], way: Way, outer: bytes) -> Iterator[Inner]:
    for nth, item in enumerate(items, 1):
        character_set = _own(item, outer)
        for node in item.nodes:
            yield _inner(node, way, nth, character_set, item.number)
            if node.items:
                yield from _inner_of(node.items, way.into(nth, node.tag), character_set)


def _own(item: Item, outer: bytes) -> bytes:
    """Give the character set of an item: its own, or the one around it."""
    return next((node.value for node in item.nodes if node.tag == _CHARACTER_SET), outer)


def _inner(node: Node, way: Way, nth: int, character_set: bytes, number: int) -> Inner:
    is_sequence, items = node.items is not None, (*way.items, nth)
    return Inner(way.path, node.tag, node.vr, node.value, character_set, number, is_sequence, items)


def _written(items: list[Item], way: Way, outer: bytes, change: Change) -> bytes:
    out: list[bytes] = []
    for nth, item in enumerate(items, 1):
        character_set = _own(item, outer)
        body = b"".join(
            _node(node, way, (nth, item.number), character_set, change) for node in item.nodes
        )
        length = UNDEFINED if item.undefined else len(body)
        out += [item.content.order.implicit.pack(0xFFFE, 0xE000, length), body, item.tail]
    return b"".join(out)


def _node(
    node: Node, way: Way, numbers: tuple[int, int], character_set: bytes, change: Change
) -> bytes:
    nth, number = numbers
    outcome = change(_inner(node, way, nth, character_set, number))
    if isinstance(outcome, Removed):
        return b""
    if node.items is None:
        if outcome is None or outcome == node.value:
            return node.header + node.value
        new = values.padded(node.vr, outcome)
        return resized(node.header, len(new), node.content) + new
    body = _written(node.items, way.into(nth, node.tag), character_set, change) + node.tail
    return (node.header if node.undefined else resized(node.header, len(body), node.content)) + body


def resized(header: bytes, length: int, content: Content) -> bytes:
    """Give an element's header with another length."""
    if content.implicit or len(header) > _SHORT_HEADER:
        return header[:-4] + content.order.length.pack(length)
    if length > _SHORT_MOST:
        raise _damage(f"a value of {length} bytes does not fit into its VR")
    return header[:6] + Struct("<H" if content.order is LITTLE else ">H").pack(length)


class _Parser:
    """One pass over the bytes of a sequence."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.met = 0  # items, to any depth

    def items(
        self, position: int, end: int, content: Content, depth: int
    ) -> tuple[list[Item], int]:
        """Parse items up to the end or a delimiter; give them, and the offset in front of it."""
        if depth > DEEPEST:
            raise _damage(f"sequences nest deeper than {DEEPEST}")
        found: list[Item] = []
        head = content.order.implicit
        while position + head.size <= end:
            group, element, length = head.unpack_from(self._data, position)
            tag = group << 16 | element
            if tag == SEQUENCE_END:
                return found, position
            start = position + head.size
            stop = end if length == UNDEFINED else start + length
            if tag != ITEM or stop > end:
                raise _damage("a sequence holds something else than whole items")
            self.met += 1
            item = Item(self.met, [], content, undefined=length == UNDEFINED)
            found.append(item)
            position = self._item(item, start, stop, depth)
        if position != end:
            raise _damage("a sequence ends inside the header of an item")
        return found, position

    def _item(self, item: Item, position: int, end: int, depth: int) -> int:
        """Parse an item's elements; give the offset behind it."""
        while position + 8 <= end:
            node, start, length = self._head(position, end, item.content)
            if node.tag == ITEM_END:
                item.tail = self._data[position : position + 8]
                return position + 8
            item.nodes.append(node)
            position = self._value(node, start, length, end, depth)
        if item.undefined or position != end:
            raise _damage("an item of a sequence has no end")
        return position

    def _value(self, node: Node, start: int, length: int, end: int, depth: int) -> int:
        """Parse an element's value, which begins at *start*; give the offset behind it."""
        node.undefined = length == UNDEFINED
        stop = end if node.undefined else start + length
        if node.undefined and node.vr not in {b"SQ", b"UN"}:
            stop = self._behind_fragments(start, end, node)
        elif node.undefined or node.vr == b"SQ":
            content = node.content
            if node.vr == b"UN":
                content = content_of(Encoding.EXPLICIT_LITTLE, b"UN", self._data[start : start + 2])
            node.items, behind = self.items(start, stop, content, depth + 1)
            stop = behind + 8 if node.undefined else stop
            node.tail = self._data[behind:stop]
            return stop
        node.value = self._data[start:stop]
        return stop

    def _head(self, position: int, end: int, content: Content) -> tuple[Node, int, int]:
        implicit, order = content
        data = self._data
        group, number, vr, length = order.explicit.unpack_from(data, position)
        tag, value = group << 16 | number, position + 8
        if implicit or tag == ITEM_END:
            (length,) = order.length.unpack_from(data, position + 4)
            vr = values.standard_vr(tag)
            vr = b"SQ" if length == UNDEFINED and vr not in {b"OB", b"OW"} else vr
        elif vr in LONG_VRS and position + 12 <= end:
            (length,) = order.length.unpack_from(data, position + 8)
            value = position + 12
        elif vr not in SHORT_VRS:
            raise _damage("inside a sequence the bytes are no element header")
        if length != UNDEFINED and value + length > end:
            raise _damage(f"the element {values.name(tag)} runs past the end of its item")
        return Node(tag, vr, data[position:value], content), value, length

    def _behind_fragments(self, position: int, end: int, node: Node) -> int:
        """Find the end of encapsulated pixels inside an item, such as an icon's."""
        item = node.content.order.implicit
        while position + item.size <= end:
            group, element, length = item.unpack_from(self._data, position)
            position += item.size
            if group << 16 | element == SEQUENCE_END:
                return position
            position += length
        raise _damage(f"the fragments of {values.name(node.tag)} have no end")


def _damage(what: str) -> SetAsideError:
    return SetAsideError(Cause.HEADER_DAMAGED, f"{what}; look for another copy of the object")
