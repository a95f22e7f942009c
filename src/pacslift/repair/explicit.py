"""Sequences written anew in Explicit VR Little Endian, whatever they are written in.

Needed where one data set is to be in one encoding: an object in Explicit VR Big Endian (E20), and
items in Implicit VR under a UN among which ours are put. Numbers keep their value, texts and what
is unknown keep their bytes. PS3.5 7.3 (which VRs have a byte order), 7.5, 6.2.2.
"""

from array import array

from pacslift.inventory.header import Encoding
from pacslift.inventory.nesting import BIG, LONG_VRS, UNDEFINED, Content
from pacslift.repair import nested
from pacslift.repair.splice import element_header, item_header

_LITTLE = Encoding.EXPLICIT_LITTLE
_SHORT_MOST = 0xFFFE
_WORDS = {
    2: frozenset({b"US", b"SS", b"AT", b"OW"}),
    4: frozenset({b"UL", b"SL", b"FL", b"OF", b"OL"}),
    8: frozenset({b"FD", b"OD", b"OV", b"SV", b"UV"}),
}
_WIDTH = {vr: width for width, vrs in _WORDS.items() for vr in vrs}
_LETTERS = {2: "H", 4: "I", 8: "Q"}


def swapped(vr: bytes, value: bytes) -> bytes:
    """Give a big endian value in little endian; one that is cut short keeps its last bytes."""
    width = _WIDTH.get(vr)
    return value if width is None else words_swapped(value, width)


def words_swapped(value: bytes, width: int) -> bytes:
    """Give a run of words of 2, 4 or 8 bytes with each one's bytes reversed."""
    whole = len(value) - len(value) % width
    words = array(_LETTERS[width], value[:whole])
    words.byteswap()
    return words.tobytes() + value[whole:]


def items(value: bytes, content: Content) -> bytes:
    """Give the items of a sequence's value with defined lengths, in Explicit VR Little Endian.

    Raises  SetAsideError HEADER_DAMAGED where the items cannot be followed.
    """
    return _items(nested.parsed(value, content)[0])


def _items(found: list[nested.Item]) -> bytes:
    written: list[bytes] = []
    for item in found:
        body = b"".join(_element(node) for node in item.nodes)
        written += [item_header(len(body), _LITTLE), body]
    return b"".join(written)


def _element(node: nested.Node) -> bytes:
    if node.items is not None:
        return element(node.tag, b"SQ", _items(node.items))
    if node.undefined:
        return element_header(node.tag, node.vr, UNDEFINED, _LITTLE) + node.value
    value = swapped(node.vr, node.value) if node.content.order is BIG else node.value
    return element(node.tag, node.vr, value)


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """Write an element; UN for a VR whose 16 bits of length are too few (PS3.5 6.2.2, CP-1066)."""
    vr = b"UN" if len(value) > _SHORT_MOST and vr not in LONG_VRS else vr
    return element_header(tag, vr, len(value), _LITTLE) + value
