"""What readers of container files share: a bounded view of the file, and what was found in it."""

import io
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from pacslift.inventory import readat

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

C = TypeVar("C")
Identity = tuple[int, int, int, int]  # device, inode, size, time of change


def identity_of(fd: int) -> Identity:
    """By which a file is known again as long as it is the same."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class Remembered(Generic[C]):
    """What was found in the files used last, so many of them. Threads share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[Identity, C] = OrderedDict()

    def get(self, identity: Identity) -> C | None:
        """What is kept of a file."""
        with self._lock:
            if identity in self._known:
                self._known.move_to_end(identity)
            return self._known.get(identity)

    def put(self, identity: Identity, contents: C) -> None:
        """Keep it, and let go of the one that was not used for longest."""
        with self._lock:
            self._known[identity] = contents
            if len(self._known) > self._most:
                self._known.popitem(last=False)


class Positioned(io.RawIOBase):
    """An open file with a place of its own, since threads read one file at several places.

    More than *most* bytes are not read at once, whatever a length in the file says: ValueError.
    """

    def __init__(self, fd: int, most: int) -> None:
        self._fd = fd
        self._most = most
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to *offset*."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: os.fstat(self._fd).st_size}
        self._at = base[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read on, before memory is taken for it."""
        if size > self._most:
            raise ValueError(f"a header of {size} bytes")
        return super().read(size) or b""

    def tell(self) -> int:
        """Give the place."""
        return self._at

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read on."""
        view = memoryview(buffer)
        if len(view) > self._most:
            raise ValueError(f"a header of {len(view)} bytes")
        data = readat.read_at(self._fd, len(view), self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
