"""Real DICOM servers and archives for tests; databases.py has the database servers.

Each listens on free loopback ports, has a folder of its own and is ended by its own pid.

A server that is not installed skips the test with the hint how to install it; when CI=true it
fails the test, so that nothing goes untested in silence. The `run_*` functions are context
managers for tests that want their own settings; the fixtures are the usual cases.

Readiness is asked for (a connection, a query), never waited for by the clock alone.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from pacslift.job import TargetAddress

CHECKOUT = Path(__file__).resolve().parents[1]
ARCHIVES = CHECKOUT.parent / "shared" / "archives"
START_SECONDS = 60.0
POLL_SECONDS = 0.02


# ---------------------------------------------------------------------------------------------
# What may be missing


def unavailable(what: str, hint: str) -> None:
    """Skip the test, or fail it when CI=true."""
    message = f"{what}; {hint}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(name: str, *places: str) -> str:
    """The path of an installed program, looked up in *places* (globs) and then on PATH.

    There Debian has the programs of PostgreSQL itself, on PATH scripts that look for them first.
    """
    for place in places:
        hits = sorted(Path("/").glob(f"{place.lstrip('/')}/{name}"), reverse=True)
        if hits:
            return str(hits[0])
    found = shutil.which(name)
    if found:
        return found
    unavailable(f"{name} is not installed", "run `make servers`")
    raise AssertionError  # unavailable() never comes back


# ---------------------------------------------------------------------------------------------
# Ports and processes


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Whether somebody takes connections on this loopback port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask until *ready*; fail with the end of *log* if the process ends or never gets there."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            pytest.fail(f"{process.args} did not start (rc {process.poll()}):\n{tail}")
        time.sleep(POLL_SECONDS)


@contextmanager
def process_of(
    command: Sequence[str],
    ready: Callable[[], bool],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stop_with: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A running server process, ready to be asked; ended, if need be by force, on the way out."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=cwd, env={**os.environ, **(env or {})}
        )
    try:
        wait_until(ready, process, log)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(stop_with)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def checked(command: Sequence[str], stdin: bytes) -> bytes:
    """Standard output of *command*; fails with its standard error if it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')}"
    return done.stdout


# ---------------------------------------------------------------------------------------------
# Orthanc


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc and what a test wants to know from it."""

    folder: Path
    port: int
    http_port: int
    aet: str
    log: Path

    def rest(self, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
        """The answer to a REST call; fails on anything but success."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        assert response.status == http.HTTPStatus.OK, (path, response.status, answer[:500])
        return answer

    def ids(self, level: str = "instances") -> list[str]:
        """Orthanc's own identifiers of all patients, studies, series or instances."""
        return sorted(json.loads(self.rest(f"/{level}")))

    def instances(self) -> dict[str, str]:
        """SOP Instance UID to Orthanc's identifier. Orthanc may hold one UID several times."""
        found = json.loads(self.rest("/instances?expand"))
        return {one["MainDicomTags"]["SOPInstanceUID"]: one["ID"] for one in found}

    def file(self, instance_id: str) -> bytes:
        """The Part 10 file of one instance, by Orthanc's identifier."""
        return self.rest(f"/instances/{instance_id}/file")

    def upload(self, file: Path | bytes) -> None:
        """Bring in an object through REST, past the network."""
        self.rest("/instances", "POST", file if isinstance(file, bytes) else file.read_bytes())


ORTHANC_SETTINGS: Mapping[str, object] = {
    "RemoteAccessAllowed": False,
    "AuthenticationEnabled": False,
    "DicomAlwaysAllowEcho": True,
    "DicomAlwaysAllowStore": True,
    "DicomAlwaysAllowFind": True,
    "DicomAlwaysAllowFindWorklist": True,
    "DicomAlwaysAllowGet": True,
    "DicomAlwaysAllowMove": True,
    "DicomCheckCalledAet": False,
    "DicomCheckModalityHost": False,
    "UnknownSopClassAccepted": True,
    "StableAge": 1,
    "Plugins": [],
}


@contextmanager
def run_orthanc(
    folder: Path,
    settings: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    stop_with: signal.Signals = signal.SIGKILL,
) -> Iterator[Orthanc]:
    """An Orthanc below *folder*, empty if that is; *settings* go over ORTHANC_SETTINGS.

    It is killed at the end, for its own shutdown takes seconds. Who reads its folder afterwards
    asks for SIGTERM.
    """
    executable = program("Orthanc", "/usr/sbin", "/usr/local/sbin")
    folder.mkdir(parents=True, exist_ok=True)
    orthanc = Orthanc(folder, free_port(), free_port(), "ORTHANC", folder / "orthanc.log")
    configuration = {
        **ORTHANC_SETTINGS,
        "Name": "pacslift-test",
        "DicomAet": orthanc.aet,
        "DicomPort": orthanc.port,
        "HttpPort": orthanc.http_port,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        **(settings or {}),
    }
    written = folder / "orthanc.json"
    written.write_text(json.dumps(configuration), encoding="utf-8")

    def ready() -> bool:
        with suppress(OSError, http.client.HTTPException):
            return bool(orthanc.rest("/system")) and listening(orthanc.port)
        return False

    command = [executable, str(written)]
    with process_of(command, ready, log=orthanc.log, cwd=folder, env=env, stop_with=stop_with):
        yield orthanc


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """A fresh, empty Orthanc for this test."""
    with run_orthanc(tmp_path / "orthanc") as running:
        yield running


@pytest.fixture(scope="module")
def shared_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One Orthanc for the tests of a module; they must not depend on its being empty."""
    with run_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


# ---------------------------------------------------------------------------------------------
def address_of(server: "Orthanc | DicomServer") -> TargetAddress:
    """Where objects are sent to a running server."""
    return TargetAddress(server.aet, "127.0.0.1", server.port)


# DCMTK


@dataclass(frozen=True)
class DicomServer:
    """A running DCMTK server: where it listens and the folder it stores to."""

    port: int
    aet: str
    folder: Path
    log: Path

    def files(self) -> list[Path]:
        """What it has stored."""
        return sorted(p for p in self.folder.rglob("*") if p.is_file() and p.name != "index.dat")


@contextmanager
def run_storescp(
    folder: Path,
    *options: str,
    aet: str = "STORESCP",
    env: Mapping[str, str] | None = None,
    stop_with: signal.Signals = signal.SIGTERM,
) -> Iterator[DicomServer]:
    """DCMTK's storescp taking every SOP class and transfer syntax it knows."""
    executable = program("storescp")
    (folder / "received").mkdir(parents=True, exist_ok=True)
    server = DicomServer(free_port(), aet, folder / "received", folder / "storescp.log")
    command = [executable, "--accept-all", "--promiscuous", "--aetitle", aet]
    command += ["--output-directory", str(server.folder), *options, str(server.port)]
    ready = partial(listening, server.port)
    with process_of(command, ready, log=server.log, env=env, stop_with=stop_with):
        yield server


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[DicomServer]:
    """A storescp for this test."""
    with run_storescp(tmp_path / "storescp") as running:
        yield running


DCMQRSCP_CONFIG = """\
NetworkTCPPort  = {port}
MaxPDUSize      = 131072
MaxAssociations = 16
HostTable BEGIN
{hosts}
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{aet} {folder} RW (100000, 1024gb) ANY
AETable END
"""


@contextmanager
def run_dcmqrscp(
    folder: Path, *options: str, aet: str = "DCMQRSCP", peers: Mapping[str, int] | None = None
) -> Iterator[DicomServer]:
    """DCMTK's dcmqrscp; *peers* are AE titles and loopback ports that C-MOVE may send to."""
    executable = program("dcmqrscp")
    (folder / "database").mkdir(parents=True, exist_ok=True)
    server = DicomServer(free_port(), aet, folder / "database", folder / "dcmqrscp.log")
    hosts = "\n".join(
        f"peer{n} = ({title}, localhost, {port})"
        for n, (title, port) in enumerate((peers or {}).items())
    )
    written = folder / "dcmqrscp.cfg"
    written.write_text(
        DCMQRSCP_CONFIG.format(port=server.port, hosts=hosts, aet=aet, folder=server.folder),
        encoding="utf-8",
    )
    command = [executable, "--config", str(written), *options]
    with process_of(command, lambda: listening(server.port), log=server.log):
        yield server


@pytest.fixture
def dcmqrscp(tmp_path: Path) -> Iterator[DicomServer]:
    """An empty dcmqrscp for this test."""
    with run_dcmqrscp(tmp_path / "dcmqrscp") as running:
        yield running


# ---------------------------------------------------------------------------------------------
# The real archives


def archives_folder() -> Path:
    """The folder of the seven real archives, beside the checkout. Never written to."""
    if not (ARCHIVES / "README.md").is_file():
        unavailable(f"{ARCHIVES} is not there", "it lies beside the checkout, not in it")
    return ARCHIVES


@pytest.fixture(scope="session")
def archives() -> Path:
    """The folder of the seven real archives."""
    return archives_folder()
