"""How many associations send, found while sending.

Strategy: measure for a while, add some, measure again. They stay if the rate has grown by more than
a few per cent and the target's answers do not come much later; otherwise they go. Where there is
more than one way to add some, the other is tried then, and after that the number rests until the
target, or what is sent, may have changed. A number that comes from an earlier run is unproven: if
more of it brings nothing, less is tried as well, and is what stays where nothing is lost by it.
A refused association is the target's own word on how many it takes: the number there is becomes the
most for good.

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

    GROW = "grow"  # to see whether more bring something
    SHRINK = "shrink"  # to see whether fewer lose something
    UNDO = "undo"  # the last step
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a number of associations came to."""

    rate: float  # bytes, PER_OBJECT counted in, in a second
    answer: float  # mean seconds that the target took for an object

    def betters(self, fewer: "Measured") -> bool:
        """Whether this is worth more associations than *fewer* had."""
        return self.rate > fewer.rate * GAIN and self.answer <= fewer.answer * SLOWER


class Growing:
    """Finds the number, from *least* to *most*, in steps of *unit*; times are seconds of any clock.

    *proven* says whether *number* was seen to be worth it, or is the least anyway.
    """

    def __init__(
        self,
        number: int,
        now: float,
        *,
        least: int = 1,
        most: int = MOST,
        unit: int = 1,
        proven: bool = True,
    ) -> None:
        self.number = number
        self.failed = 0  # ways of growing that were tried from here, and brought nothing
        self._least, self._most, self._unit = least, max(number, most), unit
        self._proven = proven
        self._trial = 0  # by how much the number was changed to be measured against what was before
        self._before = Measured(0.0, 0.0)  # that
        self._rest = REST
        self._begin(now + SETTLING)

    @property
    def found(self) -> int:
        """The number without what is only being tried."""
        return self.number - self._trial

    def _begin(self, now: float) -> None:
        self._began = now
        self._work, self._answers, self._seconds = 0, 0, 0.0

    def count(self, now: float, size: int, seconds: float) -> None:
        """Take note of one answer to an object of *size* bytes, which took *seconds*."""
        if now >= self._began:
            self._work += size + PER_OBJECT
            self._answers += 1
            self._seconds += seconds

    def settle(self, now: float) -> None:
        """Measure anew, since not all that are to be measured are at work yet."""
        self._begin(max(self._began, now + SETTLING))

    def step(self, now: float, ways: int = 1) -> Step:
        """What to do now; whoever asks does it. *ways* there are to grow, 0 if none at present."""
        passed = now - self._began
        if passed < MEASURED or self._answers < ENOUGH * self.number:
            return Step.STAY
        measured = Measured(self._work / passed, self._seconds / self._answers)
        if self._trial > 0 and not measured.betters(self._before):
            self.failed += 1
            return self._undone(now)
        if self._trial < 0 and self._before.betters(measured):
            self._proven = True
            return self._undone(now)
        self._proven |= self._trial > 0
        self.failed *= self._trial <= 0
        return self._tried(now, measured, ways)

    def _tried(self, now: float, measured: Measured, ways: int) -> Step:
        """Go on from a number that is as good as *measured*."""
        trial, self._trial = self._trial, 0
        self._before = measured
        if trial >= 0 and self.failed < ways and self.number + self._unit <= self._most:
            return self._changed(now, self._unit)
        if not self._proven and self.number - self._unit >= self._least:
            return self._changed(now, -self._unit)
        if ways:
            self._leave(now)
        else:
            self._begin(now)
        return Step.STAY

    def _changed(self, now: float, by: int) -> Step:
        self._trial = by
        self.number += by
        self._begin(now + SETTLING)
        return Step.GROW if by > 0 else Step.SHRINK

    def _undone(self, now: float) -> Step:
        self.number, self._trial = self.found, 0
        self._begin(now + SETTLING)
        return Step.UNDO

    def _leave(self, now: float) -> None:
        """Leave it at that for a while; each time for longer."""
        self.failed = 0
        self._begin(now + self._rest)
        self._rest = min(2 * self._rest, LONGEST_REST)

    def refused(self, now: float) -> None:
        """The target has refused one of the associations."""
        self.number = max(1, self.number - 1)
        self._least = min(self._least, self.number)
        self._most, self._trial = self.number, 0
        self._begin(now + self._rest)
