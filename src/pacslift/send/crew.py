"""Who does the sending: workers in threads, with one association each, between two queues.

A Crew is one process's threads; team.py has several processes with a Crew each. Both are Hands
(hands.py): they take planned instances, give results, and leave the ledger to whoever asks them.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pacslift.errors import StopError, TryAgainError
from pacslift.ledger import Candidate, Planned
from pacslift.plan.contexts import Context
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import StoreAssociation
from pacslift.send.faults import TargetAwayError
from pacslift.send.hands import (
    GRACE,
    NOTHING,
    OPENING,
    SENDING,
    WAITING,
    Result,
    Sending,
    room_of_one,
)
from pacslift.send.load import load
from pacslift.send.switchboard import Open
from pacslift.send.worker import StoreWorker, Task

IDLE = 15.0  # seconds without anything to send, after which an association is released
_LOOK = 0.25  # seconds between looks at whether the run stops


@dataclass(frozen=True, slots=True)
class Given:
    """One planned instance in a worker's hands, and the copy that was read."""

    planned: Planned
    kept: list[Candidate] = field(default_factory=list)


class EndingError(TryAgainError):
    """The run stops while a worker waits for its next attempt; the object stays planned."""


class Crew:
    """Worker threads between a queue of instances and a queue of results.

    Their names begin with *called*. Results go to *tell* where it is given, and get() has none
    then. A worker takes instances only once it has an association, unless it is the only one: so
    others do what a target would let wait that does not answer it. One that gets no association
    goes, as long as others are there; the crew *is_alone* if there are none in other processes.
    """

    def __init__(
        self,
        sending: Sending,
        workers: int,
        called: str = "send-",
        tell: Callable[[Result | BaseException], None] | None = None,
        *,
        is_alone: bool = True,
    ) -> None:
        self.is_alone = is_alone
        self._sending = sending
        self._called = called
        self._doing: dict[str, str] = {}  # by worker
        self._todo: queue.SimpleQueue[Planned | None] = queue.SimpleQueue()  # None: look up
        self._done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        self._tell = tell or self._done.put
        self._wanted = threading.Event()  # there is something to do
        self._ending = threading.Event()
        self._lock = threading.Lock()  # over the following
        self._workers = workers  # that are wanted
        self._too_many = 0  # of those at work
        self._refusals = 0
        self._takers: set[str] = set()  # workers that take instances
        self._threads: list[threading.Thread] = []
        for _ in range(workers):
            self._add_thread()

    def _add_thread(self) -> threading.Thread:
        name = f"{self._called}{len(self._threads)}"
        self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
        return self._threads[-1]

    @property
    def associations(self) -> int:
        """How many are wanted."""
        return self._workers

    @property
    def takers(self) -> int:
        """How many workers take instances now."""
        return len(self._takers)

    @property
    def room(self) -> int:
        """Those that each worker has underway, and some that wait for it."""
        return self._workers * room_of_one(self._sending)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def grow(self) -> None:
        """Add a worker."""
        with self._lock:
            self._workers += 1
        self._add_thread().start()

    def shrink(self) -> None:
        """Have one worker end after the objects it is at; the last one stays."""
        with self._lock:
            if self._workers > 1:
                self._workers -= 1
                self._too_many += 1

    def refusals(self) -> int:
        """How many workers have gone since the last call, as the target had none for them."""
        with self._lock:
            count, self._refusals = self._refusals, 0
        return count

    def doing(self) -> Mapping[str, str]:
        """See Hands."""
        return self._doing.copy()

    def give(self, planned: Planned) -> None:
        """Put an instance into the queue."""
        self._todo.put(planned)
        if not self._wanted.is_set() and self._is_short():
            self.wake()

    def wake(self) -> None:
        """Have the workers open their associations, as there is something to do."""
        self._wanted.set()

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
        GRACE seconds for that is left behind: its objects stay planned and are sent again. So is
        one that has no association yet, and so no object: the target may let it wait for long.
        """
        self._ending.set()
        for _ in self._threads:
            self._todo.put(None)  # wakes one that has nothing to do
        self.wake()
        now = time.monotonic()
        until, soon = now + GRACE, now + 2 * _LOOK
        for thread in self._threads:
            if thread.ident is not None:
                last = until if thread.name in self._takers else soon
                thread.join(max(0.0, last - time.monotonic()))
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

    def _seen(self, opener: Open) -> Open:
        """*opener*, noted while it opens an association."""

        def noted(contexts: Sequence[Context]) -> StoreAssociation:
            before = self._doing.get(threading.current_thread().name, NOTHING)
            self._does(OPENING)
            try:
                return opener(contexts)
            finally:
                self._does(before)

        return noted

    def _work(self) -> None:
        name = threading.current_thread().name
        self._does(NOTHING)
        worker = self._sending.worker(self._pause)
        worker.opens_through(self._seen)
        try:
            for given, delivery in worker.deliver_each(self._tasks(worker)):
                candidate = given.kept[0] if given.kept else None
                self._tell(Result(given.planned, delivery, candidate, name))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that collects
            self._tell(error)
        finally:
            worker.close()
            self._takers.discard(name)
            self._doing.pop(name, None)

    def _tasks(self, worker: StoreWorker) -> Iterator[Task[Given] | None]:
        """What *worker* is to do, until the run stops, or the target has no association for it."""
        was_there = False
        while self._goes_on():
            self._does(NOTHING)
            if not self._wanted.wait(_LOOK) and not self._is_short():
                continue
            if not self._has_its_place(worker, again=was_there):
                return
            was_there = yield from self._while_there_are_some(worker)
            if not was_there:
                return

    def _has_its_place(self, worker: StoreWorker, *, again: bool) -> bool:
        """Have *worker* take instances if it gets an association, or is the only one there is.

        One that comes *again*, after a time without anything to do, is as patient as with an object
        in its hands.
        """
        for wait in (*self._sending.retries.lost_waits, None) if again else (None,):
            if self._is_only_one() or self._opened(worker, wait):
                break
        else:
            if self._may_go():
                return False
        self._takers.add(threading.current_thread().name)
        return True

    def _opened(self, worker: StoreWorker, wait: float | None) -> bool:
        """Whether *worker* gets an association; if not, *wait* seconds where that may help."""
        try:
            worker.open(self._sending.pairs)
        except (StopError, TryAgainError) as error:
            if wait is not None and isinstance(error, TargetAwayError):
                self._pause(wait)
            return False
        return True

    def _is_only_one(self) -> bool:
        """Whether nobody else is there who could do what there is to do."""
        return self.is_alone and self._workers == 1

    def _may_go(self) -> bool:
        """Note that the worker that asks has no association, and goes.

        Not if it is the last anywhere, nor the last here that could do what was given already.
        """
        with self._lock:
            if self._workers == 1 and (self.is_alone or not self._todo.empty()):
                return False
            if self._too_many:  # one was to go in any case
                self._too_many -= 1
            else:
                self._workers -= 1
                self._refusals += 1
            return True

    def _while_there_are_some(
        self, worker: StoreWorker
    ) -> Generator[Task[Given] | None, None, bool]:
        """What there is to do; None when *worker* should not wait for more.

        While there is nothing for long, as in a pause, its association is given back, and this ends
        with true; with false if the worker is to end.
        """
        since = time.monotonic()
        while self._goes_on():
            try:
                yield self._task(self._next(0))
            except queue.Empty:
                yield None
                self._does(NOTHING)
                with suppress(queue.Empty):
                    yield self._task(self._next(_LOOK))
                    since = time.monotonic()
                if time.monotonic() - since >= IDLE:
                    self._wanted.clear()
                    self._takers.discard(threading.current_thread().name)
                    worker.close()
                    return True
            else:
                since = time.monotonic()
        return False

    def _is_short(self) -> bool:
        """Whether there is more to do than those can who take instances and have none now."""
        idle = [name for name in list(self._takers) if self._doing.get(name) == NOTHING]
        return self._todo.qsize() > len(idle)

    def _goes_on(self) -> bool:
        """Whether the worker that asks is not to end."""
        if self._ending.is_set():
            return False
        with self._lock:
            ends = self._too_many > 0
            self._too_many -= ends
        return not ends

    def _next(self, patience: float) -> Planned:
        """What to do next; queue.Empty if nothing comes for *patience* s, or the run stops."""
        planned = self._todo.get(timeout=patience)
        if planned is None:
            raise queue.Empty
        return planned

    def _task(self, planned: Planned) -> Task[Given]:
        self._does(SENDING)
        given = Given(planned)

        def prepare() -> Outgoing:
            outgoing, candidate = load(planned, self._sending.book)
            given.kept.append(candidate)
            if planned.digest:
                outgoing.wire_digest.compare_with(planned.digest)
            return outgoing

        # Under another revision of the job other bytes are right.
        same = planned.sent_under == self._sending.revision
        return given, prepare, planned.digest if same else None
