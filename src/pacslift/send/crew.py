"""Who does the sending: workers in threads, with one association each, between two queues.

A Crew is one process's threads; team.py has several processes with a Crew each. Both take planned
instances and give results, and both leave the ledger to whoever asks them.
"""

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from pacslift.errors import Cause, StopError, TryAgainError
from pacslift.job import TargetAddress
from pacslift.ledger import Candidate, InstanceState, Planned
from pacslift.plan.contexts import Pair
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import PATIENT, Timeouts
from pacslift.send.delivery import Delivery
from pacslift.send.load import AS_STORED, load
from pacslift.send.orders import OrderBook
from pacslift.send.outcome import Outcome
from pacslift.send.retrying import Sleep
from pacslift.send.worker import Retries, StoreWorker, Task, Terms

AHEAD = 4  # instances waiting for each worker
GRACE = 10.0  # seconds that a worker has to end the object it is at when the run stops
IDLE = 15.0  # seconds without anything to send, after which an association is released
_LOOK = 0.25  # seconds between looks at whether the run stops
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


@dataclass(frozen=True, slots=True)
class Given:
    """One planned instance in a worker's hands, and the copy that was read."""

    planned: Planned
    kept: list[Candidate] = field(default_factory=list)


class EndingError(TryAgainError):
    """The run stops while a worker waits for its next attempt; the object stays planned."""


class Crew:
    """Worker threads between a queue of instances and a queue of results.

    Their names begin with *called*.
    """

    def __init__(self, sending: Sending, workers: int, called: str = "send-") -> None:
        self._sending = sending
        self._called = called
        self._doing: dict[str, str] = {}  # by worker
        self._todo: queue.SimpleQueue[Planned] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._lock = threading.Lock()  # over the three numbers
        self._workers = workers  # that are wanted
        self._too_many = 0  # of those at work
        self._refusals = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"{called}{n}", daemon=True)
            for n in range(workers)
        ]

    @property
    def room(self) -> int:
        """Those that each worker has underway, and some that wait for it."""
        return self._workers * room_of_one(self._sending)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def grow(self) -> None:
        """Add a worker; it takes an object only when the target has taken its association."""
        name = f"{self._called}{len(self._threads)}"
        thread = threading.Thread(target=self._join, name=name, daemon=True)
        self._threads.append(thread)
        with self._lock:
            self._workers += 1
        thread.start()

    def shrink(self) -> None:
        """Have one worker end after the objects it is at; the last one stays."""
        with self._lock:
            if self._workers > 1:
                self._workers -= 1
                self._too_many += 1

    def refusals(self) -> int:
        """How many workers were added in vain since the last call."""
        with self._lock:
            count, self._refusals = self._refusals, 0
        return count

    def doing(self) -> Mapping[str, str]:
        """See Hands."""
        return self._doing.copy()

    def give(self, planned: Planned) -> None:
        """Put an instance into the queue."""
        self._todo.put(planned)

    def get(self, patience: float) -> Result | None:
        """See Hands."""
        try:
            result = self._done.get(timeout=patience)
        except queue.Empty:
            return None
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> list[Result]:
        """End the workers; gives the results not yet taken.

        A worker that waits ends at once, another after the objects it is at. Who needs more than
        GRACE seconds for that is left behind: its objects stay planned and are sent again.
        """
        self._ending.set()
        until = time.monotonic() + GRACE
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        left: list[Result] = []
        with suppress(queue.Empty):
            while True:
                result = self._done.get_nowait()
                if isinstance(result, Result):
                    left.append(result)
        return left

    def _does(self, what: str) -> None:
        """Note what the worker that says it is doing."""
        self._doing[threading.current_thread().name] = what

    def _pause(self, seconds: float) -> None:
        self._does(WAITING)
        if self._ending.wait(seconds):
            raise EndingError
        self._does(SENDING)

    def _join(self) -> None:
        """Work, if the target takes one association more."""
        self._does(OPENING)
        worker = self._sending.worker(self._pause)
        try:
            worker.open(self._sending.pairs)
        except (StopError, TryAgainError):  # it goes on with those there are
            worker.close()
            with self._lock:
                self._workers -= 1
                self._refusals += 1
            self._leave()
            return
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that collects
            self._done.put(error)
            worker.close()
            self._leave()
            return
        self._work(worker)

    def _leave(self) -> None:
        """Say nothing more of the worker that calls it."""
        self._doing.pop(threading.current_thread().name, None)

    def _work(self, worker: StoreWorker | None = None) -> None:
        worker = worker or self._sending.worker(self._pause)
        name = threading.current_thread().name
        self._does(NOTHING)
        try:
            for given, delivery in worker.deliver_each(self._tasks(worker)):
                candidate = given.kept[0] if given.kept else None
                self._done.put(Result(given.planned, delivery, candidate, name))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that collects
            self._done.put(error)
        finally:
            worker.close()
            self._leave()

    def _tasks(self, worker: StoreWorker) -> Iterator[Task[Given] | None]:
        """What *worker* is to do, until the run stops; None when it should not wait for more.

        While there is nothing for long, as in a pause, its association is given back.
        """
        since = time.monotonic()
        while not self._ending.is_set() and not self._is_too_many():
            try:
                yield self._task(self._todo.get_nowait())
            except queue.Empty:
                yield None
                self._does(NOTHING)
                with suppress(queue.Empty):
                    yield self._task(self._todo.get(timeout=_LOOK))
                    since = time.monotonic()
                if time.monotonic() - since >= IDLE:
                    worker.close()
            else:
                since = time.monotonic()

    def _is_too_many(self) -> bool:
        """Whether the worker that asks is to end."""
        with self._lock:
            ends = self._too_many > 0
            self._too_many -= ends
        return ends

    def _task(self, planned: Planned) -> Task[Given]:
        self._does(SENDING)
        given = Given(planned)

        def prepare() -> Outgoing:
            outgoing, candidate = load(planned, self._sending.book)
            given.kept.append(candidate)
            if planned.digest:
                outgoing.tally.compare_with(planned.digest)
            return outgoing

        # Under another revision of the job other bytes are right.
        same = planned.sent_under == self._sending.revision
        return given, prepare, planned.digest if same else None


def room_of_one(sending: Sending) -> int:
    """How many instances to have at one worker at once."""
    return max(1, sending.terms.window) + AHEAD
