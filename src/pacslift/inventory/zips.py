"""Entries of ZIP files, as old archives keep studies on nearline storage.

Strategy: the directory at the end of the file is read once by the standard library (zip64 too), and
kept for the ZIP files used last. A stored entry is a stretch of the ZIP file; a deflated one is
inflated when it is opened, within the size that the directory promises, and its checksum compared.
Memory: a directory of more than 64 MiB, about half a million entries, is refused.
PKWARE APPNOTE 6.3.10: 4.3.7 (local header), 4.4.4 (flags), 4.4.5 (methods).
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat
from pacslift.inventory.bytesource import ByteSource, FileBytes
from pacslift.inventory.containerfile import Positioned, Remembered, identity_of
from pacslift.inventory.inflate import MOST_BYTES, RAW, inflate

CONTAINER = "zip"
MAGIC = b"PK\3\4"
KEPT = 64  # ZIP files whose entries are kept
_LONGEST_DIRECTORY = 64 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # up to the lengths of name and extra field
_ENCRYPTED = 1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in its ZIP file: where its local header is, and its sizes."""

    header: int
    packed: int
    size: int
    method: int
    crc: int
    encrypted: bool

    @property
    def is_stretch(self) -> bool:
        """Whether its bytes lie in the ZIP file as they are."""
        return self.method == zipfile.ZIP_STORED


def names_in(fd: int) -> frozenset[str]:
    """Names of the entries in an open ZIP file, folders left out.

    Raises SetAsideError CONTAINER_DAMAGED or UNREADABLE.
    """
    return frozenset(_entries(fd))


def entry_of(fd: int, name: str | None) -> Entry:
    """The entry *name* of an open ZIP file.

    Raises SetAsideError MISSING_FILE, CONTAINER_UNKNOWN, CONTAINER_DAMAGED or UNREADABLE.
    """
    entries = _entries(fd)
    entry = entries.get(name or "")
    if entry is None:
        raise SetAsideError(
            Cause.MISSING_FILE, f"the ZIP file has no entry {name!r} among its {len(entries)}"
        )
    if entry.encrypted or entry.method not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        how = "encrypted" if entry.encrypted else f"packed by the method {entry.method}"
        raise SetAsideError(
            Cause.CONTAINER_UNKNOWN,
            f"its entry {name!r} in the ZIP file is {how}; stored and deflated ones are read. "
            "Put a ZIP file in its place that is packed so",
        )
    if entry.size > MOST_BYTES:
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the ZIP file gives {entry.size} bytes as the size of its entry {name!r}, "
            f"no more than {MOST_BYTES} are unpacked",
        )
    return entry


def opened(fd: int, name: str | None) -> ByteSource:
    """The bytes of an entry; owns *fd* from then on, also on error.

    Raises what entry_of() raises, and SetAsideError TRUNCATED.
    """
    try:
        entry = entry_of(fd, name)
        start = _start_of(fd, entry, name)
    except BaseException:
        os.close(fd)
        raise
    stretch = FileBytes(fd, start, entry.packed)
    if entry.is_stretch:
        return stretch
    try:
        plain = inflate(stretch, 0, RAW, entry.size)
    finally:
        stretch.close()
    try:
        require_whole(plain, entry, name)
    except BaseException:
        plain.close()
        raise
    return plain


def require_whole(plain: ByteSource, entry: Entry, name: str | None) -> None:
    """SetAsideError CONTAINER_DAMAGED unless size and checksum are those of the directory."""
    crc = 0
    for offset in range(0, plain.size, _CHUNK):
        crc = zlib.crc32(plain.read(offset, _CHUNK), crc)
    if (plain.size, crc) != (entry.size, entry.crc):
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the entry {name!r} of the ZIP file has {plain.size} bytes with the checksum "
            f"{crc:08x}; its directory says {entry.size} and {entry.crc:08x}",
        )


def _start_of(fd: int, entry: Entry, name: str | None) -> int:
    """Where the bytes of an entry begin: behind its local header, whose length is its own."""
    head = readat.read_at(fd, _LOCAL_HEADER.size, entry.header)
    if len(head) < _LOCAL_HEADER.size or not head.startswith(MAGIC):
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the ZIP file has no header at byte {entry.header}, where its directory has the "
            f"entry {name!r}",
        )
    _, name_length, extra_length = _LOCAL_HEADER.unpack(head)
    start = int(entry.header + _LOCAL_HEADER.size + name_length + extra_length)
    missing = start + entry.packed - os.fstat(fd).st_size
    if missing > 0:
        raise SetAsideError(
            Cause.TRUNCATED, f"the ZIP file ends {missing} bytes before its entry {name!r} does"
        )
    return start


_CACHE = Remembered[Mapping[str, Entry]](KEPT)


def _entries(fd: int) -> Mapping[str, Entry]:
    identity = identity_of(fd)
    known = _CACHE.get(identity)
    if known is None:
        known = _read(fd)
        _CACHE.put(identity, known)
    return known


def _read(fd: int) -> Mapping[str, Entry]:
    try:
        with zipfile.ZipFile(Positioned(fd, _LONGEST_DIRECTORY)) as packed:
            return {
                one.filename: Entry(
                    one.header_offset,
                    one.compress_size,
                    one.file_size,
                    one.compress_type,
                    one.CRC,
                    bool(one.flag_bits & _ENCRYPTED),
                )
                for one in packed.infolist()
                if not one.is_dir()
            }
    except OSError as error:
        if error.errno is not None and error.strerror:
            raise SetAsideError(
                Cause.UNREADABLE, f"reading it fails: {error.strerror}; check the disk"
            ) from error
        raise _damaged(error) from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> SetAsideError:
    return SetAsideError(
        Cause.CONTAINER_DAMAGED, f"it is no ZIP file, or its end is cut off: {error}"
    )
