"""The whole job where the system has only what Windows has: the same account, the same bytes.

No Windows is at hand for tests. A Python on Linux from which all was taken that one on Windows has
not (windowslike/sitecustomize.py) shows that nothing depends on it; it does not show how Windows
takes paths, which test_winnames.py and test_roots.py do for themselves.
"""

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs import init, tune
from newpacs import NewPacs
from pacslift.cases import load_case
from readcases import FIXTURES
from servers import CHECKOUT

WINDOWS_LIKE = CHECKOUT / "tests" / "windowslike"
NOT_TEXT = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "lock.db"}
# A program that is loaded behind sitecustomize, as the installed command is.
ENTRY = "from pacslift.start import main; main()"


@dataclass(frozen=True)
class Moved:
    """What became of a job."""

    account: dict
    instances: list[tuple]
    arrived: list[str]
    written: dict[str, str]
    processes: int


def environment(folder: Path, *, windows_like: bool) -> dict[str, str]:
    """That of this process, or one of a system like Windows with a console of Western Europe."""
    if not windows_like:
        return dict(os.environ)
    more = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "PYTHONTZPATH": "",
            "WINDOWSLIKE_LOG": str(folder / "processes")}  # fmt: skip
    paths = [str(WINDOWS_LIKE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(folder: Path, *arguments: object, windows_like: bool) -> subprocess.CompletedProcess:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", ENTRY, *map(str, arguments)],
        env=environment(folder, windows_like=windows_like), cwd=folder,
        capture_output=True, encoding="cp1252" if windows_like else "utf-8", check=False,
    )  # fmt: skip


def moved(folder: Path, case_folder: Path, processes: int, *, windows_like: bool) -> Moved:
    """Run a case's whole job with a new PACS of its own, and tell what became of it."""
    case = load_case(case_folder)
    folder.mkdir()
    storage = [f"{root}={place}" for root, place in case.mounts.items()]
    with NewPacs(folder / "new") as target:
        init(folder / "job", list(case.dumps), storage, str(target))
        tune(folder / "job", processes=processes, associations=2)
        revised_at(folder / "job", "2026-11-22T12:00:00Z")
        ran = run(folder, "run", folder / "job", "--json", windows_like=windows_like)
        assert ran.returncode in {0, 3}, ran.stderr
    arrived = sorted(file.read_bytes() for file in (folder / "new").glob("*.dcm"))
    with closing(sqlite3.connect(folder / "job" / "ledger.db")) as ledger:
        query = "SELECT instance_key, sop_instance_uid, state, cause, digest FROM instances"
        instances = sorted(ledger.execute(query), key=repr)
    log = folder / "processes"
    return Moved(
        json.loads(ran.stdout),
        instances,
        [hashlib.sha256(one).hexdigest() for one in arrived],
        written_by(folder / "job", folder),
        len(set(log.read_text().split())) if log.exists() else 0,
    )


def revised_at(job: Path, moment: str) -> None:
    """Give the job the time that goes into its objects."""
    path = job / "job.toml"
    text, hits = re.subn(r"(?m)^revised = \S+", f"revised = {moment}", path.read_text("utf-8"))
    assert hits == 1
    path.write_text(text, "utf-8")


def written_by(job: Path, folder: Path) -> dict[str, str]:
    """The files of a job folder that have no time, port or folder of the run in them."""
    files = (path for path in sorted(job.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(job)): hashlib.sha256(path.read_bytes()).hexdigest()
        if str(folder).encode() not in path.read_bytes()
        else "names its folder"
        for path in files
        if path.name not in {*NOT_TEXT, "job.toml", "report.html"}
    }


# Cases in which a study's objects agree on whose it is: the target tells the patient of the one
# that comes first, and which one that is, is left to chance where several send.
@pytest.mark.parametrize(("name", "processes"), [("dcm4chee2/demo", 1), ("conquest/dbase", 2)])
def test_a_job_ends_the_same_where_the_system_has_only_what_windows_has(tmp_path, name, processes):
    here = moved(tmp_path / "here", FIXTURES / name, processes, windows_like=False)
    there = moved(tmp_path / "there", FIXTURES / name, processes, windows_like=True)
    assert here.account == there.account
    assert here.account["states"]["verified"] > 0
    assert here.instances == there.instances
    assert here.arrived == there.arrived
    assert here.written == there.written
    assert here.processes == 0
    assert there.processes >= (3 if processes == 2 else 1)  # those that send, and their parent


ALL_GONE = """
import os, select, signal, socket
from pacslift.inventory import readat
from pacslift.send import link
assert (readat.read_at, readat.fill_at) == (readat.seek_and_read, readat.seek_and_fill)
assert link.waits_of is link.waits_by_select
gone = [(os, "fork"), (os, "pread"), (select, "poll"), (signal, "SIGKILL")]
assert not hasattr(socket.socket(), "sendmsg")
assert not [name for where, name in gone if hasattr(where, name)]
"""


def test_what_windows_lacks_is_truly_gone_there(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", ALL_GONE]
    env = environment(tmp_path, windows_like=True)
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
