"""Pixel Data against what the header says of it (repair.md 5). Pixels themselves are not read.

Cost: arithmetic on eight values of the header; for compressed objects of several frames the heads
of their fragments, and only if there is an offset table to check.
"""

import functools
from collections.abc import Iterator
from itertools import islice, pairwise
from struct import Struct

from pydicom.config import IGNORE
from pydicom.uid import UID

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bitstream import MOST, stream_of
from pacslift.inventory.bytesource import FileSpan, Segment
from pacslift.inventory.header import PIXEL_DATA, Encoding
from pacslift.inventory.pixelsize import Shape
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, native
from pacslift.repair import segments
from pacslift.repair.rule import Edit, Rule, Tier, dropped, put
from pacslift.repair.rules.devices import said_of
from pacslift.repair.view import View

_FRAMES, _PHOTOMETRIC, _SOP_CLASS = 0x00280008, 0x00280004, 0x00080016
_PLANAR, _PROVIDER = 0x00280006, 0x00287FE0
_OTHER_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FDF0010)  # float, double float, NKI
_EXTENDED_TABLE = 0x7FE00001
_CHUNK = 1 << 20
_SWAP_SAMPLE = 64 * 1024
_MOST_PAD = 512
_MOST_TABLE = 1 << 22  # bytes of an offset table: a million frames
_DIGITS = 10
# Images by name, but without pixels in (7FE0,0010), or with none of their own.
_NO_IMAGES = ("Presentation State", "Waveform", "Encapsulated", "Surface")
SUCCESSORS = {
    "1.2.840.10008.5.1.4.1.1.6": "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.3": "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.5": "1.2.840.10008.5.1.4.1.1.20",
}


@functools.lru_cache(maxsize=512)
def is_image_class(sop_class_uid: str) -> bool:
    """Say whether the standard names this class as one of images with Pixel Data."""
    name = UID(sop_class_uid, IGNORE).name  # it warns with the value, which may be anything
    return "Image Storage" in name and not any(word in name for word in _NO_IMAGES)


def shape_of(view: View) -> Shape:
    """What the header says of one frame."""
    rows, columns, samples, allocated = (
        view.number(tag) or 0 for tag in (0x00280010, 0x00280011, 0x00280002, 0x00280100)
    )
    return Shape(rows, columns, samples, allocated, view.text(_PHOTOMETRIC))


def frames_of(view: View) -> int:
    """Number of Frames; 1 where it is absent or empty, 0 where it is no number."""
    text = view.text(_FRAMES).split("\\")[0].strip()
    if not text:
        return 1
    return int(text) if text.isdecimal() and text.isascii() and len(text) < _DIGITS else 0


def is_native(view: View) -> bool:
    """Say whether Pixel Data is a run of pixels."""
    syntax = view.transfer_syntax_uid
    return (native(syntax) or syntax == EXPLICIT_LITTLE) and not view.is_undefined(PIXEL_DATA)


def counted_frames(view: View) -> Iterator[Edit]:
    """P03: a Number of Frames that is not that of the whole frames that are there."""
    if not is_native(view):
        return
    length, bits, frames = view.length(PIXEL_DATA), shape_of(view).bits_of_frame(), frames_of(view)
    if not bits or not view.text(_FRAMES) or _fits(view, frames):
        return
    counted = _whole_frames(bits, length)
    if counted:
        yield put(_FRAMES, b"IS", str(counted).encode())


def short_pixels(view: View) -> Iterator[Edit]:
    """P01: native pixels that are fewer than the header says."""
    if not is_native(view):
        return iter(())
    shape, frames, length = shape_of(view), frames_of(view), view.length(PIXEL_DATA)
    if not shape.bits_of_frame() or _fits(view, frames):
        return iter(())
    if frames and length >= shape.length(frames):
        return iter(())
    raise SetAsideError(
        Cause.PIXELS_DAMAGED,
        f"Pixel Data has {length} bytes; {shape.rows} rows, {shape.columns} columns, "
        f"{shape.samples} samples of {shape.allocated} bits and {frames} frames make "
        f"{shape.length(frames)}{_other_fit(shape, length)}",
    )


def _fits(view: View, frames: int) -> bool:
    """Say whether the pixels are as long as so many frames, or empty; their pad is not counted."""
    length = view.length(PIXEL_DATA)
    return length == 0 or (bool(frames) and _even(length) == _even(shape_of(view).length(frames)))


def _even(length: int) -> int:
    return length + length % 2


def _whole_frames(bits: int, length: int) -> int:
    """How many whole frames the pixels are; 0 if they are none, or frames are no whole bytes."""
    if bits % 8:
        return 0
    size = bits // 8
    if length % size == 0:
        return length // size
    return (length - 1) // size if (length - 1) % size == 0 else 0


def _other_fit(shape: Shape, length: int) -> str:
    """A hint for the person who looks at it (P04)."""
    for allocated in (8, 16, 12, 32, 1):
        other = shape._replace(allocated=allocated)
        if allocated != shape.allocated and _even(length) == _even(other.length(1)):
            return f"; {allocated} bits a sample would fit"
    return "; look for another copy"


def blank_tail(view: View) -> Iterator[Edit]:
    """P02: zero bytes behind the last native frame, up to a frame or 512 bytes, left out."""
    if not is_native(view):
        return
    shape, frames, length = shape_of(view), frames_of(view), view.length(PIXEL_DATA)
    right = _even(shape.length(frames))
    more = length - right
    if not right or not 0 < more <= max(_MOST_PAD, shape.length(1)):
        return
    pixels = view.segments(PIXEL_DATA)
    if not any(
        any(piece) for part in cut(pixels, right, length) for piece in segments.pieces(part)
    ):
        yield Edit(PIXEL_DATA, view.vr(PIXEL_DATA), tuple(cut(pixels, 0, right)), silent=True)


def cut(parts: tuple[Segment, ...], start: int, end: int) -> Iterator[Segment]:
    """The bytes from *start* to *end* of a value in pieces."""
    at = 0
    for part in parts:
        size = len(part) if isinstance(part, memoryview) else part.length
        first, last = max(start - at, 0), min(end - at, size)
        if first < last:
            if isinstance(part, FileSpan):
                yield FileSpan(part.fd, part.offset + first, last - first)
            else:
                yield part[first:last]
        at += size


def no_pixels(view: View) -> Iterator[Edit]:
    """P16: an image without pixels is a stub; the pixels are somewhere else, or lost.

    Some archives have taken in such objects and hold nothing else: so only where the database says
    that there are pixels (the fact "pixels"), or the job wants it for `all`.
    """
    if not (view.orders.facts.get("pixels") or view.orders.rules.of("P16").get("all")):
        return iter(())
    if PIXEL_DATA in view or not is_image_class(view.text(_SOP_CLASS)):
        return iter(())
    if any(tag in view for tag in (*_OTHER_PIXELS, _PROVIDER)):
        return iter(())
    raise SetAsideError(
        Cause.PIXELS_DAMAGED,
        "the object is an image without Pixel Data; it may be a stub of one that was moved "
        "elsewhere, so look for the whole object",
    )


def offset_table(view: View) -> Iterator[Edit]:
    """P12: a Basic Offset Table that does not point to the frames is emptied or made anew."""
    element = view.stored.header.find(PIXEL_DATA)
    unread = PIXEL_DATA in view.edits or not view.is_undefined(PIXEL_DATA)
    if element is None or unread or _EXTENDED_TABLE in view:
        return
    source, head = view.stored.source, Struct("<HHI")
    first = source.read(element.value, head.size)
    length = int.from_bytes(first[4:], "little")
    frames = frames_of(view)
    start = element.value + head.size
    if not length or not frames or ((length, frames) == (4, 1) and not any(source.read(start, 4))):
        return
    table = source.read(start, min(length, _MOST_TABLE))
    items = list(_fragments(view, start + length, element.end))
    offsets = [offset for offset, _ in items]
    told = [one for (one,) in Struct("<I").iter_unpack(table[: len(table) & ~3])]
    counted = length == 4 * frames or not view.text(_FRAMES)
    if counted and told[:1] == [0] and told == sorted(set(told).intersection(offsets)):
        return
    new = _new_table(view, items, frames, start + length)
    if new is not None:
        item = memoryview(head.pack(0xFFFE, 0xE000, len(new)) + new)
        rest = source.segments(start + length, element.end)
        yield Edit(PIXEL_DATA, element.vr, (item, *rest), silent=True, undefined=True)


def _new_table(view: View, items: list[tuple[int, int]], frames: int, base: int) -> bytes | None:
    """Empty where each fragment is a frame; offsets where streams begin as often as frames."""
    if frames in {1, len(items)}:
        return b""
    starts = (b"\xff\xd8\xff", b"\xff\x4f\xff")
    begun = [
        offset for offset, _ in items if view.stored.source.read(base + offset + 8, 3) in starts
    ]
    return Struct(f"<{frames}I").pack(*begun) if len(begun) == frames else None


def _fragments(view: View, position: int, end: int) -> Iterator[tuple[int, int]]:
    """Offset from the first fragment, and length, of each fragment (PS3.5 A.4)."""
    head, first = Struct("<HHI"), position
    while position + head.size <= end:
        _, element, length = head.unpack(view.stored.source.read(position, head.size))
        if element != 0xE000:  # noqa: PLR2004 - the delimiter
            return
        yield position - first, length
        position += head.size + length


def colours(view: View) -> Iterator[Edit]:
    """P10: the colours as the stream codes them, where its transfer syntax had to be corrected."""
    if not {"P08", "P10"}.intersection(view.stored.envelope):
        return
    element = view.stored.header.find(PIXEL_DATA)
    if element is None:
        return
    fragment = next(islice(_fragments(view, element.value, element.end), 1, 2), None)
    if fragment is None:
        return
    first = view.stored.source.read(element.value + fragment[0] + 8, min(fragment[1], MOST))
    stream = stream_of(first)
    if stream is None or stream.samples != 3:  # noqa: PLR2004 - colour
        return
    lossless = stream.transfer_syntax_uid.endswith((".90", ".201"))
    coded = ("YBR_RCT" if lossless else "YBR_ICT") if stream.transformed else ""
    coded = "YBR_FULL_422" if stream.subsampled else coded
    if coded:
        yield put(_PHOTOMETRIC, b"CS", coded.encode())


def foreign_pixels(view: View) -> Iterator[Edit]:
    """S20: pixels that a device writes under another tag."""
    entry = said_of(view, "S20")
    if entry is None or PIXEL_DATA in view:
        return
    tag = int(str(entry.get("tag", "00FF4AA5")), 16)
    if tag in view and not view.is_undefined(tag):
        vr = b"OB" if shape_of(view).allocated <= 8 else b"OW"  # noqa: PLR2004
        yield Edit(PIXEL_DATA, vr, view.segments(tag))
        yield dropped(tag)


def swapped_words(view: View) -> Iterator[Edit]:
    """E23: pixel words that a device writes in Big Endian; only if they are smoother swapped."""
    if said_of(view, "E23") is None or not is_native(view) or shape_of(view).allocated != 16:  # noqa: PLR2004
        return
    if view.encoding is Encoding.EXPLICIT_BIG:
        return
    pixels = view.segments(PIXEL_DATA)
    sample = segments.joined(cut(pixels, 0, _SWAP_SAMPLE))
    if _roughness(sample, "<") > _roughness(sample, ">"):
        data = segments.joined(pixels)
        swapped = bytearray(data)
        swapped[0::2], swapped[1::2] = data[1::2], data[0::2]
        yield Edit(
            PIXEL_DATA,
            view.vr(PIXEL_DATA),
            (memoryview(bytes(swapped)),),
            before="words in Big Endian",
            after="words in Little Endian",
        )


def _roughness(sample: bytes, mark: str) -> int:
    """The sum of differences between neighbouring words."""
    words = Struct(f"{mark}{len(sample) // 2}H").unpack(sample[: len(sample) & ~1])
    return sum(abs(one - other) for one, other in pairwise(words))


def planar(view: View) -> Iterator[Edit]:
    """P14: the Planar Configuration that a device really writes."""
    entry = said_of(view, "P14")
    if entry is None or view.number(0x00280002) != 3 or not is_native(view):  # noqa: PLR2004
        return
    order = "big" if view.encoding is Encoding.EXPLICIT_BIG else "little"
    value = int(entry.get("planar", 0)).to_bytes(2, order)  # type: ignore[arg-type]
    yield put(_PLANAR, b"US", value)


def current_class(view: View) -> Iterator[Edit]:
    """P18: a retired SOP class as the one that followed it."""
    successor = SUCCESSORS.get(view.text(_SOP_CLASS))
    if successor:
        yield put(_SOP_CLASS, b"UI", successor.encode("ascii"))


_PIXELS = frozenset({PIXEL_DATA})
RULES = (
    Rule(
        "S20",
        Tier.OUTSIDE,
        "Pixels that the named devices write under another `tag` become Pixel Data.",
        "PS3.5 8.1",
        foreign_pixels,
        on=False,
    ),
    Rule(
        "P10C",
        Tier.DETERMINISTIC,
        "Where the transfer syntax was corrected (P08, P10), Photometric Interpretation becomes "
        "what the bit stream is coded in.",
        "PS3.3 C.7.6.3.1.2",
        colours,
        tags=_PIXELS,
    ),
    Rule(
        "P03",
        Tier.DETERMINISTIC,
        "Number of Frames becomes the number of whole frames that are there.",
        "PS3.3 C.7.6.6",
        counted_frames,
        tags=_PIXELS,
    ),
    Rule(
        "P01",
        Tier.QUARANTINE,
        "Native pixels that are shorter than the header makes them set the object aside; so does "
        "a header that no length fits (P04).",
        "PS3.5 8.1",
        short_pixels,
        tags=_PIXELS,
    ),
    Rule(
        "P02",
        Tier.ENVELOPE,
        "Zero bytes behind the last frame are left out. Off, they are kept.",
        "PS3.5 8.1",
        blank_tail,
        tags=_PIXELS,
        on=False,
    ),
    Rule(
        "P12",
        Tier.ENVELOPE,
        "A Basic Offset Table that does not point to the frames is emptied where each fragment is "
        "a frame, else made anew from the streams' starts.",
        "PS3.5 A.4",
        offset_table,
        tags=_PIXELS,
    ),
    Rule(
        "E23",
        Tier.OUTSIDE,
        "Pixel words that the named devices write in Big Endian are swapped, where swapping makes "
        "neighbours more alike.",
        "PS3.5 7.3",
        swapped_words,
        tags=_PIXELS,
        on=False,
    ),
    Rule(
        "P14",
        Tier.OUTSIDE,
        "Planar Configuration becomes `planar` for the named devices.",
        "PS3.3 C.7.6.3.1.3",
        planar,
        tags=_PIXELS,
        on=False,
    ),
    Rule(
        "P16",
        Tier.QUARANTINE,
        "An image without Pixel Data is set aside where the database has pixels for it, or, with "
        "`all`, in any case.",
        "PS3.3 C.7.6.3",
        no_pixels,
    ),
    Rule(
        "P18",
        Tier.OUTSIDE,
        "The retired classes of ultrasound and nuclear medicine images become those that "
        "followed them. Off, they are sent unchanged.",
        "PS3.6 A",
        current_class,
        on=False,
    ),
)
