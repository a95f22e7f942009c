"""One association to storescp: pacslift, DCMTK's storescu, and pynetdicom's, in turn."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from bench import Goal, Options, Row, Section, spread
from contest import tell
from measure import first_line, in_turn, run_measured
from peers import DicomServer, program, run_storescp
from storeobjects import write_objects

PDU = "131072"
NODELAY = {"TCP_NODELAY": "1"}
DELAY = {"TCP_NODELAY": "0"}  # DCMTK's default, whatever the environment of the benchmark says
KIB = 1 << 10
MOST = 100_000  # objects in one run; file names fit into a command line


@dataclass(frozen=True, slots=True)
class Size:
    """Objects of one size: how many files, and what is asked of pacslift there."""

    words: str
    size: int
    files: int
    goal: float

    @property
    def is_small(self) -> bool:
        """Whether the senders that take long for an object can send enough of them."""
        return self.size < KIB * KIB


SIZES = (
    Size("32 KB", 32 * KIB, 200, 1.2),
    Size("512 KB", 512 * KIB, 60, 1.2),
    Size("32 MB", 32 * KIB * KIB, 3, 1.0),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One run of a sender."""

    count: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Objects per second."""
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Field:
    """Where to send and what: *files* lie in one folder, each of *size* bytes."""

    server: DicomServer
    files: Sequence[Path]
    size: int
    scratch: Path


Sender = Callable[[Field, int], Sent]


def run(options: Options) -> Section:
    """Measure."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        folder = Path(name)
        for size in SIZES:
            files = write_objects(folder / str(size.size), size.size, size.files)
            rows += _tuned(folder, files, size, options)
            if size.is_small:
                rows += _untuned(folder, files, size, options)
    return Section(
        "store",
        "One association over loopback to `storescp --ignore -pdu 131072`, objects per second. "
        "*Worker* is what a run does for each object but for the ledger: open, hold against the "
        "database, prepare, digest, send. *Association* is the same without digest and comparison. "
        "Every row's two sides were run in turn; the ratio is the median over the turns.",
        rows,
        [
            (
                "The header overlay comes with a later version: objects are sent as they lie in "
                "the file by both sides, while the goal asks for pacslift with the overlay."
            ),
            (
                "A run is as many objects as that side sends in about "
                f"{options.run_seconds:g} s. pacslift's time is from opening the association to "
                "its release; storescu's is that of its process, pynetdicom's that of its process "
                "less a run with one object."
            ),
            f"{first_line(program('storescu'), '--version').strip('$ ')}.",
        ],
        [
            f"target:     TCP_NODELAY=1 storescp --ignore -pdu {PDU} PORT   (untuned: without it)",
            "pacslift:   python benchmarks/storerun.py AET PORT COUNT worker|association FOLDER",
            f"storescu:   TCP_NODELAY=1 storescu -pdu {PDU} -aec AET 127.0.0.1 PORT FILE…",
            (
                f"pynetdicom: python -m pynetdicom storescu -q -cx -pdu {PDU} -aec AET 127.0.0.1 "
                "PORT FOLDER"
            ),
        ],
    )


def _tuned(folder: Path, files: list[Path], size: Size, options: Options) -> list[Row]:
    """Against a target that answers at once."""
    contests: list[tuple[str, Sender, Sender, Goal | None]] = [
        ("worker / storescu", _worker, _storescu, Goal(size.goal)),
        ("association / storescu", _association, _storescu, None),
    ]
    if size.is_small:
        contests.append(("worker / pynetdicom's storescu", _worker, _pynetdicom, Goal(10.0)))
    with _field(folder, files, size, NODELAY) as field:
        return [
            _row(f"{size.words}, {what}", field, (ours, theirs), options, goal)
            for what, ours, theirs, goal in contests
        ]


def _untuned(folder: Path, files: list[Path], size: Size, options: Options) -> list[Row]:
    """Against a target that waits for our acknowledgement."""
    with _field(folder, files, size, DELAY) as field:
        what = f"{size.words}, worker / storescu, untuned target"
        return [_row(what, field, (_worker, _storescu), options, Goal(10.0))]


@contextmanager
def _field(folder: Path, files: list[Path], size: Size, env: Mapping[str, str]) -> Iterator[Field]:
    with (
        tempfile.TemporaryDirectory(dir=folder) as scratch,
        run_storescp(Path(scratch), "--ignore", "-pdu", PDU, env=env) as server,
    ):
        yield Field(server, files, size.size, Path(scratch))


def _row(
    what: str,
    field: Field,
    sides: tuple[Sender, Sender],
    options: Options,
    goal: Goal | None = None,
) -> Row:
    counts = [_count(field, side, options.run_seconds) for side in sides]
    pairs = in_turn(
        options.turns, lambda: sides[0](field, counts[0]), lambda: sides[1](field, counts[1])
    )
    ratio = median(a.rate / b.rate for a, b in pairs)
    ours = _shown(field, [pair[0] for pair in pairs])
    theirs = _shown(field, [pair[1] for pair in pairs])
    tell(f"{what}: {ours}; {theirs}; {ratio:.2f}")
    return Row(what, ours, theirs, ratio, goal=goal)


def _count(field: Field, side: Sender, seconds: float) -> int:
    """How many objects *side* sends in about *seconds*, from runs that grow."""
    count = 2
    while (sent := side(field, count)).seconds < seconds / 8 and count < MOST:
        count = min(MOST, count * 4)
    return max(1, min(MOST, round(sent.rate * seconds)))


def _shown(field: Field, runs: Sequence[Sent]) -> str:
    volume = [run.count * field.size for run in runs]
    mega = median(size / run.seconds / 1e6 for size, run in zip(volume, runs, strict=True))
    cpu = median(run.cpu_seconds / size * 1e9 for size, run in zip(volume, runs, strict=True))
    return f"{spread([run.rate for run in runs])}/s, {mega:,.0f} MB/s, CPU {cpu:.2f} s/GB"


def _worker(field: Field, count: int) -> Sent:
    return _pacslift(field, count, "worker")


def _association(field: Field, count: int) -> Sent:
    return _pacslift(field, count, "association")


def _pacslift(field: Field, count: int, side: str) -> Sent:
    said = field.scratch / "said.json"
    script = Path(__file__).with_name("storerun.py")
    address = (field.server.aet, str(field.server.port))
    command = [sys.executable, str(script), *address, str(count), side, str(field.files[0].parent)]
    run_measured(command, stdout=said)
    took = json.loads(said.read_text(encoding="utf-8"))
    return Sent(count, took["seconds"], took["cpu"])


def _storescu(field: Field, count: int) -> Sent:
    names = [path.name for path in islice(cycle(field.files), count)]
    command = [program("storescu"), "-pdu", PDU, "-aec", field.server.aet, "127.0.0.1"]
    command += [str(field.server.port), *names]
    usage = run_measured(command, cwd=field.files[0].parent, env=NODELAY)
    return Sent(count, usage.seconds, usage.cpu_seconds)


def _pynetdicom(field: Field, count: int) -> Sent:
    """Less what a run with one object takes, which is nearly all for starting up."""
    command = [sys.executable, "-m", "pynetdicom", "storescu", "-q", "-cx", "-pdu", PDU]
    command += ["-aec", field.server.aet, "127.0.0.1", str(field.server.port)]
    start = run_measured([*command, str(field.files[0])])
    with tempfile.TemporaryDirectory(dir=field.scratch) as name:
        for number, path in enumerate(islice(cycle(field.files), count + 1)):
            (Path(name) / f"{number:06d}").symlink_to(path)
        whole = run_measured([*command, name])
    seconds = max(whole.seconds - start.seconds, 1e-3)
    return Sent(count, seconds, max(whole.cpu_seconds - start.cpu_seconds, 0.0))
