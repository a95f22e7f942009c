"""Build stored objects byte by byte, right ones and broken ones."""

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from pacslift.inventory.bytesource import FileSpan
from pacslift.inventory.header import Encoding
from pacslift.repair.outgoing import Outgoing
from pacslift.repair.splice import element_header

IMPLICIT, EXPLICIT, BIG = (
    Encoding.IMPLICIT_LITTLE,
    Encoding.EXPLICIT_LITTLE,
    Encoding.EXPLICIT_BIG,
)
SYNTAX = {
    IMPLICIT: "1.2.840.10008.1.2",
    EXPLICIT: "1.2.840.10008.1.2.1",
    BIG: "1.2.840.10008.1.2.2",
}
JPEG = "1.2.840.10008.1.2.4.50"
CT, INSTANCE, STUDY, SERIES = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "1.2.3", "1.2.3.1"
PIXELS = bytes(range(32))
UNDEFINED = 0xFFFFFFFF
DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


def uid(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


def element(tag: int, vr: str, value: bytes, encoding: Encoding = EXPLICIT) -> bytes:
    return element_header(tag, vr.encode(), len(value), encoding) + value


def opened(tag: int, vr: str, encoding: Encoding = EXPLICIT) -> bytes:
    """The header of an element with undefined length."""
    return element_header(tag, vr.encode(), UNDEFINED, encoding)


def item(content: bytes, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", size) + content


def item_until_delimiter(content: bytes) -> bytes:
    return item(content, UNDEFINED) + b"\xfe\xff\x0d\xe0\0\0\0\0"


def identified(encoding: Encoding = EXPLICIT) -> bytes:
    return b"".join(
        [
            element(0x00080005, "CS", b"ISO_IR 100", encoding),
            element(0x00080016, "UI", uid(CT), encoding),
            element(0x00080018, "UI", uid(INSTANCE), encoding),
            element(0x00100020, "LO", b"M\xfcller", encoding),
            element(0x0020000D, "UI", uid(STUDY), encoding),
            element(0x0020000E, "UI", uid(SERIES), encoding),
        ]
    )


def image(encoding: Encoding = EXPLICIT, pixels: bytes = PIXELS) -> bytes:
    return identified(encoding) + element(0x7FE00010, "OW", pixels, encoding)


def fragments(*parts: bytes, end: bytes = DELIMITER) -> bytes:
    """Pixel Data in fragments behind an empty offset table."""
    return opened(0x7FE00010, "OB") + item(b"") + b"".join(map(item, parts)) + end


def meta(syntax: str | None, *, sop_class: str = CT, length: int | None = None) -> bytes:
    parts = [
        element(0x00020002, "UI", uid(sop_class)),
        element(0x00020003, "UI", uid(INSTANCE)),
    ]
    if syntax is not None:
        parts.append(element(0x00020010, "UI", uid(syntax)))
    body = b"".join(parts)
    return (
        element(0x00020000, "UL", struct.pack("<I", len(body) if length is None else length)) + body
    )


def part10(dataset: bytes, syntax: str | None = SYNTAX[EXPLICIT], **how: object) -> bytes:
    return bytes(128) + b"DICM" + meta(syntax, **how) + dataset  # type: ignore[arg-type]


def file_of(folder: Path, content: bytes, name: str = "object") -> int:
    """Write *content* and give a descriptor to read it."""
    (folder / name).write_bytes(content)
    return os.open(folder / name, os.O_RDONLY)


def sent(outgoing: Outgoing) -> bytes:
    """The bytes that would go over the wire."""
    return b"".join(
        os.pread(part.fd, part.length, part.offset) if isinstance(part, FileSpan) else bytes(part)
        for part in outgoing.segments
    )


def joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)
