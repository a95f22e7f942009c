"""A job being worked on: held by this process, its ledger open, its stages told and remembered."""

import errno
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from polars.exceptions import PolarsError

from pacslift.agreement import require_own_ledger
from pacslift.errors import JobFolderError
from pacslift.events import Finding, Sink, StageFinished, StageStarted
from pacslift.job import Job
from pacslift.job_lock import job_lock, require_writable
from pacslift.job_reading import load_job
from pacslift.ledger import Ledger
from pacslift.send.orders import rule_settings
from pacslift.send.outcome import policy_of

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
# Write-protected, and twice full: Microsoft, "System Error Codes". Python knows them as NO_ROOM.
NO_ROOM_TO_POLARS = {19, 39, 112} if sys.platform == "win32" else NO_ROOM


@dataclass(frozen=True)
class Run:
    """One job being worked on, by this process alone."""

    job: Job
    ledger: Ledger
    tell: Sink


@contextmanager
def opened(folder: Path, tell: Sink, *, helping: bool = False) -> Iterator[Run]:
    """Hold the job in *folder*, its ledger open. Raises StopError for what is wrong with it.

    Where several machines share the ledger, one holds the job, and those that are *helping* do not.
    """
    job = load_job(folder)
    require_settings(job)
    require_writable(job.folder)
    with job_lock(job.folder):
        ledger = Ledger(job.ledger)
        try:
            if not helping:
                require_own_ledger(ledger, job)
            with nullcontext() if helping else ledger.held_alone():
                yield Run(job, ledger, tell)
        except (OSError, PolarsError) as error:
            if (words := why_not_written(job.folder, error)) is None:
                raise
            raise JobFolderError(words) from error
        finally:
            ledger.close()


def require_settings(job: Job) -> None:
    """JobFileError for a status or a rule that there is none of, before any work begins."""
    policy_of(job.profile, job.statuses)
    rule_settings(job.rules, {})


def why_not_written(folder: Path, error: OSError | PolarsError) -> str | None:
    """The sentence for a file of the job *folder* that the system did not let be written."""
    if tells_no_room(error):
        return (
            f"the job folder {folder} takes no more: {error}; make room on its disk, then "
            "run again: the run goes on where it was"
        )
    if isinstance(error, PermissionError) and (path := below(folder, error)):
        return (
            f"{path} cannot be written: {error.strerror}; close it where it is open, in a "
            "spreadsheet for example, or give this user the right to write it, then run again: "
            "the run goes on where it was"
        )
    return None


def tells_no_room(error: OSError | PolarsError) -> bool:
    """Whether a file could not be written; Polars has the system's error number in its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in NO_ROOM
    numbers = re.findall(r"\(os error (\d+)\)", str(error))
    return any(int(number) in NO_ROOM_TO_POLARS for number in numbers)


def below(folder: Path, error: OSError) -> str | None:
    """The file below *folder* that the system refused to give, the one replaced before others."""
    names = (str(name) for name in (error.filename2, error.filename) if name is not None)
    return next((name for name in names if Path(name).is_relative_to(folder)), None)


@contextmanager
def stage(
    run: Run, name: str, expected: int | None = None, size: int | None = None
) -> Iterator[Callable[[str], None]]:
    """Tell that a stage begins and, with what it says, that it has ended.

    *expected* is the number of its steps, *size* that of the bytes to be sent, where it is known.
    """
    run.tell(StageStarted(name, expected, size))
    began, said = time.monotonic(), [""]
    try:
        yield said.append
    finally:
        if said[-1]:
            run.tell(StageFinished(name, said[-1], time.monotonic() - began))


def note(run: Run, name: str, findings: Sequence[str]) -> None:
    """Put the findings of a stage on record, and tell them."""
    run.ledger.find(name, findings)
    for sentence in findings:
        run.tell(Finding(name, sentence))


def done(run: Run, key: str, print_: str, *made: Path) -> bool:
    """Whether a stage was completed from the same input and what it made is still there."""
    return run.ledger.get(key) == print_ and all(path.exists() for path in made)


def require(run: Run, key: str, command: str) -> None:
    """JobFolderError unless the stage before has been completed."""
    if run.ledger.get(key) is None:
        raise JobFolderError(
            f"{run.job.folder} is not that far yet; run `{command} {run.job.folder}` first, "
            f"or `pacslift run {run.job.folder}` for everything"
        )
