"""Ask the target about every study that was sent, and put the verdicts on record.

Study by study: what was verified stays so when the stage is cut off. An instance stored with a
warning keeps that state even where the target lists it as sent: it is there, but never clean.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from pacslift.errors import Cause, SetAsideError
from pacslift.events import Sink, StudyAsked
from pacslift.job import TargetAddress
from pacslift.ledger import INSTANCES, InstanceState, Ledger
from pacslift.ledger_tables import DIFFERENCES, SHARED
from pacslift.unforeseen import one_object
from pacslift.verify.find import Finder, NoVerification, open_finder
from pacslift.verify.findscu import FindTimeouts
from pacslift.verify.identity import StudyIdentity
from pacslift.verify.match import Expected, FoundStudy, Matched, Verdict, match_study

AT_TARGET = (
    InstanceState.STORED,
    InstanceState.STORED_CHANGED,
    InstanceState.VERIFIED,
    InstanceState.MISSING_AT_TARGET,
    InstanceState.DIFFERS_AT_TARGET,
)
PAGE = 20  # studies read from the ledger at a time; of CT one has thousands of instances


@dataclass(frozen=True, slots=True)
class Proof:
    """What asking the target showed. *impossible* says why it could not be asked, if so."""

    verified: int = 0  # instances found as they were sent
    extra: int = 0  # instances of the same studies that nobody sent
    findings: tuple[str, ...] = ()
    impossible: str | None = None


def prove(ledger: Ledger, target: TargetAddress, timeouts: FindTimeouts, tell: Sink) -> Proof:
    """Verify all that was sent.

    Raises TargetUnreachableError, TargetRejectedError or TargetLostError. A target that takes no
    C-FIND leaves every state as it is.
    """
    finder = open_finder(target, timeouts)
    if isinstance(finder, NoVerification):
        return Proof(findings=(finder.sentence,), impossible=finder.sentence)
    notes: list[str] = []
    differed = {uid for (uid,) in ledger.counts(DIFFERENCES, "study_instance_uid")}
    verified = extra = 0
    with finder:
        for uid, rows in studies(ledger):
            expected = [expected_of(row) for row in rows]
            found, matched = asked(finder, uid, expected)
            states = {row["instance_key"]: row["state"] for row in rows}
            ledger.record([row_of(verdict, states) for verdict in matched.verdicts])
            if matched.differences or uid in differed:
                ledger.replace(DIFFERENCES.c.study_instance_uid, uid, differing(uid, matched))
            tell(StudyAsked(uid, len(expected), matched.verified))
            notes += [f"study {uid}: {note}" for note in (*found.notes, *extra_note(matched))]
            verified += matched.verified
            extra += len(matched.extra)
    return Proof(verified, extra, tuple(notes))


def asked(finder: Finder, uid: str, expected: Sequence[Expected]) -> tuple[FoundStudy, Matched]:
    """What the target answers about one study, judged.

    Where the program fails over the answers nothing can be told of this study, and a note says so.
    """
    try:
        with one_object():
            found = finder.study(uid, expected)
            return found, match_study(expected, found)
    except SetAsideError as fault:
        finder.abort()
        why = f"nothing can be told of it, the program failed over its answers: {fault.detail}"
        doubts = {one.sop_instance_uid: why for one in expected}
        found = FoundStudy(uid, frozenset(), doubts, (why,))
        return found, match_study(expected, found)


def differing(uid: str, matched: Matched) -> list[Mapping[str, Any]]:
    """The ledger's rows on what the target lists of a study otherwise than it was sent."""
    return [{"study_instance_uid": uid, **asdict(one)} for one in matched.differences]


def extra_note(matched: Matched) -> list[str]:
    """A sentence on instances that the target holds beyond those that were sent."""
    count = len(matched.extra)
    return [f"the target holds {count} more instances than were sent"] if count else []


def asked_about() -> sa.ColumnElement[bool]:
    """Which rows the target is asked about: all that was sent, answered or not."""
    unanswered = (INSTANCES.c.state == InstanceState.FAILED) & (
        INSTANCES.c.cause.in_((Cause.NO_ANSWER, Cause.INTERNAL_FAULT))
    )
    return INSTANCES.c.state.in_(AT_TARGET) | unanswered


def studies(ledger: Ledger) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Each study that something was sent of, with its instances."""
    after: str | None = None
    while uids := next_studies(ledger, after):
        query = (
            sa.select(INSTANCES)
            .where(asked_about(), is_of(uids))
            .order_by(
                sa.func.coalesce(INSTANCES.c.study_instance_uid, ""), INSTANCES.c.instance_key
            )
        )
        rows = list(ledger.rows(query))
        for uid, group in groupby(rows, key=lambda row: row["study_instance_uid"] or ""):
            yield uid, list(group)
        after = uids[-1]


def next_studies(ledger: Ledger, after: str | None) -> list[str]:
    """The next page of Study Instance UIDs beyond *after*, in order; the empty one is the first.

    Of some of them nothing may have been sent.
    """
    study = SHARED.c.study_instance_uid
    if after is None:
        without = sa.exists().where(study.is_(None) | (study == ""))
        if list(ledger.rows(sa.select(sa.literal("").label("uid")).where(without))):
            return [""]
    query = sa.select(study.label("uid")).where(study > (after or "")).distinct()
    return [row["uid"] for row in ledger.rows(query.order_by(study).limit(PAGE))]


def is_of(uids: Sequence[str]) -> sa.ColumnElement[bool]:
    """Which rows are of studies with these UIDs; an object may have none."""
    study = INSTANCES.c.study_instance_uid
    return study.in_(uids) if any(uids) else study.is_(None) | (study == "")


def expected_of(row: Mapping[str, Any]) -> Expected:
    """The instance as it was sent."""
    return Expected(
        instance_key=row["instance_key"],
        sop_instance_uid=row["sop_instance_uid"],
        study_instance_uid=row["study_instance_uid"] or "",
        series_instance_uid=row["series_instance_uid"] or "",
        patient_id=row["patient_id"],
        identity=StudyIdentity(
            row["patient_name"],
            row["patient_birth_date"],
            row["accession_number"],
            row["sent_study_date"],
        ),
    )


def row_of(verdict: Verdict, states: Mapping[str, str]) -> Mapping[str, Any]:
    """The ledger's row for *verdict*; *states* are those from before."""
    before = states[verdict.instance_key]
    row: dict[str, Any] = {"instance_key": verdict.instance_key}
    if verdict.state is None or (
        before == InstanceState.FAILED and verdict.state is InstanceState.MISSING_AT_TARGET
    ):
        return row | {"state": before} | untold(verdict, before)
    row["verified_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    if verdict.state is InstanceState.VERIFIED and before == InstanceState.STORED_CHANGED:
        return row | {"state": before}
    cause = verdict.cause.value if verdict.cause else None
    return row | {"state": verdict.state.value, "cause": cause, "detail": verdict.detail or None}


def untold(verdict: Verdict, before: str) -> dict[str, Any]:
    """Why nobody knows whether an instance that was stored is there; other causes stay."""
    if verdict.state is not None or before != InstanceState.STORED:
        return {}
    return {"cause": Cause.COULD_NOT_TELL.value, "detail": verdict.detail}


def count_asked(ledger: Ledger) -> int:
    """How many instances the target has to be asked about."""
    query = sa.select(sa.func.count().label("n")).select_from(INSTANCES).where(asked_about())
    return sum(row["n"] for row in ledger.rows(query))
