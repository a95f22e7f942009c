"""One association to storescp: pacslift, DCMTK's storescu, and pynetdicom's, in turn."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Protocol

from bench import Goal, Options, Row, Section, spread
from contest import tell
from measure import first_line, in_turn, run_measured
from peers import program, run_orthanc, run_storescp
from storeobjects import write_objects

PDU = "131072"
NODELAY = {"TCP_NODELAY": "1"}
DELAY = {"TCP_NODELAY": "0"}  # DCMTK's default, whatever the environment of the benchmark says
KIB = 1 << 10
ORTHANC_RATE = {"32 KB": 250, "512 KB": 120}  # objects a second, about, that it takes
ORTHANC_SECONDS, ORTHANC_TURNS = 8.0, 3  # at least, unless in a hurry: its rate goes up and down
LEAST_SHARE = 0.015  # of CPU time that is told
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


class Target(Protocol):
    """Where objects go."""

    @property
    def aet(self) -> str:
        """Its AE title."""
        ...

    @property
    def port(self) -> int:
        """Its port on the loopback."""
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """Where to send and what: *files* lie in one folder, each of *size* bytes."""

    server: Target
    files: Sequence[Path]
    size: int
    scratch: Path


Sender = Callable[[Field, int], Sent]


def run(options: Options) -> Section:
    """Measure."""
    rows: list[Row] = []
    profiles: list[str] = []
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        folder = Path(name)
        for size in SIZES:
            files = write_objects(folder / str(size.size), size.size, size.files)
            rows += _tuned(folder, files, size, options)
            profiles.append(_profile(folder, files, size, options))
            if size.is_small:
                rows += _untuned(folder, files, size, options)
                rows += _orthanc(folder / f"orthanc{size.size}", size, options)
    return Section(
        "store",
        "One association over loopback to `storescp --ignore -pdu 131072`, objects per second. "
        "*Worker* is what a run does for each object but for the ledger: open, hold against the "
        "database, overlay 12 attributes with provenance, send, digest. *Association* sends what "
        "the files hold, as storescu does. "
        "Every row's two sides were run in turn; the ratio is the median over the turns.",
        rows,
        [
            (
                "A run is as many objects as that side sends in about "
                f"{options.run_seconds:g} s. pacslift's time is from opening the association to "
                "its release; storescu's is that of its process, pynetdicom's that of its process "
                "less a run with one object."
            ),
            (
                "Into Orthanc every object is sent once, to a fresh one for each run, since it "
                "keeps what it has and answers at once for what it has already. Seconds count from "
                "when all associations are at work, and so does CPU."
            ),
            *profiles,
            f"{first_line(program('storescu'), '--version').strip('$ ')}.",
        ],
        [
            f"target:     TCP_NODELAY=1 storescp --ignore -pdu {PDU} PORT   (untuned: without it)",
            "pacslift:   python benchmarks/storerun.py AET PORT COUNT worker|profile|1x4 FOLDER",
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


def _profile(folder: Path, files: list[Path], size: Size, options: Options) -> str:
    """Where the CPU time of a worker goes, in a run of its own."""
    with _field(folder, files, size, NODELAY) as field:
        count = _count(field, _worker, options.run_seconds)
        samples = _said(field, count, "profile")
    total = sum(samples.values()) or 1
    shares = {group: number / total for group, number in samples.items()}
    most = [f"{group} {share:.0%}" for group, share in shares.items() if share >= LEAST_SHARE]
    return f"{size.words}, a worker's CPU time by {total:.0f} samples: {', '.join(most)}."


def _orthanc(folder: Path, size: Size, options: Options) -> list[Row]:
    """Four associations into an archive that stores: in turn, into a fresh one each time."""
    seconds = options.run_seconds if options.quick else max(options.run_seconds, ORTHANC_SECONDS)
    turns = options.turns if options.quick else max(options.turns, ORTHANC_TURNS)
    count = max(4, round(ORTHANC_RATE[size.words] * seconds) // 4 * 4)
    for part in range(4):
        write_objects(folder / "files" / f"{part}", size.size, count // 4, first=part * count // 4)
    files = [path for path in (folder / "files").rglob("*") if path.is_file()]

    def run_side(sender: Sender) -> Sent:
        with (
            tempfile.TemporaryDirectory(dir=folder) as scratch,
            run_orthanc(Path(scratch) / "orthanc", env=NODELAY) as orthanc,
        ):
            sent = sender(Field(orthanc, files, size.size, Path(scratch)), count)
            if len(orthanc.ids()) != count:
                raise RuntimeError(f"Orthanc holds {len(orthanc.ids())} of {count} objects")
            return sent

    rows = []
    for side, goal in (("1x4", Goal(0.95)), ("2x2", None)):
        ours = partial(_pacslift, side=side)
        pairs = in_turn(turns, partial(run_side, ours), partial(run_side, _four_storescu))
        what = f"{size.words}, {side.replace('x', ' processes x ')} associations / 4 storescu"
        rows.append(_compared(f"{what}, Orthanc", size.size, pairs, goal))
    return rows


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
    return _compared(what, field.size, pairs, goal)


def _compared(what: str, size: int, pairs: Sequence[tuple[Sent, Sent]], goal: Goal | None) -> Row:
    ratio = median(a.rate / b.rate for a, b in pairs)
    ours = _shown(size, [pair[0] for pair in pairs])
    theirs = _shown(size, [pair[1] for pair in pairs])
    tell(f"{what}: {ours}; {theirs}; {ratio:.2f}")
    return Row(what, ours, theirs, ratio, goal=goal)


def _count(field: Field, side: Sender, seconds: float) -> int:
    """How many objects *side* sends in about *seconds*, from runs that grow."""
    count = 2
    while (sent := side(field, count)).seconds < seconds / 8 and count < MOST:
        count = min(MOST, count * 4)
    return max(1, min(MOST, round(sent.rate * seconds)))


def _shown(size: int, runs: Sequence[Sent]) -> str:
    volume = [run.count * size for run in runs]
    mega = median(each / run.seconds / 1e6 for each, run in zip(volume, runs, strict=True))
    cpu = median(run.cpu_seconds / each * 1e9 for each, run in zip(volume, runs, strict=True))
    return f"{spread([run.rate for run in runs])}/s, {mega:,.0f} MB/s, CPU {cpu:.2f} s/GB"


def _worker(field: Field, count: int) -> Sent:
    return _pacslift(field, count, "worker")


def _association(field: Field, count: int) -> Sent:
    return _pacslift(field, count, "association")


def _pacslift(field: Field, count: int, side: str) -> Sent:
    took = _said(field, count, side)
    return Sent(count, took["seconds"], took["cpu"])


def _said(field: Field, count: int, side: str) -> dict[str, float]:
    """What storerun.py says of one run of a side."""
    said = field.scratch / "said.json"
    script = Path(__file__).with_name("storerun.py")
    address = (field.server.aet, str(field.server.port))
    in_one = side in {"worker", "association", "profile"}
    folder = field.files[0].parent if in_one else field.files[0].parents[1]
    command = [sys.executable, str(script), *address, str(count), side, str(folder)]
    run_measured(command, stdout=said)
    took: dict[str, float] = json.loads(said.read_text(encoding="utf-8"))
    return took


def _storescu(field: Field, count: int) -> Sent:
    names = [path.name for path in islice(cycle(field.files), count)]
    command = [program("storescu"), "-pdu", PDU, "-aec", field.server.aet, "127.0.0.1"]
    command += [str(field.server.port), *names]
    usage = run_measured(command, cwd=field.files[0].parent, env=NODELAY)
    return Sent(count, usage.seconds, usage.cpu_seconds)


def _four_storescu(field: Field, count: int) -> Sent:
    """Each with the files of one folder."""
    one = f"{program('storescu')} -pdu {PDU} -aec {field.server.aet} +sd 127.0.0.1"
    each = f'{one} {field.server.port} $n & pids="$pids $!"'
    script = f"for n in 0 1 2 3; do {each}; done; for p in $pids; do wait $p || exit 1; done"
    folder = field.files[0].parents[1]
    usage = run_measured(["sh", "-c", script], cwd=folder, env=NODELAY)
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
    seconds = max(whole.seconds - start.seconds, whole.seconds / 10)  # a loaded machine sways
    return Sent(count, seconds, max(whole.cpu_seconds - start.cpu_seconds, 0.0))
