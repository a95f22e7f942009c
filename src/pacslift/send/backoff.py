"""The closed loop: how many objects may be in hand, by how the target bears them. Pure.

Strategy: additive increase, multiplicative decrease (as TCP's, RFC 5681). It begins without a
limit. When the target is in trouble, half of what it really had at once is allowed, at least one;
each healthy interval in which that was used up allows a few more, until there is no limit again.
In trouble it is when it was out of resources, lost an association, or answers slowly: more than
half the answers of an interval took longer than a limit, or than three times what is usual for
objects of their size.
Usual   is the best mean of an interval so far, which fades (twice as much after ten minutes), so
        that a target that stays slower becomes usual rather than being starved for ever.
Rules   after a decrease, what was in hand then counts no more: it was sent under the old measure.
        An answer below QUICK is never slow. Of a target that does k objects at a time, three times
        its best answer is a queue of 3 k, and half of that still keeps it busy: a healthy target
        loses nothing. Trouble once may be an accident, and all is tried again within seconds;
        twice in a minute it is where the target's power ends, and is not gone to for a minute.
Cost    a few operations an answer; one pair of numbers for each class of size.
"""

import math
from dataclasses import dataclass, field

INTERVAL = 1.0  # seconds between two judgements, at least
LEAST = 3  # answers that a judgement rests on, and a mean
QUICK = 0.25  # seconds; no answer below it is slow
SLOW = 3.0  # times the usual
LESS = 0.5  # of what was at the target
CLOSE = 0.9  # of where there was trouble is as far as it goes meanwhile
STEPS = 16  # increases from nothing to all
RECALL = 60.0  # seconds in which trouble that came twice is not tried for a third time
FADING = 600.0  # seconds in which the usual answer time doubles, if nothing renews it
MOST_FADING = 16.0  # doublings at one go, after which nothing usual is left in any case

SLOW_ANSWERS = "slow answers"
IN_TROUBLE = "out of resources, or associations lost"


@dataclass(slots=True)
class _OneSize:
    """Answers to objects of about one size."""

    usual: float = math.inf  # seconds
    total: float = 0.0  # seconds of those that are in no mean yet
    count: int = 0


@dataclass(slots=True)
class _Interval:
    began: float
    answers: int = 0
    slow: int = 0
    seconds: float = 0.0  # of all answers together
    used_up: bool = False  # whether something waited for the limit


@dataclass(slots=True)
class Backoff:
    """How many may be in hand. Times are monotonic seconds.

    *answer_seconds* is from where on an answer is slow; None: against the usual.
    """

    now: float
    answer_seconds: float | None = None
    level: float | None = None  # None: no limit
    reason: str = ""  # why there is a limit
    _sizes: dict[int, _OneSize] = field(default_factory=dict)
    _interval: _Interval = field(init=False)
    _at_once: float = math.inf  # objects at the target on average, in the interval before
    _troubled_at: float = -math.inf
    _trouble: float = math.inf  # with so many in hand it came again
    _uncounted: int = 0  # answers still to come of what was in hand at the last decrease

    def __post_init__(self) -> None:
        """Begin the first interval."""
        self._interval = _Interval(self.now)

    def allowed(self, room: int) -> int:
        """How many may be in hand of *room*."""
        return room if self.level is None else max(1, min(room, int(self.level)))

    def used_up(self) -> None:
        """Note that something waits since as many as are allowed are in hand."""
        self._interval.used_up = True

    def rested(self, now: float) -> None:
        """Go on after a time in which nothing was to be sent; what is usual has faded meanwhile."""
        self._begin(now, rested=True)

    def forget(self) -> None:
        """Have no limit, as at the beginning."""
        self.level, self.reason, self._uncounted = None, "", 0

    def came(
        self,
        now: float,
        seconds: float | None,
        size: int,
        *,
        troubled: bool,
        in_hand: int,
        room: int,
    ) -> None:
        """Note one result: *seconds* to its answer if there was one, and bytes.

        *troubled*: the target was out of resources, or lost it. *in_hand* are the others.
        """
        if self._uncounted:
            self._uncounted -= 1
            return
        if troubled:
            self._decrease(now, in_hand, room, IN_TROUBLE)
            return
        if seconds is not None:
            self._count(seconds, size)
        if self._interval.answers >= LEAST and now - self._interval.began >= INTERVAL:
            self._judge(now, in_hand, room)

    def _count(self, seconds: float, size: int) -> None:
        one = self._sizes.setdefault(size.bit_length() // 2, _OneSize())
        one.total += seconds
        one.count += 1
        interval = self._interval
        interval.answers += 1
        interval.seconds += seconds
        limit = self.answer_seconds or max(QUICK, SLOW * one.usual)
        interval.slow += seconds > limit

    def _judge(self, now: float, in_hand: int, room: int) -> None:
        interval = self._interval
        if 2 * interval.slow > interval.answers:
            self._decrease(now, in_hand, room, SLOW_ANSWERS)
        else:
            if self.level is not None and interval.used_up:
                self._increase(now, self.level, room)
            self._begin(now)

    def _increase(self, now: float, level: float, room: int) -> None:
        most = self._trouble * CLOSE if now - self._troubled_at < RECALL else math.inf
        level = max(level, min(level + max(1.0, room / STEPS), most))
        if level >= room:
            self.forget()
        else:
            self.level = level

    def _decrease(self, now: float, in_hand: int, room: int, reason: str) -> None:
        """Allow half of what was at the target: of what is in hand, some only waits its turn."""
        self._begin(now)
        self.level = max(1.0, LESS * min(self.level or room, room, self._at_once + 1))
        if reason == IN_TROUBLE:
            self._trouble = in_hand + 1 if now - self._troubled_at < RECALL else math.inf
            self._troubled_at = now
        self.reason = reason
        self._uncounted = in_hand

    def _begin(self, now: float, *, rested: bool = False) -> None:
        """Close the interval: learn what is usual, and how many were at the target at once."""
        passed = now - self._interval.began
        if self._interval.answers >= LEAST and passed >= INTERVAL and not rested:
            self._at_once = self._interval.seconds / passed
        fade = 2 ** min(passed / FADING, MOST_FADING)
        for one in self._sizes.values():
            one.usual *= fade
            if one.count >= LEAST:
                one.usual, one.total, one.count = min(one.usual, one.total / one.count), 0.0, 0
        self._interval = _Interval(now)
