"""The program at work in a process of its own: a fresh one, or a fork of one that is warm."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Protocol, Self

from servers import CHECKOUT

ENTRY = "from pacslift.cli import main; main(prog_name='pacslift')"
SOURCES = str(CHECKOUT / "src")


class HangError(AssertionError):
    """The program does not come to its end."""


class Process(Protocol):
    """A run of the program."""

    pid: int

    def ended(self, patience: float = 0.0) -> int | None:
        """Its exit status, if it ends within *patience* seconds; minus the signal that ended it."""
        ...


def kill(process: Process) -> None:
    """SIGKILL: no handler, no finally, no flush."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """That of this process, with the checkout's sources first."""
    places = [more.get("PYTHONPATH", ""), SOURCES, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(filter(None, places))}


class Fresh:
    """An interpreter that begins with nothing."""

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        env: Mapping[str, str],
        prefix: Sequence[str] = (),
    ) -> None:
        command = [*prefix, sys.executable, "-c", ENTRY, *arguments]
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(env)
            )
        self.pid = self._process.pid

    def ended(self, patience: float = 0.0) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(patience)
        return None


class Zygote:
    """A warm interpreter that forks; one run at a time. See zygote.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment({}),
        )
        assert self._process.stdout is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._selector.close()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(self, arguments: Sequence[str], log: Path) -> "Forked":
        order = {"arguments": list(arguments), "out": str(log), "err": str(log)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        pid = self.line(60.0)
        assert pid is not None, "no process was forked"
        return Forked(self, pid)

    def line(self, patience: float) -> int | None:
        """The next number that it says, if it comes in time."""
        assert self._process.stdout is not None
        if not self._selector.select(max(0.0, patience)):
            return None
        return int(self._process.stdout.readline())


class Forked:
    """A fork of the zygote."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self.pid = pid
        self._zygote = zygote
        self._status: int | None = None

    def ended(self, patience: float = 0.0) -> int | None:
        if self._status is None:
            self._status = self._zygote.line(patience)
        return self._status


def end_of(process: Process, patience: float) -> int:
    """Its exit status; a HangError, and its end, if there is none in time."""
    until = monotonic() + patience
    status = process.ended(until - monotonic())
    if status is None:
        kill(process)
        process.ended(10.0)
        raise HangError(f"the program had not ended after {patience:g} s")
    return status
