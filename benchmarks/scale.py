"""Inventory and plan of archives of growing size: what ten times the instances take more.

`--rows` is the size of the larger archive; the smaller one has a tenth.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import Goal, Options, Row, Section
from contest import tell
from measure import GIB, Usage, run_measured

FULL, QUICK = 10_000_000, 100_000
TIMES_GOAL = Goal(11, at_most=True)
MEMORY_GOAL = Goal(4, "GiB", at_most=True)
LEDGER_GOAL = Goal(3, "GB", at_most=True)
STATUS_GOAL = Goal(2, "s", at_most=True)
STAGES = ("inventory", "plan", "status")


@dataclass(frozen=True, slots=True)
class Measured:
    """What each stage took, and the size of the ledger."""

    instances: int
    usages: dict[str, Usage]
    ledger_bytes: int

    @property
    def seconds(self) -> float:
        """Inventory and plan."""
        return self.usages["inventory"].seconds + self.usages["plan"].seconds

    @property
    def cpu_seconds(self) -> float:
        """Inventory and plan."""
        return self.usages["inventory"].cpu_seconds + self.usages["plan"].cpu_seconds

    @property
    def peak(self) -> float:
        """GiB, the more of inventory and plan."""
        return max(self.usages[stage].peak_bytes for stage in ("inventory", "plan")) / GIB

    def fact(self) -> str:
        """What was measured, in words."""
        stages = "; ".join(
            f"{name} {usage.seconds:.1f} s, {usage.cpu_seconds:.1f} s of CPU, "
            f"{usage.peak_bytes / GIB:.2f} GiB"
            for name, usage in self.usages.items()
        )
        return f"{self.instances:,} instances: {stages}; ledger {self.ledger_bytes / 1e9:.2f} GB"


def run(options: Options) -> Section:
    """Measure both sizes, the smaller one first."""
    many = options.rows_or(FULL, QUICK)
    return section(measured(many // 10), measured(many))


def section(few: Measured, most: Measured) -> Section:
    """What was found about an archive and one with a tenth of its instances."""
    many = most.instances
    share = most.seconds / few.seconds
    small = "" if many >= FULL else f" The goals are about {FULL:,} instances; these are fewer."
    status = most.usages["status"].seconds
    size = most.ledger_bytes / 1e9
    named = f"{many:,} instances"
    return Section(
        "scale",
        "Inventory and plan from the catalog on: catalog against disk, plan, ledger. The disk is "
        "a listing as the walk gives it; no file was made, and none is opened." + small,
        [
            Row(f"time of {named}, against a tenth", f"{most.seconds:.1f} s",
                f"{few.seconds:.1f} s", share, goal=TIMES_GOAL),
            Row("the same, CPU", f"{most.cpu_seconds:.1f} s", f"{few.cpu_seconds:.1f} s",
                most.cpu_seconds / few.cpu_seconds, goal=TIMES_GOAL),
            Row(f"most memory, {named}", f"{most.peak:.2f} GiB", "", most.peak, "GiB", MEMORY_GOAL),
            Row(f"ledger, {named}", f"{size:.2f} GB", "", size, "GB", LEDGER_GOAL),
            Row(f"status, {named}", f"{status:.1f} s", "", status, "s", STATUS_GOAL),
        ],
        [few.fact(), most.fact()],
        [f"pacslift: python benchmarks/scalerun.py {'|'.join(STAGES)} ARCHIVE JOB"],
    )  # fmt: skip


def measured(instances: int) -> Measured:
    """Make an archive and measure the stages on it; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        archive, job = Path(name) / "archive", Path(name) / "job"
        tell(f"an archive of {instances:,} instances")
        # In a process of its own, whose memory does not count for those that are measured.
        run_script("scalecatalog.py", archive, instances)
        job.mkdir()
        usages = {}
        for stage in STAGES:
            tell(stage)
            usages[stage] = run_script("scalerun.py", stage, archive, job)
        return Measured(instances, usages, (job / "ledger.db").stat().st_size)


def run_script(name: str, *arguments: object) -> Usage:
    """Run a script of this folder."""
    script = str(Path(__file__).with_name(name))
    return run_measured([sys.executable, script, *map(str, arguments)])
