"""What is handed to those who send, and what comes back: between the ledger and the workers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pacslift.errors import Cause
from pacslift.job import TargetAddress
from pacslift.ledger import Candidate, InstanceState, Planned
from pacslift.plan.contexts import Pair
from pacslift.send.association import PATIENT, Timeouts
from pacslift.send.delivery import Delivery
from pacslift.send.load import AS_STORED
from pacslift.send.orders import OrderBook
from pacslift.send.outcome import Outcome
from pacslift.send.retrying import Sleep
from pacslift.send.worker import Retries, StoreWorker, Terms

AHEAD = 4  # instances waiting for each worker
GRACE = 10.0  # seconds that a worker has to end the object it is at when the run stops
# What a worker may be doing, in words.
SENDING, OPENING, NOTHING = "sending", "opening an association", "idle"
WAITING = "waiting to try again"

STATES = {
    Outcome.STORED: InstanceState.STORED,
    Outcome.STORED_CHANGED: InstanceState.STORED_CHANGED,
    Outcome.BUSY: InstanceState.FAILED,
    Outcome.REFUSED: InstanceState.FAILED,
    Outcome.STOP: InstanceState.FAILED,
    Outcome.NO_ANSWER: InstanceState.FAILED,
    Outcome.NOT_SENT: InstanceState.SET_ASIDE,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one planned instance."""

    planned: Planned
    delivery: Delivery
    candidate: Candidate | None  # the copy that was read; None if none was good
    worker: str = ""  # who did it

    @property
    def state(self) -> InstanceState:
        """Where the instance is now."""
        failed_midway = self.delivery.cause is Cause.INTERNAL_FAULT and self.delivery.sent
        if self.delivery.cause is Cause.CONTEXT_REFUSED or failed_midway:
            return InstanceState.FAILED
        return STATES[self.delivery.outcome]


@dataclass(frozen=True, slots=True)
class Sending:
    """What every worker of a run must know. Can go to another process."""

    address: TargetAddress
    pairs: tuple[Pair, ...]  # expected, most frequent first
    timeouts: Timeouts = PATIENT
    retries: Retries = field(default_factory=Retries)
    terms: Terms = field(default_factory=Terms)
    transcodes: bool = True
    book: OrderBook = AS_STORED
    revision: str = ""  # of the job

    def worker(self, sleep: Sleep) -> StoreWorker:
        """A worker that waits between its attempts by *sleep*."""
        return StoreWorker.to(
            self.address,
            self.pairs,
            self.timeouts,
            self.retries,
            sleep,
            transcodes=self.transcodes,
            terms=self.terms,
        )


class Hands(Protocol):
    """Whoever brings planned instances to the target, in no order.

    Each that was given comes back as one result, unless the work is stopped before.
    """

    @property
    def room(self) -> int:
        """How many instances to have there at once."""
        ...

    def start(self) -> None:
        """Begin; once."""
        ...

    def give(self, planned: Planned) -> None:
        """Hand over one instance. Does not wait for the target."""
        ...

    def get(self, patience: float) -> Result | None:
        """The next result; None if none came for *patience* s. Raises what ended a worker."""
        ...

    def doing(self) -> Mapping[str, str]:
        """What each worker does at this moment, by its name."""
        ...

    def stop(self) -> list[Result]:
        """End the work within about GRACE seconds; gives the results not yet taken."""
        ...


def room_of_one(sending: Sending) -> int:
    """How many instances to have at one worker at once."""
    return max(1, sending.terms.window) + AHEAD
