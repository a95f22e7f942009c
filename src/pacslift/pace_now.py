"""The pace of a job from outside of its run: what holds, how the run goes, what is to hold.

The ledger is the way between the two: the run reads there what is said, within a second.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pacslift.errors import JobFolderError
from pacslift.events import PaceChanged
from pacslift.job import Job, load_job
from pacslift.job_lock import require_writable
from pacslift.job_pace import GOING, SAID, Pace, in_force, laid_over, said_meanwhile
from pacslift.ledger import Ledger
from pacslift.ledger_engine import exists
from pacslift.send.pace import Pacer

FRESH = 15.0  # seconds; what is older was left by a run that was killed


@dataclass(frozen=True, slots=True)
class Going:
    """How a run goes, as it said *age* seconds ago."""

    told: PaceChanged
    instances_per_second: float
    megabytes_per_second: float
    age: float


@dataclass(frozen=True, slots=True)
class PaceNow:
    """What holds for a job, and how its run goes; None: no run sends."""

    written: Pace  # by job.toml
    said: Mapping[str, Any]  # meanwhile
    pace: Pace  # both together
    going: Going | None

    @property
    def would(self) -> PaceChanged:
        """How a run would go that began now."""
        return Pacer(self.pace).going()

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        going = asdict(self.going) if self.going else None
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
        return PaceNow(job.pace, {}, job.pace, None)
    with ledger_of(job) as ledger:
        text, going = ledger.get(SAID), ledger.get(GOING)
    pace = in_force(job.pace, text)
    return PaceNow(job.pace, said_meanwhile(text), pace, going_from(going))


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


def going_from(text: str | None) -> Going | None:
    """How the run goes by what it wrote; None where that is too old to be of a run."""
    if not text:
        return None
    said = json.loads(text)
    age = (datetime.now(UTC) - datetime.fromisoformat(said["at"])).total_seconds()
    if age > FRESH:
        return None
    names = {field.name for field in fields(PaceChanged)}
    told = PaceChanged(**{name: value for name, value in said.items() if name in names})
    return Going(told, said["instances_per_second"], said["megabytes_per_second"], max(age, 0.0))
