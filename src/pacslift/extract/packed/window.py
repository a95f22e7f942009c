"""The part of a dump that is being looked at.

Strategy: readers match compiled regular expressions against bytes held in one buffer, and ask
for more when a match touches the buffer's end, where it could go on. Patterns given to match()
are therefore prefix-closed: the beginning of anything they match, cut anywhere, matches too.
Asking takes in at least as much as is open already, so that a thing of n bytes costs at most 2n
however small the pieces are that the input comes in, and how it is cut never matters.
Memory: what is open, and one piece. What stays open for OPEN_LIMIT bytes is taken for damage.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from pacslift.errors import DumpDamagedError

# Bytes asked for at once. Of larger pieces the memory is given back, and faulted in anew each time.
PIECE = 2 << 20
OPEN_LIMIT = 512 << 20  # MySQL's largest packet and PostgreSQL's largest field are 1 GiB


class Window:
    """A stream seen through a buffer.

    *read* gives at most as many bytes as asked, at least one, and b"" at the end. `data` is the
    buffer and `at` the place in it up to which everything is used up.
    """

    def __init__(self, read: Callable[[int], bytes], name: str, start: int = 0) -> None:
        self._read = read
        self._name = name
        self._before = start
        self.data = b""
        self.at = 0
        self.ended = False

    @property
    def offset(self) -> int:
        """Place in the stream of `data[at]`."""
        return self._before + self.at

    def grow(self) -> bool:
        """Take in more, at least as much as is open. False where the stream has ended.

        Indices into `data` are void afterwards, but for `at`.
        """
        if self.ended:
            return False
        parts = [self.data[self.at :]]
        wanted = max(PIECE, len(parts[0]))
        if wanted > OPEN_LIMIT:
            raise DumpDamagedError(
                f"{self._name}: what begins at byte {self.offset} has no end within "
                f"{OPEN_LIMIT >> 20} MiB. The dump is damaged there; make a new one."
            )
        taken = 0
        while taken < wanted and not self.ended:
            piece = self._read(wanted - taken)
            self.ended = not piece
            parts.append(piece)
            taken += len(piece)
        self._before += self.at
        self.data = b"".join(parts)
        self.at = 0
        return taken > 0

    def hold(self, size: int) -> bool:
        """Have *size* bytes after the place, or all that the stream still has. False for none."""
        while len(self.data) - self.at < size and self.grow():
            pass
        return len(self.data) > self.at

    def fill(self) -> bool:
        """Have a piece after the place, or all that is left. False for none."""
        return self.hold(PIECE)

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Match a prefix-closed *pattern* at the place, which stays where it is."""
        while True:
            found = pattern.match(self.data, self.at)
            if found is None or found.end() < len(self.data) or not self.grow():
                return found

    def find(self, needle: bytes) -> bool:
        """Move to where *needle* comes next; False, and the end, where it does not."""
        while (hit := self.data.find(needle, self.at)) < 0:
            self.at = max(self.at, len(self.data) - len(needle) + 1)
            if not self.grow():
                self.at = len(self.data)
                return False
        self.at = hit
        return True


def taken(window: Window, pattern: re.Pattern[bytes]) -> bytes:
    """Take what the prefix-closed *pattern* matches at the window's place."""
    found = window.match(pattern)
    text = found.group() if found else b""
    window.at += len(text)
    return text


Opener = Callable[[], AbstractContextManager[Window]]
"""Opens a window on some place of a dump; every call opens another."""


class HasWindows(Protocol):
    """What opens windows by itself: a file that is packed, see source.py."""

    def opener(self, start: int = 0, length: int | None = None) -> Opener:
        """See opener."""
        ...


def opener(path: Path | HasWindows, start: int = 0, length: int | None = None) -> Opener:
    """Windows on the file *path* from byte *start* on, on *length* bytes of it at most."""
    if not isinstance(path, Path):
        return path.opener(start, length)

    @contextmanager
    def opened() -> Iterator[Window]:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            read = file.read if length is None else _bounded(file.read, length)
            yield Window(read, str(path), start)

    return opened


def _bounded(read: Callable[[int], bytes], length: int) -> Callable[[int], bytes]:
    left = length

    def bounded(most: int) -> bytes:
        nonlocal left
        piece = read(min(most, left))
        left -= len(piece)
        return piece

    return bounded
