"""What a running server takes while clients keep it at work: CPU of all its processes, memory.

Memory is proportional: of a page that several processes share each counts its part, because
PostgreSQL's have their buffers in common.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from measure import family

SAMPLE_SECONDS = 0.1
TICKS = os.sysconf("SC_CLK_TCK")
CPU_FIELDS = slice(11, 15)  # of what follows the name in /proc/PID/stat: own, and of ended children


class ServerLoad:
    """From entry to exit: cpu_seconds and peak_bytes of process *pid* and its descendants.

    A process that ends meanwhile is counted by its parent, as proc(5) has it.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample)
        self.cpu_seconds = 0.0
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._before = _cpu_seconds(self._pid)
        self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._sampler.join()
        self.cpu_seconds = _cpu_seconds(self._pid) - self._before

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, sum(map(_share, family(self._pid))))


def _cpu_seconds(pid: int) -> float:
    ticks = 0
    for process in family(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[CPU_FIELDS]))
    return ticks / TICKS


def _share(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
