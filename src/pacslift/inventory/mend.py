"""A data set whose elements do not follow each other, written anew (repair.md 2).

Tried only after every plain walk has failed. Strategy: each element is read in the form in which
what follows it is an element again: as its VR says, with the VR that the dictionary has (S16), as
UN with a short length (S19), as the other VR form (E18), with the 16 bits that its length lost
(S13), with a length that two products are known to write (S15). Sequences end where their items
end (S06, S07, S09). The result is believed only if it comes to the end of the file exactly.
Every value is kept byte for byte; sequences get undefined lengths.

Memory: the object and its copy, so objects above MOST_BYTES are not tried. PS3.5 7.1, 7.5.
"""

import functools
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from pydicom.datadict import dictionary_VR

from pacslift.inventory.nesting import (
    DEEPEST,
    ITEM,
    ITEM_END,
    ITEM_GROUP,
    LONG_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
)

MOST_BYTES = 256 * 1024**2
_HEAD, _PLAIN, _LONG = Struct("<HH2sH"), Struct("<HHI"), Struct("<HH2sxxI")
_PIXEL_DATA, _PIXEL_REPRESENTATION = 0x7FE00010, 0x00280103
_SHORT_MOST = 0xFFFE
_WRONG_LENGTHS = {13: 10}  # GE and Theralys (S15)
_LEONARDO, _SIX, _FOUR = 0x0009, 6, 4  # Siemens writes UL of 4 bytes with the length 6 (S15)
_TEXT = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UI".split())
_LOST = 0x10000


class Mended(NamedTuple):
    """The data set anew, how it is written, and the ids of its faults."""

    data: bytes
    implicit: bool
    faults: tuple[str, ...]


class _BeyondMendingError(Exception):
    """No form fits."""


class _Form(NamedTuple):
    """How an element may be meant."""

    vr: bytes
    value: int
    length: int
    fault: str = ""


def mend(data: bytes, *, implicit: bool, explicit_out: bool = False) -> Mended | None:
    """Write *data*, a data set in Little Endian, anew; None if it cannot be.

    Takes   *implicit*, how most of it is written; *explicit_out*, write Explicit VR in any case.
    """
    writer = _Mender(data, implicit=implicit, explicit_out=explicit_out or not implicit)
    try:
        writer.run()
    except (_BeyondMendingError, RecursionError):
        return None
    if "E18" in writer.faults and not writer.explicit_out:
        return mend(data, implicit=implicit, explicit_out=True)
    return Mended(b"".join(writer.out), not writer.explicit_out, tuple(writer.faults))


def dictionary_vr(tag: int, *, signed: bool = False) -> bytes:
    """The VR of an element; UN where nobody knows. Of two VRs, the one that *signed* tells."""
    if not tag & 0xFFFF:
        return b"UL"
    if tag >> 16 & 1:
        return b"LO" if 0x10 <= tag & 0xFFFF < 0x100 else b"UN"  # noqa: PLR2004 - creators
    names = _names_of(tag)
    if "OW" in names:
        return b"OW"
    return names[min(int(signed), len(names) - 1)].encode()


@functools.lru_cache(maxsize=8192)
def _names_of(tag: int) -> tuple[str, ...]:
    """The VRs that the dictionary allows; UN alone for what it does not know."""
    try:
        return tuple(name for name in dictionary_VR(tag).split(" or ") if name != "NONE") or ("UN",)
    except KeyError:
        return ("UN",)


class _Mender:
    """One pass over the bytes; *out* is what it has written, *faults* an ordered set."""

    def __init__(self, data: bytes, *, implicit: bool, explicit_out: bool) -> None:
        self.data = data
        self.implicit = implicit
        self.explicit_out = explicit_out
        self.out: list[bytes] = []
        self.faults: dict[str, None] = {}
        self.signed = False
        self.ended = False  # the element before is a sequence of defined length
        self.parents: list[int] = []  # tags of the sequences that are open

    def run(self) -> None:
        position, end, last = 0, len(self.data), 0
        while position < end:
            tag = self.tag(position)
            if last >= _PIXEL_DATA and not tag and not self.data[position:].strip(b"\0"):
                self.faults["E15"] = None
                return
            if tag == SEQUENCE_END and self.ended:  # behind a sequence of defined length
                self.faults["S07"] = None
                position, self.ended = position + 8, False
                continue
            position = self.element(position, end, 0)
            last = tag

    def tag(self, position: int) -> int:
        if position + _PLAIN.size > len(self.data):
            raise _BeyondMendingError
        group, element, _ = _PLAIN.unpack_from(self.data, position)
        return int(group) << 16 | int(element)

    def length_at(self, position: int) -> int:
        return int.from_bytes(self.data[position : position + 4], "little")

    # Elements

    def element(self, position: int, end: int, depth: int) -> int:
        """Read the element at *position* and write it; give where the next one is."""
        tag = self.tag(position)
        form = next(self.fitting(position, tag, end), None)
        if form is None or not tag:
            raise _BeyondMendingError
        if form.fault:
            self.faults[form.fault] = None
        if form.length == UNDEFINED:
            return self.open_ended(form, tag, end, depth)
        behind = form.value + form.length
        self.ended = form.vr == b"SQ"
        if self.ended and form.length:
            self.head(tag, b"SQ", UNDEFINED)
            self.parents.append(tag)
            self.sequence(form.value, behind, depth, defined=True)
            self.parents.pop()
            self.ended = True
            return behind
        if tag == _PIXEL_REPRESENTATION:
            self.signed = self.data[form.value : form.value + 1] == b"\1"
        self.head(tag, form.vr, form.length)
        self.out.append(self.data[form.value : behind])
        return behind

    def open_ended(self, form: _Form, tag: int, end: int, depth: int) -> int:
        """An element of undefined length: a sequence, fragments, or UN with a sequence inside."""
        self.ended = False
        if form.vr == b"SQ":
            self.head(tag, b"SQ", UNDEFINED)
            self.parents.append(tag)
            behind = self.sequence(form.value, end, depth, defined=False)
            self.parents.pop()
            return behind
        if tag == _PIXEL_DATA or form.vr in {b"OB", b"OW"}:
            behind = self.behind_fragments(form.value, end)
        elif form.vr == b"UN":
            inner = _Mender(self.data, implicit=True, explicit_out=False)
            inner.parents.append(tag)
            behind = inner.sequence(form.value, end, depth, defined=False)
            if inner.faults:
                raise _BeyondMendingError
        else:
            raise _BeyondMendingError
        self.head(tag, form.vr, UNDEFINED)
        self.out.append(self.data[form.value : behind])
        return behind

    def behind_fragments(self, position: int, end: int) -> int:
        while self.tag(position) == ITEM:
            position += 8 + self.length_at(position + 4)
        if self.tag(position) != SEQUENCE_END or position + 8 > end:
            raise _BeyondMendingError
        return position + 8

    def head(self, tag: int, vr: bytes, length: int) -> None:
        """Write an element's header; what a short length cannot say becomes UN (CP-1066)."""
        group, element = tag >> 16, tag & 0xFFFF
        if not self.explicit_out:
            self.out.append(_PLAIN.pack(group, element, length))
        elif vr in LONG_VRS or length > _SHORT_MOST:
            long_vr = vr if vr in LONG_VRS else b"UN"
            self.out.append(_LONG.pack(group, element, long_vr, length))
        else:
            self.out.append(_HEAD.pack(group, element, vr, length))

    # Forms

    def fitting(self, position: int, tag: int, end: int) -> Iterator[_Form]:
        """The forms behind which an element follows, the likeliest first."""
        for form in self.forms(position, tag):
            if form.length == UNDEFINED:
                yield form
            elif form.value + form.length <= end:
                behind = form.value + form.length
                if self.goes_on(behind, end, tag if form.fault else 0):
                    yield form

    def forms(self, position: int, tag: int) -> Iterator[_Form]:
        _, _, vr, short = _HEAD.unpack_from(self.data, position)
        plain = self.length_at(position + 4)
        known = vr in SHORT_VRS or vr in LONG_VRS
        if self.implicit:
            meant = dictionary_vr(tag, signed=self.signed)
            meant = b"SQ" if meant == b"UN" and plain == UNDEFINED else meant
            yield _Form(meant, position + 8, plain)
            if plain in _WRONG_LENGTHS:
                yield _Form(meant, position + 8, _WRONG_LENGTHS[plain], "S15")
        if known:
            fault = "E18" if self.implicit else ""
            yield from self.explicit_forms(position, tag, vr, short, fault)
        elif not self.implicit:
            yield from self.strange_vr(position, tag, vr, short)

    def explicit_forms(
        self, position: int, tag: int, vr: bytes, short: int, fault: str
    ) -> Iterator[_Form]:
        """A VR that there is, with the lengths that it may be meant to have."""
        if vr in LONG_VRS:
            if not short:  # the two reserved bytes
                yield _Form(vr, position + 12, self.length_at(position + 8), fault)
            if vr == b"UN":
                yield _Form(vr, position + 8, short, "S19")
            return
        yield _Form(vr, position + 8, short, fault)
        if short in _WRONG_LENGTHS:
            yield _Form(vr, position + 8, _WRONG_LENGTHS[short], "S15")
        if tag >> 16 == _LEONARDO and vr == b"UL" and short == _SIX:
            yield _Form(vr, position + 8, _FOUR, "S15")
        if vr in _TEXT:
            longest = len(self.data) - position
            for lost in range(short + _LOST, longest, _LOST):
                yield _Form(b"UN", position + 8, lost, "S13")

    def strange_vr(self, position: int, tag: int, vr: bytes, short: int) -> Iterator[_Form]:
        """What is no VR: the dictionary's, with a short, a long or an implicit header."""
        meant = dictionary_vr(tag, signed=self.signed)
        lettered = [
            _Form(meant, position + 8, short, "S16"),
            _Form(meant, position + 12, self.length_at(position + 8), "S16"),
        ]
        plain = self.length_at(position + 4)
        sequence = b"SQ" if meant == b"UN" and plain == UNDEFINED else meant
        implicit = _Form(sequence, position + 8, plain, "E18")
        yield from [*lettered, implicit] if vr.isalpha() else [implicit, *lettered]

    def goes_on(self, position: int, end: int, above: int) -> bool:
        """Say whether at *position* the bytes end, or an element above *above* begins."""
        if position == end:
            return True
        if position + _HEAD.size > end or not any(self.data[position : position + 8]):
            return not self.data[position:end].strip(b"\0")
        group, element, vr, _ = _HEAD.unpack_from(self.data, position)
        tag = group << 16 | element
        if group == ITEM_GROUP:
            return tag in {ITEM, ITEM_END, SEQUENCE_END}
        if tag <= above:
            return False
        if not self.implicit and (vr in SHORT_VRS or vr in LONG_VRS):
            return True
        named = bool(group & 1) or _names_of(tag) != ("UN",) or not element
        return named and (not self.implicit or self.length_fits(position, end))

    def length_fits(self, position: int, end: int) -> bool:
        length = self.length_at(position + 4)
        vr = self.data[position + 4 : position + 6]
        return length == UNDEFINED or position + 8 + length <= end or vr in SHORT_VRS

    # Sequences

    def sequence(self, position: int, end: int, depth: int, *, defined: bool) -> int:
        """Read the items from *position* and write them; give what is behind the sequence."""
        if depth >= DEEPEST:
            raise _BeyondMendingError
        while True:
            if defined and position == end:
                break
            tag = self.tag(position)
            if tag == ITEM and position < end:
                position = self.item(position, end, depth, defined=defined)
                continue
            if tag in {SEQUENCE_END, ITEM_END}:
                position = self.closed(position, end, tag, defined=defined)
            elif defined or not tag:
                raise _BeyondMendingError
            else:
                self.faults["S06"] = None
            break
        self.out.append(_PLAIN.pack(ITEM_GROUP, SEQUENCE_END & 0xFFFF, 0))
        return position

    def closed(self, position: int, end: int, tag: int, *, defined: bool) -> int:
        """Go past the delimiter of a sequence, which may be an item's, or be one too many."""
        if defined:
            self.faults["S07"] = None
            if position + 8 != end:
                raise _BeyondMendingError
        elif tag == ITEM_END:
            self.faults["S06"] = None
        return position + 8

    def item(self, position: int, end: int, depth: int, *, defined: bool) -> int:
        """Read one item and write it; give what is behind it."""
        length = self.length_at(position + 4)
        position += 8
        self.out.append(_PLAIN.pack(ITEM_GROUP, ITEM & 0xFFFF, UNDEFINED))
        if length != UNDEFINED and self.item_ends(position + length, end, defined=defined):
            behind = self.content(position, position + length, depth)
            if behind != position + length:
                raise _BeyondMendingError
        else:
            if length != UNDEFINED:
                self.faults["S09"] = None
            behind = self.past_item_end(self.content(position, end, depth), end, defined=defined)
        self.out.append(_PLAIN.pack(ITEM_GROUP, ITEM_END & 0xFFFF, 0))
        return behind

    def item_ends(self, position: int, end: int, *, defined: bool) -> bool:
        """Say whether an item may end here: what follows is an item, a delimiter or the end.

        Or, where the sequence lacks its delimiter, an element that may follow the sequence.
        """
        if position > end:
            return False
        if defined and position == end:
            return True
        if position + 8 > end:
            return False
        tag = self.tag(position)
        if tag >> 16 == ITEM_GROUP or defined:
            return tag in {ITEM, SEQUENCE_END}
        return any(self.data[position : position + 8]) and self.goes_on(
            position, end, self.parents[-1]
        )

    def content(self, position: int, end: int, depth: int) -> int:
        """Read elements up to *end*, or to what belongs to items and sequences."""
        while position < end and self.tag(position) >> 16 != ITEM_GROUP:
            position = self.element(position, end, depth + 1)
        return position

    def past_item_end(self, position: int, end: int, *, defined: bool) -> int:
        """Go past an item's delimiter, or what stands in its place."""
        if position == end:
            if not defined:
                raise _BeyondMendingError  # more may have been lost
            self.faults["S06"] = None
            return position
        tag = self.tag(position)
        if tag == ITEM_END:
            return position + 8
        self.faults["S06"] = None
        more = position + 16 <= end and self.tag(position + 8) in {ITEM, SEQUENCE_END}
        return position + 8 if tag == SEQUENCE_END and more else position
