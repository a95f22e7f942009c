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
    """Run catalogrun.py on *dump*; start-up of Python and imports count. *folder* is removed."""
    script = Path(__file__).with_name("catalogrun.py")
    try:
        usage = run_measured([sys.executable, str(script), str(dump), str(folder), *options])
        said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return CatalogRun(usage, said)


@dataclass(frozen=True, slots=True)
class Restored:
    """The other side: seconds for the restore and for the SELECTs, and the rows of each."""

    restore_seconds: float
    select_seconds: float
    rows: Mapping[str, int]

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.restore_seconds + self.select_seconds


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
    pairs = in_turn(turns, lambda: to_catalog(dump.path, dump.path.with_name("job")), restore)
    for ours, theirs in pairs:
        if ours.said["catalog"] != dict(theirs.rows):
            raise RuntimeError(
                f"pacslift found {ours.said['catalog']}, the server {dict(theirs.rows)}"
            )
    return _rows(what, pairs, goal), [f"{what}: dump of {dump.words}.", *_facts(what, pairs)]


def _rows(what: str, pairs: Sequence[tuple[CatalogRun, Restored]], goal: float) -> list[Row]:
    ours = [run.usage.seconds for run, _ in pairs]
    theirs = [restored.seconds for _, restored in pairs]
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    peak = max(run.usage.peak_bytes for run, _ in pairs) / GIB
    return [
        Row(f"{what}, seconds", spread(ours, ".2f"), spread(theirs, ".2f"), ratio,
            goal=Goal(goal)),
        Row(f"{what}, most memory", f"{peak:.2f} GiB", "", peak, "GiB", MEMORY_GOAL),
    ]  # fmt: skip


def _facts(what: str, pairs: Sequence[tuple[CatalogRun, Restored]]) -> list[str]:
    runs = [run for run, _ in pairs]
    extract = spread([run.said["extract_seconds"] for run in runs], ".2f")
    catalog = spread([run.said["catalog_seconds"] for run in runs], ".2f")
    cores = spread([run.usage.cores for run in runs], ".2f")
    cpu = spread([run.usage.cpu_seconds for run in runs], ".2f")
    restore = spread([restored.restore_seconds for _, restored in pairs], ".2f")
    select = spread([restored.select_seconds for _, restored in pairs], ".2f")
    rows = runs[0].said
    return [
        (
            f"{what}: pacslift: extract {extract} s, catalog {catalog} s, the rest is the start of "
            f"Python; {cpu} s of CPU, {cores} cores in use. Against: restore {restore} s, "
            f"SELECTs {select} s."
        ),
        (
            f"{what}: both sides gave the same number of rows in each of {len(rows['catalog'])} "
            f"tables, {rows['catalog']['instances']:,} instances; pacslift took in "
            f"{rows['rows']:,} rows of the tables that the adapter reads."
        ),
    ]


def count_lines(path: Path) -> int:
    """Lines in a file."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def tell(sentence: str) -> None:
    """Say on standard error what goes on."""
    print(f"  {sentence}", file=sys.stderr, flush=True)
