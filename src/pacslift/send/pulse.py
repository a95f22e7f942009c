"""The signs of life of one machine, given beside its work."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pacslift.errors import LedgerError

OFTEN = 6  # signs of life within the time after which a silent machine counts as dead


class Pulse:
    """Calls *beat* every so often in a thread of its own; an outage of the server is waited out."""

    def __init__(self, beat: Callable[[], None], dead_after: float) -> None:
        self._beat = beat
        self._every = dead_after / OFTEN
        self._ending = threading.Event()
        self.heard = time.monotonic()  # when the last sign of life was given that arrived
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the last sign of life was the last."""
        self._ending.set()
        self._thread.join(self._every)

    def require(self) -> None:
        """Raise what ended the signs of life, if something did."""
        if self._fault:
            raise self._fault

    def _work(self) -> None:
        try:
            while not self._ending.is_set():
                with suppress(LedgerError):
                    now = time.monotonic()
                    self._beat()
                    self.heard = now
                self._ending.wait(self._every)
        except Exception as error:  # noqa: BLE001 - raised again by require()
            self._fault = error
