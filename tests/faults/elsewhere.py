"""A machine of its own, as far as the network goes; and how it is cut off from the others.

Where the system lets us, it is a network namespace with a cable to this one, which is unplugged or
conducts in one direction only. Where it does not (ip(8) is missing, or the right to make one), the
machine is here, and to be cut off it is stopped in the middle of whatever it does, as one that
sleeps: then it knows nothing of the time that passes, and everything it had open is still open.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from shutil import which
from typing import Protocol

from processes import Process
from relay import HOST

NOBODY = "02:00:00:00:00:01"  # a hardware address that no machine has


class Elsewhere(Protocol):
    """Where a machine is."""

    prefix: Sequence[str]  # of a command that is to be run there
    host: str  # under which it, and everybody, reaches this one

    def cut_off(self, process: Process, *, one_way: bool) -> None:
        """Let nothing more come from it and, unless *one_way*, to it."""
        ...

    def plug_in(self, process: Process) -> None:
        """Let it back."""
        ...


@dataclass(frozen=True, slots=True)
class Asleep:
    """Here: it is cut off by being stopped."""

    prefix: Sequence[str] = ()
    host: str = HOST

    def cut_off(self, process: Process, *, one_way: bool) -> None:
        os.kill(process.pid, signal.SIGSTOP)

    def plug_in(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Behind a cable."""

    name: str
    host: str

    @property
    def prefix(self) -> Sequence[str]:
        return [ip(), "netns", "exec", self.name]

    def cut_off(self, process: Process, *, one_way: bool) -> None:
        if one_way:
            self._inside("neigh", "replace", self.host, "lladdr", NOBODY, "dev", "cable")
        else:
            self._inside("link", "set", "cable", "down")

    def plug_in(self, process: Process) -> None:
        self._inside("link", "set", "cable", "up")
        self._inside("neigh", "flush", "dev", "cable", "nud", "permanent")

    def _inside(self, *arguments: str) -> None:
        run("-n", self.name, *arguments)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A machine behind a cable; one that can sleep, where there can be no cable."""
    number = os.getpid()
    name, network = f"pl{number}", f"10.{64 + number // 256 % 64}.{number % 256}"
    there = Namespace(name, f"{network}.1")
    try:
        run("netns", "add", name)
    except (OSError, subprocess.CalledProcessError):
        yield Asleep()
        return
    try:
        yield there if cabled(name, network) else Asleep()
    finally:
        run("netns", "delete", name)
        with suppress(subprocess.CalledProcessError):  # it goes with the namespace, a little later
            run("link", "delete", name)


def cabled(name: str, network: str) -> bool:
    """Lay a cable from here to the namespace; whether that could be done."""
    try:
        run("link", "add", name, "type", "veth", "peer", "name", "cable", "netns", name)
        run("addr", "add", f"{network}.1/30", "dev", name)
        run("link", "set", name, "up")
        run("-n", name, "addr", "add", f"{network}.2/30", "dev", "cable")
        run("-n", name, "link", "set", "cable", "up")
    except subprocess.CalledProcessError:
        return False
    return True


def run(*arguments: str) -> None:
    """Run ip(8). Raises CalledProcessError, or FileNotFoundError where there is none."""
    subprocess.run([ip(), *arguments], check=True, capture_output=True)


def ip() -> str:
    return which("ip") or which("ip", path="/usr/sbin:/sbin") or "ip"
