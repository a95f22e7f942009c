"""The program in a process of its own, without an interpreter's start each time.

An interpreter that has loaded the program takes a second of a processor to begin, and the tests
begin a hundred. So one of them loads it and then forks: a fork is a process like any other, with
signals, standard streams and an end of its own. Loading starts no thread that a fork would miss.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

ENTRY = """\
import warmstart
from pacslift.start import loading, main
with loading():
    import pacslift.cli, pacslift.machines
warmstart.become_a_program()
main()
"""
PLACES = (Path(__file__).parent, Path(__file__).parents[1] / "src")


# ---------------------------------------------------------------------------------------------
# In the interpreter that forks


def become_a_program() -> None:
    """Comes back in every process that is asked for, with its arguments, folder and streams.

    An order is a line of JSON on the socket that is standard input, with three descriptors: for
    standard output, for standard error, and to write the process' id and its exit status on.
    """
    assert threading.active_count() == 1
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    with socket.socket(fileno=os.dup(0)) as orders:
        while order := next_order(orders):
            said, descriptors = order
            if not os.fork():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                break
            for descriptor in descriptors:
                os.close(descriptor)
        else:
            os._exit(0)
    watched_from_here(descriptors[2])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(descriptors[0], 1)
    os.dup2(descriptors[1], 2)
    for descriptor in descriptors:
        os.close(descriptor)
    sys.argv[1:] = said["arguments"]
    os.chdir(said["folder"])
    os.environ.clear()
    os.environ.update(said["environment"])
    time.tzset()


def next_order(orders: socket.socket) -> tuple[dict, list[int]] | None:
    """None when nobody is there any more to give one."""
    line, descriptors, _, _ = socket.recv_fds(orders, 1 << 16, 3)
    while line and not line.endswith(b"\n"):
        line += orders.recv(1 << 16)
    return (json.loads(line), descriptors) if line else None


def watched_from_here(status: int) -> None:
    """Fork; comes back in the fork alone. The other one tells of its end."""
    pid = os.fork()
    if not pid:
        return
    os.write(status, f"{pid}\n".encode())
    os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    os._exit(0)


# ---------------------------------------------------------------------------------------------
# In the tests


class Forked:
    """A process, as subprocess.Popen would have it."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Its exit status if it has ended, minus the signal that ended it."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; TimeoutExpired if it has not ended within so many seconds."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"pacslift, process {self.pid}", timeout or 0)
            self.returncode = int(os.read(self._status, 16))
            os.close(self._status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL: no handler, no finally, no flush."""
        self.send_signal(signal.SIGKILL)


class WarmInterpreter:
    """Forks the program as often as it is asked to."""

    def __init__(self) -> None:
        places = [*map(str, PLACES), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", ENTRY], stdin=theirs, env=environment
            )

    def start(self, arguments: Sequence[object], out: int, err: int) -> Forked:
        """Begin `pacslift` with these arguments, writing to these descriptors."""
        order = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
        }
        told, status = os.pipe()
        socket.send_fds(self._orders, [json.dumps(order).encode() + b"\n"], [out, err, status])
        os.close(status)
        pid = b""
        while not pid.endswith(b"\n"):  # the rest, its exit status, stays to be read
            digit = os.read(told, 1)
            assert digit, f"{ENTRY} ended with {self._process.wait()}"
            pid += digit
        return Forked(int(pid), told)

    def end(self) -> None:
        self._orders.close()
        self._process.wait()


@cache
def warm_interpreter() -> WarmInterpreter:
    """The one of this session."""
    return WarmInterpreter()


def start(arguments: Sequence[object], out: int, err: int) -> Forked | subprocess.Popen[bytes]:
    """Begin `pacslift` with these arguments, writing to these descriptors."""
    if hasattr(os, "fork"):
        return warm_interpreter().start(arguments, out, err)
    command = [sys.executable, "-c", "from pacslift.start import main; main()"]
    return subprocess.Popen(
        [*command, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=err
    )


@pytest.fixture(scope="session", autouse=True)
def _ended_with_the_session() -> Iterator[None]:
    yield
    if warm_interpreter.cache_info().currsize:
        warm_interpreter().end()
