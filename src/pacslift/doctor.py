"""Everything that would fail later, tried now: dumps, adapter, storage, job folder, target.

A check never stops the others; each is a sentence that says what was met or what to do.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pacslift.adapter import choose, load_adapters
from pacslift.errors import JobFolderError, LedgerError, NoContextError, StopError
from pacslift.extract.take import format_of, names_of, opened_dumps, terms_of
from pacslift.inventory.take import require_folders
from pacslift.job import Job
from pacslift.job_lock import require_writable
from pacslift.ledger import Ledger
from pacslift.ledger_engine import exists
from pacslift.plan.contexts import Context, Pair, number
from pacslift.send.association import StoreAssociation, Timeouts
from pacslift.send.pairs import pairs_to_propose
from pacslift.verify.find import NoVerification, open_finder

ROOM = 1 << 30  # bytes below which the job folder's disk is worth a word
VERIFICATION = Context(1, "1.2.840.10008.1.1", "1.2.840.10008.1.2")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried."""

    name: str
    passed: bool
    sentence: str


def examine(job: Job) -> Iterator[Check]:
    """Try everything the job will need, in the order in which it will need it."""
    yield attempt("job folder", lambda: folder_is_usable(job.folder))
    if job.ledger_url:
        yield attempt("ledger", lambda: ledger_answers(job))
    yield attempt("dumps", lambda: dumps_are_known(job))
    yield attempt("storage", lambda: storage_is_there(job))
    yield attempt("target", lambda: target_answers(job))
    yield attempt("queries", lambda: target_can_be_asked(job))
    yield from kinds_are_taken(job)


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


def ledger_answers(job: Job) -> str:
    """LedgerError unless the server can be used; makes the schema if it is not there."""
    ledger = Ledger(job.ledger)
    ledger.close()
    return f"the ledger is {job.ledger}"


def dumps_are_known(job: Job) -> str:
    """Open the dumps and choose the adapter; raises what extract would."""
    known = load_adapters(job.adapters)
    with opened_dumps(job.dumps, job.folder / "private", job.databases, terms_of(job)) as readers:
        adapter = choose(known, names_of(readers), job.adapter, str(readers[0].path))
        formats = ", ".join(format_of(reader) for reader in readers)
    return f"{formats}; read as {adapter.name} ({adapter.product})"


def storage_is_there(job: Job) -> str:
    """StorageRootError unless every root can be listed."""
    require_folders(job.mounts)
    return ", ".join(f"{name or 'the only root'} = {path}" for name, path in job.mounts.items())


def target_answers(job: Job) -> str:
    """Associate for Verification; raises what send would."""
    try:
        StoreAssociation.open(job.target, [VERIFICATION]).release()
    except NoContextError:
        return f"{job.target} takes associations from {job.target.calling_aet}, but no C-ECHO"
    return f"{job.target} takes associations from {job.target.calling_aet}"


def target_can_be_asked(job: Job) -> str:
    """NoContextError unless the target takes Study Root C-FIND."""
    finder = open_finder(job.target)
    if isinstance(finder, NoVerification):
        raise NoContextError(finder.sentence)
    finder.close()
    return "the target takes Study Root C-FIND, so what arrives can be verified"


def kinds_are_taken(job: Job) -> Iterator[Check]:
    """One check for each kind of object that the plan holds; none before there is a plan."""
    try:
        if not exists(job.ledger):
            return
        pairs = pairs_of_plan(job)
    except LedgerError as error:
        yield Check("ledger", passed=False, sentence=str(error))
        return
    for start in range(0, len(pairs), 128):
        try:
            accepted = accepted_of(job, pairs[start : start + 128])
        except StopError as error:
            yield Check("kinds", passed=False, sentence=str(error))
            return
        for pair in pairs[start : start + 128]:
            taken = "is taken" if pair in accepted else "is refused; enable it at the target"
            yield Check("kind", pair in accepted, f"SOP class {pair[0]} in {pair[1]} {taken}")


def pairs_of_plan(job: Job) -> tuple[Pair, ...]:
    """The kinds of object that the plan holds."""
    ledger = Ledger(job.ledger)
    try:
        return pairs_to_propose(ledger, transcodes=False)
    finally:
        ledger.close()


def accepted_of(job: Job, pairs: tuple[Pair, ...]) -> set[Pair]:
    """Those of *pairs*, at most 128, that the target accepts."""
    try:
        association = StoreAssociation.open(job.target, number(pairs), Timeouts())
    except NoContextError:
        return set()
    accepted = set(association.accepted)
    association.release()
    return accepted
