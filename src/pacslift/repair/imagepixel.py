"""The Image Pixel module of an object without a header: what stream and database say together.

Rules   the stream's own word stands where it has one; a number of the database that contradicts it
        sets the object aside, since then the file may be that of another. What neither says is left
        out, and whoever needs it says what is missing; nothing is guessed.
PS3.3 C.7.6.3; PS3.5 8.1.1 (High Bit), 8.2.1 to 8.2.4 (what each compression allows), 8.2.2 (RLE).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import keyword_for_tag

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bitstream import RLE, Stream
from pacslift.inventory.pixelfile import PixelFile, require_rle
from pacslift.inventory.pixelsize import Shape
from pacslift.repair.iod import Form

SAMPLES, PHOTOMETRIC, PLANAR, FRAMES = 0x00280002, 0x00280004, 0x00280006, 0x00280008
ROWS, COLUMNS, ALLOCATED, STORED = 0x00280010, 0x00280011, 0x00280100, 0x00280101
HIGH, SIGNED = 0x00280102, 0x00280103
NUMBERS = (SAMPLES, PLANAR, ROWS, COLUMNS, ALLOCATED, STORED, HIGH, SIGNED)
ESSENTIAL = (ROWS, COLUMNS, SAMPLES, ALLOCATED, STORED, HIGH, SIGNED, PHOTOMETRIC)
_MOST = 0xFFFF  # US
_COLOUR = 3
_SEGMENTS = {1: (1, 8), 2: (1, 16), 3: (3, 8), 6: (3, 16)}  # of RLE: samples and bits, PS3.5 G.2
_OF_ONE_SAMPLE = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})

Said = Mapping[int, Any]  # numbers, and Photometric Interpretation as text; absent: not said


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """What is known of the pixels.

    stream  None: they are native
    values  by tag, numbers and the text of Photometric Interpretation
    """

    stream: Stream | None
    values: Mapping[int, int | str]
    frames: int

    @property
    def form(self) -> Form:
        """What decides about classes; 0 and "" for what is not known."""
        samples, allocated = (int(self.values.get(tag, 0)) for tag in (SAMPLES, ALLOCATED))
        syntax = self.stream.transfer_syntax_uid if self.stream else ""
        colours = str(self.values.get(PHOTOMETRIC, ""))
        return Form(samples, allocated, self.frames, colours, syntax)

    @property
    def native_bytes(self) -> int:
        """Bytes of the pixels once decoded."""
        return _shape(self.values)._replace(photometric="").length(self.frames)


def image_pixel(pixels: PixelFile, said: Said) -> ImagePixel:
    """Put together what the file and *said* tell of the pixels.

    Raises  SetAsideError PIXELS_DAMAGED where they contradict each other, or native pixels do not
            fit their numbers; NOT_REBUILT where native pixels have no numbers to be held against.
    """
    frames = int(said.get(FRAMES, 1))
    stream = pixels.stream
    if stream is None or (stream.transfer_syntax_uid == RLE and _fits(pixels, said, frames)):
        return _native(pixels, said, frames)
    if frames != 1:
        raise SetAsideError(
            Cause.NOT_REBUILT, f"the file is one bit stream; the object has {frames} frames"
        )
    told = dict(_told_by_rle(pixels)) if stream.transfer_syntax_uid == RLE else _told_by(stream)
    values = {tag: said[tag] for tag in (*NUMBERS, PHOTOMETRIC) if tag in said} | told
    if stream.samples == 1 and PHOTOMETRIC in said:
        values[PHOTOMETRIC] = said[PHOTOMETRIC]  # which grey is black, no stream says for certain
    _refuse_other(said, told)
    _refuse_strange(values)
    _complete(values, stream)
    found = ImagePixel(stream, values, 1)
    if stream.transfer_syntax_uid == RLE:
        require_known(values, (ROWS, COLUMNS))
        require_rle(pixels, *_rle_shape(values))
    return found


def _rle_shape(values: Mapping[int, int | str]) -> tuple[int, int, int]:
    rows, columns, samples, allocated = (
        int(values[tag]) for tag in (ROWS, COLUMNS, SAMPLES, ALLOCATED)
    )
    return allocated // 8, samples, rows * columns


def require_known(values: Mapping[int, object], tags: tuple[int, ...]) -> None:
    """Raises SetAsideError NOT_REBUILT that names which of *tags* nobody knows."""
    lacking = [keyword_for_tag(tag) for tag in tags if values.get(tag) in {None, ""}]
    if lacking:
        raise SetAsideError(
            Cause.NOT_REBUILT,
            f"neither the pixels nor the database say {', '.join(lacking)}; the adapter has to "
            "give it in `attributes`",
        )


def _native(pixels: PixelFile, said: Said, frames: int) -> ImagePixel:
    require_known(said, (ROWS, COLUMNS, SAMPLES, ALLOCATED))
    values = {tag: said[tag] for tag in (*NUMBERS, PHOTOMETRIC) if tag in said}
    if not _fits(pixels, said, frames):
        shape = _shape(said)
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"the file has {pixels.size} bytes; {shape.rows} rows, {shape.columns} columns, "
            f"{shape.samples} samples of {shape.allocated} bits and {frames} frames make "
            f"{shape.length(frames)}, and it begins as no known bit stream",
        )
    _refuse_strange(values)
    if values[SAMPLES] == _COLOUR:
        require_known(values, (PLANAR,))
    _complete(values, None)
    return ImagePixel(None, values, frames)


def _shape(said: Said) -> Shape:
    rows, columns, samples, allocated = (
        int(said.get(tag, 0)) for tag in (ROWS, COLUMNS, SAMPLES, ALLOCATED)
    )
    return Shape(rows, columns, samples, allocated, str(said.get(PHOTOMETRIC, "")))


def _fits(pixels: PixelFile, said: Said, frames: int) -> bool:
    """Say whether the file is as long as the pixels, or one byte longer to be even."""
    length = _shape(said).length(frames)
    return length > 0 and pixels.size in {length, length + length % 2}


def _told_by(stream: Stream) -> dict[int, int | str]:
    """What a stream with markers says of itself, by tag."""
    told: dict[int, int | str] = {ROWS: stream.rows, COLUMNS: stream.columns}
    told = {tag: value for tag, value in told.items() if value}  # JPEG may tell its lines later
    told[SAMPLES] = stream.samples
    if stream.precision > 0:
        told[ALLOCATED] = -(-stream.precision // 8) * 8
    if stream.signed is not None:
        told[SIGNED] = int(stream.signed)
    if stream.photometric:
        told[PHOTOMETRIC] = stream.photometric
    return told


def _told_by_rle(pixels: PixelFile) -> Iterator[tuple[int, int]]:
    count = int.from_bytes(pixels.source.read(pixels.start, 4), "little")
    if count not in _SEGMENTS:
        raise SetAsideError(
            Cause.NOT_REBUILT, f"an RLE frame of {count} segments is no image of 8 or 16 bits"
        )
    samples, allocated = _SEGMENTS[count]
    yield SAMPLES, samples
    yield ALLOCATED, allocated


def _refuse_other(said: Said, told: Mapping[int, int | str]) -> None:
    """Refuse numbers that the stream has otherwise; how colours are coded only the stream knows."""
    for tag, value in told.items():
        if tag in NUMBERS and tag in said and int(said[tag]) != value:
            raise SetAsideError(
                Cause.PIXELS_DAMAGED,
                f"{keyword_for_tag(tag)} is {value} in the bit stream, and {said[tag]} is said of "
                "it; is it the file of another object?",
            )


def _refuse_strange(values: dict[int, int | str]) -> None:
    """Refuse what no object can say, and what contradicts itself."""
    samples, photometric = values.get(SAMPLES, 0), str(values.get(PHOTOMETRIC, ""))
    for tag in (ROWS, COLUMNS):
        if tag in values and not 0 < int(values[tag]) <= _MOST:
            raise SetAsideError(
                Cause.PIXELS_DAMAGED,
                f"{keyword_for_tag(tag)} is {values[tag]}; it can be 1 to {_MOST}",
            )
    if samples not in {1, _COLOUR} or values.get(ALLOCATED) not in {1, 8, 16, 32}:
        raise SetAsideError(
            Cause.NOT_REBUILT,
            f"{samples} samples of {values.get(ALLOCATED, 'unknown')} bits are no image that can "
            "be described; 1 or 3 of 8 or 16 bits can",
        )
    if photometric and (photometric in _OF_ONE_SAMPLE) != (samples == 1):
        raise SetAsideError(
            Cause.PIXELS_DAMAGED, f"{photometric} is said of pixels with {samples} samples"
        )


def _complete(values: dict[int, int | str], stream: Stream | None) -> None:
    """Add what follows from what is known; never over what is said."""
    precision = stream.precision if stream else 0
    if precision > 0:
        values.setdefault(STORED, precision)
        if int(values[STORED]) > precision:
            raise SetAsideError(
                Cause.PIXELS_DAMAGED,
                f"BitsStored is {values[STORED]}, the bit stream has {precision} bits",
            )
    if STORED in values:
        values.setdefault(HIGH, int(values[STORED]) - 1)
    if values[SAMPLES] == _COLOUR and stream is not None:
        values.setdefault(SIGNED, 0)
        values[PLANAR] = 0
    elif values[SAMPLES] == 1:
        values.pop(PLANAR, None)
    _refuse_impossible(values)


def _refuse_impossible(values: Mapping[int, int | str]) -> None:
    """Refuse bits that are not there (PS3.5 8.1.1), and codes that are none."""
    allocated = int(values[ALLOCATED])
    stored = int(values.get(STORED, allocated))
    high = int(values.get(HIGH, allocated - 1))
    if not 0 < stored <= high + 1 <= allocated:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"BitsStored {stored} with HighBit {high} are not among {allocated} bits allocated",
        )
    for tag in (SIGNED, PLANAR):
        if values.get(tag, 0) not in {0, 1}:
            raise SetAsideError(
                Cause.PIXELS_DAMAGED, f"{keyword_for_tag(tag)} is {values[tag]}; it can be 0 or 1"
            )
