"""A file that is nothing but the pixels of one object: which bit stream it is, and if it is whole.

The bytes decide: JPEG and JPEG-LS begin with SOI, JPEG 2000 with SOC or with the boxes of a JP2
file, of which only the codestream counts (PS3.5 A.4.4). What has none of these marks is RLE if its
header says so, or native; which of the two, and whether native pixels fit, only the numbers of the
database can tell. Nothing is decoded: of a stream its headers and its end are read.

ITU-T T.81 B.1.1.3 (EOI), T.800 A.4.4 (EOC), I.4 (boxes), PS3.5 G (RLE).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import packbits
from pacslift.inventory.bitstream import Stream, stream_of
from pacslift.inventory.bytesource import ByteSource, FileBytes

_HEADERS = 1 << 20  # bytes in which a stream's headers must stand; colour profiles are that large
_JPEG, _J2K = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_PAD = 2  # bytes behind the end, at most; they are left out
_BOX, _LONG_BOX = Struct(">I4s"), Struct(">Q")
_MOST_BOXES = 64
_COLOURS = {16: "RGB", 17: "MONOCHROME2", 18: "YBR_FULL"}  # of JP2's colr box, T.800 I.5.3.3


@dataclass(frozen=True, slots=True)
class PixelFile:
    """The pixels in *source*, from *start* to *end*; no *stream* means native, or so it seems."""

    source: ByteSource
    start: int
    end: int
    stream: Stream | None

    @property
    def size(self) -> int:
        """Bytes of the pixels."""
        return self.end - self.start

    def head(self) -> bytes:
        """The beginning, with the headers of a stream."""
        return self.source.read(self.start, min(self.size, _HEADERS))


def open_pixels(fd: int) -> PixelFile:
    """See what an open file of pixels is; owns the descriptor from then on, also on error.

    Raises  SetAsideError TRUNCATED for a stream without its end, PIXELS_DAMAGED for one whose
            headers do not read, EMPTY_FILE, UNREADABLE.
    """
    if not os.fstat(fd).st_size:
        os.close(fd)
        raise SetAsideError(Cause.EMPTY_FILE, "the file has no bytes")
    source = FileBytes(fd)
    try:
        return _seen(source)
    except BaseException:
        source.close()
        raise


def _seen(source: ByteSource) -> PixelFile:
    first = source.read(0, len(_JP2))
    if first == _JP2:
        return _in_boxes(source)
    if first.startswith((_JPEG, _J2K)):
        return _whole(source, 0, source.size, "")
    stream = stream_of(source.read(0, 64))
    return PixelFile(source, 0, source.size, stream)


def _whole(source: ByteSource, start: int, end: int, photometric: str) -> PixelFile:
    """A stream with markers: its headers must read, and its end must be there."""
    head = source.read(start, min(end - start, _HEADERS))
    stream = stream_of(head)
    if stream is None:
        kind = "JPEG" if head.startswith(_JPEG) else "JPEG 2000"
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"the file begins as {kind}, but its headers do not tell size and kind of an image "
            "that DICOM has a transfer syntax for",
        )
    tail = source.read(max(end - len(_END) - _PAD, start), len(_END) + _PAD)
    behind = tail.rfind(_END) + len(_END)
    if behind < len(_END) or tail[behind:].strip(b"\0\xff"):
        raise SetAsideError(
            Cause.TRUNCATED, "the stream ends without its end marker; look for another copy"
        )
    if photometric and not stream.photometric:
        stream = stream._replace(photometric=photometric)
    return PixelFile(source, start, end - len(tail[behind:]), stream)


def _in_boxes(source: ByteSource) -> PixelFile:
    """The codestream of a JP2 file, and what its boxes say of the colours."""
    colours = ""
    for kind, start, end in _boxes(source, 0, source.size):
        if kind == b"jp2h":
            inside = {name: at for name, at, _ in _boxes(source, start, end)}
            method = source.read(inside.get(b"colr", end), 7)
            if len(method) == 7 and method[0] == 1:  # noqa: PLR2004 - an enumerated colour space
                colours = _COLOURS.get(int.from_bytes(method[3:], "big"), "")
        if kind == b"jp2c":
            return _whole(source, start, end, colours)
    raise SetAsideError(
        Cause.PIXELS_DAMAGED, "the file is a JP2 file without a codestream in its boxes"
    )


def _boxes(source: ByteSource, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box. T.800 I.4."""
    for _ in range(_MOST_BOXES):
        head = source.read(position, _BOX.size)
        if len(head) < _BOX.size or position >= end:
            return
        length, kind = _BOX.unpack(head)
        start = position + _BOX.size
        if length == 1:
            long = source.read(start, _LONG_BOX.size)
            start += _LONG_BOX.size
            length = int.from_bytes(long, "big")
        behind = position + length if length else end
        if not start <= behind <= end:
            raise SetAsideError(
                Cause.TRUNCATED, "a box of the JP2 file ends behind it; look for another copy"
            )
        yield kind, start, behind
        position = behind


def require_rle(pixels: PixelFile, sample_bytes: int, samples: int, pixels_in_frame: int) -> None:
    """Refuse an RLE frame whose segments do not unpack to the image that the numbers make.

    Raises  SetAsideError PIXELS_DAMAGED. Cost: the segments are walked, not unpacked.
    """
    head = Struct("<16I").unpack(pixels.source.read(pixels.start, 64))
    count, offsets = head[0], [*head[1 : head[0] + 1], pixels.size]
    if count != sample_bytes * samples:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"the RLE frame has {count} segments; {samples} samples of {sample_bytes} bytes make "
            f"{sample_bytes * samples}",
        )
    for nth in range(count):
        start, end = offsets[nth], offsets[nth + 1]
        length = packbits.unpacked_length(
            pixels.source, pixels.start + start, pixels.start + end, pixels_in_frame
        )
        if length != pixels_in_frame:
            raise SetAsideError(
                Cause.PIXELS_DAMAGED,
                f"segment {nth + 1} of the RLE frame unpacks to {length} bytes; Rows and Columns "
                f"make {pixels_in_frame}",
            )
