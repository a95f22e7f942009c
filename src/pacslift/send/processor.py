"""The processor under the senders: how much of a core a process takes, and how many cores are."""

import os
import time

EVERY = 1.0  # seconds that a share is taken over, at least


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Load:
    """How much of one core this process takes.

    Python runs one thread at a time: near 1 it is the processor that limits, not the target. Above
    it, threads were in the system, or in libraries, side by side.
    """

    def __init__(self) -> None:
        self._at, self._cpu = time.monotonic(), time.process_time()
        self._share = 0.0

    @property
    def share(self) -> float:
        """Seconds of processor time in a second, over the last stretch of EVERY seconds."""
        now = time.monotonic()
        if now - self._at >= EVERY:
            cpu = time.process_time()
            self._share = (cpu - self._cpu) / (now - self._at)
            self._at, self._cpu = now, cpu
        return self._share
