"""Everything that is planned, brought to the target by several workers, and put on record.

Whoever does the work, the calling thread alone writes the ledger. A
result is committed before it is told, and results are committed together every so often: after a
crash at most the objects in flight and the last uncommitted answers are sent again, with the same
bytes, which a target takes for the same objects.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pacslift.errors import Cause
from pacslift.events import InstanceSent, Sink
from pacslift.ledger import InstanceState, Ledger, Planned
from pacslift.ledger_history import resent
from pacslift.plan.contexts import Pair
from pacslift.send.crew import Hands, Result
from pacslift.send.patience import Patience
from pacslift.send.supply import Alone, Supply

COMMIT_EVERY = 0.25  # seconds between commits while answers come in
COMMIT_MOST = 500  # answers in one commit


def deliver(
    ledger: Ledger,
    hands: Hands,
    tell: Sink,
    supply: Supply | None = None,
) -> None:
    """Send what *ledger* has planned by *hands*, and write there what became of it.

    *supply* hands it out where several machines share it.
    Raises StopError when the target is of no use any more, and lets KeyboardInterrupt through;
    all answers until then are on record.
    """
    revision = ledger.get("revision") or ""
    supply = supply or Alone(ledger)
    patience = Patience()
    waiting: list[Result] = []

    def settle() -> None:
        done = waiting.copy()
        put_on_record(supply, done, tell, revision)
        waiting.clear()  # not before: whoever interrupts it finds them still waiting
        for one in done:
            if not one.planned.attempts:  # what failed before may do so again by its own fault
                patience.judge(one.delivery)

    committed = time.monotonic()
    try:
        for result in results_of(hands, supply.planned()):
            waiting += [result] if result else []
            late = time.monotonic() - committed >= COMMIT_EVERY
            if waiting and (late or len(waiting) >= COMMIT_MOST):
                settle()
                committed = time.monotonic()
        settle()
    finally:
        try:
            put_on_record(
                supply, waiting, tell, revision
            )  # first, as the workers may take a while to end
        finally:
            try:
                put_on_record(supply, hands.stop(), tell, revision)
            finally:
                supply.close()


def results_of(hands: Hands, planned: Iterator[Planned | None]) -> Iterator[Result | None]:
    """Results as they come, None when none came for a moment. Raises what ended the work."""
    hands.start()
    in_hand, more = 0, True
    while in_hand or more:
        while more and in_hand < hands.room:
            try:
                given = next(planned)
            except StopIteration:
                more = False
                break
            if given is None:  # for the moment
                break
            hands.give(given)
            in_hand += 1
        if in_hand or more:
            result = hands.get(COMMIT_EVERY)
            in_hand -= result is not None
            yield result


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
        changes=len(result.delivery.sent.changes) if result.delivery.sent else 0,
    )
