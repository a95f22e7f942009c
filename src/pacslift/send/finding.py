"""Hands whose number of associations follows what the target bears: growing.py at work."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from pacslift.events import AssociationsChanged, Sink
from pacslift.ledger import Planned
from pacslift.send.crew import Hands, Result
from pacslift.send.growing import Growing, Step


class Elastic(Hands, Protocol):
    """Hands that can become more and fewer."""

    def grow(self) -> None:
        """Add an association, if the target takes it."""
        ...

    def shrink(self) -> None:
        """End one association when the objects on it are done; never the last one."""
        ...

    def refusals(self) -> int:
        """How many associations to be added were refused since the last call."""
        ...


class Finding:
    """*inner*, and as many associations as the target bears; see Hands."""

    def __init__(
        self,
        inner: Elastic,
        number: int,
        tell: Sink,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._tell = tell
        self._clock = clock
        self._growing = Growing(number, clock(), least=number, most=most)

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
        for _ in range(self._inner.refusals()):
            self._growing.refused(now)
            self._say("refused")
        match self._growing.step(now):
            case Step.GROW:
                self._inner.grow()
                self._say("grow")
            case Step.SHRINK:
                self._inner.shrink()
                self._say("shrink")
        return result

    def doing(self) -> Mapping[str, str]:
        """See Hands."""
        return self._inner.doing()

    def stop(self) -> list[Result]:
        """See Hands."""
        return self._inner.stop()

    def _say(self, why: str) -> None:
        self._tell(AssociationsChanged(self._growing.number, why))
