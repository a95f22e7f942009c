"""The ledger of a large archive, all of it sent and verified: its size, and what `status` takes."""

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import Goal, Options, Row, Section, spread
from contest import tell
from flat import ENTRY
from measure import GIB, Usage, in_turn, run_measured
from scale import run_script
from scalecatalog import PER_SERIES, SERIES_PER_STUDY
from scalerun import AT_ONCE

from pacslift.ledger import Ledger

FULL, QUICK = 10_000_000, 50_000
SIZE_GOAL = Goal(3, "GB", at_most=True)
STATUS_GOAL = Goal(2, "s", at_most=True)
TURNS = 5  # runs of status
LARGEST = 6  # tables and indexes that are named


@dataclass(frozen=True, slots=True)
class Kept:
    """A ledger after a stage, and what `pacslift status` took, also of a job without a plan."""

    stage: Usage
    size: int  # bytes, with its log
    cold: Usage
    warm: list[tuple[Usage, Usage]]  # of the ledger and of an empty one, in turn

    def fact(self, name: str) -> str:
        """What was measured, in words."""
        least, empty = (min(side, key=cpu_of) for side in zip(*self.warm, strict=True))
        took = (("status, cold", self.cold), ("status", least), ("of an empty one", empty))
        return "; ".join(
            [f"{name}: {words(self.stage)}, ledger {self.size / 1e9:.2f} GB"]
            + [f"{what} {words(usage)}" for what, usage in took]
        )


def run(options: Options) -> Section:
    """Measure; the archive is removed afterwards."""
    many = options.rows_or(FULL, QUICK)
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        archive, job = Path(name) / "archive", Path(name) / "job"
        make_jobs(Path(name), job)
        tell(f"a catalog of {many:,} instances")
        run_script("scalecatalog.py", archive, many, job)
        kept = {stage: after(stage, archive, job) for stage in ("plan", "proved")}
        return section(many, kept, largest(job / "ledger.db"))


def after(stage: str, archive: Path, job: Path) -> Kept:
    """Run a stage, then status."""
    tell(stage)
    usage = run_script("scalerun.py", stage, archive, job)
    kept = asked(usage, job)
    tell(kept.fact(stage))
    return kept


def asked(stage: Usage, job: Path) -> Kept:
    """What status takes now; the first run compiles the modules that it loads."""
    empty = job.with_name("empty")
    run_status(empty)
    forget(job)
    cold = run_status(job)
    turns = in_turn(TURNS, lambda: run_status(job), lambda: run_status(empty))
    return Kept(stage, size_of(job), cold, turns)


def section(many: int, kept: dict[str, Kept], parts: str) -> Section:
    """What was found about *many* instances."""
    done = kept["proved"]
    size = done.size / 1e9
    wall, of_empty = ([usage.seconds for usage in side] for side in zip(*done.warm, strict=True))
    cpu, cpu_of_empty = (list(map(cpu_of, side)) for side in zip(*done.warm, strict=True))
    small = "" if many >= FULL else f" The goals are about {FULL:,} instances; these are fewer."
    usages = [used for one in kept.values() for used in (one.stage, one.cold, *sum(one.warm, ()))]
    peak = max(usage.peak_bytes for usage in usages) / GIB
    return Section(
        "ledger",
        f"The ledger of {many:,} instances, {PER_SERIES} a series and {SERIES_PER_STUDY} series a "
        "study: planned, then put on record as sent, with 12 changes each that their series has in "
        f"common, and as verified, {AT_ONCE:,} in a commit. `pacslift status` is the whole "
        f"command, {TURNS} times, in turn with a job whose ledger is empty (against); cold: "
        "the ledger was not in the system's cache." + small,
        [
            Row("ledger with its log, all sent and verified", f"{size:.2f} GB", "", size, "GB",
                SIZE_GOAL),
            Row("status, wall", f"{spread(wall, '.2f')} s", f"{spread(of_empty, '.2f')} s",
                median(wall), "s", STATUS_GOAL),
            Row("status, CPU", f"{spread(cpu, '.2f')} s", f"{spread(cpu_of_empty, '.2f')} s",
                median(cpu), "s", STATUS_GOAL),
            Row("status, cold, wall", f"{done.cold.seconds:.2f} s", "", done.cold.seconds, "s",
                STATUS_GOAL),
            Row("most memory of any of it", f"{peak:.2f} GiB", ""),
        ],
        [
            f"{done.size / many:.0f} bytes an instance.",
            *(f"{one.fact(name)}." for name, one in kept.items()),
            f"The largest of it: {parts}.",
        ],
        ["pacslift: python benchmarks/scalerun.py plan|proved ARCHIVE JOB; pacslift status JOB"],
    )  # fmt: skip


def make_jobs(folder: Path, job: Path) -> None:
    """A job whose stages before the plan are not run, and beside it one that stays without."""
    dump, storage = folder / "no.sql", folder / "storage"
    dump.touch()
    storage.mkdir()
    made = ["--dump", str(dump), "--storage", str(storage), "--target", "NONE@127.0.0.1:104"]
    for one in (job, job.with_name("empty")):
        run_measured([*ENTRY, "init", str(one), *made])
    Ledger(job.with_name("empty") / "ledger.db").close()


def run_status(job: Path) -> Usage:
    """`pacslift status`; modules are loaded as an installed program has them, from bytecode."""
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(job.parent / "bytecode")}
    return run_measured([*ENTRY, "status", str(job)], env=kept)


def forget(job: Path) -> None:
    """Let the system forget what it holds of the ledger's files."""
    for path in job.glob("ledger.db*"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def size_of(job: Path) -> int:
    """Bytes of the ledger's files."""
    return sum(path.stat().st_size for path in job.glob("ledger.db*"))


def words(usage: Usage) -> str:
    """What a run took."""
    return (
        f"{usage.seconds:.2f} s, {usage.cpu_seconds:.2f} s of CPU, {usage.peak_bytes / GIB:.2f} GiB"
    )


def cpu_of(usage: Usage) -> float:
    """Its seconds of CPU."""
    return usage.cpu_seconds


def largest(ledger: Path) -> str:
    """The tables and indexes that take most (sqlite.org/dbstat.html)."""
    query = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT ?"
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query, (LARGEST,)).fetchall()
    return ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in rows)
