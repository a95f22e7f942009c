"""Orthanc and storescp as targets that can be killed, started again, and run out of disk."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from signal import SIGKILL
from typing import Protocol, Self

import pytest
from crossing import digest_of
from pydicom import dcmread
from pydicom.filereader import read_dataset

from servers import DicomServer, Orthanc, run_orthanc, run_storescp

PREAMBLE = 132  # bytes before the first element of a file, PS3.10 7.1
GROUP_LENGTH = 12  # bytes of (0002,0000), which says how many follow of its group
DISK = 12 << 20  # bytes


class Target(Protocol):
    """What a scenario may do to a target."""

    port: int

    def start(self) -> None:
        """Start it with what it had before, maybe on another port."""
        ...

    def stop(self) -> None:
        """Kill it."""
        ...

    def behave(self) -> None:
        """End whatever makes it misbehave."""
        ...

    def held(self, expected: Mapping[str, bytes]) -> dict[str, bytes]:
        """Digests of the data sets that it has, by SOP Instance UID.

        Where it may encode what it gets anew, that of *expected* for an object with equal elements.
        """
        ...


class RealTarget:
    """A server that *run* starts on its folder."""

    def __init__(self, run: Callable[[], AbstractContextManager[DicomServer | Orthanc]]) -> None:
        self._run = run
        self._running = ExitStack()
        self._filler: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> None:
        self._server = self._running.enter_context(self._run())

    def stop(self) -> None:
        self._running.close()

    def leave_room(self, size: int) -> None:
        """Fill its disk but for *size* bytes."""
        self._filler = self._server.folder / "filler"
        self._filler.write_bytes(bytes(DISK - size))

    def behave(self) -> None:
        if self._filler:
            self._filler.unlink(missing_ok=True)

    def held(self, expected: Mapping[str, bytes]) -> dict[str, bytes]:
        if isinstance(self._server, Orthanc):
            files = {uid: self._server.file(one) for uid, one in self._server.instances().items()}
            return {uid: digest_in(part10, expected.get(uid)) for uid, part10 in files.items()}
        return {
            file.name.partition(".")[2]: digest_in(file.read_bytes(), None)
            for file in self._server.files()
        }


def digest_in(part10: bytes, expected: bytes | None) -> bytes:
    """The digest of a file's data set; that of *expected* if that has the same elements."""
    length = int.from_bytes(part10[PREAMBLE + 8 : PREAMBLE + GROUP_LENGTH], "little")
    data_set = part10[PREAMBLE + GROUP_LENGTH + length :]
    if expected is not None and data_set != expected:
        found = dcmread(BytesIO(part10))
        if found == read_dataset(BytesIO(expected), is_implicit_VR=False, is_little_endian=True):
            return digest_of(expected)
    return digest_of(data_set)


def an_orthanc(folder: Path) -> RealTarget:
    return RealTarget(partial(run_orthanc, folder / "orthanc"))


def a_storescp(folder: Path) -> RealTarget:
    run = partial(run_storescp, folder / "storescp", "--bit-preserving", stop_with=SIGKILL)
    return RealTarget(run)


@contextmanager
def a_storescp_on_a_small_disk(folder: Path) -> Iterator[RealTarget]:
    place = folder / "storescp" / "received"
    place.mkdir(parents=True)
    with small_disk(place, DISK), a_storescp(folder) as target:
        yield target


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of *size* bytes on *folder*; the test is skipped where none may be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted; run as root, outside of most containers")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
