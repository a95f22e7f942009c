"""Unpacking in a thread of its own, a few pieces ahead of who reads them.

zlib, bz2, lzma and zstandard work without Python's lock, so unpacking and reading rows overlap.
Memory: AHEAD pieces, and one on either side.
A pump that nobody closes is ended when it is collected as garbage, which can happen in any thread
and anywhere: therefore only SimpleQueue is used, which bears that, and no lock.
"""

import threading
import weakref
from collections.abc import Iterator
from queue import SimpleQueue

AHEAD = 3


class Pump:
    """Draws *pieces* in a thread. What they raise, next() raises."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._found: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._room = _Room()
        self._last: bytes | BaseException | None = None
        self._thread = threading.Thread(
            target=_draw, args=(pieces, self._found, self._room), daemon=True
        )
        weakref.finalize(self, self._room.close)
        self._thread.start()

    def next(self) -> bytes:
        """The next piece; b"" at the end."""
        found = self._found.get() if self._last is None else self._last
        if isinstance(found, BaseException):
            self._last = found
            raise found
        if not found:
            self._last = found
        self._room.add()
        return found

    def close(self) -> None:
        """End the thread; what it reads from may be closed afterwards."""
        self._room.close()
        if self._thread is not threading.current_thread():
            self._thread.join()


class _Room:
    """How many pieces may be drawn still, until it is closed."""

    def __init__(self) -> None:
        self._places: SimpleQueue[None] = SimpleQueue()
        self._open = True
        for _ in range(AHEAD):
            self.add()

    def add(self) -> None:
        """Make room for one piece."""
        self._places.put(None)

    def take(self) -> bool:
        """Wait for room; False where it is closed."""
        self._places.get()
        return self._open

    def close(self) -> None:
        """Wake up who waits, and let nobody in any more."""
        self._open = False
        self._places.put(None)


def _draw(
    pieces: Iterator[bytes], found: "SimpleQueue[bytes | BaseException]", room: _Room
) -> None:
    try:
        for piece in pieces:
            if not room.take():
                return
            found.put(piece)
        found.put(b"")
    except BaseException as error:  # noqa: BLE001 - raised again where the pieces are wanted
        found.put(error)
