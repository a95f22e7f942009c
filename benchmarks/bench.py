"""What a benchmark is given and what it gives; and RESULTS.md from that.

A benchmark is a function from Options to a Section. Each section of RESULTS.md stands for itself:
a benchmark that is run again replaces its own section and leaves the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Options:
    """How large and how often to measure."""

    quick: bool = False
    rows: int | None = None  # of the dump; None: the benchmark's own number
    rounds: int | None = None  # how often both sides are run, in turn
    seconds: float | None = None  # that one run of a sender shall last

    def rows_or(self, full: int, quick: int) -> int:
        """Rows of the dump."""
        return self.rows or (quick if self.quick else full)

    @property
    def turns(self) -> int:
        """Runs of either side."""
        return self.rounds or (1 if self.quick else 3)

    @property
    def run_seconds(self) -> float:
        """Length of one run of a sender."""
        return self.seconds or (1.0 if self.quick else 6.0)


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of the design: at least for ratios, at most for memory."""

    bound: float
    unit: str = TIMES
    at_most: bool = False

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}{_spaced(self.unit)}"

    def is_met(self, value: float) -> bool:
        """Whether *value* is within the bound."""
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One thing compared: *ours* and *theirs* as shown; *value* says more, and has the goal."""

    what: str
    ours: str
    theirs: str
    value: float | None = None
    unit: str = TIMES
    goal: Goal | None = None

    def cells(self) -> tuple[str, ...]:
        """The row's cells."""
        shown = "" if self.value is None else f"{self.value:.2f}{_spaced(self.unit)}"
        if self.goal is None or self.value is None:
            return self.what, self.ours, self.theirs, shown, "", ""
        met = "yes" if self.goal.is_met(self.value) else "**no**"
        return self.what, self.ours, self.theirs, shown, str(self.goal), met


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark has found."""

    name: str
    about: str
    rows: Sequence[Row]
    facts: Sequence[str] = ()
    commands: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        """The section's text, without its heading."""
        parts = [self.about, ""]
        if self.rows:
            parts += [_table(self.rows), ""]
        parts += [f"- {fact}" for fact in self.facts]
        if self.commands:
            parts += ["", "```", *self.commands, "```"]
        return "\n".join(parts).strip() + "\n"


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """The median of *values* and, where there are several, the least and the largest."""
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def write_results(path: Path, head: str, texts: dict[str, str], order: Sequence[str]) -> None:
    """Put *texts* by name into *path*; sections that were not measured now stay as they were."""
    old = _sections(path.read_text(encoding="utf-8")) if path.exists() else {}
    merged = {**old, **texts}
    names = [name for name in order if name in merged]
    body = "\n".join(f"## {name}\n\n{merged[name]}" for name in names)
    path.write_text(f"{head}\n{body}", encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    parts = text.split("\n## ")[1:]
    return {name: body.strip() + "\n" for name, _, body in (part.partition("\n") for part in parts)}


def _table(rows: Sequence[Row]) -> str:
    head = ("what", "pacslift", "against", "ratio or value", "goal", "met")
    lines = [head, tuple("---" for _ in head), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spaced(unit: str) -> str:
    return unit if unit == TIMES else f" {unit}"
