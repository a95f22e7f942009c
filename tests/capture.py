"""What crosses the loopback, captured and dissected by Wireshark's command line tools."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers import POLL_SECONDS, START_SECONDS, program, unavailable

# What the dissector for DICOM may find wrong (packet-dcm.c), and any dissector's giving up.
WRONG = (
    "_ws.malformed",
    "dicom.assoc.item.len.invalid",
    "dicom.pdu_length.invalid",
    "dicom.pdv.ctx.invalid",
    "dicom.pdv.flags.invalid",
    "dicom.pdv.len.invalid",
    "dicom.pdv.fragment.error",
    "dicom.pdv.fragment.multiple_tails",
    "dicom.pdv.fragment.overlap.conflicts",
    "dicom.pdv.fragment.too_long_fragment",
)


@dataclass(frozen=True)
class Capture:
    """A file that packets of these ports are written to."""

    file: Path
    ports: Sequence[int]

    def frames(self, wanted: str) -> list[str]:
        """One line for each frame that Wireshark's filter *wanted* lets through."""
        return self._read("-Y", wanted)

    def values(self, field: str) -> list[int]:
        """All values of a number that the dissector for DICOM shows, in order."""
        lines = self._read("-Y", "dicom", "-T", "fields", "-e", field)
        return [int(value, 0) for line in lines for value in line.split(",") if value]

    def wait_for(self, pdu_type: int, times: int) -> None:
        """Until so many PDUs of a type (PS3.8 9.3.1) are in the file; packets come with delay."""
        deadline = time.monotonic() + START_SECONDS
        while self.values("dicom.pdu.type").count(pdu_type) < times:
            assert time.monotonic() < deadline, f"not {times} PDUs of type {pdu_type} captured"

    def _read(self, *options: str) -> list[str]:
        command = [program("tshark"), "-n", "-r", str(self.file)]
        for port in self.ports:
            command += ["-d", f"tcp.port=={port},dicom"]
        # a file that is being written may end in the middle of a packet: the code is not looked at
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        return done.stdout.splitlines()


@contextmanager
def captured(file: Path, *ports: int) -> Iterator[Capture]:
    """Everything to and from TCP *ports* of the loopback while it lasts.

    Skips the test, or fails it when CI=true, where this user may not capture.
    """
    wanted = " or ".join(f"tcp port {port}" for port in ports)
    # 64 MiB of buffer, or the kernel drops packets while tshark is not let run
    command = [program("tshark"), "-q", "-i", "lo", "-B", "64", "-f", wanted, "-w", str(file)]
    log = file.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (file.exists() and os.path.getsize(file)):  # noqa: PTH202 - asked in a loop
            if process.poll() is not None or time.monotonic() > deadline:
                words = log.read_text(errors="replace").strip().splitlines()
                hint = "run as root, or let your user capture: dpkg-reconfigure wireshark-common"
                unavailable(f"tshark cannot capture ({words[-1] if words else 'no word'})", hint)
            time.sleep(POLL_SECONDS)
        yield Capture(file, ports)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(20)
