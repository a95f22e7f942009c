"""Everything that would fail later, tried now: dumps, storage, tables, job folder, target.

A check never stops the others; each is a sentence that says what was met or what to do.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pacslift.access import Identity, access_findings, secret_name
from pacslift.adapter import Adapter, choose, load_adapters
from pacslift.counting import counted
from pacslift.errors import (
    JobFileError,
    JobFolderError,
    LedgerError,
    NoContextError,
    StopError,
    StorageRootError,
)
from pacslift.inventory.catalog import scan_catalog
from pacslift.inventory.take import require_folders
from pacslift.job import Job, TargetAddress
from pacslift.job_lock import require_writable
from pacslift.ledger import Ledger
from pacslift.ledger_engine import exists
from pacslift.plan.contexts import VERIFICATION
from pacslift.plan.make import unknown_priorities
from pacslift.plan.mapping import read_mapping
from pacslift.plan.sequence import turns_of
from pacslift.repair.order import TRANSCODE
from pacslift.running import require_settings
from pacslift.send.association import StoreAssociation, Timeouts
from pacslift.send.matrix import Answer, Kind, asking, matrix, summary
from pacslift.send.orders import rule_settings
from pacslift.send.pairs import counts_held
from pacslift.send.reaching import reach
from pacslift.send.tlslink import TlsLink
from pacslift.send.validity import first_certificate, valid_until
from pacslift.verify.find import NoVerification, open_finder

SOON = 30  # days before the end of a certificate in which it is worth a word
ROOM = 1 << 30  # bytes below which the job folder's disk is worth a word


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried."""

    name: str
    passed: bool
    sentence: str
    warns: bool = False  # passed, but somebody should know


def examine(job: Job, now: datetime | None = None) -> Iterator[Check]:
    """Try everything the job will need but the kinds of object, in the order of needing it."""
    yield attempt("job folder", lambda: folder_is_usable(job.folder))
    yield attempt("settings", lambda: settings_are_known(job))
    if job.ledger_url:
        yield attempt("ledger", lambda: ledger_answers(job))
    yield attempt("dumps", lambda: dumps_are_known(job))
    yield attempt("storage", lambda: storage_is_there(job))
    yield from tables_are_right(job)
    yield attempt("target", lambda: target_answers(job))
    yield from certificates_last(job.target, now or datetime.now(UTC))
    for sentence in access_findings(job.target.tls, job.target.identity):
        yield Check("access", passed=True, sentence=sentence, warns=True)
    yield attempt("queries", lambda: target_can_be_asked(job))


def attempt(name: str, tried: Callable[[], str]) -> Check:
    """Turn a StopError into a check that has not passed."""
    try:
        return Check(name, passed=True, sentence=tried())
    except StopError as error:
        return Check(name, passed=False, sentence=str(error))


def folder_is_usable(folder: Path) -> str:
    """JobFolderError unless the folder can be written and its disk has some room."""
    require_writable(folder)
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise JobFolderError(
            f"the disk of {folder} has {free / 1e6:,.0f} MB left; tables, catalog and ledger of "
            "a large archive need more, make room first"
        )
    return f"{folder} can be written, {free / 1e9:,.0f} GB free"


def settings_are_known(job: Job) -> str:
    """JobFileError for a rule, or a status of the target's, that there is none of."""
    require_settings(job)
    return "job.toml names no rule and no status that there is none of"


def ledger_answers(job: Job) -> str:
    """LedgerError unless the server can be used; makes the schema if it is not there."""
    ledger = Ledger(job.ledger)
    ledger.close()
    return f"the ledger is {job.ledger}"


def dumps_are_known(job: Job) -> str:
    """Open the dumps and choose the adapter; raises what extract would."""
    from pacslift.extract import take  # noqa: PLC0415 - loads all readers, and sqlglot

    known = load_adapters(job.adapters)
    terms, private = take.terms_of(job), job.folder / "private"
    with take.opened_dumps(job.dumps, private, job.databases, terms) as readers:
        adapter = choose(known, take.names_of(readers), job.adapter, str(readers[0].path))
        formats = ", ".join(take.format_of(reader) for reader in readers)
    return f"{formats}; read as {adapter.name} ({adapter.product})"


def storage_is_there(job: Job) -> str:
    """StorageRootError unless every root can be listed, and there is one."""
    if not job.mounts:
        raise StorageRootError(
            "[storage.mounts] of job.toml is empty; say there where the copy of each root is now"
        )
    require_folders(job.mounts)
    return ", ".join(f"{name or 'the only root'} = {path}" for name, path in job.mounts.items())


def tables_are_right(job: Job) -> Iterator[Check]:
    """Whether the files of [mapping] and [order] can be planned with; nothing without them."""
    if job.mapping:
        yield attempt("mapping", lambda: mapping_is_right(job))
    if job.order.csv:
        yield priorities_are_right(job)


def mapping_is_right(job: Job) -> str:
    """MappingError unless the mapping can be read."""
    lines = sum(1 for _ in read_mapping(job.mapping).lines)
    return f"{counted(lines, 'line')} of the mapping can be read"


def priorities_are_right(job: Job) -> Check:
    """Whether the file of priorities can be read, and each line names a study, where known."""
    try:
        turns = turns_of(job.order)
        known = catalog_of(job)
        unknown = unknown_priorities(*known, turns, read_mapping(job.mapping)) if known else ()
    except StopError as error:
        return Check("order", passed=False, sentence=str(error))
    if unknown:
        return Check("order", passed=True, sentence=unknown[0], warns=True)
    if not turns.lines:
        sentence = f"{job.order.csv} has no line below its heading; all goes newest first"
        return Check("order", passed=True, sentence=sentence, warns=True)
    read = f"{counted(len(turns.lines), 'line')} of {job.order.csv} can be read"
    also = "each names a study" if known else "whether each names a study is seen after inventory"
    return Check("order", passed=True, sentence=f"{read}; {also}")


def catalog_of(job: Job) -> tuple[Adapter, Mapping[str, pl.LazyFrame]] | None:
    """The adapter that read the dump, and the catalog; None before the inventory is complete."""
    if not exists(job.ledger):
        return None
    ledger = Ledger(job.ledger)
    try:
        name, complete = ledger.get("adapter") or "", ledger.get("inventory")
    finally:
        ledger.close()
    adapter = load_adapters(job.adapters).get(name)
    return (adapter, scan_catalog(job.catalog)) if adapter and complete else None


def target_answers(job: Job) -> str:
    """Associate for Verification; raises what send would."""
    echo = ""
    try:
        StoreAssociation.open(job.target, [VERIFICATION]).release()
    except NoContextError:
        echo = ", but no C-ECHO"
    over = " over TLS" if job.target.tls else ""
    who = identity_words(job.target.identity) if job.target.identity else ""
    return f"{job.target} takes associations from {job.target.calling_aet}{over}{who}{echo}"


def identity_words(identity: Identity) -> str:
    """Who we said we are, and whether the target had to say that it believes it."""
    who = identity.user or f"the holder of {secret_name(identity)}"
    return f" as {who}" + (", confirmed" if identity.confirm else ", if it looks at identities")


def certificates_last(target: TargetAddress, now: datetime) -> Iterator[Check]:
    """How long the target's certificate and our own are valid; nothing without TLS."""
    if target.tls is None:
        return
    try:
        link = reach(target, Timeouts().connect)
    except StopError:
        return  # told by "target" already
    theirs = link.certificate if isinstance(link, TlsLink) else None
    link.close()
    yield lasting("certificate", "the target's certificate", valid_until(theirs or b""), now)
    if target.tls.certificate:
        ours = valid_until(first_certificate(target.tls.certificate))
        yield lasting("certificate", f"our certificate {target.tls.certificate}", ours, now)


def lasting(name: str, whose: str, end: datetime | None, now: datetime) -> Check:
    """Whether a certificate outlives the next days."""
    if end is None:
        return Check(name, passed=True, sentence=f"{whose} does not tell its end", warns=True)
    days = (end - now).days
    if days < 0:
        return Check(
            name, passed=False, sentence=f"{whose} has expired on {end:%Y-%m-%d}; renew it"
        )
    soon = days < SOON
    advice = "; have it renewed before a run that may last longer" if soon else ""
    sentence = f"{whose} is valid until {end:%Y-%m-%d}, {days} more days{advice}"
    return Check(name, passed=True, sentence=sentence, warns=soon)


def target_can_be_asked(job: Job) -> str:
    """NoContextError unless the target takes Study Root C-FIND."""
    finder = open_finder(job.target)
    if isinstance(finder, NoVerification):
        raise NoContextError(finder.sentence)
    finder.close()
    return "the target takes Study Root C-FIND, so what arrives can be verified"


def kinds_are_taken(job: Job) -> tuple[Check | None, list[Kind]]:
    """Whether the target takes what is planned, and every kind of it; nothing without a plan.

    What the target says is put on record, so that sending proposes first what is taken.
    """
    try:
        transcodes = rule_settings(job.rules, {}).works(TRANSCODE.id, by_default=TRANSCODE.on)
    except JobFileError:
        return None, []  # told by "settings" already
    try:
        if not exists(job.ledger):
            return None, []
        ledger = Ledger(job.ledger)
    except LedgerError as error:
        return Check("ledger", passed=False, sentence=str(error)), []
    try:
        held = counts_held(ledger)
        if not held:
            return None, []
        kinds, said = matrix(held, asking(job.target, Timeouts()), transcodes=transcodes)
        ledger.learn_contexts(said)
    except StopError as error:
        return Check("kinds", passed=False, sentence=str(error)), []
    finally:
        ledger.close()
    refused = any(kind.answer is Answer.REFUSED for kind in kinds)
    return Check("kinds", passed=not refused, sentence=summary(kinds)), kinds
