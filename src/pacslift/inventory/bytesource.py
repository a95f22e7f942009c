"""Random access to the bytes of one object, wherever they are: a file, or memory.

Strategy: the first block is read once and kept, since the header nearly always lies in it; all
else is read when asked for. Nothing is mapped into memory: a file that is cut while it is mapped
kills the process with SIGBUS, a cut file that is read is an exception.
"""

import os
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat

FIRST_BLOCK = 32 * 1024


@dataclass(frozen=True, slots=True)
class FileSpan:
    """Bytes that stay in the open file *fd* until they are sent."""

    fd: int
    offset: int
    length: int


Segment: TypeAlias = memoryview | FileSpan


class ByteSource(Protocol):
    """The bytes 0 to *size* of one object."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Give at most *length* bytes from *offset*, fewer only at the end."""

    def segments(self, start: int, end: int) -> tuple[Segment, ...]:
        """Give the same bytes as pieces for sending, without reading what is not yet read."""

    def close(self) -> None:
        """Give back the file; segments that point into it are void from then on."""


class MemoryBytes:
    """An object that is in memory, because it was unpacked or made."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._view = memoryview(data)

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource."""
        return bytes(self._view[offset : offset + length])

    def segments(self, start: int, end: int) -> tuple[Segment, ...]:
        """See ByteSource."""
        return (self._view[start:end],) if start < end else ()

    def close(self) -> None:
        """See ByteSource; memory has nothing to give back."""


class FileBytes:
    """An object in an open file. Owns *fd* from the moment it is made, also if that fails.

    Takes *start* and *size* where the object is a stretch of the file and not all of it.
    Raises SetAsideError UNREADABLE when the disk fails, TRUNCATED when the file shrinks meanwhile.
    """

    def __init__(self, fd: int, start: int = 0, size: int | None = None) -> None:
        self._fd = fd
        self._start = start
        self.size = os.fstat(fd).st_size - start if size is None else size
        try:
            self._first = self._read_file(0, min(FIRST_BLOCK, self.size))
        except SetAsideError:
            self.close()
            raise

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource; raises what the class says."""
        end = min(offset + length, self.size)
        if end <= len(self._first):
            return self._first[offset:end]
        return self._read_file(offset, max(end - offset, 0))

    def segments(self, start: int, end: int) -> tuple[Segment, ...]:
        """See ByteSource."""
        known = len(self._first)
        pieces: list[Segment] = []
        if start < min(end, known):
            pieces.append(memoryview(self._first)[start : min(end, known)])
        if max(start, known) < end:
            begin = max(start, known)
            pieces.append(FileSpan(self._fd, self._start + begin, end - begin))
        return tuple(pieces)

    def close(self) -> None:
        """See ByteSource."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_file(self, offset: int, length: int) -> bytes:
        try:
            data = readat.read_at(self._fd, length, self._start + offset)
        except OSError as error:
            raise SetAsideError(
                Cause.UNREADABLE,
                f"reading {length} bytes at {offset} fails: {error.strerror}; check the disk",
            ) from error
        if len(data) != length:
            raise SetAsideError(
                Cause.TRUNCATED,
                f"the file gives {len(data)} of {length} bytes at {offset}; it shrank while open",
            )
        return data
