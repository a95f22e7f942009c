"""A dump to the catalog against a restore and the same SELECT: run in turn, compared, told."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import Goal, Row, spread
from measure import GIB, Usage, in_turn, run_measured

MEMORY_GOAL = Goal(1.0, "GiB", at_most=True)


@dataclass(frozen=True, slots=True)
class CatalogRun:
    """pacslift's side: what the run took and what it said."""

    usage: Usage
    said: dict[str, Any]


def to_catalog(dump: Path, folder: Path, *options: str) -> CatalogRun:
    """Run catalogrun.py on *dump*; start-up of Python and imports count. *folder* is removed.

    Modules are loaded as an installed program has them: from bytecode, which the first run leaves
    beside the dump, whatever the environment says.
    """
    script = Path(__file__).with_name("catalogrun.py")
    bytecode = {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(dump.with_name("bytecode")),
    }
    command = [sys.executable, str(script), str(dump), str(folder), *options]
    try:
        usage = run_measured(command, env=bytecode)
        said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return CatalogRun(usage, said)


@dataclass(frozen=True, slots=True)
class Restored:
    """The other side: seconds for the restore and for the SELECTs, and the rows of each."""

    restore_seconds: float
    select_seconds: float
    cpu_seconds: float  # of the server's processes and the clients
    peak_bytes: int  # of the server's processes
    rows: Mapping[str, int]

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.restore_seconds + self.select_seconds

    @property
    def cores(self) -> float:
        """CPU cores in use, on average."""
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump that was made for a benchmark."""

    path: Path
    rows: int
    command: str

    @property
    def words(self) -> str:
        """Size and rows."""
        return f"{self.path.stat().st_size / 1e6:,.0f} MB, {self.rows:,} rows"


def compete(
    what: str, dump: Dump, restore: Callable[[], Restored], goal: float, turns: int
) -> tuple[list[Row], list[str]]:
    """Rows and facts of one dump. Raises RuntimeError unless both sides found the same rows."""
    job = dump.path.with_name("job")
    to_catalog(dump.path, job)  # compiles the modules that it loads
    pairs = in_turn(turns, lambda: to_catalog(dump.path, job), restore)
    for ours, theirs in pairs:
        if ours.said["catalog"] != dict(theirs.rows):
            raise RuntimeError(
                f"pacslift found {ours.said['catalog']}, the server {dict(theirs.rows)}"
            )
    return _rows(what, pairs, goal), [f"{what}: dump of {dump.words}.", *_facts(what, pairs)]


def _rows(what: str, pairs: Sequence[tuple[CatalogRun, Restored]], goal: float) -> list[Row]:
    ours = [run.usage for run, _ in pairs]
    theirs = [restored for _, restored in pairs]
    wall = median(b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True))
    cpu = median(b.cpu_seconds / a.cpu_seconds for a, b in zip(ours, theirs, strict=True))
    peak = max(usage.peak_bytes for usage in ours) / GIB
    other = max(restored.peak_bytes for restored in theirs) / GIB
    return [
        Row(f"{what}, wall seconds", _spread(ours, "seconds"), _spread(theirs, "seconds"), wall,
            goal=Goal(goal)),
        Row(f"{what}, CPU seconds", _spread(ours, "cpu_seconds"), _spread(theirs, "cpu_seconds"),
            cpu),
        Row(f"{what}, cores in use", _spread(ours, "cores"), _spread(theirs, "cores")),
        Row(f"{what}, most memory", f"{peak:.2f} GiB", f"{other:.2f} GiB", peak, "GiB",
            MEMORY_GOAL),
    ]  # fmt: skip


def _spread(runs: Sequence[object], what: str) -> str:
    return spread([getattr(run, what) for run in runs], ".2f")


def _facts(what: str, pairs: Sequence[tuple[CatalogRun, Restored]]) -> list[str]:
    said = [run.said for run, _ in pairs]
    extract = spread([one["extract_seconds"] for one in said], ".2f")
    catalog = spread([one["catalog_seconds"] for one in said], ".2f")
    others = [restored for _, restored in pairs]
    rounds = f"{len(pairs)} round{'s' if len(pairs) > 1 else ''}"
    return [
        (
            f"{what}: {rounds}. pacslift: extract {extract} s, catalog {catalog} s, the rest is "
            "the start of Python; a run before compiled its modules, as installing does. Against: "
            f"restore {_spread(others, 'restore_seconds')} s, "
            f"SELECTs {_spread(others, 'select_seconds')} s; its CPU is that of server and "
            "clients, its memory that of the server's processes."
        ),
        (
            f"{what}: both sides gave the same number of rows in each of {len(said[0]['catalog'])} "
            f"tables, {said[0]['catalog']['instances']:,} instances; pacslift took in "
            f"{said[0]['rows']:,} rows of the tables that the adapter reads."
        ),
    ]


def count_lines(path: Path) -> int:
    """Lines in a file."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def tell(sentence: str) -> None:
    """Say on standard error what goes on."""
    print(f"  {sentence}", file=sys.stderr, flush=True)
