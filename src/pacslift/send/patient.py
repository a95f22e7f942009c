"""Waiting for a ledger's server that is away for a while."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import TypeVar

from pacslift.errors import LedgerLostError
from pacslift.events import Finding, Sink
from pacslift.send.interrupts import sleep

T = TypeVar("T")

WAITS = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts; then the last for ever
MOST = 600.0  # seconds for which a server may be away
AWAY = "the ledger's server does not answer; sending waits for it, nothing is lost"


class PatientWithServer:
    """Does what is asked of it again until the server answers, or was away for *most* seconds.

    Once somebody wanted to go, or it was away for too long, it has no patience any more.
    """

    def __init__(self, tell: Sink, most: float = MOST) -> None:
        self._tell = tell
        self._most = most

    def do(self, asked: Callable[[], T]) -> T:
        """The result of *asked*. Raises LedgerLostError when it has been tried for too long."""
        return next(self.each(lambda: iter([asked()])))

    def each(self, asked: Callable[[], Iterable[T]]) -> Iterator[T]:
        """Everything that *asked* gives; after an outage it is called again, from the start."""
        away_since: float | None = None
        waits: Iterator[float] = iter(())
        while True:
            try:
                for given in asked():
                    away_since = None
                    yield given
            except LedgerLostError:
                now = time.monotonic()
                if away_since is None:
                    away_since, waits = now, chain(WAITS, repeat(WAITS[-1]))
                    self._tell(Finding("send", AWAY))
                if now - away_since >= self._most:
                    self._most = 0.0
                    raise
            else:
                return
            self._sleep(next(waits))

    def _sleep(self, seconds: float) -> None:
        try:
            sleep(seconds)
        except BaseException:
            self._most = 0.0
            raise
