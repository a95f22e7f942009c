"""Everything that is planned, brought to the target by several workers, and put on record.

Whoever does the work, the calling thread alone writes the ledger. A
result is committed before it is told, and results are committed together every so often: after a
crash at most the objects in flight and the last uncommitted answers are sent again, with the same
bytes, which a target takes for the same objects.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pacslift.errors import Cause
from pacslift.events import InstanceSent, Sink, WorkersSeen
from pacslift.ledger import InstanceState, Ledger, Planned
from pacslift.ledger_history import resent
from pacslift.plan.contexts import Pair
from pacslift.send.hands import Hands, Result
from pacslift.send.interrupts import held_back
from pacslift.send.outcome import Outcome
from pacslift.send.pace import Came, Pacer
from pacslift.send.patience import Patience
from pacslift.send.steering import Steering
from pacslift.send.supply import Alone, Supply

COMMIT_EVERY = 0.25  # seconds between commits while answers come in
COMMIT_MOST = 500  # answers in one commit
WATCH_EVERY = 1.0  # seconds between looks at what the workers do


def deliver(
    ledger: Ledger,
    hands: Hands,
    tell: Sink,
    pacer: Pacer | None = None,
    supply: Supply | None = None,
) -> None:
    """Send what *ledger* has planned by *hands*, and write there what became of it.

    Objects are handed out as *pacer* has it, which follows what a person says meanwhile; *supply*
    has this machine's part of them where several share it.
    Raises StopError when the target is of no use any more, and KeyboardInterrupt when interrupted;
    all answers until then are on record.
    """
    with held_back() as meet_interrupts:
        _deliver(ledger, hands, tell, pacer or Pacer(), supply or Alone(ledger), meet_interrupts)


def _deliver(
    ledger: Ledger,
    hands: Hands,
    tell: Sink,
    pacer: Pacer,
    supply: Supply,
    meet_interrupts: Callable[[], None],
) -> None:
    revision = ledger.get("revision") or ""
    patience, steering, watch = Patience(), Steering(ledger, pacer, tell), Watch(hands, tell)
    waiting: list[Result] = []

    def settle() -> None:
        done = waiting.copy()
        put_on_record(supply, done, tell, revision)
        waiting.clear()  # not before: after an error they are put on record once more
        for one in done:
            if not one.planned.attempts:  # what failed before may do so again by its own fault
                patience.judge(one.delivery)

    committed = time.monotonic()
    try:
        for result in results_of(hands, supply.planned(), pacer):
            if result:
                waiting.append(result)
                steering.count(bytes_of(result))
            pacer.share = supply.share
            steering.look()
            watch.look()
            late = time.monotonic() - committed >= COMMIT_EVERY
            if waiting and (late or len(waiting) >= COMMIT_MOST):
                settle()
                committed = time.monotonic()
            meet_interrupts()  # here each result is on record, or waits for it
        settle()
    finally:
        try:
            put_on_record(
                supply, waiting, tell, revision
            )  # first, as the workers may take a while to end
        finally:
            try:
                put_on_record(supply, hands.stop(), tell, revision)
                steering.end()
            finally:
                supply.close()


class Watch:
    """Tells what the workers of *hands* do, every so often and when it has changed."""

    def __init__(self, hands: Hands, tell: Sink) -> None:
        self._hands, self._tell = hands, tell
        self._told: Mapping[str, str] = {}
        self._next = 0.0

    def look(self) -> None:
        """Look, if it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + WATCH_EVERY
        doing = dict(self._hands.doing())
        if doing != self._told:
            self._told = doing
            self._tell(WorkersSeen(doing))


def results_of(
    hands: Hands, planned: Iterator[Planned | None], pacer: Pacer
) -> Iterator[Result | None]:
    """Results as they come, None when none came for a moment. Raises what ended the work.

    What is handed out, and when, is *pacer*'s to say; in the order in which it is *planned*.
    """
    hands.start()
    coming, more = following(planned)
    while coming or more or pacer.in_hand:
        wait = math.inf
        while coming and not (wait := pacer.wait(size_of(coming), hands.room)):
            hands.give(coming)
            pacer.gave(coming.instance_key, size_of(coming))
            coming, more = following(planned)
        if not (coming or more or pacer.in_hand):
            return
        result = hands.get(min(wait, COMMIT_EVERY))
        if result is not None:
            pacer.came(result.planned.instance_key, came_of(result))
        yield result
        if coming is None and more:
            coming, more = following(planned)


def following(planned: Iterator[Planned | None]) -> tuple[Planned | None, bool]:
    """The next that is *planned*, or none for the moment; and whether more may come."""
    try:
        return next(planned), True
    except StopIteration:
        return None, False


def size_of(planned: Planned) -> int | None:
    """Bytes of the first copy, as far as the catalog knows them."""
    return planned.candidates[0].size_bytes if planned.candidates else None


def came_of(result: Result) -> Came:
    """What the pacer has to know of *result*."""
    delivery = result.delivery
    outcome = delivery.outcome
    lost = delivery.attempts > 1 or outcome is Outcome.BUSY or outcome is Outcome.NO_ANSWER
    return Came(
        seconds=delivery.answer.seconds if delivery.answer else None,
        size=delivery.sent.length if delivery.sent else 0,
        attempts=delivery.attempts,
        troubled=lost and not result.planned.attempts,  # else by its own fault, perhaps
    )


def bytes_of(result: Result) -> int:
    """Bytes that the target took of it."""
    return result.delivery.answer.bytes if result.delivery.answer else 0


def put_on_record(
    supply: Supply, results: Sequence[Result], tell: Sink, revision: str = ""
) -> None:
    """Commit *results*, sent under the job's *revision*, then tell them."""
    if not results:
        return
    rows = [row_of(result, revision) for result in results]
    kept = supply.record(rows, changes_of(results))
    supply.learn_contexts(contexts_of(results))
    for result in results:
        if result.planned.instance_key in kept:
            tell(event_of(result))


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
        "file": place_of(result),
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


def place_of(result: Result) -> str | None:
    """Where the object was read from; None for its first copy, which the ledger knows of."""
    read = result.candidate
    return read.place if read and read != result.planned.candidates[0] else None


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
        bytes=bytes_of(result),
        seconds=answer.seconds if answer else 0.0,
        changes=len(result.delivery.sent.changes) if result.delivery.sent else 0,
        worker=result.worker,
    )
