"""What the other machines do meanwhile."""

import math
import time

import sqlalchemy as sa

from pacslift.errors import LedgerError
from pacslift.events import Elsewhere, Sink
from pacslift.ledger import META, Ledger
from pacslift.send.studies import COUNTED, count_live

LOOK_EVERY = 2.0  # seconds


class Others:
    """Tells how many machines are at work, and how many instances the others are through with."""

    def __init__(self, ledger: Ledger, worker: int, dead_after: float, tell: Sink) -> None:
        self._ledger, self._dead_after, self._tell = ledger, dead_after, tell
        self._mine = f"{COUNTED}{worker}"
        self._before = self._counts()
        self._next = -math.inf
        self.machines = 1  # at work, this one included
        self.instances = 0  # that the others are through with

    def look(self, *, at_once: bool = False) -> None:
        """Look and tell, if it is time to."""
        if time.monotonic() < self._next and not at_once:
            return
        self._next = time.monotonic() + LOOK_EVERY
        try:
            counts = self._counts()
            machines = count_live(self._ledger, self._dead_after)
        except LedgerError:  # whoever needs the server waits for it
            return
        more, size = (
            sum(max(0, now[at] - self._before.get(key, (0, 0))[at]) for key, now in counts.items())
            for at in (0, 1)
        )
        self._before |= counts
        self.instances += more
        if more or machines != self.machines:
            self.machines = machines
            self._tell(Elsewhere(machines, more, size))

    def _counts(self) -> dict[str, tuple[int, int]]:
        query = sa.select(META).where(META.c.key.startswith(COUNTED), META.c.key != self._mine)
        found = {row["key"]: row["value"].split() for row in self._ledger.rows(query)}
        return {key: (int(instances), int(size)) for key, (instances, size) in found.items()}
