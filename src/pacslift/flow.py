"""The whole run on one screen: a stage is one function, and each can be repeated.

A stage that finds its work done from the same input leaves it: that is how a run that was cut off
goes on where it was. What "the same input" means is a fingerprint, kept in the ledger once the
stage is complete.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from pacslift.access import access_findings
from pacslift.adapter import load_adapters
from pacslift.agreement import put_terms
from pacslift.counting import counted
from pacslift.errors import CatalogError, Cause, JobFolderError, MappingError, StopError
from pacslift.extract.packed.parts import with_parts
from pacslift.extract.store import load_tables
from pacslift.fingerprints import (
    digests,
    dumps_print,
    fingerprint,
    mounts_print,
    target_print,
)
from pacslift.inventory.catalog import move_catalog, scan_catalog, write_catalog
from pacslift.inventory.ranges import scratch_folder
from pacslift.inventory.reconcile import Verdicts
from pacslift.inventory.take import Storage, take_inventory
from pacslift.job_order import order_print
from pacslift.job_reading import load_job
from pacslift.job_revision import content_digest, revision, touch_revised
from pacslift.ledger import UNTRIED, Ledger
from pacslift.ledger_engine import exists
from pacslift.plan.draft import draft_patients
from pacslift.plan.make import in_batches, make_plan, plan_sentence
from pacslift.plan.mapping import read_mapping
from pacslift.plan.sequence import turns_of
from pacslift.plan.uids import RULE_OF_UIDS, new_uids
from pacslift.preview import Preview, private_file, write_preview
from pacslift.running import Run, done, note, require, stage
from pacslift.send.sendcounts import SendCounts
from pacslift.sending import adapter_of, bring, order_book
from pacslift.verify.account import Account
from pacslift.verify.findscu import FindTimeouts
from pacslift.verify.prove import count_asked, prove
from pacslift.verify.tell import CUTS, account_now, charset_findings, resent_finding, write_report

TRANSIENT = (Cause.NO_ANSWER, Cause.OUT_OF_RESOURCES)  # a further run asks again by itself
SENT_OTHERWISE = (
    "{:,} instances at the target were sent with other values than the plan has now, or are left "
    "out by it; they stay as they are, and a person has to correct or remove them there"
)
# Met while an object was read, sent or asked for; all others come from the inventory.
READ_CAUSES = (
    *TRANSIENT,
    Cause.TRUNCATED,
    Cause.DIGEST_DIFFERS,
    Cause.CONTAINER_DAMAGED,
    Cause.HEADER_DAMAGED,
    Cause.TEXT_UNREADABLE,
    Cause.PIXELS_DAMAGED,
    Cause.NOT_REBUILT,
    Cause.NOT_DICOM,
    Cause.SIGNED,
    Cause.IDENTITY_DIFFERS,
    Cause.CHANGED_SINCE_SENT,
    Cause.CHANGED_WHILE_READ,
    Cause.OVERLAY_UNFIT,
    Cause.INTERNAL_FAULT,
    Cause.CONTEXT_REFUSED,
    Cause.REFUSED_BY_TARGET,
    Cause.NOT_AT_TARGET,
    Cause.DIFFERS_AT_TARGET,
    Cause.COULD_NOT_TELL,
)


def migrate(run: Run) -> Account:
    """Move one legacy archive, and account for every instance in it.

    A StopError ends the run, but not before the report says how far it came.
    """
    try:
        extract(run)
        inventory(run)
        plan(run)
        send(run)
        verify(run)
    except StopError as stop:
        if run.ledger.get("planned"):
            report(run, stopped=stop)
        raise
    return report(run)


def extract(run: Run, *, again: bool = False) -> None:
    """Dumps to tables: those columns that the adapter needs."""
    known = load_adapters(run.job.adapters)
    print_ = fingerprint(
        dumps_print(run.job),
        digests(known),
        run.job.adapter,
        dict(run.job.charset),
        run.job.accept_truncated,
        run.job.schema,
    )
    if not again and done(run, "extract", print_, run.job.tables / "tables.json"):
        return
    if run.ledger.get("started") is None:
        run.ledger.put("started", datetime.now(UTC).isoformat(timespec="seconds"))
    from pacslift.extract.take import take_tables  # noqa: PLC0415 - loads all readers, and sqlglot

    with stage(run, "extract") as say:
        taken = take_tables(run.job, known, run.tell)
        run.ledger.put("adapter", taken.adapter)
        run.ledger.put("dump", taken.format)
        run.ledger.put("cuts", str(len(taken.cuts)))
        run.ledger.find(CUTS, taken.cuts)
        note(run, "extract", taken.findings)
        say(
            f"{counted(taken.tables, 'table')}, {counted(taken.rows, 'row')} of {taken.format}, "
            f"read as {taken.adapter}"
        )
    run.ledger.put("extract", print_)


def inventory(run: Run, *, again: bool = False) -> None:
    """Tables to the catalog, and the catalog against the disk; both go into the plan."""
    require(run, "extract", "pacslift extract")
    adapter = adapter_of(run)
    print_ = fingerprint(run.ledger.get("extract"), mounts_print(run.job), run.job.probe)
    if not again and done(run, "inventory", print_, run.job.catalog / "instances.parquet"):
        return
    from pacslift.inventory.build import build_catalog  # noqa: PLC0415 - loads sqlglot

    with stage(run, "inventory") as say:
        catalog = build_catalog(adapter, load_tables(run.job.tables))
        if not catalog["instances"].height:
            raise CatalogError(
                f"the dump holds no instances for the adapter {adapter.name}; "
                "is it the right dump, and complete? `pacslift inspect` shows its tables and rows"
            )
        with scratch_folder(run.job.folder) as scratch:
            write_catalog(catalog, scratch)
            noticed = catalog.findings
            studies = catalog["studies"]["study_instance_uid"].n_unique()  # the trash repeats some
            del catalog  # of a large archive there is no room for it and what follows
            job = run.job
            storage = Storage(job.mounts, with_parts(job.dumps), job.probe, job.accept_lost)
            found = take_inventory(adapter, scan_catalog(scratch), storage, run.tell, scratch)
            run.ledger.forget("inventory", "planned")  # what follows may be cut off half written
            move_catalog(scratch, run.job.catalog)
            found.verdicts.write(run.job.catalog)
        pairs = [[*pair, n] for pair, n in sorted(found.pairs.items())]
        run.ledger.put("pairs", json.dumps(pairs))
        note(run, "inventory", [*noticed, *found.findings])
        counts = Verdicts.scan(run.job.catalog).counted()
        say(
            f"{counted(counts['instances'], 'instance')} in "
            f"{counted(studies, 'study', 'studies')}, "
            f"{counted(counts['files'], 'file')} in the storage"
        )
    run.ledger.put("inventory", print_)


def plan(run: Run, *, again: bool = False, only: str | None = None) -> None:
    """Decide for every instance row and every file, and write it into the ledger.

    With *only*, what was set aside or failed for another cause is left as it is. A new order of
    sending leaves all that was tried as it is.
    """
    require(run, "inventory", "pacslift inventory")
    adapter = adapter_of(run)
    content = content_digest(run.job, adapter.digest)
    base = fingerprint(run.ledger.get("inventory"), content, target_print(run.job))
    ordered = order_print(run.job.order)
    print_ = fingerprint(base, *ordered) if ordered else base
    if not again and done(run, "planned", print_):
        return
    if not again and all_but_order_stands(run.ledger, base):
        only = UNTRIED
    if run.ledger.is_shared:
        from pacslift.machines import stand_back  # noqa: PLC0415 - loads Procrastinate

        stand_back(run)
    as_before = run.job.revised and run.ledger.get("content") in (None, content)
    job = run.job if as_before else touch_revised(run.job)
    with stage(run, "plan") as say:
        reviewed, turns = read_mapping(job.mapping), turns_of(job.order)
        catalog, found = scan_catalog(job.catalog), Verdicts.scan(job.catalog)
        if only != UNTRIED:
            run.ledger.forget("planned")  # overlays and instances come one after the other
        if only is None:
            run.ledger.drop_overlays()
        with scratch_folder(job.folder) as scratch:
            made = make_plan(
                adapter, catalog, found, reviewed, run.ledger.add_overlays, scratch, turns=turns
            )
            run.ledger.replace_uids(
                new_uids(catalog) if RULE_OF_UIDS in job.rules.get("on", ()) else {}
            )
            otherwise = run.ledger.replan(
                in_batches(made.instances),
                in_batches(made.candidates),
                in_batches(made.files),
                found.counted(),
                only,
                in_batches(made.witnesses),
            )
        note(run, "plan", [*made.findings, *[SENT_OTHERWISE.format(otherwise)] * bool(otherwise)])
        sent, planned = run.ledger.totals()["stored"], run.ledger.count_planned()
        say(plan_sentence(made.instances.height, planned, sent))
    run.ledger.put("revised", job.revised)
    run.ledger.put("revision", revision(job, adapter.digest))
    run.ledger.put("content", content)
    run.ledger.put("planned.base", base)
    put_terms(run.ledger, job, adapter)
    run.ledger.put("planned", print_)


def all_but_order_stands(ledger: Ledger, base: str) -> bool:
    """Whether the plan there is was made from what *base* stands for, in whatever order."""
    planned = ledger.get("planned")
    return planned is not None and (ledger.get("planned.base") or planned) == base


def diff(run: Run) -> Preview:
    """Make the plan, and say what sending it would change; nothing is sent."""
    extract(run)
    inventory(run)
    plan(run)
    with stage(run, "diff", run.ledger.count_planned()) as say:
        found = write_preview(run.ledger, order_book(run), run.job.report, run.tell)
        changed = sum(found.changes.values())
        prepared, changes = counted(found.objects, "object"), counted(changed, "change")
        say(f"{prepared} prepared, {changes} of their elements")
    return found


def draft_mapping(run: Run, path: Path) -> int:
    """Write a table of the patients there are, for a person to fill in; gives their number.

    MappingError if *path* is there, as it may be filled in, or cannot be written.
    """
    require(run, "inventory", "pacslift inventory")
    if path.exists():
        raise MappingError(
            f"{path} is there already, and may be filled in; give the draft another name"
        )
    try:
        with private_file(path) as fresh:
            return draft_patients(scan_catalog(run.job.catalog)["patients"], fresh)
    except OSError as error:
        raise MappingError(
            f"the draft {path} cannot be written: {error.strerror}; name a file in a folder that "
            "is there and that this user may write"
        ) from error


def send(run: Run) -> None:
    """Bring what is planned to the target. Raises StopError when the target is of no use."""
    require(run, "planned", "pacslift plan")
    for cause in TRANSIENT:
        run.ledger.reopen(cause)
    expected = run.ledger.count_planned()
    if not expected:
        return
    if run.ledger.is_shared:
        from pacslift.send.studies import hand_out  # noqa: PLC0415 - loads Procrastinate

        hand_out(run.ledger, run.ledger.get("revision") or "")
    counts, began = SendCounts(run.tell), time.monotonic()
    try:
        bring(run, expected, counts)
    finally:
        run.ledger.add_time("send", time.monotonic() - began - counts.held)
        access = [*access_findings(run.job.target.tls, run.job.target.identity)]
        note(run, "send", access + resent_finding(run.ledger) + charset_findings(run.ledger))


def verify(run: Run) -> None:
    """Ask the target for everything that was sent."""
    require(run, "planned", "pacslift plan")
    expected = count_asked(run.ledger)
    if not expected:
        return
    with stage(run, "verify", expected) as say:
        timeouts = FindTimeouts(response=run.job.response_timeout)
        proof = prove(run.ledger, run.job.target, timeouts, run.tell)
        note(run, "verify", proof.findings)
        run.ledger.put("extra", str(proof.extra))
        run.ledger.put("no_verification", proof.impossible or "")
        say(proof.impossible or f"{proof.verified:,} of {expected:,} instances are at the target")


def report(run: Run, stopped: StopError | None = None) -> Account:
    """Write the report folder; gives the account."""
    require(run, "planned", "pacslift plan")
    with stage(run, "report") as say:
        account = write_report(run.job, run.ledger, str(stopped) if stopped else None)
        say(str(run.job.report / "report.html"))
    return account


def retry(run: Run, cause: Cause) -> int:
    """Plan again what failed or was set aside for *cause*, and nothing else.

    Gives the number of instances. What the comparison with the storage set aside is judged anew:
    a file may have been found, a root mounted. Hidden rows and duplicates stay what the database
    and the disk make them.
    """
    if cause in READ_CAUSES:
        return run.ledger.reopen(cause)
    before = run.ledger.count_planned()
    inventory(run, again=True)
    plan(run, again=True, only=cause)
    return run.ledger.count_planned() - before


def account_of(folder: Path) -> Account:
    """The account so far, read beside a run that may be going on."""
    job = load_job(folder)
    if not exists(job.ledger):
        raise JobFolderError(f"{folder} has no ledger yet; start with `pacslift run {folder}`")
    ledger = Ledger(job.ledger)
    try:
        return account_now(ledger)
    finally:
        ledger.close()
