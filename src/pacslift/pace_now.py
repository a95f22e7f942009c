"""The pace of a job from outside of its run: what holds, how the run goes, what is to hold.

The ledger is the way between the two: the run reads there what is said, within a second.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pacslift.errors import JobFolderError
from pacslift.events import PaceChanged
from pacslift.job import Job
from pacslift.job_lock import require_writable
from pacslift.job_pace import SAID, Pace, in_force, laid_over, said_meanwhile
from pacslift.job_reading import load_job
from pacslift.ledger import Ledger
from pacslift.ledger_engine import exists
from pacslift.send.going import Going, goings
from pacslift.send.pace import Pacer


@dataclass(frozen=True, slots=True)
class PaceNow:
    """What holds for a job, and how its run goes."""

    written: Pace  # by job.toml
    said: Mapping[str, Any]  # meanwhile
    pace: Pace  # both together
    going: tuple[Going, ...]  # on each machine that sends now; none: no run sends

    @property
    def would(self) -> PaceChanged:
        """How a run would go that began now."""
        return Pacer(self.pace).going()

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        going = [asdict(one) for one in self.going]
        return {"pace": asdict(self.pace), "said_meanwhile": dict(self.said), "going": going}


@contextmanager
def ledger_of(job: Job) -> Iterator[Ledger]:
    """The ledger beside a run that may hold the job."""
    require_writable(job.folder)
    ledger = Ledger(job.ledger)
    try:
        yield ledger
    finally:
        ledger.close()


def pace_now(folder: Path) -> PaceNow:
    """What holds for the job in *folder*."""
    job = load_job(folder)
    if not exists(job.ledger):
        return PaceNow(job.pace, {}, job.pace, ())
    with ledger_of(job) as ledger:
        text, going = ledger.get(SAID), goings(ledger)
    pace = in_force(job.pace, text)
    return PaceNow(job.pace, said_meanwhile(text), pace, going)


def say_pace(folder: Path, said: Mapping[str, Any], *, clear: bool = False) -> None:
    """Have *said* hold from now on besides what was said before; *clear*: instead of it.

    JobFileError for what cannot hold; nothing is changed then.
    """
    job = load_job(folder)
    require_begun(job)
    with ledger_of(job) as ledger:
        text = None if clear else ledger.get(SAID)
        in_force(job.pace, text)
        wanted = {**said_meanwhile(text), **said}
        laid_over(job.pace, wanted)
        left = {key: value for key, value in wanted.items() if (key, value) != ("paused", False)}
        if left:
            ledger.put(SAID, json.dumps(left))
        else:
            ledger.forget(SAID)


def require_begun(job: Job) -> None:
    """JobFolderError where there is no ledger yet to say it in."""
    if not exists(job.ledger):
        raise JobFolderError(
            f"{job.folder} has no ledger yet; write [pace] into its job.toml, "
            f"or start with `pacslift run {job.folder}`"
        )
