"""How long a stage still takes, as a range in which the end should lie four times out of five.

Takes   what was done when: steps and, where objects are sent, bytes.
Gives   the shortest and the longest time left; nothing as long as too little was seen.
Rules   a range is that of the mean of the intervals to come, given the scatter of those past
        (a prediction interval), and is widened to what the last half and the last quarter say by
        themselves: a rate that drifts is no scatter. Steps and bytes are judged each for itself,
        and both ranges are within the one given: ten thousand small objects are quick, the CT
        behind them is not. A time at which nothing was to be done, as in a pause, is not counted.
Cost    at most MOST intervals are kept; when they are full, two become one of twice the length.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

SHORTEST = 1.0  # seconds of an interval at first
MOST = 64  # intervals; an even number
FEWEST = 8  # intervals before anything is said
FOUR_OF_FIVE = 1.2816  # standard deviations to each side that hold four of five normal values
LONGEST_IN_SECONDS = 120
STEPS = ((10, 1), (120, 5), (3_600, 60), (86_400, 300), (math.inf, 3_600))  # below which, in which


@dataclass(frozen=True, slots=True)
class Left:
    """A range of time left, in seconds."""

    least: float
    most: float

    def __or__(self, other: "Left") -> "Left":
        """What holds both."""
        return Left(min(self.least, other.least), max(self.most, other.most))


@dataclass(frozen=True, slots=True)
class Mark:
    """So much was done *at* so many seconds of work: counts by what is counted."""

    at: float
    counts: tuple[float, ...]


class Course:
    """What was done of a stage until now, in intervals of equal length."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._interval = SHORTEST
        self._marks: list[Mark] = []

    def skip(self, seconds: float) -> None:
        """Do not count the last *seconds*, in which nothing was to be done."""
        self._began += seconds

    def seen(self, *counts: float) -> None:
        """So much was done until now; always as many *counts*, none of which ever falls."""
        now = self._clock() - self._began
        if not self._marks:
            self._marks.append(Mark(0.0, (0.0,) * len(counts)))
        if now - self._marks[-1].at < self._interval:
            return
        self._marks.append(Mark(now, counts))
        if len(self._marks) > MOST:
            self._marks = self._marks[::2]
            self._interval *= 2

    def left(self, *remaining: float | None) -> Left | None:
        """The time that *remaining* takes, one for each count; None is one that nobody knows.

        None while fewer than FEWEST intervals were seen, or nothing known remains.
        """
        found: Left | None = None
        if len(self._marks) <= FEWEST:
            return None
        for which, rest in enumerate(remaining):
            one = self._of(which, rest) if rest is not None and rest > 0 else None
            if one:
                found = found | one if found else one
        return found

    def _of(self, which: int, rest: float) -> Left | None:
        """The range for one count, or None if nothing of it was done yet."""
        rates = list(rates_of(self._marks, which))
        overall = mean_rate(self._marks, which)
        if overall <= 0:
            return None
        least, most = spread(rates, overall, rest, self._interval)
        for part in (2, 4):
            recent = mean_rate(self._marks[-1 - len(rates) // part :], which)
            if recent > 0:
                least, most = min(least, rest / recent), max(most, rest / recent)
        return Left(least, most)


def rates_of(marks: list[Mark], which: int) -> Iterator[float]:
    """The rate in each interval."""
    for before, after in pairwise(marks):
        yield (after.counts[which] - before.counts[which]) / (after.at - before.at)


def mean_rate(marks: list[Mark], which: int) -> float:
    """The rate from the first to the last of *marks*."""
    seconds = marks[-1].at - marks[0].at
    return (marks[-1].counts[which] - marks[0].counts[which]) / seconds if seconds else 0.0


def spread(rates: list[float], mean: float, rest: float, interval: float) -> tuple[float, float]:
    """The least and the most seconds for *rest* at a *mean* rate, from the scatter of *rates*."""
    past, future = len(rates), max(1.0, rest / mean / interval)
    variance = sum((rate - mean) ** 2 for rate in rates) / (past - 1)
    off = FOUR_OF_FIVE * math.sqrt(variance * (1 / past + 1 / future))
    slowest = max(mean - off, mean / 10)  # a tenth: beyond that a range says nothing
    return rest / (mean + off), rest / slowest


def in_words(least_seconds: float, most_seconds: float) -> str:
    """The range for people, in round numbers: "2 h 10 min to 2 h 50 min", "about 40 s"."""
    least, most = rounded(least_seconds), rounded(most_seconds)
    return f"about {least}" if least == most else f"{least} to {most}"


def rounded(seconds: float) -> str:
    """A time in the units and steps in which people say one of its length."""
    step = next(step for below, step in STEPS if seconds < below)
    whole = max(step, step * round(seconds / step))
    if whole < LONGEST_IN_SECONDS:
        return f"{whole} s"
    minutes, _ = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
