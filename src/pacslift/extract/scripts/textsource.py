"""A script's text as UTF-8, whatever marks its beginning.

Strategy: readers look for ASCII bytes, so UTF-16 is turned into UTF-8 on the way in, in pieces.
Places are counted in the text that readers see. To open a window in the middle, the place in the
file is looked up among marks set at every piece of the first pass, and read on from there.
Memory: two numbers for each 64 KiB.
"""

import codecs
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Opener, Window, opener

_STEP = 64 << 10  # bytes of the file between two marks
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class TextSource:
    """The text of the file *path* behind its byte order mark, as UTF-8 where it has one.

    *codec* is Python's codec of what windows show: UTF-8, or where no mark says so *said*. It is
    *certain* by its mark, or by the format.
    """

    def __init__(self, path: DumpFile, said: str | None = None, *, certain: bool = False) -> None:
        self.name = str(path)
        self._path = path
        head = source_of(path).head(3)
        self._wide = _UTF16.get(head[:2])
        marked = self._wide is not None or head == codecs.BOM_UTF8
        self.certain = certain or marked
        self.codec = "utf-8" if marked else said
        self._begin = (2 if self._wide else 3) if marked else 0
        self._marks = array("Q", [0])  # places in the text
        self._places = array("Q", [self._begin])  # the same places in the file
        self.odd = False  # whether the file ends inside a character, known after the first pass

    def opener(self, start: int = 0, length: int | None = None) -> Opener:
        """Windows on the text from place *start* on, on *length* bytes of it at most.

        Of UTF-16, *start* must lie in what has been read before.
        """
        if self._wide is None:
            return self._plain(start, length)
        return lambda: self._transcoded(start, length)

    def _plain(self, start: int, length: int | None) -> Opener:
        @contextmanager
        def opened() -> Iterator[Window]:
            with opener(self._path, self._begin + start, length)() as window:
                yield Window(_reading(window), self.name, start)

        return opened if self._begin else opener(self._path, start, length)

    @contextmanager
    def _transcoded(self, start: int, length: int | None) -> Iterator[Window]:
        near = bisect_right(self._marks, start) - 1
        with opener(self._path, self._places[near], self._stretch(near, start, length))() as raw:
            pieces = self._pieces(raw, self._marks[near])
            read = _in_pieces(pieces, start - self._marks[near], length)
            yield Window(read, self.name, start)

    def _stretch(self, near: int, start: int, length: int | None) -> int | None:
        """Bytes of the file that hold the text asked for; None where they go on to its end."""
        if length is None:
            return None
        behind = bisect_right(self._marks, start + length)
        return self._places[behind] - self._places[near] if behind < len(self._marks) else None

    def _pieces(self, raw: Window, mark: int) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._wide or "")(errors="surrogatepass")
        while raw.hold(1):
            piece = raw.data[raw.at : raw.at + _STEP]
            raw.at += len(piece)
            text = decoder.decode(piece).encode("utf-8", "surrogatepass")
            mark += len(text)
            pending = len(decoder.getstate()[0])
            if mark > self._marks[-1]:
                self._marks.append(mark)
                self._places.append(raw.offset - pending)
            self.odd = pending > 0
            if text:
                yield text


def beginning(head: bytes) -> bytes:
    """The first bytes of a file as the text that windows on it show."""
    wide = _UTF16.get(head[:2])
    if wide is not None:
        return head[2:].decode(wide, "ignore").encode("utf-8")
    return head.removeprefix(codecs.BOM_UTF8)


def _reading(window: Window) -> Callable[[int], bytes]:
    """What the window shows, as a file gives it."""

    def read(most: int) -> bytes:
        window.hold(1)
        piece = window.data[window.at : window.at + most]
        window.at += len(piece)
        return piece

    return read


def _in_pieces(pieces: Iterator[bytes], drop: int, length: int | None) -> Callable[[int], bytes]:
    """A read that gives *pieces* without their first *drop* bytes, *length* bytes at most."""
    rest = b""
    left = length

    def read(most: int) -> bytes:
        nonlocal rest, left, drop
        while not rest:
            rest = next(pieces, b"")
            if not rest:
                return b""
            rest, drop = rest[drop:], max(0, drop - len(rest))
        size = min(most, len(rest)) if left is None else min(most, len(rest), left)
        piece, rest = rest[:size], rest[size:]
        left = None if left is None else left - size
        return piece

    return read
