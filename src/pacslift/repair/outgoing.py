"""An object as it goes over the wire: its data set, even in length, in one transfer syntax.

The bytes of the original are passed on; what its envelope lacked is made good here, and NKI pixels
are decoded. Header changes that need the catalog come later and are spliced the same way.
Faults are named by their ids in repair.md; NKI is the one value change, and is recorded.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from pydicom.datadict import dictionary_VR

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import ByteSource, FileSpan, Segment
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Element, Encoding
from pacslift.inventory.nesting import LONG_VRS
from pacslift.inventory.probe import identity
from pacslift.inventory.stored import StoredObject
from pacslift.repair import frames, jpegls, nki, oddfragments, unknownvr
from pacslift.repair.splice import Edits, element_header, encoded, odd_elements, splice

__all__ = ["Change", "FileSpan", "Outgoing", "Segment", "prepare"]

_NKI_PIXELS = 0x7FDF0010
_FIRST_OF_DATA_SET = 0x00030000  # groups 0 and 2 belong to messages and files, not to data sets
_TEXT_VRS = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT".split())
_SHORT_MOST = 0xFFFE
_BITS_ALLOCATED = 0x00280100
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002, 0x7FE00003)  # extended, its lengths, encapsulated total
_CHUNK = 1 << 20
_SEQUENCE_END = {
    Encoding.EXPLICIT_BIG: b"\xff\xfe\xe0\xdd\0\0\0\0",
    Encoding.EXPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
    Encoding.IMPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One element, before and after, by a rule. For the ledger, never for a log."""

    rule: str
    keyword: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Outgoing:
    """A data set ready to be sent; close() gives back the file that its segments point into."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    segments: tuple[Segment, ...]
    length: int
    envelope: tuple[str, ...]
    changes: tuple[Change, ...]
    source: ByteSource = field(repr=False, compare=False)
    fallback: Callable[[], "Outgoing"] | None = field(default=None, repr=False, compare=False)
    """Gives the same object in a transfer syntax that more targets take, losing nothing."""

    def digest(self) -> str:
        """Give the sha256 of the data set as it goes over the wire, hex.

        Raises SetAsideError UNREADABLE when the disk fails, TRUNCATED when the file has shrunk.
        """
        digest = hashlib.sha256()
        for segment in self.segments:
            for piece in [segment] if isinstance(segment, memoryview) else _pieces(segment):
                digest.update(piece)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the object; its FileSpans are void from then on."""
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pieces(span: FileSpan) -> Iterator[bytes]:
    """Read a span piece by piece."""
    end = span.offset + span.length
    for offset in range(span.offset, end, _CHUNK):
        wanted = min(_CHUNK, end - offset)
        try:
            piece = os.pread(span.fd, wanted, offset)
        except OSError as error:
            raise SetAsideError(
                Cause.UNREADABLE, f"reading at byte {offset} fails: {error.strerror}"
            ) from error
        if len(piece) != wanted:
            raise SetAsideError(
                Cause.TRUNCATED, f"the file ends at byte {offset + len(piece)}; it has shrunk"
            )
        yield piece


def prepare(stored: StoredObject) -> Outgoing:
    """Make a stored object fit to send; owns it from then on, closed also on error.

    Raises  SetAsideError IDENTITY_MISSING, HEADER_DAMAGED, PIXELS_DAMAGED or UNREADABLE.
    """
    try:
        return _prepared(stored)
    except BaseException:
        stored.close()
        raise


def _prepared(stored: StoredObject) -> Outgoing:
    probed = identity(stored)
    _refuse_contradictions(stored)
    ids, edits = _envelope_edits(stored)
    changes, pixel_edits = _nki_edits(stored)
    rewritten, vr_edits = unknownvr.known_vrs(stored)
    changes += tuple(
        Change(unknownvr.RULE, keyword, "VR UN", f"VR {vr}") for keyword, vr in rewritten
    )
    thresholds = jpegls.repaired(stored)
    if thresholds:
        changes += (Change(jpegls.RULE, "PixelData", "no thresholds", "LSE marker segments"),)
    segments = splice(stored, {**vr_edits, **edits, **pixel_edits, **thresholds})
    if "S08" in stored.envelope:
        segments += (memoryview(_SEQUENCE_END[stored.header.encoding]),)
    length = _total(segments)
    if length & 1:
        raise SetAsideError(Cause.HEADER_DAMAGED, "an element inside a sequence has an odd length")
    outgoing = Outgoing(
        probed.sop_class_uid,
        probed.sop_instance_uid,
        probed.transfer_syntax_uid,
        probed.study_instance_uid,
        probed.series_instance_uid,
        probed.patient_id,
        segments,
        length,
        (*stored.envelope, *ids),
        changes,
        stored.source,
    )
    if probed.transfer_syntax_uid == frames.DEFLATED_FRAMES:
        all_edits = {**vr_edits, **edits}
        return replace(outgoing, fallback=partial(_inflated_frames, stored, outgoing, all_edits))
    return outgoing


def _inflated_frames(stored: StoredObject, outgoing: Outgoing, edits: Edits) -> Outgoing:
    """The same object with native Pixel Data, for a target that takes no deflated frames."""
    pixels = frames.native_pixels(stored)
    vr = b"OB" if frames.number(stored, _BITS_ALLOCATED) <= 8 else b"OW"  # noqa: PLR2004
    element = encoded(PIXEL_DATA, vr, pixels, stored.header.encoding)
    # An Extended Offset Table speaks of fragments, of which there are none any more.
    gone: Edits = dict.fromkeys(_OFFSET_TABLES, ())
    segments = splice(stored, {**edits, **gone, PIXEL_DATA: (element,)})
    change = Change(
        "TRANSCODE",
        "PixelData",
        f"transfer syntax {frames.DEFLATED_FRAMES}",
        f"transfer syntax {frames.EXPLICIT_LITTLE}, inflated without loss",
    )
    return replace(
        outgoing,
        transfer_syntax_uid=frames.EXPLICIT_LITTLE,
        segments=segments,
        length=_total(segments),
        changes=(*outgoing.changes, change),
        fallback=None,
    )


def _total(segments: tuple[Segment, ...]) -> int:
    return sum(len(part) if isinstance(part, memoryview) else part.length for part in segments)


def _refuse_contradictions(stored: StoredObject) -> None:
    """Refuse an element that is there twice with different values (S03); equal ones are one."""
    for again in stored.header.repeats:
        value = stored.source.read(again.value, again.end - again.value)
        if value != stored.value(again.tag):
            raise SetAsideError(
                Cause.HEADER_DAMAGED,
                f"the element {_name(again.tag)} is there twice, with different values",
            )


def _envelope_edits(stored: StoredObject) -> tuple[tuple[str, ...], Edits]:
    """Leave out what is no part of a data set (E13), pad odd lengths (S01, P11), note disorder."""
    header = stored.header
    ids: list[str] = []
    edits: dict[int, tuple[Segment, ...]] = {}
    if not header.ascending:
        ids += ["S03"] if header.repeats else ["S02"]
    for tag in header.places:
        if tag >= _FIRST_OF_DATA_SET:
            if header.ascending:
                break
        else:
            edits[tag] = ()
    ids += ["E13"] if edits else []
    for element in odd_elements(stored):
        edits[element.tag] = _padded(stored, element)
    ids += ["S01"] if header.odd else []
    pixels = oddfragments.padded_fragments(stored)
    ids += [oddfragments.RULE] if pixels else []
    return tuple(ids), {**edits, **pixels}


def _padded(stored: StoredObject, element: Element) -> tuple[Segment, ...]:
    """Write an element of odd length with one byte more: a space for text, else zero."""
    vr = element.vr or _dictionary_vr(element.tag)
    length = element.end - element.value + 1
    if vr == b"SQ" or (vr not in LONG_VRS and length > _SHORT_MOST):
        raise SetAsideError(
            Cause.HEADER_DAMAGED,
            f"the element {_name(element.tag)} has the odd length {length - 1}, and no pad fits",
        )
    return (
        memoryview(element_header(element.tag, element.vr, length, stored.header.encoding)),
        *stored.source.segments(element.value, element.end),
        memoryview(b" " if vr in _TEXT_VRS else b"\0"),
    )


def _dictionary_vr(tag: int) -> bytes:
    try:
        return dictionary_VR(tag)[:2].encode()
    except KeyError:
        return b"UN"


def _nki_edits(stored: StoredObject) -> tuple[tuple[Change, ...], Edits]:
    """Decode NKI pixels, if this is what (7FDF,0010) holds, into Pixel Data."""
    element = stored.header.find(_NKI_PIXELS)
    if element is None or element.length == UNDEFINED or PIXEL_DATA in stored.header:
        return (), {}
    value = stored.value(_NKI_PIXELS) or b""
    if not nki.looks_like_nki(value):
        return (), {}
    decoded = nki.decode(value)
    lossy = ", lossy" if decoded.mode == nki.LOSSY_MODE else ""
    change = Change(
        "NKI",
        "PixelData",
        f"(7FDF,0010), {len(value)} bytes, NKI mode {decoded.mode}{lossy}",
        f"(7FE0,0010) OW, {len(decoded.pixels)} bytes",
    )
    pixels = encoded(PIXEL_DATA, b"OW", decoded.pixels, stored.header.encoding)
    # Group lengths (PS3.5 7.2, retired) would be wrong from now on.
    gone: tuple[Segment, ...] = ()
    return (change,), {
        0x7FDF0000: gone,
        _NKI_PIXELS: gone,
        0x7FE00000: gone,
        PIXEL_DATA: (pixels,),
    }


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
