"""The rules without which an object cannot be sent at all: odd lengths, foreign groups, NKI pixels.

They touch the envelope, or the pixels of one old server; what is wrong with values is for the rules
in repair/rules/.
"""

from collections.abc import Iterator

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED
from pacslift.inventory.nesting import LONG_VRS
from pacslift.repair import bigendian, jpegls, nki, oddfragments, unknownvr, values
from pacslift.repair.rule import Edit, Rule, Tier, dropped
from pacslift.repair.splice import odd_elements
from pacslift.repair.view import View

_NKI_PIXELS = 0x7FDF0010
_FIRST_OF_DATA_SET = 0x00030000  # groups 0 and 2 belong to messages and files, not to data sets
_SHORT_MOST = 0xFFFE


def _foreign_groups(view: View) -> Iterator[Edit]:
    header = view.stored.header
    for tag in header.places:
        if tag < _FIRST_OF_DATA_SET:
            yield dropped(tag)
        elif header.ascending:
            return


def _odd_lengths(view: View) -> Iterator[Edit]:
    for element in odd_elements(view.stored):
        vr = element.vr or values.standard_vr(element.tag)
        length = element.end - element.value + 1
        if vr == b"SQ" or (vr not in LONG_VRS and length > _SHORT_MOST):
            raise SetAsideError(
                Cause.HEADER_DAMAGED,
                f"the element {values.numbers(element.tag)} has the odd length {length - 1}, "
                "and no pad fits",
            )
        pad = memoryview(values.padded(vr, b"?")[1:])
        raw = view.stored.source.segments(element.value, element.end)
        yield Edit(element.tag, vr, (*raw, pad))


def _odd_fragments(view: View) -> Iterator[Edit]:
    for tag, segments in oddfragments.padded_fragments(view.stored).items():
        element = view.stored.header.find(tag)
        vr = element.vr if element else b"OB"
        yield Edit(tag, vr or b"OB", segments, undefined=True)


def _nki_pixels(view: View) -> Iterator[Edit]:
    """Decode NKI pixels, if this is what (7FDF,0010) holds, into Pixel Data."""
    element = view.stored.header.find(_NKI_PIXELS)
    if element is None or element.length == UNDEFINED or PIXEL_DATA in view:
        return
    value = view.value(_NKI_PIXELS) or b""
    if not nki.looks_like_nki(value):
        return
    decoded = nki.decode(value)
    lossy = ", lossy" if decoded.mode == nki.LOSSY_MODE else ""
    yield Edit(
        PIXEL_DATA,
        b"OW",
        decoded.pixels,
        before=f"(7FDF,0010), {len(value)} bytes, NKI mode {decoded.mode}{lossy}",
        after=f"(7FE0,0010) OW, {len(decoded.pixels)} bytes",
    )
    yield dropped(_NKI_PIXELS, silent=True)


E20 = Rule(
    bigendian.RULE,
    Tier.ENVELOPE,
    "Retired Explicit VR Big Endian: written in little endian, every value the same.",
    "PS3.5 7.3, A.3",
)
E13 = Rule(
    "E13",
    Tier.ENVELOPE,
    "Elements of a message or of a file's meta among those of the data set: left out.",
    "PS3.5 7.1, PS3.7 6.3.1",
    _foreign_groups,
)
S01 = Rule(
    "S01",
    Tier.ENVELOPE,
    "A value of odd length: one byte of padding behind it.",
    "PS3.5 7.1.1",
    _odd_lengths,
)
P11 = Rule(
    oddfragments.RULE,
    Tier.ENVELOPE,
    "A compressed frame of odd length: one zero byte behind it, the offsets moved.",
    "PS3.5 A.4",
    _odd_fragments,
    tags=frozenset({PIXEL_DATA}),
)
LSE = Rule(
    jpegls.RULE,
    Tier.DETERMINISTIC,
    "JPEG-LS that dcm4chee 2 compressed with thresholds of its own: they are named in the stream.",
    "PS3.5 8.2.3",
    jpegls.edits,
    tags=frozenset({PIXEL_DATA}),
)
NKI = Rule(
    "NKI",
    Tier.DETERMINISTIC,
    "Pixels in a Conquest server's own compression: decoded, their checksums compared.",
    "PS3.5 A.2",
    _nki_pixels,
    tags=frozenset({_NKI_PIXELS}),
)
S18 = Rule(
    unknownvr.RULE,
    Tier.DETERMINISTIC,
    "The UIDs by which an object is filed have the VR UN: all standard elements get their own VR.",
    "PS3.5 6.2.2",
    unknownvr.edits,
    tags=unknownvr.FILED_BY,
)
