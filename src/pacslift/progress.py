"""How events look: a bar on a terminal, a line now and then elsewhere, or JSON lines.

Each sink is fed the same events and writes to the stream that it is given.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pacslift.events import (
    Elsewhere,
    Event,
    FilesWalked,
    InstanceSent,
    ObjectsPrepared,
    Sink,
    StageFinished,
    StageStarted,
    StudyAsked,
    TableRead,
    to_json_line,
)

LINE_EVERY = 10.0  # seconds between lines where there is no terminal
STAGE_WIDTH = 10
MEGA = 1_000_000


@contextmanager
def display(stream: TextIO, log_format: str) -> Iterator[Sink]:
    """Give the sink that suits *stream*: "json" is JSON lines, "text" a bar or lines."""
    if log_format == "json":
        yield JsonLines(stream).tell
    elif stream.isatty():
        bar = Bar(stream)
        with bar.progress:
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


class Tally:
    """Counts of one stage: steps done, bytes, what was not stored, since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.start(StageStarted(""))

    def start(self, event: StageStarted) -> None:
        """Begin to count *event*'s stage."""
        self.stage, self.expected = event.stage, event.expected
        self.done = self.bytes = self.troubled = 0
        self.machines = 1
        self._since = self._clock()

    def count(self, event: Event) -> int:
        """Take *event* in; gives the steps that it stands for."""
        match event:
            case InstanceSent():
                self.bytes += event.bytes
                self.troubled += event.state not in ("stored", "stored_changed")
                step = 1
            case Elsewhere():
                self.machines, self.bytes = event.machines, self.bytes + event.bytes
                step = event.instances
            case StudyAsked():
                self.troubled += event.expected - event.verified
                step = event.expected
            case ObjectsPrepared():
                self.troubled += event.troubled
                step = event.objects
            case TableRead():
                step = event.rows
            case FilesWalked():
                step = event.files - self.done
            case _:
                step = 0
        self.done += step
        return step

    def rate(self) -> str:
        """Steps and megabytes a second so far, and by how many machines."""
        seconds = max(self._clock() - self._since, 1e-6)
        rate = f"{self.done / seconds:,.0f}/s"
        megabytes = f"  {self.bytes / seconds / MEGA:,.1f} MB/s" if self.bytes else ""
        machines = f"  {self.machines} machines" if self.machines > 1 else ""
        return rate + megabytes + machines


def finished_line(event: StageFinished) -> str:
    """The line that stays when a stage is done."""
    return f"{event.stage:<{STAGE_WIDTH}} {event.sentence}  ({event.seconds:.1f} s)"


class Lines:
    """A line when a stage is done, and one now and then while it lasts."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._tally = Tally(clock)
        self._next = clock() + LINE_EVERY

    def tell(self, event: Event) -> None:
        """Take *event* in and write what is due."""
        if isinstance(event, StageStarted):
            self._tally.start(event)
        elif isinstance(event, StageFinished):
            self._say(finished_line(event))
        elif self._tally.count(event) and self._clock() >= self._next:
            of = f" of {self._tally.expected:,}" if self._tally.expected else ""
            self._say(
                f"{self._tally.stage:<{STAGE_WIDTH}} {self._tally.done:,}{of}  "
                f"{self._tally.rate()}  {self._tally.troubled:,} in trouble"
            )

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
        self._next = self._clock() + LINE_EVERY


class Bar:
    """A bar with rate and time left for the stage that runs, a line for each that is done."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=32),
            TextColumn("{task.completed:,.0f}"),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[trouble]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._tally = Tally()
        self._task: TaskID | None = None

    def tell(self, event: Event) -> None:
        """Take *event* in and write what is due."""
        if isinstance(event, StageStarted):
            self._tally.start(event)
            self._clear()
            self._task = self.progress.add_task(
                event.stage, total=event.expected, rate="", trouble=""
            )
        elif isinstance(event, StageFinished):
            self._clear()
            self._console.print(finished_line(event), soft_wrap=True, markup=False)
        elif (step := self._tally.count(event)) and self._task is not None:
            troubled = self._tally.troubled
            self.progress.update(
                self._task,
                advance=step,
                rate=self._tally.rate(),
                trouble=f"{troubled:,} in trouble" if troubled else "",
            )

    def _clear(self) -> None:
        if self._task is not None:
            self.progress.remove_task(self._task)
            self._task = None
