"""One object of a header and its pixels, which the archive keeps in two files (repair.md E33).

The header is the object's own: its class, its attributes and their order stay, and what the
database knows better is laid over it as over any other. Only what the pixels themselves tell and
the header lacks is put in, and the transfer syntax becomes that of the pixels. PS3.5 A.1 to A.4.
"""

from collections.abc import Iterator
from dataclasses import replace
from struct import Struct

from pydicom.datadict import dictionary_VR

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import PIXEL_DATA, Encoding
from pacslift.inventory.pixelfile import PixelFile
from pacslift.inventory.pixelsyntax import DataSet, explicit
from pacslift.inventory.stored import SOP_CLASS, StoredObject
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, native
from pacslift.repair import bigendian, values
from pacslift.repair.anew import RULE
from pacslift.repair.imagepixel import (
    ESSENTIAL,
    FRAMES,
    NUMBERS,
    PHOTOMETRIC,
    ImagePixel,
    image_pixel,
    require_known,
)
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import Outgoing, prepare
from pacslift.repair.rebuild import (
    LOSSY,
    Identity,
    lossy_attributes,
    numbers_of,
    object_of,
    pixel_element,
)
from pacslift.repair.rule import Change
from pacslift.repair.splice import Edits, encoded, splice
from pacslift.repair.view import View

_GROUP = 0xFFFF0000
_MOST_DIGITS = 10
_DELIMITER_LOST = "S08"  # was said of Pixel Data that are replaced
_BIG_WORDS = "E22"

Addition = tuple[int, int | str]


def assembled(pixels: PixelFile, header: StoredObject, known: Identity, orders: Orders) -> Outgoing:
    """Put *pixels* into the object that *header* is of; owns both files, also on error.

    Raises  SetAsideError PIXELS_DAMAGED where header and pixels contradict each other,
            NOT_REBUILT where neither says what an image must say, and what prepare() raises.
    """
    try:
        view = View(header, orders)
        _refuse_pixels(view)
        image = image_pixel(pixels, numbers_of(orders.facts) | _numbers(view))
        require_known(image.values, ESSENTIAL)
        additions = list(_additions(view, pixels, image, known))
        header = _writable(header, image)
        stored, changes = _together(pixels, header, image, additions)
    except BaseException:
        header.close()
        pixels.source.close()
        raise
    outgoing = prepare(stored, orders)
    return replace(outgoing, changes=(*changes, *outgoing.changes))


def _refuse_pixels(view: View) -> None:
    """A header with pixels of its own is an object; whose the others are, nobody knows."""
    if view.length(PIXEL_DATA) > 0:
        raise SetAsideError(
            Cause.NOT_REBUILT,
            "its header has pixels of its own, so those in the other file may be another object's",
        )


def _numbers(view: View) -> dict[int, int | str]:
    """What the header says of the pixels, by tag."""
    said: dict[int, int | str] = {}
    for tag in NUMBERS:
        value = view.number(tag)
        if value is not None:
            said[tag] = value
    if view.text(PHOTOMETRIC):
        said[PHOTOMETRIC] = view.text(PHOTOMETRIC)
    frames = view.text(FRAMES)
    if frames.isdecimal() and frames.isascii() and len(frames) < _MOST_DIGITS:
        said[FRAMES] = int(frames)
    return said


def _additions(
    view: View, pixels: PixelFile, image: ImagePixel, known: Identity
) -> Iterator[Addition]:
    """What the header lacks, or has otherwise than the stream is coded."""
    if not view.text(SOP_CLASS) and known.sop_class_uid:
        yield SOP_CLASS, known.sop_class_uid
    for tag, uid in known.by_tag():
        if not view.text(tag):
            yield tag, uid
    there = _numbers(view)
    for tag, value in image.values.items():
        if there.get(tag) != value:
            yield tag, value
    for tag, text in lossy_attributes(pixels, image):
        if not view.text(tag) or (tag == LOSSY and view.text(tag) != text):
            yield tag, text


def _writable(header: StoredObject, image: ImagePixel) -> StoredObject:
    """The header as its pixels want it: Explicit VR Little Endian where they are compressed.

    The one given is closed where another takes its place.
    """
    if image.stream is None:
        if _BIG_WORDS in header.envelope:
            raise SetAsideError(
                Cause.NOT_REBUILT,
                "its header is of a syntax whose pixel words are in Big Endian; native pixels "
                "apart from it may be in either",
            )
        return header
    if header.header.encoding is Encoding.EXPLICIT_BIG:
        return bigendian.little(header)
    found = explicit(DataSet(header.source, header.header, header.transfer_syntax_uid, ()))
    if found.source is not header.source:
        header.close()
    return replace(
        header,
        source=found.source,
        header=found.header,
        dataset_start=found.header.start,
        dataset_end=found.header.stop,
    )


def _together(
    pixels: PixelFile, header: StoredObject, image: ImagePixel, additions: list[Addition]
) -> tuple[StoredObject, list[Change]]:
    encoding = header.header.encoding
    edits: Edits = {
        PIXEL_DATA: pixel_element(pixels, image, encoding),
        **{tag: (_element(tag, value, encoding),) for tag, value in additions},
    }
    lengths = {tag & _GROUP for tag in edits} & header.header.places.keys()
    segments = splice(header, {**edits, **dict.fromkeys(lengths, ())})
    syntax = header.transfer_syntax_uid if native(header.transfer_syntax_uid) else EXPLICIT_LITTLE
    if image.stream is not None:
        syntax = image.stream.transfer_syntax_uid

    def close() -> None:
        header.close()
        pixels.source.close()

    made = object_of(segments, syntax, close)
    made = replace(
        made,
        meta_sop_class_uid=header.meta_sop_class_uid,
        meta_sop_instance_uid=header.meta_sop_instance_uid,
        envelope=tuple(one for one in header.envelope if one != _DELIMITER_LOST),
    )
    return made, list(_told(header, pixels, syntax, additions))


def _element(tag: int, value: int | str, encoding: Encoding) -> memoryview:
    vr = dictionary_VR(tag).encode()
    if isinstance(value, int):
        mark = ">" if encoding is Encoding.EXPLICIT_BIG else "<"
        return encoded(tag, vr, Struct(f"{mark}H").pack(value), encoding)
    return encoded(tag, vr, values.padded(vr, value.encode("ascii")), encoding)


def _told(
    header: StoredObject, pixels: PixelFile, syntax: str, additions: list[Addition]
) -> Iterator[Change]:
    yield Change(RULE, "PixelData", None, f"{pixels.size} bytes of a file apart, {syntax}")
    for tag, value in additions:
        there = header.value(tag) if tag in header.header else None
        vr = dictionary_VR(tag).encode()
        big = header.header.encoding is Encoding.EXPLICIT_BIG
        before = None if there is None else values.shown(vr, there, None, big=big)
        yield Change(RULE, values.name(tag), before, str(value))
