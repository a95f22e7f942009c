"""A target that is far away: one storescu against a run of pacslift, over 20 ms of round trip."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import Goal, Options, Row, Section, spread
from contest import tell
from manyobjects import write_archive
from measure import in_turn, run_measured
from peers import program, run_storescp

ROUND_TRIP = 0.020  # seconds
GOAL = Goal(3.0)
SIDE = 126  # samples: 32 KB
OBJECTS, QUICK = 600, 60
PDU = "131072"
NODELAY = {"TCP_NODELAY": "1"}
WINDOW = 8
FINISHED = {0, 3}  # exit codes; storescp cannot be asked what it has
ENTRY = [sys.executable, "-c", "from pacslift.cli import main; main(prog_name='pacslift')"]
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Far:
    """Where to send, through the link: an AE title and a port."""

    aet: str
    port: int


def run(options: Options) -> Section:
    """Measure."""
    count = options.rows_or(OBJECTS, QUICK)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        folder = Path(name)
        index, storage = write_archive(folder / "old", count, SIDE)
        job = Job(folder, index, storage, count)
        with (
            run_storescp(folder, "--ignore", "--fork", "-pdu", PDU, env=NODELAY) as server,
            far(server.port) as port,
        ):
            took = round_trip(port)
            there = Far(server.aet, port)
            rows += [job.row(there, associations, 1, options) for associations in (2, 8)]
        with started([str(HERE / "windowsink.py"), str(WINDOW)]) as sink, far(sink) as port:
            rows.append(job.row(Far("WINDOW", port), 1, WINDOW, options))
    return Section(
        "latency",
        f"{count:,} objects of 32 KB to a target with {ROUND_TRIP * 1000:.0f} ms of round trip, "
        "which a relay adds, objects per second. *storescu* is DCMTK's, tuned, with its one "
        "association; pacslift is the send stage of a job, ledger included.",
        rows,
        [f"A byte there and one back took {took * 1000:.1f} ms through the relay."],
        [
            f"the link: python benchmarks/delay.py PORT {ROUND_TRIP}",
            f"target:   TCP_NODELAY=1 storescp --ignore --fork -pdu {PDU} PORT",
            f"target with a window: python benchmarks/windowsink.py {WINDOW}",
            "pacslift: pacslift send JOB",
            f"storescu: TCP_NODELAY=1 storescu -pdu {PDU} -aec AET 127.0.0.1 PORT FILE…",
        ],
    )


@dataclass(frozen=True, slots=True)
class Job:
    """What both sides send."""

    folder: Path
    index: Path
    storage: Path
    count: int

    def row(self, there: Far, associations: int, window: int, options: Options) -> Row:
        """Both sides, in turn."""
        pairs = in_turn(
            options.turns,
            lambda: self.count / self._pacslift(there, associations, window),
            lambda: self.count / self._storescu(there),
        )
        ratio = median(ours / theirs for ours, theirs in pairs)
        what = f"associations: {associations}, window: {window} / storescu"
        ours, theirs = (spread([pair[n] for pair in pairs]) for n in (0, 1))
        tell(f"{what}: {ours}/s; {theirs}/s; {ratio:.2f}")
        goal = GOAL if associations * window >= WINDOW else None  # two are what a job begins with
        return Row(what, f"{ours}/s", f"{theirs}/s", ratio, goal=goal)

    def _pacslift(self, there: Far, associations: int, window: int) -> float:
        """Seconds of the send stage; RuntimeError unless it stores everything."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            job = Path(name) / "job"
            made = ["--dump", str(self.index), "--storage", str(self.storage)]
            made += ["--target", f"{there.aet}@127.0.0.1:{there.port}"]
            run_measured([*ENTRY, "init", str(job), *made])
            path = job / "job.toml"
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("\nwindow = 8 ", f"\nwindow = {window} "))
            for stage in ("extract", "inventory", "plan"):
                run_measured([*ENTRY, stage, str(job)])
            command = [*ENTRY, "send", str(job), "--log-format", "json"]
            command += ["--associations", str(associations)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in FINISHED:
            raise RuntimeError(f"send ended with {done.returncode}:\n{done.stderr[-2000:]}")
        events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        stored = sum(one.get("state") == "stored" for one in events)
        if stored != self.count:
            raise RuntimeError(f"{stored} of {self.count} objects were stored")
        return float(next(e["seconds"] for e in events if e["event"] == "StageFinished"))

    def _storescu(self, there: Far) -> float:
        """Seconds of its process."""
        names = sorted(str(path.relative_to(self.storage)) for path in self.storage.rglob("*.dcm"))
        command = [program("storescu"), "-pdu", PDU, "-aec", there.aet, "127.0.0.1"]
        command += [str(there.port), *names]
        return run_measured(command, cwd=self.storage, env=NODELAY).seconds


@contextmanager
def far(port: int) -> Iterator[int]:
    """A port from which it is far to *port*."""
    with started([str(HERE / "delay.py"), str(port), str(ROUND_TRIP)]) as there:
        yield there


@contextmanager
def started(arguments: Sequence[str]) -> Iterator[int]:
    """A Python process that prints a port first; it is ended at the end."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
            yield int(process.stdout.readline())
        finally:
            process.kill()


def round_trip(port: int) -> float:
    """Seconds from a connection's first byte until the target's answer to nonsense: it closes."""
    times = []
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as link:
            time.sleep(2 * ROUND_TRIP)  # until the other end is open
            began = time.perf_counter()
            link.sendall(b"\xff" * 64)
            with suppress(ConnectionError):
                link.recv(1)
            times.append(time.perf_counter() - began)
    return median(times)
