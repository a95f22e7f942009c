"""An object out of pixels alone, or of pixels and a header that lie apart (repair.md E33).

What comes out is a StoredObject like any other, whose pixels stay in their file; the rules run over
it as over all. Its changes tell what was made and why; nothing of it is in Original Attributes,
since nothing was there before. PS3.5 A.4 (one frame in one fragment behind an empty offset table).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pacslift.adapter import BIG, NOT_REBUILT, Rebuild
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import Segment
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Encoding, walk
from pacslift.inventory.pixelfile import PixelFile
from pacslift.inventory.pixelsyntax import DataSet, little_words
from pacslift.inventory.stored import SOP_CLASS, SOP_INSTANCE, StoredObject
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, encoding_of
from pacslift.repair import anew
from pacslift.repair.composite import Composite
from pacslift.repair.imagepixel import FRAMES, NUMBERS, PHOTOMETRIC, ImagePixel, image_pixel
from pacslift.repair.lossy import lossy_method
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import Outgoing, prepare
from pacslift.repair.overlay import NOTHING
from pacslift.repair.provenance import equipment_of
from pacslift.repair.rule import Change
from pacslift.repair.splice import element_header, item_header

DEED = "Object made of its pixels and the old database while migrating an archive"
STUDY, SERIES = 0x0020000D, 0x0020000E
LOSSY, _RATIO, _METHOD = 0x00282110, 0x00282112, 0x00282114
_EMPTY_TABLE = b"\xfe\xff\x00\xe0\0\0\0\0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_LONGEST = 0xFFFFFFFE  # bytes of a value or a fragment
_BYTE, _WORD = 8, 16


@dataclass(frozen=True, slots=True)
class Identity:
    """The UIDs of the catalog's row; empty or None where it has none."""

    sop_class_uid: str | None
    sop_instance_uid: str | None
    series_instance_uid: str | None
    study_instance_uid: str | None

    def by_tag(self) -> Iterator[tuple[int, str]]:
        """Those that are known, the class left out."""
        for tag, uid in (
            (SOP_INSTANCE, self.sop_instance_uid),
            (STUDY, self.study_instance_uid),
            (SERIES, self.series_instance_uid),
        ):
            if uid:
                yield tag, uid


def require_rule(rule: Rebuild, rules: RuleSettings) -> None:
    """SetAsideError NOT_REBUILT unless adapter and job let objects without a header be made."""
    if not rules.works(anew.RULE, by_default=True):
        raise SetAsideError(
            Cause.NOT_REBUILT, f"the file is only pixels, and job.toml [rules] has {anew.RULE} off"
        )
    if rule.iod == NOT_REBUILT:
        raise SetAsideError(
            Cause.NOT_REBUILT,
            "the file is only pixels, and the adapter does not say what becomes of such; its "
            '[rebuild] iod can be "modality" or "secondary capture"',
        )


def rebuilt(pixels: PixelFile, rule: Rebuild, known: Identity, orders: Orders) -> Outgoing:
    """Make an object of *pixels* and what *orders* say of it; owns the file, also on error.

    Takes   *rule*, the adapter's [rebuild]; see require_rule().
    Raises  SetAsideError NOT_REBUILT, PIXELS_DAMAGED, OVERLAY_UNFIT, and what prepare() raises.
    """
    try:
        stored, changes = _made(pixels, rule, known, orders)
    except BaseException:
        pixels.source.close()
        raise
    outgoing = prepare(stored, replace(orders, overlay=NOTHING, provenance=None))
    return replace(outgoing, changes=(*changes, *outgoing.changes))


def _made(
    pixels: PixelFile, rule: Rebuild, known: Identity, orders: Orders
) -> tuple[StoredObject, list[Change]]:
    said = numbers_of(orders.facts)
    image = image_pixel(pixels, said)
    header = anew.Header()
    for tag, attribute, change in anew.from_database(orders.overlay.attributes):
        header.attributes[tag] = attribute
        header.changes.append(change)
    for tag, uid in known.by_tag():
        header.put(tag, uid)
    anew.describe(header, image)
    for tag, text in lossy_attributes(pixels, image):
        if not header.has_value(tag) or tag == LOSSY:
            header.put(tag, text)
    wanted = known.sop_class_uid or str(_first(orders.facts.get(f"{SOP_CLASS:08X}")) or "")
    anew.decide(header, image, wanted, rule.iod)
    made_by = orders.provenance
    little = Encoding.EXPLICIT_LITTLE
    front, behind = anew.written(header, equipment_of(made_by, little, DEED) if made_by else b"")
    element = pixel_element(pixels, image, little)
    segments = (memoryview(front), *element, *([memoryview(behind)] if behind else []))
    syntax = image.stream.transfer_syntax_uid if image.stream else EXPLICIT_LITTLE
    stored = object_of(segments, syntax, pixels.source.close)
    if rule.words == BIG and image.stream is None and image.form.allocated == _WORD:
        header.changes.append(Change(anew.RULE, "PixelData", "words in Big Endian", "in Little"))
        stored = _turned(stored)
    return stored, header.changes


def _turned(stored: StoredObject) -> StoredObject:
    """Give an object with the bytes of its pixel words turned around; closes the one given."""
    found = DataSet(stored.source, stored.header, stored.transfer_syntax_uid, ())
    turned = little_words(found, stored.header.find(PIXEL_DATA))
    stored.close()
    return replace(
        stored, source=turned.source, header=turned.header, dataset_end=turned.header.stop
    )


def numbers_of(facts: Mapping[str, Any]) -> dict[int, Any]:
    """What the database says of the pixels, by tag.

    Raises  SetAsideError NOT_REBUILT for what is no number.
    """
    said: dict[int, Any] = {}
    for tag in (*NUMBERS, FRAMES, PHOTOMETRIC):
        value = _first(facts.get(f"{tag:08X}"))
        if value is None or value == "":
            continue
        try:
            said[tag] = str(value).strip() if tag == PHOTOMETRIC else int(str(value))
        except ValueError as error:
            raise SetAsideError(
                Cause.NOT_REBUILT, f"what the database says of {tag:08X} is no whole number"
            ) from error
    return said


def _first(element: object) -> object:
    given = element.get("Value") if isinstance(element, Mapping) else None
    return given[0] if isinstance(given, list) and given else None


def lossy_attributes(pixels: PixelFile, image: ImagePixel) -> Iterator[tuple[int, str]]:
    """What an image must say whose stream has lost something. PS3.3 C.7.6.1.1.5."""
    if image.stream is None:
        return
    method = lossy_method(image.stream.transfer_syntax_uid, pixels.head())
    if method:
        yield LOSSY, "01"
        yield _RATIO, f"{image.native_bytes / pixels.size:.2f}"
        yield _METHOD, method


def pixel_element(pixels: PixelFile, image: ImagePixel, encoding: Encoding) -> tuple[Segment, ...]:
    """Give Pixel Data whole; the pixels themselves stay in their file.

    Raises  SetAsideError NOT_REBUILT for more bytes than an element or a fragment holds.
    """
    size = pixels.size + pixels.size % 2
    if size > _LONGEST:
        raise SetAsideError(
            Cause.NOT_REBUILT, f"{size} bytes of pixels are more than one element holds"
        )
    span = pixels.source.segments(pixels.start, pixels.end)
    pad = b"\0" * (pixels.size % 2)
    if image.stream is None:
        vr = b"OB" if image.form.allocated <= _BYTE else b"OW"
        head, tail = element_header(PIXEL_DATA, vr, size, encoding), pad
    else:
        head = element_header(PIXEL_DATA, b"OB", UNDEFINED, Encoding.EXPLICIT_LITTLE)
        head += _EMPTY_TABLE + item_header(size, Encoding.EXPLICIT_LITTLE)
        tail = pad + _SEQUENCE_END
    return (memoryview(head), *span, *([memoryview(tail)] if tail else []))


def object_of(
    segments: tuple[Segment, ...], syntax: str, close: Callable[[], None]
) -> StoredObject:
    """Give the pieces of a data set as an object that was read."""
    source = Composite(segments, close)
    header = walk(source, 0, source.size, encoding_of(syntax))
    if header.fault is not None:
        raise SetAsideError(
            Cause.INTERNAL_FAULT, f"what was made of the pixels does not walk: {header.fault}"
        )
    return StoredObject(source, header, 0, source.size, syntax, None, None, ())
