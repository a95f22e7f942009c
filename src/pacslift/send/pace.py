"""Whether the next object may be handed out, by what a person allows and the target bears. Pure.

One Pacer serves all processes and associations of a run, since all get their objects from the one
that has the ledger; a limit so holds for their sum. An object's bytes are known from the catalog,
or taken for as many as others had, and set right when it was sent: what was sent twice counts
twice, and what was never sent counts nothing.
Limits are buckets that hold a quarter of a second's worth. Over any time t never more than
rate * t is handed out beyond what one bucket, or the one largest object, holds.
Rule    whatever the loop says one object may be in hand, so that nothing waits for ever.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pacslift.events import PaceChanged
from pacslift.job_pace import UNPACED, Pace
from pacslift.send.backoff import Backoff

BURST = 0.25  # seconds' worth of a limit that a bucket holds
LOOK_EVERY = 1.0  # seconds between looks at the clock on the wall
TYPICAL = 500_000  # bytes of an object, until some have been sent
MEGA = 1_000_000
WEIGHT = 0.05  # of one object in the mean size


@dataclass(slots=True)
class Bucket:
    """So much a second, and *least* in one go; a rate of 0 gives nothing, None everything."""

    rate: float | None
    least: float
    now: float  # monotonic seconds
    level: float = 0.0

    @property
    def capacity(self) -> float:
        """What it holds when it is full."""
        return max(self.least, (self.rate or 0.0) * BURST)

    def at(self, rate: float | None, now: float) -> None:
        """Go on at another rate."""
        self._fill(now)
        self.rate = rate
        self.level = min(self.level, self.capacity)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until *amount* may be taken; 0: now."""
        if self.rate is None:
            return 0.0
        if not self.rate:
            return math.inf
        self._fill(now)
        return max(0.0, min(amount, self.capacity) - self.level) / self.rate

    def take(self, amount: float) -> None:
        """Take *amount*, more than there is if it must be; below 0: give it back."""
        if self.rate is not None:
            self.level = min(self.level - amount, self.capacity)

    def _fill(self, now: float) -> None:
        if self.rate is not None:
            self.level = min(self.level + self.rate * max(0.0, now - self.now), self.capacity)
        self.now = now


class Came(NamedTuple):
    """What the pacer has to know of a result."""

    seconds: float | None  # to the target's answer; None: there was none
    size: int  # bytes of the object; 0: not known
    attempts: int  # how often it was begun to be sent
    troubled: bool  # whether the target was out of resources, or lost it


def now_utc() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Pacer:
    """Says when the next object may be handed out. Used by one thread."""

    def __init__(
        self,
        pace: Pace = UNPACED,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = now_utc,
    ) -> None:
        self._clock, self._wall = clock, wall
        self._pace, self._share = pace, 1.0
        now = clock()
        self._instances, self._bytes = Bucket(None, 1, now), Bucket(None, 1, now)
        self.backoff = Backoff(now)
        self._given: dict[str, int] = {}  # bytes that were counted, by instance key
        self._mean = float(TYPICAL)
        self._was_held = False
        self.in_hand = 0
        self.room = 1
        self._begin(now)

    @property
    def pace(self) -> Pace:
        """What is allowed."""
        return self._pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        if pace != self._pace:
            self._pace = pace
            self._begin(self._clock())

    @property
    def share(self) -> float:
        """The part of the limits that is for this machine, 0 to 1."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise ValueError(share)
        if share != self._share:
            self._share = share
            self._begin(self._clock())

    def _begin(self, now: float) -> None:
        """Go on by what is said now."""
        pace, self._week = self._pace, self._pace.week
        rate, size = pace.instances_per_second, pace.megabytes_per_second
        self._instances.at(None if rate is None else rate * self._share, now)
        self._bytes.at(None if size is None else size * MEGA * self._share, now)
        self.backoff.answer_seconds = pace.answer_seconds
        if not pace.adaptive:
            self.backoff.forget()
        self._looked = -math.inf
        self._closed_until: datetime | None = None

    def wait(self, size: int | None, room: int) -> float:
        """Seconds until an object of *size* bytes may be handed out; 0: now.

        *room* is how many may be in hand. Infinite where that hangs on something else than time.
        """
        now, self.room = self._clock(), room
        if self.in_hand >= room:
            return math.inf
        if self._is_held(now):
            self._was_held = True
            return LOOK_EVERY
        if self._was_held:
            self._was_held = False
            self.backoff.rested(now)
        if self.in_hand >= self.backoff.allowed(room):
            self.backoff.used_up()
            return math.inf
        return max(self._instances.wait(1, now), self._bytes.wait(size or self._mean, now))

    def _is_held(self, now: float) -> bool:
        """Whether nothing may be handed out at all; the clock on the wall is looked at at times."""
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._closed_until = self._week.closed_until(self._wall())
        return self._pace.paused or self._closed_until is not None

    def going(self) -> PaceChanged:
        """How it goes."""
        self._is_held(self._clock())
        allowed, until, zone = self.backoff.allowed(self.room), None, self._week.zone
        if self._pace.paused:
            state, allowed = "paused", 0
        elif self._closed_until is not None:
            state, allowed = "closed", 0
            until = self._closed_until.astimezone(zone).isoformat(timespec="seconds")
        else:
            state = "slowed" if self.backoff.level is not None else "free"
        reason = self.backoff.reason if state == "slowed" else ""
        return PaceChanged(state, until, zone.key, allowed, self.room, reason)

    def gave(self, key: str, size: int | None) -> None:
        """An object was handed out."""
        counted = int(size or self._mean)
        self._given[key] = counted
        self._instances.take(1)
        self._bytes.take(counted)
        self.in_hand += 1

    def came(self, key: str, result: Came) -> None:
        """It came back."""
        self.in_hand -= 1
        self._instances.take(result.attempts - 1)
        self._bytes.take(result.attempts * result.size - self._given.pop(key))
        if result.size:
            self._mean += WEIGHT * (result.size - self._mean)
        if self._pace.adaptive:
            self.backoff.came(
                self._clock(), result.seconds, result.size, troubled=result.troubled,
                in_hand=self.in_hand, room=self.room,
            )  # fmt: skip
