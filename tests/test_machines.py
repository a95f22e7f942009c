"""Several machines on one job, each with its own copy of it; PostgreSQL has the ledger."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs import init, status, tune
from ledgers import database_on, url_of
from newpacs import NewPacs
from oldpacs import OldPacs, old_pacs
from pacslift.job import load_job
from pacslift.ledger import INSTANCES, Ledger

SLICES = 240
STUDIES = 40
SOON = 90.0  # seconds that a machine with other work may need


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    return old_pacs(tmp_path_factory.mktemp("old"), SLICES, size=64, studies=STUDIES)


@pytest.fixture
def url(postgres) -> str:
    return url_of(postgres, database_on(postgres))


def a_job(folder: Path, archive: OldPacs, target: object, url: str, **tuned: object) -> Path:
    """The job on the machine that runs it."""
    job = folder / "job"
    assert init(job, archive.dump, archive.storage, str(target), "--ledger", url).exit_code == 0
    tune(job, **{"dead_after": 3.0, **tuned})
    return job


def copied(job: Path, machine: str, storage: Path | None = None) -> Path:
    """The job on another machine, where the storage may be mounted elsewhere."""
    copy = job.parent / machine / "copy"
    copy.mkdir(parents=True)
    shutil.copy(job / "job.toml", copy)
    if storage:
        tune(copy, **{'""': str(storage)})
    return copy


@dataclass(frozen=True)
class Machine:
    """The command line at work in a process of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self) -> list[dict]:
        """What it has told so far."""
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def sent(self) -> list[str]:
        return [e["sop_instance_uid"] for e in self.events() if e["event"] == "InstanceSent"]

    def wait_until(self, ready) -> None:
        deadline = time.monotonic() + SOON
        while not ready():
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            time.sleep(0.02)

    def wait_for(self, **wanted: object) -> None:
        """Until it tells an event with these fields."""
        self.wait_until(lambda: any(e.items() >= wanted.items() for e in self.events()))

    def ends_with(self, code: int) -> None:
        assert self.process.wait(SOON) == code, self.log.read_text()[-2000:]


@contextmanager
def machine(command: str, job: Path, *options: str) -> Iterator[Machine]:
    """Start the command line as a process; it is killed at the end if it still runs."""
    entry = "from pacslift.cli import main; main(prog_name='pacslift')"
    log = job / f"{command}.log"
    with log.open("wb") as out:
        arguments = [sys.executable, "-c", entry, command, str(job), "--log-format", "json"]
        process = subprocess.Popen([*arguments, *options], stdout=subprocess.DEVNULL, stderr=out)
    try:
        yield Machine(process, log)
    finally:
        process.kill()
        process.wait()


def states(job: Path) -> dict[str, str]:
    ledger = Ledger(load_job(job).ledger)
    try:
        return {row["sop_instance_uid"]: row["state"] for row in ledger.rows(sa.select(INSTANCES))}
    finally:
        ledger.close()


def test_three_machines_bring_every_object_once_and_the_account_balances(archive, url, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(12) as target:
        job = a_job(tmp_path, archive, target, url)
        elsewhere = tmp_path / "mounted elsewhere"
        shutil.copytree(archive.storage, elsewhere)
        second, third = copied(job, "second", elsewhere), copied(job, "third")
        with (
            machine("worker", second, "--wait") as two,
            machine("worker", third, "--wait") as three,
            machine("run", job) as one,
        ):
            for each in (one, two, three):  # all of them have begun before the target goes on
                each.wait_for(event="StageStarted", stage="send")
            target.wait_for(18)
            target.open_the_gate()
            one.ends_with(0)
            for each in (two, three):
                each.process.send_signal(signal.SIGTERM)
                each.ends_with(128 + signal.SIGTERM)
            sent = [each.sent() for each in (one, two, three)]
        account = status(job)
    assert account["balanced"]
    assert account["states"]["verified"] == SLICES
    assert set(states(job).values()) == {"verified"}
    assert target.times == dict.fromkeys(archive.uids, 1)
    assert sorted(uid for one in sent for uid in one) == sorted(archive.uids)
    assert min(map(len, sent)) > 0
