"""Everything that is planned, brought to the target by several workers, and put on record.

One thread a worker with one association each; the calling thread alone writes the ledger. A
result is committed before it is told, and results are committed together every so often: after a
crash at most the objects in flight and the last uncommitted answers are sent again, with the same
bytes, which a target takes for the same objects.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pacslift.errors import Cause, TryAgainError
from pacslift.events import InstanceSent, Sink
from pacslift.ledger import Candidate, InstanceState, Ledger, Planned
from pacslift.ledger_history import resent
from pacslift.plan.contexts import Pair
from pacslift.repair.outgoing import Outgoing
from pacslift.send.delivery import Delivery
from pacslift.send.load import AS_STORED, load
from pacslift.send.orders import OrderBook
from pacslift.send.outcome import Outcome
from pacslift.send.patience import Patience
from pacslift.send.retrying import Sleep
from pacslift.send.worker import StoreWorker, Task

COMMIT_EVERY = 0.25  # seconds between commits while answers come in
COMMIT_MOST = 500  # answers in one commit
AHEAD = 4  # instances waiting for each worker
GRACE = 10.0  # seconds that a worker has to end the object it is at when the run stops

MakeWorker = Callable[[Sleep], StoreWorker]  # given how to wait between attempts

STATES = {
    Outcome.STORED: InstanceState.STORED,
    Outcome.STORED_CHANGED: InstanceState.STORED_CHANGED,
    Outcome.BUSY: InstanceState.FAILED,
    Outcome.REFUSED: InstanceState.FAILED,
    Outcome.NO_ANSWER: InstanceState.FAILED,
    Outcome.NOT_SENT: InstanceState.SET_ASIDE,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one planned instance."""

    planned: Planned
    delivery: Delivery
    candidate: Candidate | None  # the copy that was read; None if none was good

    @property
    def state(self) -> InstanceState:
        """Where the instance is now."""
        failed_midway = self.delivery.cause is Cause.INTERNAL_FAULT and self.delivery.sent
        if self.delivery.cause is Cause.CONTEXT_REFUSED or failed_midway:
            return InstanceState.FAILED
        return STATES[self.delivery.outcome]


@dataclass(frozen=True, slots=True)
class Given:
    """One planned instance in a worker's hands, and the copy that was read."""

    planned: Planned
    kept: list[Candidate] = field(default_factory=list)


class EndingError(TryAgainError):
    """The run stops while a worker waits for its next attempt; the object stays planned."""


def deliver(
    ledger: Ledger,
    make_worker: MakeWorker,
    workers: int,
    tell: Sink,
    book: OrderBook = AS_STORED,
) -> None:
    """Send what *ledger* has planned, as *book* orders, and write there what became of it.

    Raises StopError when the target is of no use any more, and lets KeyboardInterrupt through;
    all answers until then are on record.
    """
    revision = ledger.get("revision") or ""
    crew = Crew(make_worker, workers, ledger.planned(), revision, book)
    patience = Patience()
    waiting: list[Result] = []

    def settle() -> None:
        done = waiting.copy()
        waiting.clear()
        put_on_record(ledger, done, tell, revision)
        for one in done:
            if not one.planned.attempts:  # what failed before may do so again by its own fault
                patience.judge(one.delivery)

    committed = time.monotonic()
    try:
        for result in crew.results():
            waiting += [result] if result else []
            late = time.monotonic() - committed >= COMMIT_EVERY
            if waiting and (late or len(waiting) >= COMMIT_MOST):
                settle()
                committed = time.monotonic()
        settle()
    finally:
        try:
            put_on_record(
                ledger, waiting, tell, revision
            )  # first, as the workers may take a while to end
        finally:
            put_on_record(ledger, crew.stop(), tell, revision)


def put_on_record(
    ledger: Ledger, results: Sequence[Result], tell: Sink, revision: str = ""
) -> None:
    """Commit *results*, sent under the job's *revision*, then tell them."""
    ledger.record([row_of(result, revision) for result in results], changes_of(results))
    ledger.learn_contexts(contexts_of(results))
    for result in results:
        tell(event_of(result))


class Crew:
    """Worker threads between a queue of instances and a queue of results."""

    def __init__(
        self,
        make_worker: MakeWorker,
        workers: int,
        planned: Iterable[Planned],
        revision: str = "",
        book: OrderBook = AS_STORED,
    ) -> None:
        self._planned = iter(planned)
        self._revision = revision
        self._book = book
        self._todo: queue.Queue[Planned] = queue.Queue()
        self._done: queue.Queue[Result | BaseException] = queue.Queue()
        self._ending = threading.Event()
        self._room = workers * AHEAD
        self._threads = [
            threading.Thread(target=self._work, args=(make_worker,), name=f"send-{n}", daemon=True)
            for n in range(workers)
        ]

    def results(self) -> Iterator[Result | None]:
        """Results as they come, None when none came for a moment. Raises what ended a worker."""
        for thread in self._threads:
            thread.start()
        waiting = self._feed(self._room)
        while waiting:
            try:
                result = self._done.get(timeout=COMMIT_EVERY)
            except queue.Empty:
                yield None
                continue
            if isinstance(result, BaseException):
                raise result
            waiting += self._feed(1) - 1
            yield result

    def stop(self) -> list[Result]:
        """End the workers; gives the results not yet taken.

        A worker that waits ends at once, another after the object it is at. Who needs more than
        GRACE seconds for that is left behind: its object stays planned and is sent again.
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

    def _feed(self, most: int) -> int:
        fed = 0
        for planned in self._planned:
            self._todo.put(planned)
            fed += 1
            if fed == most:
                break
        return fed

    def _pause(self, seconds: float) -> None:
        if self._ending.wait(seconds):
            raise EndingError

    def _work(self, make_worker: MakeWorker) -> None:
        worker = make_worker(self._pause)
        try:
            for given, delivery in worker.deliver_each(self._tasks()):
                candidate = given.kept[0] if given.kept else None
                self._done.put(Result(given.planned, delivery, candidate))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that collects
            self._done.put(error)
        finally:
            worker.close()

    def _tasks(self) -> Iterator[Task[Given] | None]:
        """What a worker is to do, until the run stops; None when it should not wait for more."""
        while not self._ending.is_set():
            try:
                yield self._task(self._todo.get_nowait())
            except queue.Empty:
                yield None
                with suppress(queue.Empty):
                    yield self._task(self._todo.get(timeout=COMMIT_EVERY))

    def _task(self, planned: Planned) -> Task[Given]:
        given = Given(planned)

        def prepare() -> Outgoing:
            outgoing, candidate = load(planned, self._book)
            given.kept.append(candidate)
            return outgoing

        # Under another revision of the job other bytes are right.
        same = planned.sent_under == self._revision
        return given, prepare, planned.digest if same else None


def row_of(result: Result, revision: str = "") -> Mapping[str, Any]:
    """The ledger's row for *result*, sent under the job's *revision*."""
    delivery, answer, sent = result.delivery, result.delivery.answer, result.delivery.sent
    row: dict[str, Any] = {
        "instance_key": result.planned.instance_key,
        "state": result.state.value,
        "cause": delivery.cause.value if delivery.cause else None,
        "detail": delivery.detail or None,
        "attempts": result.planned.attempts + delivery.attempts,
        "status": answer.status if answer else None,
        "seconds": answer.seconds if answer else None,
        "file": result.candidate.place if result.candidate else None,
    }
    if result.state in (InstanceState.STORED, InstanceState.STORED_CHANGED):
        row["stored_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    if sent is not None:
        row |= {
            "sop_class_uid": sent.sop_class_uid,
            "study_instance_uid": sent.study_instance_uid,
            "series_instance_uid": sent.series_instance_uid,
            "transfer_syntax_uid": sent.transfer_syntax_uid,
            "sop_instance_uid": sent.sop_instance_uid,
            "patient_id": sent.patient_id,
            "issuer_of_patient_id": sent.issuer_of_patient_id,
            "patient_name": sent.patient_name,
            "patient_birth_date": sent.patient_birth_date,
            "accession_number": sent.accession_number,
            "sent_study_date": sent.study_date,
            "bytes": sent.length,
            "envelope": " ".join(sent.envelope) or None,
        }
        if sent.digest:  # where there is none, the bytes before stay what counts
            row |= {"digest": sent.digest, "sent_under": revision}
    return row


def changes_of(results: Iterable[Result]) -> list[Mapping[str, Any]]:
    """The ledger's rows for every change made to the objects of *results*."""
    return [
        {"instance_key": result.planned.instance_key, **change}
        for result in results
        for change in changes_to(result)
    ]


def changes_to(result: Result) -> Iterator[Mapping[str, Any]]:
    """What was changed in one object, and whether it went out with other bytes before."""
    sent, planned = result.delivery.sent, result.planned
    if sent is None:
        return
    for change in sent.changes:
        yield change._asdict()
    if result.delivery.answer is not None and sent.digest:
        yield from resent(planned.digest, sent.digest, planned.sent_under or "")


def contexts_of(results: Iterable[Result]) -> dict[Pair, bool]:
    """What the target said to the pairs of SOP class and transfer syntax of *results*."""
    return {
        (sent.sop_class_uid, sent.transfer_syntax_uid): result.delivery.answer is not None
        for result in results
        if (sent := result.delivery.sent)
        and (result.delivery.answer or result.delivery.cause is Cause.CONTEXT_REFUSED)
    }


def event_of(result: Result) -> InstanceSent:
    """What is told of *result*."""
    answer = result.delivery.answer
    return InstanceSent(
        sop_instance_uid=result.planned.sop_instance_uid,
        state=result.state.value,
        cause=result.delivery.cause.value if result.delivery.cause else None,
        bytes=answer.bytes if answer else 0,
        seconds=answer.seconds if answer else 0.0,
    )
