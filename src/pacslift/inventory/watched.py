"""Whether a file was written to while it was read.

Half of such an object may be old and half new, and no digest of it shows that. So the size and the
time of the last change, as they are when the file is opened, are looked at again when the last byte
has been read: where they are the same, all bytes are of one state of the file. A file that is
removed, or that another takes the place of, stays as it was for who has it open.
Limit: a file system notes times by its own steps, some milliseconds; what was written twice within
one step shows as written once. Cost: one stat an object.
"""

import os
from contextlib import suppress
from typing import NamedTuple

from pacslift.errors import Cause, SetAsideError


class Watched(NamedTuple):
    """An open file as it was when it was opened."""

    fd: int  # while it is open
    path: str
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, fd: int, path: str, status: os.stat_result) -> "Watched":
        """The file that *fd* has open, which lies at *path* and has this *status*."""
        return cls(fd, path, status.st_ino, status.st_size, status.st_mtime_ns)

    def require_unchanged(self) -> None:
        """SetAsideError CHANGED_WHILE_READ if the file was written to since it was opened."""
        now = self._now()
        if now is not None and (now.st_size, now.st_mtime_ns) != (self.size, self.changed_ns):
            raise SetAsideError(
                Cause.CHANGED_WHILE_READ,
                f"{self.path} was written to while it was read to be sent, {self.size} bytes "
                f"before and {now.st_size} now: part of what was read may be old and part new, so "
                "that it was not sent to its end. Find out what writes into the storage, and stop "
                "it",
            )

    def _now(self) -> os.stat_result | None:
        """The file's status, by its name where a copy was made of it and it is closed.

        None if it is neither open nor has its name any more: then it stays as it was read.
        """
        for place in (self.fd, self.path):
            with suppress(OSError):
                now = os.stat(place)  # noqa: PTH116 - done for every object, a Path costs more
                if now.st_ino == self.inode:  # else its number is another file's by now
                    return now
        return None
