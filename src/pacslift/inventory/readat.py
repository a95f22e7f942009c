"""Reading an open file at an offset, on systems that have a call for it and on those that have not.

Workers read one file at several places at the same time (entries of a container, pieces of a large
object), so a place that all of them share will not do. POSIX has pread and preadv, which leave
the place alone; they are taken as they are, chosen once. Python on Windows has neither: a lock
keeps together there what belongs together, going to the place and reading. Locks are found by the
descriptor's number, so that none has to be made or given back with a file. Descriptors that os.dup
made share a place and not the lock: only one of them may be in use at a time.
"""

import os
import threading
from collections.abc import Callable, Sequence

_LOCKS = tuple(threading.Lock() for _ in range(64))  # so many files are read at the same time


def seek_and_read(fd: int, length: int, offset: int) -> bytes:
    """As os.pread (POSIX 1003.1): at most *length* bytes from *offset*, b"" behind the end."""
    with _LOCKS[fd % len(_LOCKS)]:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, length)


def seek_and_fill(fd: int, into: Sequence[memoryview], offset: int) -> int:
    """As os.preadv (Linux, BSD): fill the views one after another; how many bytes there were."""
    filled = 0
    for view in into:
        piece = seek_and_read(fd, len(view), offset + filled)
        view[: len(piece)] = piece
        filled += len(piece)
        if len(piece) < len(view):
            break
    return filled


read_at: Callable[[int, int, int], bytes] = getattr(os, "pread", seek_and_read)
fill_at: Callable[[int, Sequence[memoryview], int], int] = getattr(os, "preadv", seek_and_fill)
