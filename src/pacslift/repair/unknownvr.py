"""Elements of the standard that are written with the VR UN (repair.md S18).

Some writers give every element the VR UN. A target then does not see the UIDs by which it should
file the object, and refuses it. The dictionary knows the VR of such an element, and its value is
as it should be, so only the two letters change. Left alone as long as the object can be filed:
UN is legal, and the bytes stay the original's.
"""

from collections.abc import Iterator

from pydicom.datadict import dictionary_VR

from pacslift.inventory.header import UNDEFINED, Element, Encoding
from pacslift.inventory.nesting import LONG_VRS
from pacslift.inventory.stored import StoredObject
from pacslift.repair.rule import Edit
from pacslift.repair.view import View

RULE = "S18"
_SHORT_MOST = 0xFFFE  # bytes that a VR with a length of 16 bits can hold
_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
FILED_BY = frozenset({_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES})


def edits(view: View) -> Iterator[Edit]:
    """Give the elements anew with the VR that the dictionary has for them.

    None unless one of the UIDs by which an archive files the object is written as UN.
    """
    header = view.stored.header
    if header.encoding is not Encoding.EXPLICIT_LITTLE:
        return
    filed_by = (header.find(tag) for tag in FILED_BY)
    if not any(element and element.vr == b"UN" for element in filed_by):
        return
    for element, vr in mistaken(view.stored):
        value = view.segments(element.tag)
        yield Edit(element.tag, vr, value, before="VR UN", after=f"VR {vr.decode()}")


def mistaken(stored: StoredObject) -> Iterator[tuple[Element, bytes]]:
    """Elements with the VR UN whose one VR the dictionary knows, and that VR."""
    for element in stored.header.elements():
        if element.vr == b"UN" and element.length != UNDEFINED:
            vr = dictionary_vr(element.tag)
            fits = vr in LONG_VRS or element.length <= _SHORT_MOST
            if vr is not None and fits:
                yield element, vr


def dictionary_vr(tag: int) -> bytes | None:
    """The VR of a standard element; None for private ones, sequences and where there are two."""
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return None
    private = (tag >> 16) & 1
    return None if private or vr in {"SQ", "UN"} or " or " in vr else vr.encode()
