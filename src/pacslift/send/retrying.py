"""Senders around another one, that try again. Time is passed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pacslift.repair.outgoing import Outgoing
from pacslift.send.delivery import Delivery
from pacslift.send.faults import AssociationLostError, TargetAwayError
from pacslift.send.outcome import Outcome

Sleep = Callable[[float], object]


class Sender(Protocol):
    """Something that can bring one object to the target.

    send() may be called again for the same object; the bytes are the same each time. It never
    raises for the target's answers, which are in the Delivery; SetAsideError for a fault of
    the object, StopError when no further call can succeed, TryAgainError when one may.
    """

    def send(self, outgoing: Outgoing) -> Delivery:
        """Send one object."""
        ...


@dataclass(frozen=True)
class Reconnecting:
    """Sends the same bytes again over a new association, after each of *waits* seconds in turn.

    When the target takes no association any more at the end of them, that stops the run. When
    it does, but never answers for this object, the outcome is NO_ANSWER.
    """

    inner: Sender
    waits: Sequence[float]
    sleep: Sleep

    def send(self, outgoing: Outgoing) -> Delivery:
        """Raises what Sender says, but no TryAgainError."""
        begun = 0
        for wait in (*self.waits, None):
            try:
                return self.inner.send(outgoing).after(begun)
            except AssociationLostError as lost:
                begun += 1
                detail = str(lost)
            except TargetAwayError as away:
                if wait is None:
                    raise away.stop from away
            if wait is not None:
                self.sleep(wait)
        return Delivery.unanswered(detail, begun)


@dataclass(frozen=True)
class AskingAgain:
    """Asks again while the target is out of resources, after each of *waits* seconds in turn."""

    inner: Sender
    waits: Sequence[float]
    sleep: Sleep

    def send(self, outgoing: Outgoing) -> Delivery:
        """Raises what *inner* raises."""
        delivery = self.inner.send(outgoing)
        for wait in self.waits:
            if delivery.outcome is not Outcome.BUSY:
                break
            self.sleep(wait)
            delivery = self.inner.send(outgoing).after(delivery.attempts)
        return delivery
