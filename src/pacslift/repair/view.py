"""An object as the rules see it: its elements with the edits of the rules before, read-only.

Nothing is decoded or copied before a rule asks for it. Values are those of the top level; what lies
inside sequences is given by inner(), and changed by rewritten(), which writes the sequence anew
with its other bytes as they were.
"""

from collections.abc import Callable, Iterator, Sequence
from re import Pattern
from typing import TYPE_CHECKING, TypeAlias

from pacslift.inventory.bytesource import FIRST_BLOCK, Segment
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Encoding
from pacslift.inventory.nesting import Content
from pacslift.inventory.stored import StoredObject
from pacslift.repair import escapes, nested, segments, texts, values
from pacslift.repair.layout import Layout, layout_of

if TYPE_CHECKING:
    from pacslift.repair.orders import Orders
    from pacslift.repair.rule import Edit

_CHARACTER_SET = 0x00080005
_WITH_ITEMS = frozenset({b"SQ", b"UN"})
_DELIMITER = 8  # bytes
_ABOVE_ALL = 1 << 32  # tags
Look: TypeAlias = Callable[[bytes, Encoding, bytes], bool]
_BULK = frozenset({PIXEL_DATA, 0x7FE00008, 0x7FE00009})  # pixel data in words, float, double float


class View:
    """An object between being read and being written.

    stored    the object as read; its bytes, its header, its envelope
    orders    what the job says of it
    edits     what the rules have given so far, by tag
    encoding, transfer_syntax_uid   how the object is written
    """

    __slots__ = (
        "_codecs",
        "_head",
        "_layout",
        "_near",
        "_places",
        "edits",
        "encoding",
        "orders",
        "stored",
        "transfer_syntax_uid",
    )

    def __init__(self, stored: StoredObject, orders: "Orders") -> None:
        self.stored = stored
        self.orders = orders
        self.edits: dict[int, Edit] = {}
        self.encoding: Encoding = stored.header.encoding
        self.transfer_syntax_uid = stored.transfer_syntax_uid
        self._codecs: tuple[bytes, texts.Codecs] = (b"?", None)
        self._head = stored.source.read(0, FIRST_BLOCK)
        self._places = stored.header.places
        self._layout: Layout | None = None
        self._near = _near(stored, len(self._head))

    def __contains__(self, tag: int) -> bool:
        edit = self.edits.get(tag)
        return edit.value is not None if edit else tag in self._places

    @property
    def layout(self) -> Layout:
        """The elements and VRs of the object as it was read."""
        if self._layout is None:
            self._layout = layout_of(self.stored.header)
        return self._layout

    def tags_of(self, vrs: frozenset[bytes]) -> Sequence[int]:
        """Give the tags of the elements with one of these VRs; quick, since layouts are kept."""
        tags = self.layout.of(vrs)
        if not self.edits:
            return tags
        new = [tag for tag, edit in self.edits.items() if edit.value is not None]
        more = [tag for tag in new if self.vr(tag) in vrs]
        return sorted({*(tag for tag in tags if tag not in self.edits), *more})

    def values_of(self, tags: Sequence[int]) -> list[bytes]:
        """Give the values of elements that are there; quick, none is decoded or looked at."""
        if not tags:
            return []
        near = tags[-1] < self._near and self.stored.header.ends.keys().isdisjoint(tags)
        if near and self.edits.keys().isdisjoint(tags):
            head, places = self._head, self._places
            return [
                head[value : value + length]
                for _, _, value, length in [places[tag] for tag in tags]
            ]
        return [self.value(tag) or b"" for tag in tags]

    def values_in_form(self, tags: Sequence[int], form: Pattern[bytes]) -> list[bytes]:  # noqa: ARG002
        """Give the same for somebody who wants to know no more than whether they match *form*."""
        return self.values_of(tags)

    def is_fine_inside(self, tag: int, look: Look) -> bool:
        """Say whether all values inside a sequence are fine, to any depth.

        Takes   *look*, which is given the sequence's value, and how it is written.
        """
        return look(self._value_to_look_into(tag) or b"", self.encoding, self.vr(tag))

    def may_have_escapes(self, most: int) -> bool:
        """Say whether the header's bytes up to the pixels, at most so many, hold an escape.

        One search, which nearly always ends it. Those in numbers are none.
        """
        header = self.stored.header
        pixels = header.places.get(PIXEL_DATA)
        end = min(pixels[1] if pixels else header.stop, header.start + most)
        data = self.stored.source.read(header.start, end - header.start)
        return escapes.may_be_in(data, 0, len(data), header, base=header.start)

    def tags(self) -> Iterator[int]:
        """Give the tags of all elements, ascending."""
        if not self.edits and self.stored.header.ascending:
            return iter(self._places)
        tags = {*self._places, *self.edits}
        return (tag for tag in sorted(tags) if tag in self)

    def tags_but_pixels(self) -> Iterator[int]:
        """Give the same without pixel data, which a damaged header may give the VR of a text."""
        return (tag for tag in self.tags() if tag not in _BULK)

    def vr(self, tag: int) -> bytes:
        """Give the VR of an element that is there; the dictionary's under Implicit VR."""
        edit = self.edits.get(tag)
        if edit:
            return edit.vr or values.standard_vr(tag)
        return self._places[tag][0] or values.standard_vr(tag)

    def as_written(self, tags: Sequence[int]) -> tuple[object, ...]:
        """Give something for each element that is equal only where VR and value are."""
        if not self.edits.keys().isdisjoint(tags):
            return tuple([self._vr_and_value(tag) for tag in tags])
        head, size, place_of = self._head, len(self._head), self._places.get
        return tuple(
            [
                None
                if (place := place_of(tag)) is None
                else head[place[1] : end]  # header and all
                if (end := place[2] + place[3]) <= size
                else self._vr_and_value(tag)
                for tag in tags
            ]
        )

    def _vr_and_value(self, tag: int) -> object:
        return (self.vr(tag), self.value(tag)) if tag in self else None

    def length(self, tag: int) -> int:
        """Give the bytes of an element's value, also of Pixel Data; -1 where there is none."""
        edit = self.edits.get(tag)
        if edit:
            return -1 if edit.value is None else _size(edit.value)
        element = self.stored.header.find(tag)
        return element.end - element.value if element else -1

    def value(self, tag: int) -> bytes | None:
        """Give the bytes of an element's value as written; None where there is no such element.

        Those of a sequence of undefined length end with its delimiter. Pixel Data is never read:
        ask for segments() or length().
        """
        if tag in _BULK:
            raise ValueError(f"the value of {values.name(tag)} is not read into memory")
        edit = self.edits.get(tag)
        if edit is None:
            place = self._places.get(tag)
            if place is None:
                return None
            _, _, start, length = place
            end = start + length
            return self._head[start:end] if end <= len(self._head) else self.stored.value(tag)
        if edit.value is None or isinstance(edit.value, bytes):
            return edit.value
        return segments.joined(edit.value)

    def segments(self, tag: int) -> tuple[Segment, ...]:
        """Give an element's value as pieces for sending, read or not; none where it is absent."""
        edit = self.edits.get(tag)
        if edit:
            value = edit.value or ()
            return (memoryview(value),) if isinstance(value, bytes) else value
        element = self.stored.header.find(tag)
        return self.stored.source.segments(element.value, element.end) if element else ()

    def is_undefined(self, tag: int) -> bool:
        """Say whether the element's length is undefined."""
        edit = self.edits.get(tag)
        if edit:
            return edit.undefined
        place = self._places.get(tag)
        return place is not None and place[3] == UNDEFINED

    def text(self, tag: int) -> str:
        """Give a text of the basic character set, padding stripped; "" where it is absent."""
        return (self.value(tag) or b"").decode("latin-1").strip("\0 ")

    def own_text(self, tag: int) -> str:
        """Give the same of an element that tells this object from all others."""
        return self.text(tag)

    def number(self, tag: int) -> int | None:
        """Give the first value of US, SS, UL, SL or IS; None where there is none."""
        raw = self.value(tag)
        if not raw:
            return None
        vr = self.vr(tag)
        known = vr if vr != b"UN" else values.standard_vr(tag)
        return values.number(known, raw, big=self.encoding is Encoding.EXPLICIT_BIG)

    def codecs(self) -> texts.Codecs:
        """Give Python's codecs for the object's Specific Character Set; None if it is unknown."""
        raw = self.value(_CHARACTER_SET) or b""
        if self._codecs[0] != raw:
            self._codecs = (raw, texts.codecs_of(raw))
        return self._codecs[1]

    def decoded(self, tag: int) -> tuple[str, ...]:
        """Give a text in the object's character set, its values split and stripped.

        Raises  SetAsideError TEXT_UNREADABLE where the bytes are no text in that character set.
        """
        raw = self.value(tag)
        if raw is None:
            return ()
        vr = self.vr(tag)
        text = texts.decode(raw, self.codecs())
        parts = [text] if vr in values.UNSPLIT_VRS else text.split("\\")
        return tuple(part.strip("\0 ") for part in parts)

    def sequences(self) -> Iterator[int]:
        """Give the tags of all elements that hold items, UN of undefined length included."""
        for tag in self.tags_of(_WITH_ITEMS):
            if self.vr(tag) == b"SQ" or self.is_undefined(tag):
                yield tag

    def inner(self, tag: int) -> Iterator[nested.Inner]:
        """Give every element inside a sequence, to any depth, in the order of the file."""
        value = self._value_to_look_into(tag)
        if value:
            characters = self.value(_CHARACTER_SET) or b""
            yield from nested.elements(value, self.content(tag), characters)

    def _value_to_look_into(self, tag: int) -> bytes | None:
        """Give a sequence's value; none of pixels, whatever VR a damaged header gives them."""
        return None if tag in _BULK else self.value(tag)

    def rewritten(self, tag: int, change: Callable[[nested.Inner], nested.Outcome]) -> bytes | None:
        """Give a sequence's value with *change* made to the elements inside it, at any depth.

        Takes   *change*, which gives the new value of an element, nested.REMOVED to leave it out,
                or None to leave it as it is.
        Gives   the bytes for an Edit with the VR that the element has; None where nothing changes.
        """
        value = self._value_to_look_into(tag)
        if not value:
            return None
        content, characters = self.content(tag), self.value(_CHARACTER_SET) or b""
        new = nested.rewritten(value, content, characters, change)
        if new == value:
            return None
        return new[:-_DELIMITER] if self.is_undefined(tag) and self.vr(tag) != b"UN" else new

    def content(self, tag: int) -> Content:
        """Say how the items of a sequence are written."""
        return nested.content_of(self.encoding, self.vr(tag), self.value(tag) or b"")

    def original_codecs(self) -> texts.Codecs:
        """Give the codecs of what the object declared when it was read; if nothing, of now."""
        raw = self.stored.value(_CHARACTER_SET)
        return texts.codecs_of(raw) if raw and raw.strip(b"\0 ") else self.codecs()


def _near(stored: StoredObject, size: int) -> int:
    """Give the tag below which all values lie in the first *size* bytes; 0 if none surely do."""
    header = stored.header
    if not header.ascending:
        return 0
    if stored.dataset_end <= size:
        return _ABOVE_ALL
    pixels = header.places.get(PIXEL_DATA)
    return PIXEL_DATA if pixels and pixels[1] <= size else 0


def _size(value: bytes | tuple[Segment, ...]) -> int:
    return len(value) if isinstance(value, bytes) else segments.total(value)
