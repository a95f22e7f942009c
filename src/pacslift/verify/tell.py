"""From the ledger to the account and the report."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from pacslift import __version__
from pacslift.counting import counted
from pacslift.job import Job
from pacslift.ledger import CONTEXTS, FILES, INSTANCES, FileState, InstanceState, Ledger
from pacslift.ledger_history import AT_TARGET, charsets_of_a_study, resent_instances
from pacslift.ledger_tables import DIFFERENCES
from pacslift.verify import report
from pacslift.verify.account import Account, account_of
from pacslift.verify.corrections import change_rows, corrections
from pacslift.verify.report import (
    DifferenceRow,
    ExceptionRow,
    Ran,
    RefusedContext,
    ReportData,
    StudyRow,
)

CUTS = "cuts"  # the findings of extract that the page begins with
MOST_NAMED = 20  # studies
# Files that an exception is written for; the others are where they should be.
LOOKED_AT = (
    FileState.ORPHAN,
    FileState.ORPHAN_DUPLICATE,
    FileState.NOT_DICOM,
    FileState.UNREADABLE,
)


def account_now(ledger: Ledger) -> Account:
    """The account as it stands. What was never planned counts as no rows and no files."""
    with ledger.one_moment():  # or a plan made meanwhile would look out of balance
        states, causes = ledger.states_and_causes()
        return account_of(
            instances=int(ledger.get("instances") or 0),
            states=states,
            files=int(ledger.get("files") or 0),
            file_states=ledger.file_states(),
            causes=causes,
            extra_at_target=int(ledger.get("extra") or 0),
            no_verification=ledger.get("no_verification") or None,
            cuts=int(ledger.get("cuts") or 0),
        )


def write_report(job: Job, ledger: Ledger, stopped: str | None) -> Account:
    """Write the report folder and exceptions.csv beside it; gives the account.

    *stopped* is why the run ended early, if it did.
    """
    account = account_now(ledger)
    found = ledger.findings() + ([("run", stopped)] if stopped else [])
    cuts = [sentence for stage, sentence in found if stage == CUTS]
    findings = [(stage, sentence) for stage, sentence in found if sentence not in cuts]
    data = ReportData(
        account,
        ran_of(job, ledger),
        tuple(refused(ledger)),
        findings,
        corrections=corrections(ledger),
        cuts=cuts,
    )
    report.write_report(
        job.report,
        data,
        exceptions(ledger),
        studies(ledger),
        differences(ledger),
        change_rows(ledger),
    )
    partial = job.folder / ".exceptions.csv.new"
    shutil.copyfile(job.report / "exceptions.csv", partial)
    partial.replace(job.folder / "exceptions.csv")
    return account


def resent_finding(ledger: Ledger) -> list[str]:
    """A sentence on objects that the target may have got in two versions, if there are such."""
    return [
        f"{counted(row['count'], 'object')} went out with other bytes than when sent before, "
        "under an earlier revision of the job or as somebody accepted; one is instance "
        f"{row['first']}. A target that had the earlier version may keep either: look at one there"
        for row in ledger.rows(resent_instances())
        if row["count"]
    ]


def charset_findings(ledger: Ledger) -> list[str]:
    """A sentence for each study whose objects' texts were found to be in several character sets."""
    found = list(ledger.rows(charsets_of_a_study()))
    more = [f"and {len(found) - MOST_NAMED:,} more such studies"] * (len(found) > MOST_NAMED)
    return [
        f"study {row['study_instance_uid']}: the texts of some objects were found to be in "
        f"{row['one']}, of others in {row['other']}; unless devices of several makes wrote them, "
        "look at a name of each and say the right one under [rules] of job.toml (T01, T02)"
        for row in found[:MOST_NAMED]
    ] + more


def ran_of(job: Job, ledger: Ledger) -> Ran:
    """What was run, with what."""
    totals = ledger.totals()
    return Ran(
        version=__version__,
        job=str(job.folder),
        revision=(ledger.get("revision") or "")[:16],
        adapter=ledger.get("adapter") or "",
        dump_format=ledger.get("dump") or "",
        target=str(job.target),
        started=ledger.get("started"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        bytes_sent=totals["bytes"],
        seconds_sending=float(ledger.get("seconds.send") or 0),
        instances_sent=totals["stored"],
    )


def exceptions(ledger: Ledger) -> Iterator[ExceptionRow]:
    """Every instance that is not verified, then every file that a person should look at."""
    clean = INSTANCES.c.state == InstanceState.VERIFIED
    query = sa.select(INSTANCES).where(~clean).order_by(INSTANCES.c.cause, INSTANCES.c.position)
    for row in ledger.rows(query):
        yield ExceptionRow(
            instance_key=row["instance_key"],
            sop_instance_uid=row["sop_instance_uid"],
            study_instance_uid=row["study_instance_uid"] or "",
            state=row["state"],
            cause=row["cause"] or "",
            detail=row["detail"] or "",
            file=row["file"] or "",
        )
    unowned = sa.select(FILES).where(FILES.c.state.in_(LOOKED_AT))
    for row in ledger.rows(unowned.order_by(FILES.c.state, FILES.c.mount, FILES.c.relative)):
        yield ExceptionRow(
            instance_key="",
            sop_instance_uid="",
            study_instance_uid="",
            state=row["state"],
            cause="",
            detail=row["detail"] or "",
            file=f"{row['mount']}/{row['relative']}",
        )


def differences(ledger: Ledger) -> Iterator[DifferenceRow]:
    """What the target lists of studies otherwise than it was sent, by study."""
    query = sa.select(DIFFERENCES).order_by(
        DIFFERENCES.c.study_instance_uid, DIFFERENCES.c.keyword, DIFFERENCES.c.found
    )
    for row in ledger.rows(query):
        yield DifferenceRow(*row.values())


def studies(ledger: Ledger) -> Iterator[StudyRow]:
    """How far each study is, by its UID."""
    uid, state = INSTANCES.c.study_instance_uid, INSTANCES.c.state
    query = (
        sa.select(
            uid,
            sa.func.count().label("instances"),
            sa.func.sum(sa.case((state.in_(AT_TARGET), 1), else_=0)).label("stored"),
            sa.func.sum(sa.case((state == InstanceState.VERIFIED, 1), else_=0)).label("verified"),
        )
        .group_by(uid)
        .order_by(uid)
    )
    for row in ledger.rows(query):
        yield StudyRow(row["study_instance_uid"] or "", *list(row.values())[1:])


def refused(ledger: Ledger) -> Iterator[RefusedContext]:
    """The kinds of object that the target does not take, with what they hold back."""
    count = sa.func.count(INSTANCES.c.instance_key).label("n")
    same = (INSTANCES.c.sop_class_uid == CONTEXTS.c.sop_class_uid) & (
        INSTANCES.c.transfer_syntax_uid == CONTEXTS.c.transfer_syntax_uid
    )
    query = (
        sa.select(CONTEXTS.c.sop_class_uid, CONTEXTS.c.transfer_syntax_uid, count)
        .select_from(CONTEXTS.outerjoin(INSTANCES, same))
        .where(~CONTEXTS.c.accepted)
        .group_by(CONTEXTS.c.sop_class_uid, CONTEXTS.c.transfer_syntax_uid)
        .order_by(count.desc())
    )
    for row in ledger.rows(query):
        yield RefusedContext(row["sop_class_uid"], row["transfer_syntax_uid"], row["n"])
