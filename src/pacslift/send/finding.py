"""Hands whose numbers follow what the target and our own processor bear: growing.py at work.

An association is tried first. Where that brings nothing, and the sender is what limits, since each
process takes nearly all of the core that it may run on, a process is tried, if a core is free for
it. It stays by the same rule as an association.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pacslift.events import AssociationsChanged, Sink
from pacslift.ledger import Planned
from pacslift.send.crew import OPENING, Hands, Result
from pacslift.send.growing import Growing, Step

BUSY = 0.8  # of a core for each process: the processor limits, give or take what waits for a disk
LOOK = 0.25  # seconds between two looks at the numbers
LATE = 2.0  # seconds without an answer to an association, after which it counts as not had


@dataclass(frozen=True, slots=True)
class Found:
    """So many associations in all, in so many processes."""

    processes: int
    associations: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where to begin, and what may be found."""

    begin: Found
    most_processes: int  # as many as there are at the beginning: none is added
    most: int  # associations in all
    unit: int = 1  # associations that come and go together, as those of a process that is added
    least: int = 1
    finds_associations: bool = False  # or only processes, with as many of them as a person said
    proven: bool = True  # the numbers to begin with need no proof

    @property
    def finds_processes(self) -> bool:
        """Whether any may be added."""
        return self.most_processes > self.begin.processes

    @property
    def asked(self) -> int:
        """Associations that a person asked for; 0 where they are found."""
        return 0 if self.finds_associations or self.finds_processes else self.begin.associations


class Elastic(Hands, Protocol):
    """Hands that can become more and fewer."""

    @property
    def processes(self) -> int:
        """How many there are."""
        ...

    @property
    def associations(self) -> int:
        """How many are wanted in all."""
        ...

    @property
    def lacking(self) -> int:
        """How many of them are not at work, or not yet."""
        ...

    @property
    def load(self) -> float:
        """What part of a core each process takes, on average."""
        ...

    def grow(self) -> None:
        """Add an association, if the target takes it."""
        ...

    def shrink(self) -> None:
        """End one association when the objects on it are done; never the last one of a process."""
        ...

    def add_process(self, associations: int) -> None:
        """Start one process more, with so many associations."""
        ...

    def end_process(self) -> None:
        """Have the newest process end when its objects are done; never the only one."""
        ...

    def refusals(self) -> int:
        """How many associations were refused since the last call."""
        ...


def forget(_: Found) -> None:
    """Remember nothing."""


class Finding:
    """*inner*, and as many processes and associations as *bounds* has it; see Hands.

    What is found is given to *remember* whenever it changes.
    """

    def __init__(
        self,
        inner: Elastic,
        bounds: Bounds,
        tell: Sink,
        remember: Callable[[Found], None] = forget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner, self._bounds = inner, bounds
        self._tell, self._remember = tell, remember
        self._clock = clock
        now = clock()
        self._growing = Growing(
            bounds.begin.associations,
            now,
            least=bounds.least,
            most=bounds.most,
            unit=bounds.unit,
            proven=bounds.proven,
        )
        self._processes_by = 0  # how many the last step added
        self._found = bounds.begin
        self._next = self._complete_at = now

    @property
    def room(self) -> int:
        """As many as the associations that there are now bear."""
        return self._inner.room

    def start(self) -> None:
        """Begin; once."""
        self._inner.start()
        self._say("begin")

    def give(self, planned: Planned) -> None:
        """See Hands."""
        self._inner.give(planned)

    def get(self, patience: float) -> Result | None:
        """See Hands."""
        result = self._inner.get(patience)
        answer = result.delivery.answer if result else None
        now = self._clock()
        if answer is not None:
            self._growing.count(now, answer.bytes, answer.seconds)
        if now >= self._next:
            self._next = now + LOOK
            self._look(now)
        return result

    def doing(self) -> Mapping[str, str]:
        """See Hands."""
        return self._inner.doing()

    def stop(self) -> list[Result]:
        """See Hands."""
        waiting = self._clock() - self._complete_at
        opening = list(self._inner.doing().values()).count(OPENING)
        late = min(opening, self._inner.lacking) if waiting >= LATE else 0
        left = self._inner.stop()
        if late and self._bounds.asked:
            self._say("unanswered", self._growing.number - late)
        return left

    def _look(self, now: float) -> None:
        for _ in range(self._inner.refusals()):
            self._growing.refused(now)
            self._changed("refused", 0)
        if self._inner.lacking:
            self._growing.settle(now)
        else:
            self._complete_at = now
        ways = self._ways()
        match self._growing.step(now, len(ways)):
            case Step.GROW:
                self._changed("grow", self._more(ways[self._growing.failed]))
            case Step.SHRINK:
                self._changed("shrink", self._fewer())
            case Step.UNDO if self._growing.number < self._inner.associations:
                self._changed("shrink", self._less(self._processes_by))
            case Step.UNDO:
                self._changed("grow", self._more(-self._processes_by))

    def _ways(self) -> list[int]:
        """The ways to have more, in the order to try them: how many processes are added by each."""
        ways = [0] * self._bounds.finds_associations
        free = self._inner.processes < self._bounds.most_processes
        return [*ways, 1] if free and self._inner.load >= BUSY else ways

    def _more(self, by: int) -> int:
        """Add a process or, with 0, an association; gives how many processes were added."""
        if by:
            self._inner.add_process(self._bounds.unit)
        else:
            self._inner.grow()
        return by

    def _less(self, by: int) -> int:
        """End a process or, with 0, an association; gives how many processes were added."""
        if by:
            self._inner.end_process()
        else:
            self._inner.shrink()
        return -by

    def _fewer(self) -> int:
        """An association less, or a process where each has only what it must have."""
        each = 1 if self._bounds.finds_associations else self._bounds.unit
        return self._less(int(self._inner.associations <= self._inner.processes * each))

    def _changed(self, why: str, processes_by: int) -> None:
        """Tell what there is now, and remember it without what is only being tried."""
        self._processes_by = processes_by
        self._say(why)
        tried = processes_by if self._growing.number != self._growing.found else 0
        found = Found(self._inner.processes - tried, self._growing.found)
        if found != self._found:
            self._found = found
            self._remember(found)

    def _say(self, why: str, associations: int | None = None) -> None:
        number = self._growing.number if associations is None else associations
        processes = self._inner.processes
        self._tell(AssociationsChanged(number, why, processes, self._bounds.asked))
