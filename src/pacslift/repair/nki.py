"""Decode NKI, the private pixel compression of Conquest servers, found in (7FDF,0010).

The stream codes 16-bit samples as differences to the sample before; most take one byte. Strategy:
one loop, one table look-up and one addition per sample; about 30 MB of pixels a second. (Finding
runs by regular expression and summing them in C is faster on smooth images only, and five times
slower on real ones, whose noise breaks the runs.)

Conquest-DICOM-Server, src/dgate/src/nkiqrsop.cpp. All integers of the header are little endian.
Modes 2 and 4 carry a CRC-32 of the samples, which starts at 0 and is not inverted; mode 2 carries
one of the stream as well, modes 4 and 5 a zero there. Mode 5 keeps only the low 13 bits of samples.
"""

import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from pacslift.errors import Cause, SetAsideError

LOSSY_MODE = 5
_MODES = range(1, 6)
_BARE_MODES = frozenset({1, 3})  # neither stream length nor CRC
_NIBBLE_MODES = frozenset({3, 4})
_STREAM_CRC_MODE = 2
_BARE_HEADER = Struct("<II")  # samples, mode
_FULL_HEADER = Struct("<IIIII")  # and length of the stream, CRC of the samples, CRC of the stream
_NOT_NKI = (b"ACUSON", b"ELSCIN")
_PAD = 1  # streams are padded to even length; the pad decodes to one sample too many

# What a byte stands for: below _LONG a difference; else _LONG plus the high part of a difference
# whose low byte follows; else one of three codes.
_LONG, _ABSOLUTE, _REPEAT, _NIBBLES = 100_000, 300_000, 300_001, 300_002
_LEAST_LONG = _LONG - 0x8000
_LOSSY_SMALL, _LOSSY_REPEAT = 0x20, 0xE0  # where the small differences and the repeats begin
_HALF = [nibble if nibble < 8 else nibble - 16 for nibble in range(16)]  # noqa: PLR2004 - signed


def _meaning(byte: int) -> int:
    signed = byte - 0x100 if byte & 0x80 else byte
    if -0x40 <= signed < 0x40:  # noqa: PLR2004 - the format's own range
        return signed
    high = byte ^ 0x40
    return _LONG + (high - 0x100 if high & 0x80 else high) * 0x100


_PLAIN = [_meaning(byte) for byte in range(0x100)]
_PLAIN[0x7F], _PLAIN[0x80] = _ABSOLUTE, _REPEAT
_WITH_NIBBLES = [*_PLAIN]
_WITH_NIBBLES[0xC0] = _NIBBLES


@dataclass(frozen=True, slots=True)
class Decoded:
    """The value of Pixel Data as OW, little endian, and the mode it was compressed in."""

    pixels: bytes
    mode: int


def looks_like_nki(value: bytes) -> bool:
    """Say whether a value of (7FDF,0010) begins as NKI does; other vendors use the tag too.

    Whether (7FE0,0010) is there as well, which rules NKI out, the caller knows.
    """
    if len(value) <= _BARE_HEADER.size or value.startswith(_NOT_NKI):
        return False
    _, mode = _BARE_HEADER.unpack_from(value)
    return mode in _MODES


def decode(value: bytes) -> Decoded:
    """Decode a value for which looks_like_nki() holds.

    Raises  SetAsideError PIXELS_DAMAGED: the stream gives too few or too many samples, or a CRC
            differs from the one stored.
    """
    wanted, mode = _BARE_HEADER.unpack_from(value)
    stream, crc = _stream(value, mode)
    samples = array("H")
    try:
        if mode == LOSSY_MODE:
            _fill_lossy(samples, iter(stream), wanted)
        else:
            table = _WITH_NIBBLES if mode in _NIBBLE_MODES else _PLAIN
            _fill(samples, iter(stream), table, wanted)
    except StopIteration:  # inside a code; what comes before it may be all there is to come
        pass
    if not wanted <= len(samples) <= wanted + _PAD:
        raise _damage(f"the stream gives {len(samples)} samples, its header says {wanted}")
    if sys.byteorder == "big":
        samples.byteswap()
    pixels = samples[:wanted].tobytes()
    if crc is not None and _crc(pixels) != crc:
        raise _damage("the CRC of the decoded pixels differs from the one stored with them")
    return Decoded(pixels, mode)


def _stream(value: bytes, mode: int) -> tuple[bytes, int | None]:
    """Part the stream from its header; give the CRC that the samples must have, if there is one."""
    if mode in _BARE_MODES:
        return value[_BARE_HEADER.size :], None
    if len(value) < _FULL_HEADER.size:
        raise _damage("the value ends inside its header")
    _, _, length, crc, stream_crc = _FULL_HEADER.unpack_from(value)
    stream = value[_FULL_HEADER.size : _FULL_HEADER.size + length]
    if len(stream) < length:
        raise _damage(f"the stream has {len(stream)} of {length} bytes")
    if mode == _STREAM_CRC_MODE and _crc(stream) != stream_crc:
        raise _damage("the CRC of the compressed stream differs from the one stored with it")
    return stream, None if mode == LOSSY_MODE else crc


def _crc(data: bytes) -> int:
    """CRC-32 begun at 0 and not inverted; zlib's begins at all ones and inverts, both undone."""
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


def _damage(what: str) -> SetAsideError:
    return SetAsideError(
        Cause.PIXELS_DAMAGED, f"NKI compressed pixels: {what}; look for another copy"
    )


def _fill(samples: "array[int]", stream: Iterator[int], table: list[int], wanted: int) -> None:
    """Decode modes 1 to 4. Raises StopIteration where the stream ends inside a code."""
    following, append = stream.__next__, samples.append
    sample = following() | following() << 8
    append(sample)
    for byte in stream:
        meaning = table[byte]
        if meaning < _LEAST_LONG:
            sample = (sample + meaning) & 0xFFFF
            append(sample)
        elif meaning < _ABSOLUTE:
            sample = (sample + meaning - _LONG + following()) & 0xFFFF
            append(sample)
        elif meaning == _ABSOLUTE:
            sample = following() << 8 | following()
            append(sample)
        elif meaning == _REPEAT:
            samples.extend([sample] * following())
        else:
            sample = _append_nibbles(samples, stream, sample)
        if meaning >= _REPEAT and len(samples) > wanted + _PAD:
            return  # two bytes can ask for 255 samples: a stream that lies gets no memory for them


def _append_nibbles(samples: "array[int]", stream: Iterator[int], sample: int) -> int:
    """Append the samples of one run of half bytes; give the last one."""
    count = next(stream)
    for left in range(count, 0, -2):
        pair = next(stream)
        sample = (sample + _HALF[pair >> 4]) & 0xFFFF
        samples.append(sample)
        if left > 1:
            sample = (sample + _HALF[pair & 0x0F]) & 0xFFFF
            samples.append(sample)
    return sample


def _fill_lossy(samples: "array[int]", stream: Iterator[int], wanted: int) -> None:
    """Decode mode 5. Raises StopIteration where the stream ends inside a code."""
    sample = next(stream) << 8 | next(stream)
    samples.append(sample)
    for byte in stream:
        if byte < _LOSSY_SMALL:
            sample = byte << 8 | next(stream)
            samples.append(sample)
        elif byte < _LOSSY_REPEAT:
            sample = (sample + byte - 0x80) & 0xFFFF
            samples.append(sample)
        else:
            samples.extend([sample] * (byte - _LOSSY_REPEAT + 1))
            if len(samples) > wanted:
                return
