"""Between the pacer and the ledger: what a person says meanwhile goes in, how it goes comes out.

`pacslift pace` writes into the ledger from a process of its own, and the run looks there every
second; the run writes how it goes, every few seconds and when that changes, for `pacslift pace`
and `pacslift status`. What is there of a run that was killed is known by its age.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pacslift.errors import LedgerLostError
from pacslift.events import PaceChanged, Sink
from pacslift.job_pace import SAID, Pace, in_force
from pacslift.ledger import Ledger
from pacslift.send.going import OnRecord
from pacslift.send.pace import LOOK_EVERY, MEGA, Pacer

WRITE_EVERY = 2.0  # seconds between two writings of how it goes

HELD = ("paused", "closed")


class Steering:
    """Keeps *pacer* at what holds, and puts on record what it does. Looks once when it is made."""

    def __init__(
        self,
        ledger: Ledger,
        pacer: Pacer,
        tell: Sink,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._pacer, self._tell, self._clock = ledger, pacer, tell, clock
        self._on_record = OnRecord(ledger)
        self._written: Pace = pacer.pace  # as job.toml has it
        self._told = PaceChanged("free")
        self._since = clock()  # what was told last holds since then
        self._looked = self._recorded = -math.inf
        self._objects = self._bytes = 0  # since it was recorded last
        self.look()

    def count(self, size: int) -> None:
        """Note an object of *size* bytes that was sent."""
        self._objects += 1
        self._bytes += size

    def look(self) -> None:
        """Do what is due: take over what a person says, tell and record what has changed.

        A server that is away is waited for by whoever needs it; meanwhile all goes on as before.
        """
        with suppress(LedgerLostError):
            self._look()

    def _look(self) -> None:
        now = self._clock()
        slowed = self._pacer.backoff.level is not None
        if now - self._looked < LOOK_EVERY and slowed == (self._told.state == "slowed"):
            return
        self._looked = now
        self._pacer.pace = in_force(self._written, self._ledger.get(SAID))
        going = self._pacer.going()
        changed = (going.state, going.until) != (self._told.state, self._told.until)
        if changed or now - self._recorded >= WRITE_EVERY:
            self._record(going, now)
        if changed:
            self._change(going, now)

    def end(self) -> None:
        """Nothing is sent any more."""
        if self._told.state != "free":
            self._change(PaceChanged("free"), self._clock())
        with suppress(LedgerLostError):
            self._on_record.forget()

    def _change(self, going: PaceChanged, now: float) -> None:
        held = now - self._since if self._told.state in HELD else 0.0
        self._told, self._since = going, now
        self._tell(replace(going, held_seconds=round(held, 3)))

    def _record(self, going: PaceChanged, now: float) -> None:
        seconds = max(now - self._recorded, 1e-3)  # the first time without end: no rate yet
        self._on_record.put(going, self._objects / seconds, self._bytes / seconds / MEGA)
        self._recorded, self._objects, self._bytes = now, 0, 0
