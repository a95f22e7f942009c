"""The beginnings of compressed pixels, as encoders write them; pixels are not looked at."""

import struct

ROWS, COLUMNS = 4, 6


def jpeg(frame=0xC0, selection=0, sampling=(0x11,)):
    """A JPEG stream up to its first scan; pixels are not looked at."""
    parts = b"".join(bytes([n, how, 0]) for n, how in enumerate(sampling, 1))
    shape = struct.pack(">BHHB", 8, ROWS, COLUMNS, len(sampling)) + parts
    scan = bytes([len(sampling)]) + b"".join(bytes([n, 0]) for n in range(1, len(sampling) + 1))
    scan += bytes([selection, 63, 0])
    return b"".join(
        [
            b"\xff\xd8",
            b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9),
            bytes([0xFF, frame]) + struct.pack(">H", len(shape) + 2) + shape,
            b"\xff\xda" + struct.pack(">H", len(scan) + 2) + scan,
            b"\x12\x34\xff\xd9",
        ]
    )


def jpeg2000(wavelet=1, cap=b"", transform=0):
    size = (
        struct.pack(">HIIIIIIIIH", 0, COLUMNS, ROWS, 0, 0, COLUMNS, ROWS, 0, 0, 3) + b"\7\1\1" * 3
    )
    style = bytes([0, 0, 0, 1, transform, 5, 4, 4, 0, wavelet])
    return (
        b"\xff\x4f\xff\x51"
        + struct.pack(">H", len(size) + 2)
        + size
        + cap
        + b"\xff\x52"
        + struct.pack(">H", len(style) + 2)
        + style
        + b"\xff\x90"
        + struct.pack(">H", 10)
        + bytes(8)
    )
