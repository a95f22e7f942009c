"""A native object in the other native transfer syntax: Explicit VR for Implicit VR, or back.

Every value keeps its bytes, pixels too; what changes is whether a VR stands before it. On the way
to Explicit VR the dictionary gives the VR, and private elements become UN (PS3.5 6.2.2): their VR
was never written. Sequences are written with defined lengths, group lengths (retired) left out.
PS3.5 7.1.2, 7.1.3, A.1, A.2.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydicom.datadict import DicomDictionary  # type: ignore[attr-defined]

from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Element, Encoding
from pacslift.inventory.stored import StoredObject
from pacslift.repair import explicit, nested, values
from pacslift.repair.splice import element_header, item_header

_IMPLICIT = Encoding.IMPLICIT_LITTLE
_ELEMENT = 0xFFFF
_PIXEL_REPRESENTATION = 0x00280103
_SIGNED_OR_NOT = frozenset(
    tag for tag, row in DicomDictionary.items() if row[0].startswith("US or SS")
)


class _Read(NamedTuple):
    """An element of the top level with its value."""

    element: Element
    value: bytes


def in_explicit(stored: StoredObject) -> Iterator[Segment]:
    """Give a data set in Implicit VR as the segments of one in Explicit VR, both little endian.

    Raises  SetAsideError HEADER_DAMAGED where a sequence cannot be followed.
    """
    representation = stored.value(_PIXEL_REPRESENTATION) or b""
    signed = representation[:1] == b"\x01"
    for element in _kept(stored):
        if element.tag == PIXEL_DATA:
            yield memoryview(
                element_header(PIXEL_DATA, b"OW", element.length, Encoding.EXPLICIT_LITTLE)
            )
            yield from stored.source.segments(element.value, element.end)
        else:
            yield memoryview(_explicit(_read(stored, element), signed=signed))


def in_implicit(stored: StoredObject) -> Iterator[Segment]:
    """Give a data set in Explicit VR as the segments of one in Implicit VR, both little endian.

    Raises  SetAsideError HEADER_DAMAGED where a sequence cannot be followed.
    """
    for element in _kept(stored):
        if element.vr == b"SQ" or element.length == UNDEFINED:
            yield memoryview(_implicit_sequence(_read(stored, element)))
        else:
            yield memoryview(element_header(element.tag, b"", element.length, _IMPLICIT))
            yield from stored.source.segments(element.value, element.end)


def _kept(stored: StoredObject) -> Iterator[Element]:
    return (element for element in stored.header.elements() if element.tag & _ELEMENT)


def _read(stored: StoredObject, element: Element) -> _Read:
    return _Read(element, stored.source.read(element.value, element.end - element.value))


def _explicit(read: _Read, *, signed: bool) -> bytes:
    element, value = read
    vr = values.standard_vr(element.tag)
    if vr == b"SQ" or element.length == UNDEFINED:
        content = nested.content_of(_IMPLICIT, b"SQ", value)
        return explicit.element(element.tag, b"SQ", explicit.items(value, content))
    if signed and element.tag in _SIGNED_OR_NOT:
        vr = b"SS"
    return explicit.element(element.tag, vr, value)


def _implicit_sequence(read: _Read) -> bytes:
    element, value = read
    content = nested.content_of(Encoding.EXPLICIT_LITTLE, element.vr, value)
    body = _items(nested.parsed(value, content)[0])
    return element_header(element.tag, b"", len(body), _IMPLICIT) + body


def _items(found: Iterable[nested.Item]) -> bytes:
    written: list[bytes] = []
    for item in found:
        body = b"".join(map(_node, item.nodes))
        written += [item_header(len(body), _IMPLICIT), body]
    return b"".join(written)


def _node(node: nested.Node) -> bytes:
    if node.items is not None:
        value = _items(node.items)
        return element_header(node.tag, b"", len(value), _IMPLICIT) + value
    length = UNDEFINED if node.undefined else len(node.value)
    return element_header(node.tag, b"", length, _IMPLICIT) + node.value
