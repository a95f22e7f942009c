"""Where the bytes of a dump come from, read forward from any place on.

They are those of files, one behind the other, of a stretch of something, or unpacked (unpacked.py).
"""

import io
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER = 256 << 10

Read = Callable[[int], bytes]
"""Gives at most as many bytes as asked, at least one, and b"" at the end."""


class Bytes(Protocol):
    """Bytes from somewhere.

    *random* says that any place is reached at once. *early* says, once an early end was met, of
    what and where.
    """

    random: bool
    early: str | None

    @property
    def size(self) -> int:
        """How many there are; may unpack all of them."""
        ...

    def reading(self, start: int) -> AbstractContextManager[Read]:
        """Read from place *start* on."""
        ...


def head_of(source: Bytes, size: int) -> bytes:
    """The first *size* bytes, or all there are."""
    with source.reading(0) as read:
        return taken(read, size)


def taken(read: Read, size: int) -> bytes:
    """The next *size* bytes, or all there are."""
    parts = [b""]
    while size and (piece := read(size)):
        parts.append(piece)
        size -= len(piece)
    return b"".join(parts)


class Parts:
    """The files at *paths*, one behind the other."""

    random = True
    early: str | None = None

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._ends = list(accumulate(path.stat().st_size for path in paths))

    @property
    def size(self) -> int:
        """See Bytes."""
        return self._ends[-1]

    @contextmanager
    def reading(self, start: int) -> Iterator[Read]:
        """See Bytes."""
        with ExitStack() as stack:
            first = min(bisect_right(self._ends, start), len(self._paths) - 1)
            file = stack.enter_context(self._paths[first].open("rb", buffering=0))
            file.seek(start - (self._ends[first - 1] if first else 0))
            left = list(self._paths[first + 1 :])

            def read(most: int) -> bytes:
                nonlocal file
                while not (piece := file.read(most)) and left:
                    file.close()
                    file = stack.enter_context(left.pop(0).open("rb", buffering=0))
                return piece

            yield read


class Stretch:
    """*length* bytes of *inner* from place *start* on."""

    early: str | None = None

    def __init__(self, inner: Bytes, start: int, length: int) -> None:
        self.inner = inner
        self._start = start
        self.size = length
        self.random = inner.random

    @contextmanager
    def reading(self, start: int) -> Iterator[Read]:
        """See Bytes."""
        with self.inner.reading(self._start + start) as read:
            yield bounded(read, max(0, self.size - start))


def bounded(read: Read, length: int) -> Read:
    """*read* that ends after *length* bytes."""
    left = length

    def within(most: int) -> bytes:
        nonlocal left
        piece = read(min(most, left)) if left else b""
        left -= len(piece)
        return piece

    return within


class _Raw(io.RawIOBase):
    """*source* as Python's file objects have it."""

    def __init__(self, source: Bytes) -> None:
        self._source = source
        self._stack = ExitStack()
        self._read: Read | None = None
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = offset
        if whence == io.SEEK_CUR:
            place += self._at
        elif whence == io.SEEK_END:
            place += self._source.size
        if place != self._at:
            self._stack.close()
            self._read = None
            self._at = max(0, place)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if self._read is None:
            self._read = self._stack.enter_context(self._source.reading(self._at))
        with memoryview(buffer) as view:
            piece = self._read(len(view))
            view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._stack.close()
        super().close()


def file_of(source: Bytes) -> BinaryIO:
    """*source* as a file object that can be read and moved in; a move back may unpack again."""
    return io.BufferedReader(_Raw(source), _BUFFER)
