"""Elements and sequences that are not as PS3.5 7 wants them (repair.md 2).

What keeps an object from being walked at all is mended while it is read (inventory.mend); here is
what is left: elements that should not be there, and VRs that are not the dictionary's.
"""

import functools
import re
from collections.abc import Iterator

from pydicom.datadict import DicomDictionary  # type: ignore[attr-defined]

from pacslift.errors import SetAsideError
from pacslift.inventory.header import UNDEFINED, Element, Encoding
from pacslift.inventory.nesting import LONG_VRS
from pacslift.repair import nested
from pacslift.repair.layout import Layout
from pacslift.repair.rule import Edit, Rule, Tier, dropped, put
from pacslift.repair.rules.devices import said_of
from pacslift.repair.rules.text import FINE_DATE, FINE_TIME, several
from pacslift.repair.unknownvr import dictionary_vr as only_vr
from pacslift.repair.view import View

_LENGTH_TO_END = 0x00080001
_FIRST_GROUP, _LAST_GROUP = 0x0008, 0xFFFF
_DELIMITER = {
    Encoding.EXPLICIT_BIG: b"\xff\xfe\xe0\xdd\0\0\0\0",
    Encoding.EXPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
    Encoding.IMPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
}
_GROUPS_WITH_LENGTHS = frozenset(
    group << 16 for group in (*range(0x0008, 0x0060, 2), 0x6000, 0x7FDF, 0x7FE0, *range(9, 0x60, 2))
)
_MOST_SHORT = 0xFFFE
_ABOVE = 0xFFF0  # of a tag: elements from 0x10 on
_LAYOUTS = 256  # whose odd elements are kept
_SAME_SIZE = ({b"US", b"SS"}, {b"UL", b"SL"}, {b"OB", b"OW"})
_LEGAL = {
    vr.encode(): re.compile(pattern + rb"[ \0]*\Z", re.DOTALL)
    for vr, pattern in {
        "AE": rb"[ -\[\]-~]{0,16}",
        "AS": rb"(?:\d{3}[DWMY])?",
        "CS": several(rb"[A-Z0-9_ ]{0,16}"),
        "DA": FINE_DATE,
        "DS": several(rb" *(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)? *"),
        "IS": several(rb" *(?:[+-]?\d{1,11})? *"),
        "TM": FINE_TIME,
        "UI": several(rb"[0-9.]{0,64}"),
        "SH": several(rb"[^\\\x00-\x1a\x1c-\x1f]{0,16}"),
        "LO": several(rb"[^\\\x00-\x1a\x1c-\x1f]{0,64}"),
        "PN": several(rb"[^\\\x00-\x1a\x1c-\x1f]{0,194}"),
        "ST": rb"[^\x00-\x08\x0e-\x1a\x1c-\x1f]{0,1024}",
        "LT": rb"[^\x00-\x08\x0e-\x1a\x1c-\x1f]{0,10240}",
        "UC": rb"[^\x00-\x1a\x1c-\x1f]*",
        "UT": rb"[^\x00-\x08\x0e-\x1a\x1c-\x1f]*",
    }.items()
}  # fmt: skip
_TEXT = frozenset(_LEGAL) | {b"DT", b"UR"}


def group_lengths(view: View) -> Iterator[Edit]:
    """S04: a group length that is wrong, or is about to be, since the group is edited."""
    header = view.stored.header
    edited = {tag >> 16 for tag in view.edits}
    for tag in header.places:
        if tag & 0xFFFF or tag >> 16 < _FIRST_GROUP or tag not in view:
            continue
        if tag >> 16 in edited or not header.ascending or _told(view, tag) != _length(view, tag):
            yield dropped(tag, silent=True)


def _told(view: View, tag: int) -> int:
    big = view.encoding is Encoding.EXPLICIT_BIG
    return int.from_bytes(view.value(tag) or b"", "big" if big else "little")


def _length(view: View, tag: int) -> int:
    """Bytes of the elements of a group behind its group length; the header is ascending."""
    header = view.stored.header
    own, last = header.find(tag), tag
    for other in header.places:
        if other >> 16 == tag >> 16:
            last = other
    end = header.find(last)
    return end.end - own.end if own and end else -1


def length_to_end(_view: View) -> Iterator[Edit]:
    """S05: Length to End is retired, and wrong as soon as a byte changes."""
    yield dropped(_LENGTH_TO_END, silent=True)


def doubled_end(view: View) -> Iterator[Edit]:
    """S07: a sequence of defined length with a delimiter inside that length, behind its items."""
    delimiter, places = _DELIMITER[view.encoding], view.stored.header.places
    for tag in _sequence_tags(view.layout):
        _, _, start, length = places[tag]
        if tag in view.edits or not len(delimiter) <= length < UNDEFINED:
            continue
        source, end = view.stored.source, start + length
        if source.read(end - len(delimiter), len(delimiter)) != delimiter:
            continue
        if _behind_items(view, start, end) == end - len(delimiter):
            kept = source.read(start, length - len(delimiter))
            yield put(tag, b"SQ", kept, silent=True)


def _behind_items(view: View, position: int, end: int) -> int:
    """Where the items of defined length end that begin at *position*."""
    order = "big" if view.encoding is Encoding.EXPLICIT_BIG else "little"
    item = b"\xff\xfe\xe0\x00" if order == "big" else b"\xfe\xff\x00\xe0"
    while position + 8 <= end:
        head = view.stored.source.read(position, 8)
        length = int.from_bytes(head[4:], order)  # type: ignore[arg-type]
        if head[:4] != item or length == UNDEFINED:
            break
        position += 8 + length
    return position


def illegal_elements(view: View) -> list[Edit]:
    """S22: groups that no data set may have, and private elements where no creator can be."""
    return [dropped(tag) for tag in _illegal_tags(view.layout)]


def wrong_vrs(view: View) -> Iterator[Edit]:
    """S17: a standard element with a VR that the dictionary does not have for it."""
    if view.encoding is Encoding.IMPLICIT_LITTLE:
        return
    for element in _other_vrs(view):
        vr = _only_vrs()[element.tag]
        if _fits(view, element, vr):
            value = view.value(element.tag) or b""
            after = f"VR {vr.decode()}"
            yield Edit(element.tag, vr, value, before=f"VR {element.vr.decode()}", after=after)


def _other_vrs(view: View) -> list[Element]:
    header = view.stored.header
    found = (header.find(tag) for tag in _odd_tags(view.layout) if tag not in view.edits)
    return [one for one in found if one and one.length != UNDEFINED and one.vr != b"UN"]


@functools.lru_cache(maxsize=_LAYOUTS)
def _odd_tags(layout: Layout) -> tuple[int, ...]:
    """The elements whose VR is not the dictionary's; the same for all objects of a layout."""
    get = _only_vrs().get
    return tuple(tag for tag, vr in layout.vrs.items() if vr != get(tag, vr))


@functools.lru_cache(maxsize=_LAYOUTS)
def _illegal_tags(layout: Layout) -> tuple[int, ...]:
    """The elements of illegal groups, and private ones where no creator can be."""
    return tuple(tag for tag in layout.tags if _is_illegal(tag))


def _is_illegal(tag: int) -> bool:
    group = tag >> 16
    if group & 1 and not tag & _ABOVE:
        return bool(tag & 0xF)
    return bool(group & 1) and (group < _FIRST_GROUP or group == _LAST_GROUP)


@functools.lru_cache(maxsize=_LAYOUTS)
def _sequence_tags(layout: Layout) -> tuple[int, ...]:
    return tuple(tag for tag, vr in layout.vrs.items() if vr == b"SQ")


@functools.cache
def _only_vrs() -> dict[int, bytes]:
    """Standard tag to the one VR that the dictionary has for it, sequences included."""
    return {
        tag: row[0].encode()
        for tag, row in DicomDictionary.items()
        if len(row[0]) == 2 and row[0] != "UN"  # noqa: PLR2004 - not "US or SS", nor NONE
    }


def _fits(view: View, element: Element, vr: bytes) -> bool:
    """Say whether the value is a legal one of *vr*."""
    if vr not in LONG_VRS and element.length > _MOST_SHORT:
        return False
    if any({element.vr, vr} <= same for same in _SAME_SIZE):
        return True
    value = view.value(element.tag) or b""
    if vr == b"SQ":
        return _holds_items(view, value)
    legal = _LEGAL.get(vr)
    return element.vr in _TEXT and legal is not None and bool(legal.match(value))


def _holds_items(view: View, value: bytes) -> bool:
    """Say whether a value is made of whole items."""
    if not value:
        return True
    try:
        content = nested.content_of(view.encoding, b"SQ", value)
        return any(True for _ in nested.elements(value, content, b""))
    except SetAsideError:
        return False


def known_vrs(view: View) -> Iterator[Edit]:
    """S18A: a standard element written as UN gets the VR of the dictionary."""
    if view.encoding is Encoding.IMPLICIT_LITTLE:
        return
    for tag, place in view.stored.header.places.items():
        vr = only_vr(tag) if place[0] == b"UN" and place[3] != UNDEFINED else None
        if vr and (vr in LONG_VRS or place[3] <= _MOST_SHORT):
            yield Edit(tag, vr, view.value(tag) or b"", before="VR UN", after=f"VR {vr.decode()}")


def creators(view: View) -> Iterator[Edit]:
    """S21: private elements get the creator that their device forgot."""
    entry = said_of(view, "S21")
    for group, creator in (entry or {}).get("creators", {}).items():
        tag = int(group, 16) << 16 | 0x10
        block = range((tag & 0xFFFF0000) | 0x1000, (tag & 0xFFFF0000) | 0x1100)
        if tag not in view and any(one in block for one in view.stored.header.places):
            yield put(tag, b"LO", creator.encode("ascii"))


def _read(rule_id: str, tier: Tier, sentence: str, standard: str) -> Rule:
    return Rule(rule_id, tier, sentence, standard)


RULES = (
    _read("S02", Tier.ENVELOPE, "Elements out of order are put in order.", "PS3.5 7.1"),
    _read(
        "S03",
        Tier.ENVELOPE,
        "Of elements that are there twice with one value, one is sent; with two values, the "
        "object is set aside.",
        "PS3.5 7.1",
    ),
    Rule(
        "S05",
        Tier.ENVELOPE,
        "Length to End, which is retired, is left out.",
        "PS3.6 E",
        length_to_end,
        tags=frozenset({_LENGTH_TO_END}),
    ),
    _read(
        "S06",
        Tier.ENVELOPE,
        "A sequence or item without its delimiter, or with the other's, gets the right one.",
        "PS3.5 7.5.2",
    ),
    Rule(
        "S07",
        Tier.ENVELOPE,
        "A delimiter that stands with a sequence of defined length is left out.",
        "PS3.5 7.5.2",
        doubled_end,
    ),
    _read("S08", Tier.ENVELOPE, "Fragments without a delimiter get one.", "PS3.5 A.4"),
    _read(
        "S09",
        Tier.ENVELOPE,
        "An item whose length does not lead to its delimiter gets undefined length.",
        "PS3.5 7.5.1",
    ),
    _read(
        "S10",
        Tier.QUARANTINE,
        "An object with sequences nested deeper than 64 is set aside.",
        "PS3.5 7.5",
    ),
    _read(
        "S13",
        Tier.DETERMINISTIC,
        "A text that lost the upper half of its length gets it back, as UN.",
        "PS3.5 7.1.2",
    ),
    _read(
        "S15",
        Tier.DETERMINISTIC,
        "The lengths 13 for 10 (GE, Theralys) and 6 for 4 (Siemens Leonardo) are corrected where "
        "only the right one leads to an element.",
        "PS3.5 7.1.1",
    ),
    _read(
        "S16",
        Tier.DETERMINISTIC,
        "Letters that are no VR become the dictionary's VR, else UN.",
        "PS3.5 6.2",
    ),
    Rule(
        "S17",
        Tier.DETERMINISTIC,
        "A VR that is not the dictionary's becomes so if the value is legal in it.",
        "PS3.6 6",
        wrong_vrs,
    ),
    Rule(
        "S18A",
        Tier.DETERMINISTIC,
        "A standard element with the VR UN gets the dictionary's. Off, only where the object could "
        "not be filed otherwise (S18).",
        "PS3.5 6.2.2",
        known_vrs,
        on=False,
    ),
    _read("S19", Tier.DETERMINISTIC, "UN with a short length gets a long one.", "PS3.5 7.1.2"),
    Rule(
        "S21",
        Tier.OUTSIDE,
        "Private elements of the named devices get the creators that they lack.",
        "PS3.5 7.8.1",
        creators,
        on=False,
    ),
    Rule(
        "S22",
        Tier.DETERMINISTIC,
        "Elements of groups that no data set may have, and private ones below (gggg,0010), are "
        "left out.",
        "PS3.5 7.8",
        illegal_elements,
    ),
)
GROUP_LENGTHS = Rule(
    "S04",
    Tier.ENVELOPE,
    "A group length that is wrong, or whose group is edited, is left out.",
    "PS3.5 7.2",
    group_lengths,
    tags=_GROUPS_WITH_LENGTHS,
)
