"""Run a command and measure it: wall clock, CPU, and the most memory that its processes held.

Memory is the larger of what the kernel says of the largest single process and of what a sampling
of /proc finds for all processes of the command together. Pages that they share count for each, so
it is never too little. The kernel counts what this process held when it started the command, so
this process stays small.
"""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

SAMPLE_SECONDS = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
GIB = float(1 << 30)

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took."""

    seconds: float
    cpu_seconds: float  # user and system, of all its processes
    peak_bytes: int  # resident

    @property
    def cores(self) -> float:
        """CPU cores in use, on average."""
        return self.cpu_seconds / self.seconds


def run_measured(
    command: Sequence[str],
    *,
    stdin: Path | None = None,
    stdout: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Usage:
    """Run *command* to its end. Raises RuntimeError with its last words if it fails."""
    with ExitStack() as stack:
        source = stack.enter_context((stdin or Path(os.devnull)).open("rb"))
        sink = stack.enter_context((stdout or Path(os.devnull)).open("wb"))
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=source,
            stdout=sink,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
        watch = _Watch(process)
        words, status, ended, usage = watch.to_the_end()
    if status:
        raise RuntimeError(f"{' '.join(command[:6])} ended with {status}:\n{words[-2000:]}")
    peak = max(usage.ru_maxrss * 1024, watch.most)
    return Usage(ended - began, usage.ru_utime + usage.ru_stime, peak)


class _Watch:
    """Samples the memory of a process and its descendants until it ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = threading.Event()
        self._words: list[bytes] = []
        self.most = 0

    def to_the_end(self) -> tuple[str, int, float, resource.struct_rusage]:
        """Standard error, exit code, when it ended, and the usage of it and its children."""
        sampler = threading.Thread(target=self._sample)
        reader = threading.Thread(target=self._read)
        sampler.start()
        reader.start()
        try:
            _, status, usage = os.wait4(self._process.pid, 0)
        except BaseException:
            self._process.kill()
            raise
        ended = time.perf_counter()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()
        sampler.join()
        reader.join()
        words = b"".join(self._words).decode(errors="replace")
        return words, self._process.returncode, ended, usage

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.most = max(self.most, sum(map(_resident, family(self._process.pid))))

    def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - Popen was asked for a pipe
        with self._process.stderr as pipe:
            self._words.append(pipe.read())


def family(pid: int) -> list[int]:
    """A process and its descendants, those that are still there."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def _resident(pid: int) -> int:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


def in_turn(turns: int, ours: Callable[[], A], theirs: Callable[[], B]) -> list[tuple[A, B]]:
    """Run both sides one after the other, *turns* times."""
    return [(ours(), theirs()) for _ in range(turns)]


def first_line(*command: str) -> str:
    """The first line that *command* prints that is not blank; what is wrong if it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    lines = (done.stdout + done.stderr).splitlines()
    return next((line.strip() for line in lines if line.strip()), "")


def machine() -> str:
    """The processor, cores, memory and system in one line."""
    cpu = _field(Path("/proc/cpuinfo"), "model name")
    total = int(_field(Path("/proc/meminfo"), "MemTotal").split()[0]) * 1024 / GIB
    system = os.uname()
    return (
        f"{os.cpu_count()} cores of {cpu}, {total:.0f} GiB, {system.sysname} {system.release} "
        f"{system.machine}"
    )


def _field(path: Path, name: str) -> str:
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return line.partition(":")[2].strip()
    return "0 unknown"
