"""Deflated Image Frame Compression undone, for a target that does not take it.

Strategy: each frame is a raw deflate stream of its native bytes (PS3.5 A.4, transfer syntax
1.2.840.10008.1.2.8.1), so inflating loses nothing and needs no decoder; the native bytes are
checked against Rows, Columns, Samples per Pixel, Bits Allocated and Number of Frames. Bounded:
a frame may inflate to its own native size and no further.
"""

import struct
import zlib
from collections.abc import Iterator

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Encoding
from pacslift.inventory.stored import StoredObject

DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_ITEM, _DELIMITER = 0xFFFEE000, 0xFFFEE0DD
_ITEM_HEAD = struct.Struct("<HHI")
_RAW_DEFLATE = -15
_DIGITS = 9  # of a number of frames that may be one
_MOST_BYTES = 1 << 31  # of native pixels; larger ones do not fit in memory beside others


def native_pixels(stored: StoredObject) -> bytes:
    """The native Pixel Data of *stored*, whose transfer syntax is DEFLATED_FRAMES; even length.

    Raises SetAsideError PIXELS_DAMAGED if frames and header disagree.
    """
    frames, bits = frame_count(stored), bits_per_frame(stored)
    if not frames or not bits or frames * bits > _MOST_BYTES * 8:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"{frames} frames of {bits} bits each cannot be written as native pixels; "
            "have the target take the transfer syntax instead",
        )
    pieces = list(fragments(stored))[1:]  # the first is the Basic Offset Table
    if len(pieces) != frames:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED, f"{len(pieces)} fragments for {frames} frames; one each is right"
        )
    size = -(-bits // 8)
    native = packed((inflated(piece, size, n) for n, piece in enumerate(pieces, 1)), frames, bits)
    return native + b"\0" * (len(native) & 1)


def packed(pieces: Iterator[bytes], frames: int, bits: int) -> bytes:
    """Frames of *bits* bits, each padded to whole bytes, as one run of bits (PS3.5 8.1.1, 8.2).

    Encapsulated, each frame of single bits begins with a byte of its own; native, it begins with
    the bit after the frame before. The first pixel is the lowest bit.
    """
    if bits % 8 == 0:
        return b"".join(pieces)
    native = bytearray(-(-frames * bits // 8))
    mask = (1 << bits) - 1
    for n, piece in enumerate(pieces):
        start, shift = divmod(n * bits, 8)
        value = (int.from_bytes(piece, "little") & mask) << shift
        moved = value.to_bytes(-(-(bits + shift) // 8), "little")
        native[start] |= moved[0]
        native[start + 1 : start + len(moved)] = moved[1:]
    return bytes(native)


def inflated(frame: bytes, size: int, number: int) -> bytes:
    """One frame, which must inflate to *size* bytes exactly."""
    inflater = zlib.decompressobj(_RAW_DEFLATE)
    try:
        native = inflater.decompress(frame, size + 1)
    except zlib.error as error:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED, f"frame {number} cannot be inflated: {error}"
        ) from error
    if len(native) != size or not inflater.eof:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED, f"frame {number} does not inflate to the {size} bytes it should"
        )
    return native


def fragments(stored: StoredObject) -> Iterator[bytes]:
    """The items of an encapsulated Pixel Data, the Basic Offset Table first (PS3.5 A.4)."""
    element = stored.header.find(PIXEL_DATA)
    if element is None or element.length != UNDEFINED:
        raise SetAsideError(Cause.PIXELS_DAMAGED, "its Pixel Data is not encapsulated")
    at = element.value
    while at + _ITEM_HEAD.size <= element.end:
        group, number, length = _ITEM_HEAD.unpack(stored.source.read(at, _ITEM_HEAD.size))
        at += _ITEM_HEAD.size
        if (group << 16 | number) != _ITEM:
            return
        yield stored.source.read(at, length)
        at += length


def frame_count(stored: StoredObject) -> int:
    """Number of Frames (0028,0008); 1 where it is absent."""
    text = (stored.value(0x00280008) or b"1").decode("ascii", "replace").strip("\0 ")
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else 0


def bits_per_frame(stored: StoredObject) -> int:
    """Bits of one native frame (PS3.5 8.1, PS3.3 C.7.6.3)."""
    rows, columns, samples, allocated = (
        number(stored, tag) for tag in (0x00280010, 0x00280011, 0x00280002, 0x00280100)
    )
    return rows * columns * samples * allocated


def number(stored: StoredObject, tag: int) -> int:
    """The value of a US element; 0 where there is none."""
    value = stored.value(tag) or b""
    big = stored.header.encoding is Encoding.EXPLICIT_BIG
    return int.from_bytes(value[:2], "big" if big else "little")
