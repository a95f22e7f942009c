"""What many runs have come to, as a page to keep: `run.py --output`."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from time import monotonic

from measure import first_line, machine
from processes import ENTRY, environment
from runs import Outcome

from servers import CHECKOUT

STARTS = 3
HEAD = """\
# Faults

Written by `make faults RUNS=200 OUTPUT=benchmarks/FAULTS.md`. In each run something breaks at a
moment chosen by chance; then the program is run until nothing is left to be done. A run is wrong
unless every instance is in one state, nothing counts as stored that the target does not hold as it
should, nothing was sent twice with different bytes, or again without need, and the exit code says
so.
"""
COLUMNS = ("fault", "runs", "wrong", "sent again, most", "had to be, most", "restart, longest")


def page(outcomes: Sequence[Outcome], seed: int, *, is_warm: bool) -> str:
    """The page. *is_warm*: programs were forks of one that had loaded everything."""
    wrong = sum(bool(one.complaints) for one in outcomes)
    names = dict.fromkeys(one.scenario.name for one in outcomes)
    lines = [
        HEAD,
        measured(seed),
        "",
        row(COLUMNS),
        row("---" for _ in COLUMNS),
        *(line([one for one in outcomes if one.scenario.name == name]) for name in names),
        "",
        f"{len(outcomes)} runs, {wrong} wrong.",
        "",
        *notes(is_warm=is_warm),
    ]
    return "\n".join(lines) + "\n"


def measured(seed: int) -> str:
    """When, what and where."""
    now = datetime.now(UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    revision = first_line("git", "-C", str(CHECKOUT), "describe", "--always", "--dirty")
    load = os.getloadavg()[0]
    return (
        f"Measured {now} UTC at revision {revision} from seed {seed}; on {machine()}; "
        f"load after it {load:.1f}."
    )


def line(mine: Sequence[Outcome]) -> str:
    """The row of one scenario."""
    worst = max(mine, key=lambda one: one.resent)
    restarts = [one.restart for one in mine if one.restart is not None]
    return row((
        mine[0].scenario.sentence,
        str(len(mine)),
        str(sum(bool(one.complaints) for one in mine)),
        str(worst.resent),
        str(worst.unanswered + worst.lost),
        f"{max(restarts):.1f} s" if restarts else "",
    ))  # fmt: skip


def row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def notes(*, is_warm: bool) -> list[str]:
    """What has to be known to read the numbers."""
    again = (
        "- Sent again: objects beyond the first time. Had to be: those without a good answer, or "
        "whose answer was not yet on record, in the run with the most."
    )
    said = [again, "- Restart: from the start of the program after the fault to its next object."]
    if is_warm:
        wall, cpu = least_start()
        said.append(
            "- Programs were forks of one that had loaded everything, but for those of several "
            f"machines; loading takes {wall:.1f} s more ({cpu:.1f} s of CPU)."
        )
    return said


def least_start() -> tuple[float, float]:
    """Seconds, by the clock and of CPU, that the program takes to load; the least of some."""
    return min(start() for _ in range(STARTS))


def start() -> tuple[float, float]:
    began, before = monotonic(), os.times()
    command = [sys.executable, "-c", f"{ENTRY.partition(';')[0]}"]
    subprocess.run(command, env=environment({}), check=True)
    after = os.times()
    cpu = after.children_user + after.children_system
    return monotonic() - began, cpu - before.children_user - before.children_system
