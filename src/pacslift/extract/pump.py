"""Unpacking in a thread of its own, a few pieces ahead of who reads them.

zlib, bz2, lzma and zstandard work without Python's lock, so unpacking and reading rows overlap.
Memory: AHEAD pieces, and one on either side.
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
        self._room = threading.Semaphore(AHEAD)
        self._stop = threading.Event()
        self._last: bytes | BaseException | None = None
        self._thread = threading.Thread(
            target=_draw, args=(pieces, self._found, self._room, self._stop), daemon=True
        )
        # A pump that nobody closes must not leave its thread waiting for ever.
        self._finalizer = weakref.finalize(self, _halt, self._stop, self._room)
        self._thread.start()

    def next(self) -> bytes:
        """The next piece; b"" at the end."""
        found = self._found.get() if self._last is None else self._last
        if isinstance(found, BaseException):
            self._last = found
            raise found
        if not found:
            self._last = found
        self._room.release()
        return found

    def close(self) -> None:
        """End the thread; what it reads from may be closed afterwards."""
        self._finalizer()
        if self._thread is not threading.current_thread():
            self._thread.join()


def _halt(stop: threading.Event, room: threading.Semaphore) -> None:
    stop.set()
    room.release()


def _draw(
    pieces: Iterator[bytes],
    found: "SimpleQueue[bytes | BaseException]",
    room: threading.Semaphore,
    stop: threading.Event,
) -> None:
    try:
        for piece in pieces:
            room.acquire()
            if stop.is_set():
                return
            found.put(piece)
        found.put(b"")
    except BaseException as error:  # noqa: BLE001 - raised again where the pieces are wanted
        found.put(error)
