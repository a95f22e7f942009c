"""A run's progress as a Prometheus text file, for node_exporter's textfile collector.

The file is written anew every WRITE_EVERY seconds of a run, and at the end of each stage, under
another name first, so that whoever reads it never meets half of one. There is no patient data in
it. A place where it cannot lie is refused at the start; what fails later, as on a full disk, is
tried again and stops nothing: monitoring is an aid.

Source: github.com/prometheus/node_exporter, "Textfile Collector".
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from pacslift.errors import JobFolderError
from pacslift.events import Event, InstanceSent, StageFinished, StageStarted, Stopped
from pacslift.progress import StageCounts

WRITE_EVERY = 10.0  # seconds
SUFFIX = ".prom"


class Metrics:
    """A sink that keeps the file at *path* up to date for the job that is called *job*."""

    def __init__(self, path: Path, job: str, clock: Callable[[], float] = time.monotonic) -> None:
        if path.suffix != SUFFIX or not path.absolute().parent.is_dir():
            raise JobFolderError(
                f"metrics cannot be written to {path}: it must be a file that ends in {SUFFIX}, in "
                "a folder that is there, such as that of node_exporter's textfile collector"
            )
        self._path, self._job, self._clock = path, job, clock
        self._counts = StageCounts(clock)
        self._states: Counter[str] = Counter()
        self._bytes = 0
        self._next = clock() + WRITE_EVERY
        try:
            self._write()
        except OSError as error:
            raise JobFolderError(
                f"metrics cannot be written to {path}: {error.strerror}; give rights or make "
                "room there, or leave --metrics out"
            ) from error

    def tell(self, event: Event) -> None:
        """Take *event* in, and write the file if that is due."""
        match event:
            case StageStarted():
                self._counts.start(event)
            case InstanceSent():
                self._states[event.state] += 1
                self._bytes += event.bytes
        self._counts.count(event)
        ends = isinstance(event, StageFinished | Stopped)
        if ends or self._clock() >= self._next:
            with suppress(OSError):
                self._write()
            self._next = self._clock() + WRITE_EVERY

    def _write(self) -> None:
        write_to_textfile(str(self._path), self.collected())

    def collected(self) -> CollectorRegistry:
        """All that is known now."""
        found = CollectorRegistry()

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"pacslift_{name}", meaning, ["job", *labels], registry=found)

        counts, job = self._counts, self._job
        stage = counts.stage
        gauge("seen_time_seconds", "When this was written, Unix time.").labels(job).set(time.time())
        gauge("stage_done", "Steps of the stage that are done.", "stage").labels(job, stage).set(
            counts.done
        )
        if counts.expected is not None:
            gauge("stage_expected", "Steps of the stage in all.", "stage").labels(job, stage).set(
                counts.expected
            )
        gauge("stage_troubled", "Steps of the stage in trouble.", "stage").labels(job, stage).set(
            counts.troubled
        )
        gauge("sent_bytes", "Bytes answered by the target in this run.").labels(job).set(
            self._bytes
        )
        sent = gauge("sent_instances", "Instances the sender is through with, by state.", "state")
        for state, count in self._states.items():
            sent.labels(job, state).set(count)
        workers = gauge("workers", "Workers by what they are doing.", "doing")
        for doing, count in Counter(counts.doing.values()).items():
            workers.labels(job, doing).set(count)
        left = counts.left()
        if left:
            seconds = gauge("left_seconds", "The time left, four times out of five.", "bound")
            for bound, value in zip(("least", "most"), left, strict=True):
                seconds.labels(job, bound).set(value)
        return found
