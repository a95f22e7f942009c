"""How many associations send, found while sending.

Strategy: measure for a while, add one, measure again. It stays if the rate has grown by more than
a few per cent and the target's answers do not come much later; otherwise it goes, and the number
rests until the target, or what is sent, may have changed. A refused association is the target's own
word on how many it takes: the number there is becomes the most for good.

The rate counts an object as its bytes and PER_OBJECT more, so that neither small objects, each of
which costs a target its work, nor large ones alone decide when a job has both. Time is passed in.
"""

from dataclasses import dataclass
from enum import StrEnum

MOST = 16  # associations of a run; archives grant fewer rather than more
MEASURED = 3.0  # seconds of one measurement
ENOUGH = 24  # answers that it takes at least, for each association
SETTLING = 1.0  # seconds after a change that are not measured
GAIN = 1.05  # the rate must grow by this factor for one more to stay
SLOWER = 1.5  # the answers may come later by this factor
REST = 60.0  # seconds at a number that was found before another is tried; doubles up to
LONGEST_REST = 3600.0
PER_OBJECT = 0x10000  # bytes that an object counts for by itself


class Step(StrEnum):
    """What to do now."""

    GROW = "grow"
    SHRINK = "shrink"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a number of associations came to."""

    rate: float  # bytes, PER_OBJECT counted in, in a second
    answer: float  # mean seconds that the target took for an object

    def betters(self, before: "Measured") -> bool:
        """Whether this is worth one association more than *before*."""
        return self.rate > before.rate * GAIN and self.answer <= before.answer * SLOWER


class Growing:
    """Finds the number. *least* to *most* associations; *now* is in seconds of any clock."""

    def __init__(self, number: int, now: float, *, least: int = 1, most: int = MOST) -> None:
        self.number = number
        self._least, self._most = least, max(number, most)
        self._before: Measured | None = None  # with one fewer; None: nothing to compare with
        self._rest = REST
        self._begin(now + SETTLING)

    def _begin(self, now: float) -> None:
        self._began = now
        self._work, self._answers, self._seconds = 0, 0, 0.0

    def count(self, now: float, size: int, seconds: float) -> None:
        """Take note of one answer to an object of *size* bytes, which took *seconds*."""
        if now >= self._began:
            self._work += size + PER_OBJECT
            self._answers += 1
            self._seconds += seconds

    def step(self, now: float) -> Step:
        """What to do now; whoever asks does it."""
        passed = now - self._began
        if passed < MEASURED or self._answers < ENOUGH * self.number:
            return Step.STAY
        measured = Measured(self._work / passed, self._seconds / self._answers)
        if self._before is not None and not measured.betters(self._before):
            return self._settle(now)
        self._before = measured
        if self.number >= self._most:
            self._before = None
            self._begin(now + self._rest)
            return Step.STAY
        self.number += 1
        self._begin(now + SETTLING)
        return Step.GROW

    def _settle(self, now: float) -> Step:
        """One fewer, and leave it at that for a while."""
        self._before = None
        self._begin(now + self._rest)
        self._rest = min(2 * self._rest, LONGEST_REST)
        if self.number <= self._least:
            return Step.STAY
        self.number -= 1
        return Step.SHRINK

    def refused(self, now: float) -> None:
        """The target has refused the association that was to be added."""
        self.number = max(self._least, self.number - 1)
        self._most = self.number
        self._before = None
        self._begin(now + self._rest)
