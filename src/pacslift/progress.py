"""How events look: a bar on a terminal, a line now and then elsewhere, or JSON lines.

Each sink is fed the same events and writes to the stream that it is given.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from pacslift.events import (
    Elsewhere,
    Event,
    FilesWalked,
    InstanceSent,
    ObjectsPrepared,
    PaceChanged,
    Sink,
    StageFinished,
    StageStarted,
    StudyAsked,
    TableRead,
    WorkersSeen,
    to_json_line,
)
from pacslift.pace_words import changed_words, short_words
from pacslift.timeleft import Course, in_words

LINE_EVERY = 10.0  # seconds between lines where there is no terminal
STAGE_WIDTH = 10
MEGA = 1_000_000
MOST_SHOWN = 16  # workers that get a line of their own
STORED = ("stored", "stored_changed")


@contextmanager
def display(stream: TextIO, log_format: str) -> Iterator[Sink]:
    """Give the sink that suits *stream*: "json" is JSON lines, "text" a bar or lines."""
    if log_format == "json":
        yield JsonLines(stream).tell
    elif stream.isatty():
        bar = Bar(stream)
        with bar.live:
            yield bar.tell
    else:
        yield Lines(stream).tell


class JsonLines:
    """One JSON object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tell(self, event: Event) -> None:
        """Write *event*."""
        print(to_json_line(event), file=self._stream, flush=True)


class StageCounts:
    """Counts of one stage: steps done, bytes, what was not stored, who does what, since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.start(StageStarted(""))

    def start(self, event: StageStarted) -> None:
        """Begin to count *event*'s stage."""
        self.stage, self.expected = event.stage, event.expected
        self.expected_bytes = event.expected_bytes
        self.done = self.bytes = self.troubled = 0
        self.doing: dict[str, str] = {}  # by worker
        self.pace = ""  # why it is slower than it could be, if it is
        self.sent: Counter[str] = Counter()  # by worker
        self.machines = 1
        self._since = self._clock()
        self._course = Course(self._clock)
        self._course.seen(0, 0)

    def count(self, event: Event) -> int:
        """Take *event* in; gives the steps that it stands for."""
        match event:
            case WorkersSeen():
                self.doing = dict(event.doing)
            case Elsewhere():
                self.machines = event.machines
                self.bytes += event.bytes
            case PaceChanged():
                self.pace = short_words(event)
                self._since += event.held_seconds  # a rate is that of sending
                self._course.skip(event.held_seconds)
        step = self._steps(event)
        self.done += step
        if step:
            self._course.seen(self.done, self.bytes)
        return step

    def _steps(self, event: Event) -> int:
        match event:
            case InstanceSent():
                self.bytes += event.bytes
                self.troubled += event.state not in STORED
                self.sent[event.worker] += 1
                return 1
            case StudyAsked():
                self.troubled += event.expected - event.verified
                return event.expected
            case ObjectsPrepared():
                self.troubled += event.troubled
                return event.objects
            case TableRead(rows=steps) | Elsewhere(instances=steps):
                return steps
            case FilesWalked():
                return event.files - self.done
        return 0

    def rate(self) -> str:
        """Steps and megabytes a second so far, and by how many machines."""
        seconds = max(self._clock() - self._since, 1e-6)
        rate = f"{self.done / seconds:,.0f}/s"
        megabytes = f"  {self.bytes / seconds / MEGA:,.1f} MB/s" if self.bytes else ""
        machines = f"  {self.machines} machines" if self.machines > 1 else ""
        return rate + megabytes + machines

    def share(self) -> str:
        """How much of the stage is done, in per cent; nothing where that is not known."""
        if not self.expected:
            return ""
        return f"{min(100.0, 100 * self.done / self.expected):.1f} %"

    def left(self) -> tuple[float, float] | None:
        """The least and the most seconds that the stage still takes, if that can be said."""
        if not self.expected:
            return None
        rest = self.expected_bytes - self.bytes if self.expected_bytes and self.bytes else None
        left = self._course.left(self.expected - self.done, rest)
        return (left.least, left.most) if left else None

    def time_left(self) -> str:
        """The same for people."""
        left = self.left()
        return f"{in_words(*left)} left" if left else ""

    def trouble(self) -> str:
        """What was not stored or found so far."""
        return f"{self.troubled:,} in trouble" if self.troubled else ""

    def busy(self) -> str:
        """How many workers do what; nothing where there are none."""
        what = Counter(self.doing.values())
        said = ", ".join(f"{count} {doing}" for doing, count in what.most_common())
        return f"workers: {said}" if said else ""


def finished_line(event: StageFinished) -> str:
    """The line that stays when a stage is done."""
    return f"{event.stage:<{STAGE_WIDTH}} {event.sentence}  ({event.seconds:.1f} s)"


def changed_line(stage: str, event: PaceChanged) -> str:
    """The line that says how a stage goes on."""
    return f"{stage:<{STAGE_WIDTH}} {changed_words(event)}"


class Lines:
    """A line when a stage is done, and one now and then while it lasts."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._counts = StageCounts(clock)
        self._next = clock() + LINE_EVERY

    def tell(self, event: Event) -> None:
        """Take *event* in and write what is due."""
        if isinstance(event, StageStarted):
            self._counts.start(event)
        elif isinstance(event, StageFinished):
            self._say(finished_line(event))
        elif isinstance(event, PaceChanged):
            self._counts.count(event)
            self._say(changed_line(self._counts.stage, event))
        elif self._counts.count(event) and self._clock() >= self._next:
            self._say(self._line())

    def _line(self) -> str:
        counts = self._counts
        of = f" of {counts.expected:,} ({counts.share()})" if counts.expected else ""
        parts = (
            f"{counts.stage:<{STAGE_WIDTH}} {counts.done:,}{of}",
            counts.rate(),
            f"{counts.troubled:,} in trouble",
            counts.time_left(),
            counts.busy(),
        )
        return "  ".join(part for part in parts if part)

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
        self._next = self._clock() + LINE_EVERY


class Bar:
    """A bar with rate and time left for the stage that runs, a line for each that is done.

    Below it stands a line for each worker, as long as they are few enough.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts = StageCounts(clock)
        self._task: TaskID | None = None
        self._console = Console(file=stream, highlight=False)
        columns = "share", "rate", "left", "trouble", "pace"
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24, finished_style="green"),  # of 16 colours: no grey, as at 0
            TextColumn("{task.completed:,.0f}{task.fields[of]}"),
            *(TextColumn(f"{{task.fields[{name}]}}") for name in columns),
            console=self._console,
        )
        self.live = Live(
            get_renderable=self._shown, console=self._console, transient=True, refresh_per_second=4
        )

    def tell(self, event: Event) -> None:
        """Take *event* in and write what is due."""
        if isinstance(event, StageStarted):
            self._counts.start(event)
            self._clear()
            self._task = self._progress.add_task(
                event.stage,
                total=event.expected,
                of="",
                share="",
                rate="",
                left="",
                trouble="",
                pace="",
            )
        elif isinstance(event, StageFinished):
            self._clear()
            self.live.refresh()  # or the bar of this stage stays below its line for a while
            self._say(finished_line(event))
        else:
            self._counts.count(event)
            if isinstance(event, PaceChanged):
                self._say(changed_line(self._counts.stage, event))

    def _shown(self) -> Group:
        """What stands on the terminal now. Worked out when it is drawn, not at every event."""
        counts = self._counts
        if self._task is None:
            return Group()
        self._progress.update(
            self._task,
            completed=counts.done,
            of=f" of {counts.expected:,}" if counts.expected else "",
            share=counts.share(),
            rate=counts.rate() if counts.done else "",
            left=counts.time_left(),
            trouble=counts.trouble(),
            pace=counts.pace,
        )
        return Group(self._progress.get_renderable(), workers_table(counts))

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, markup=False)

    def _clear(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None


def workers_table(counts: StageCounts) -> Table | str:
    """What each worker is doing and has done; only their sum where they are many."""
    if len(counts.doing) > MOST_SHOWN:
        return f"{'':<{STAGE_WIDTH}} {counts.busy()}"
    table = Table.grid(padding=(0, 2))
    for name in sorted(counts.doing):
        table.add_row(f"{'':<{STAGE_WIDTH}} {name}", counts.doing[name], f"{counts.sent[name]:,}")
    return table
