"""The memory that sending holds over very many objects, with the ledger and all."""

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench import Goal, Options, Row, Section
from contest import tell
from manyobjects import write_archive
from measure import PAGE, run_measured
from peers import run_storescp

FULL, QUICK = 200_000, 4_000
SIDE = 16  # samples: 512 bytes of pixels
MIB = float(1 << 20)
SEEN_AT = (0.0001, 0.1, 0.5, 1.0)  # shares of the objects
ENTRY = [sys.executable, "-c", "from pacslift.cli import main; main(prog_name='pacslift')"]
GOAL = Goal(1.1, at_most=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sender held when so many objects were sent."""

    sent: int
    resident: float  # MiB
    seconds: float


def run(options: Options) -> Section:
    """Measure; the archive is removed afterwards."""
    count = options.rows_or(FULL, QUICK)
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        folder = Path(name)
        tell(f"an archive of {count:,} objects")
        index, storage = write_archive(folder / "old", count, SIDE)
        size = (storage / "000000" / "000000000.dcm").stat().st_size
        env = {"TCP_NODELAY": "1"}
        with run_storescp(folder, "--ignore", "--fork", "-pdu", "131072", env=env) as server:
            job = folder / "job"
            target = f"{server.aet}@127.0.0.1:{server.port}"
            made = ["--dump", str(index), "--storage", str(storage), "--target", target]
            run_measured([*ENTRY, "init", str(job), *made])
            for stage in ("extract", "inventory", "plan"):
                tell(stage)
                run_measured([*ENTRY, stage, str(job)])
            tell("send")
            samples = sending(job, count)
    early, last = samples[1], samples[-1]
    growth = last.resident / early.resident
    what = f"resident at {last.sent:,} objects, against {early.sent:,}"
    return Section(
        "flat",
        f"`pacslift send` of {count:,} objects of {size:,} bytes to `storescp --ignore`, by a job "
        "as `pacslift init` makes it; what the process holds is sampled while it sends.",
        [Row(what, f"{last.resident:.0f} MiB", f"{early.resident:.0f} MiB", growth, goal=GOAL)],
        [
            "; ".join(f"{one.sent:,}: {one.resident:.1f} MiB" for one in samples) + ".",
            f"{(last.sent - early.sent) / (last.seconds - early.seconds):,.0f} objects/s.",
        ],
        ["pacslift: pacslift send JOB --log-format json"],
    )


def sending(job: Path, count: int) -> list[Seen]:
    """Send all, and sample; RuntimeError unless all are stored."""
    wanted = [max(1, round(share * count)) for share in SEEN_AT]
    samples: list[Seen] = []
    stored = 0
    command = [*ENTRY, "send", str(job), "--log-format", "json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        began = time.monotonic()
        assert process.stderr is not None  # noqa: S101 - Popen was asked for a pipe
        for line in process.stderr:
            stored += b'"event": "InstanceSent"' in line and b'"state": "stored"' in line
            if len(samples) < len(wanted) and stored >= wanted[len(samples)]:
                seconds = time.monotonic() - began
                samples.append(Seen(stored, resident(process.pid), seconds))
                tell(f"{stored:,} after {seconds:.0f} s: {samples[-1].resident:.1f} MiB")
    if stored != count:
        raise RuntimeError(f"{stored:,} of {count:,} objects were stored")
    return samples


def resident(pid: int) -> float:
    """MiB that a process holds, what it shares with others included."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MIB
    return float("nan")
