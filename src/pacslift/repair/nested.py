"""What lies inside sequences: read element by element, and written anew with changes.

Strategy: items are parsed from the bytes of the one top-level sequence that a rule asks about, and
only those; depth is limited by the walk before (inventory.nesting) and once more here. What is not
changed keeps its bytes, its VR and its way of saying its length; where something changes, only the
defined lengths around it are written anew.

PS3.5 7.5 (items and delimiters), 6.2.2 note 2 (UN of undefined length holds Implicit VR).
"""

from collections.abc import Callable, Iterator
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

__all__ = ["REMOVED", "Content", "Inner", "Outcome", "content_of", "elements", "rewritten"]

_CHARACTER_SET = 0x00080005
_SHORT_MOST = 0xFFFF


class Inner(NamedTuple):
    """An element inside a sequence.

    path           the tags of the sequences around it inside the top-level one, outermost first
    vr             the dictionary's under Implicit VR
    value          bytes as written; empty for a sequence, whose elements follow
    character_set  what (0008,0005) says in its item, or in the nearest one around it
    """

    path: tuple[int, ...]
    tag: int
    vr: bytes
    value: bytes
    character_set: bytes
    is_sequence: bool = False


class Removed:
    """The type of REMOVED."""


REMOVED: Final = Removed()
Outcome: TypeAlias = bytes | Removed | None
Change: TypeAlias = Callable[[Inner], Outcome]


class _Head(NamedTuple):
    tag: int
    vr: bytes
    value: int  # offset
    length: int


def content_of(encoding: Encoding, vr: bytes, value: bytes) -> Content:
    """Say how the items of a sequence are written; under UN the first item's bytes tell."""
    if vr == b"UN":
        return Content(implicit=True, order=BIG if value[:2] == b"\xff\xfe" else LITTLE)
    order = BIG if encoding is Encoding.EXPLICIT_BIG else LITTLE
    return Content(encoding is Encoding.IMPLICIT_LITTLE, order)


def elements(value: bytes, content: Content, character_set: bytes) -> Iterator[Inner]:
    """Give the elements of a sequence's value, to any depth."""
    found: list[Inner] = []

    def note(inner: Inner) -> None:
        found.append(inner)

    _Rewriting(value, note).sequence(0, len(value), content, (), character_set)
    yield from found


def rewritten(value: bytes, content: Content, character_set: bytes, change: Change) -> bytes:
    """Give a sequence's value with *change* made; the delimiter at its end, if any, stays."""
    return _Rewriting(value, change).sequence(0, len(value), content, (), character_set)[0]


class _Rewriting:
    """One pass over the bytes of a sequence, which gives them anew."""

    def __init__(self, data: bytes, change: Change) -> None:
        self._data = data
        self._change = change

    def sequence(
        self,
        position: int,
        end: int,
        content: Content,
        path: tuple[int, ...],
        character_set: bytes,
    ) -> tuple[bytes, int]:
        """Rewrite items up to *end* or a delimiter; give the bytes and the offset behind."""
        if len(path) > DEEPEST:
            raise _damage(f"sequences nest deeper than {DEEPEST}")
        out: list[bytes] = []
        head = content.order.implicit
        while position + head.size <= end:
            group, number, length = head.unpack_from(self._data, position)
            tag = group << 16 | number
            if tag == SEQUENCE_END:
                out.append(self._data[position : position + head.size])
                return b"".join(out), position + head.size
            if tag != ITEM:
                raise _damage("a sequence holds something else than items")
            start = position + head.size
            stop = end if length == UNDEFINED else start + length
            if stop > end:
                raise _damage("an item runs past the end of its sequence")
            body, position = self._item(start, stop, content, path, character_set)
            written = length if length == UNDEFINED else len(body)
            out += [head.pack(group, number, written), body]
        return b"".join(out), position

    def _item(
        self, position: int, end: int, content: Content, path: tuple[int, ...], outer: bytes
    ) -> tuple[bytes, int]:
        out: list[bytes] = []
        character_set = outer
        while position + 8 <= end:
            head = _head(self._data, position, end, content)
            if head.tag == ITEM_END:
                out.append(self._data[position : position + 8])
                return b"".join(out), position + 8
            if head.tag == _CHARACTER_SET:
                character_set = self._data[head.value : head.value + head.length]
            piece, position = self._element(position, head, end, content, path, character_set)
            out.append(piece)
        return b"".join(out), position

    def _element(
        self,
        start: int,
        head: _Head,
        end: int,
        content: Content,
        path: tuple[int, ...],
        character_set: bytes,
    ) -> tuple[bytes, int]:
        if head.length == UNDEFINED or (head.vr == b"SQ" and head.length):
            return self._deeper(start, head, end, content, path, character_set)
        behind = head.value + head.length
        value = self._data[head.value : behind]
        is_sequence = head.vr == b"SQ"
        outcome = self._change(Inner(path, head.tag, head.vr, value, character_set, is_sequence))
        if isinstance(outcome, Removed):
            return b"", behind
        if outcome is None or outcome == value or is_sequence:
            return self._data[start:behind], behind
        new = values.padded(head.vr, outcome)
        return resized(self._data[start : head.value], len(new), content) + new, behind

    def _deeper(
        self,
        start: int,
        head: _Head,
        end: int,
        content: Content,
        path: tuple[int, ...],
        character_set: bytes,
    ) -> tuple[bytes, int]:
        stop = end if head.length == UNDEFINED else head.value + head.length
        value = self._data[head.value : head.value + 2]
        if head.vr not in {b"SQ", b"UN"} or (head.vr == b"UN" and head.length != UNDEFINED):
            return self._fragments(start, head, stop, content)
        self._change(Inner(path, head.tag, head.vr, b"", character_set, is_sequence=True))
        inside = content if head.vr == b"SQ" else content_of(Encoding.EXPLICIT_LITTLE, b"UN", value)
        body, behind = self.sequence(head.value, stop, inside, (*path, head.tag), character_set)
        header = self._data[start : head.value]
        if head.length != UNDEFINED:
            header = resized(header, len(body), content)
        return header + body, behind

    def _fragments(self, start: int, head: _Head, end: int, content: Content) -> tuple[bytes, int]:
        """Pass over encapsulated pixels inside an item, such as an icon's."""
        position, item = head.value, content.order.implicit
        while position + item.size <= end:
            group, number, length = item.unpack_from(self._data, position)
            position += item.size
            if group << 16 | number == SEQUENCE_END:
                return self._data[start:position], position
            position += length
        raise _damage(f"the fragments of {values.name(head.tag)} have no end")


def _head(data: bytes, position: int, end: int, content: Content) -> _Head:
    implicit, order = content
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
    return _Head(tag, vr, value, length)


def resized(header: bytes, length: int, content: Content) -> bytes:
    """Give an element's header with another length."""
    if not content.implicit and len(header) == 8:  # noqa: PLR2004 - a length of 16 bits
        if length > _SHORT_MOST:
            raise _damage(f"a value of {length} bytes does not fit into its VR")
        short = Struct("<H" if content.order is LITTLE else ">H")
        return header[:6] + short.pack(length)
    return header[:-4] + content.order.length.pack(length)


def _damage(what: str) -> SetAsideError:
    return SetAsideError(Cause.HEADER_DAMAGED, f"{what}; look for another copy of the object")
