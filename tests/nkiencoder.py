"""Write NKI streams in all five modes, as the old server did, to be read back.

Unlike the server this one also uses codes at random where several fit, so that each is read.
"""

import random
import struct

HEADERS = {1: 8, 2: 20, 3: 8, 4: 20, 5: 20}


def crc(data: bytes) -> int:
    """CRC-32 bit by bit: reflected EDB88320, begun at 0, not inverted."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


def encode(samples: list[int], mode: int, seed: int = 0) -> bytes:
    """Give the value of (7FDF,0010) for 16-bit *samples*."""
    choose = random.Random(seed)  # noqa: S311 - a test's choice
    stream = _lossy(samples) if mode == 5 else _lossless(samples, mode, choose)
    padded = stream + b"\0" * (len(stream) % 2)
    pixels = struct.pack(f"<{len(samples)}H", *samples)
    if mode in {1, 3}:
        return struct.pack("<II", len(samples), mode) + padded
    if mode == 5:
        return struct.pack("<IIIII", len(samples), mode, len(stream), 0, 0) + padded
    stream_crc = crc(padded) if mode == 2 else 0
    return struct.pack("<IIIII", len(samples), mode, len(padded), crc(pixels), stream_crc) + padded


def _lossless(samples: list[int], mode: int, choose: random.Random) -> bytes:
    out = bytearray(struct.pack("<H", samples[0]))
    at = 1
    while at < len(samples):
        last = samples[at - 1]
        run = _run(samples, at)
        half = _half_bytes(samples, at) if mode in {3, 4} else []
        difference = (samples[at] - last + 0x8000 & 0xFFFF) - 0x8000
        if run and choose.random() < 0.7:
            out += bytes([0x80, run])
            at += run
        elif half and choose.random() < 0.5:
            pairs = [*half, choose.randrange(-8, 8)] if len(half) % 2 else half
            out += bytes([0xC0, len(half)])
            out += bytes(
                (a & 15) << 4 | b & 15 for a, b in zip(pairs[::2], pairs[1::2], strict=True)
            )
            at += len(half)
        else:
            out += _single(samples[at], difference, lowest=-63 if mode in {3, 4} else -64)
            at += 1
    return bytes(out)


def _single(sample: int, difference: int, lowest: int) -> bytes:
    if lowest <= difference <= 63:
        return bytes([difference & 0xFF])
    if -0x3F00 <= difference <= 0x3EFF:
        return bytes([(difference >> 8 & 0xFF) ^ 0x40, difference & 0xFF])
    return bytes([0x7F, sample >> 8, sample & 0xFF])


def _run(samples: list[int], at: int) -> int:
    count = 0
    while count < 255 and at + count < len(samples) and samples[at + count] == samples[at - 1]:
        count += 1
    return count


def _half_bytes(samples: list[int], at: int) -> list[int]:
    found: list[int] = []
    while len(found) < 255 and at < len(samples) and -8 <= samples[at] - samples[at - 1] <= 7:
        found.append(samples[at] - samples[at - 1])
        at += 1
    return found


def _lossy(samples: list[int]) -> bytes:
    kept = [sample & 0x1FFF for sample in samples]
    out = bytearray(struct.pack(">H", kept[0]))
    at = 1
    while at < len(kept):
        difference = kept[at] - kept[at - 1]
        run = min(_run(kept, at), 32)
        if run:
            out.append(223 + run)
            at += run
            continue
        out += bytes([difference + 128]) if -96 <= difference <= 95 else struct.pack(">H", kept[at])
        at += 1
    return bytes(out)
