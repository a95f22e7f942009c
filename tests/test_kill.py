"""A run that is killed goes on where it was, and ends as if nothing had happened."""

import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from jobs import init, started, status, tune
from newpacs import NewPacs
from oldpacs import OldPacs, old_pacs
from servers import Orthanc

SLICES = 300
GOES_ON_WITHIN = 5.0  # seconds
STAGES = ["extract", "inventory", "plan", "send", "verify", "report"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    """A few hundred slices, one without its file, and a file without a row."""
    made = old_pacs(tmp_path_factory.mktemp("old"), SLICES, size=64)
    missing, copied = made.files[made.uids[7]], made.files[made.uids[0]]
    missing.unlink()
    stray = copied.read_bytes().replace(made.uids[0].encode(), made.uids[0][:-1].encode() + b"\0")
    (made.storage / "stray.dcm").write_bytes(stray)
    return made


@pytest.fixture(scope="module")
def undisturbed(archive, tmp_path_factory) -> dict:
    """The account of a run that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with NewPacs(folder / "new") as target:
        job = a_job(folder, archive, str(target))
        assert finished(job) == 3
    account = status(job)
    assert account["balanced"]
    assert account["states"]["verified"] == SLICES - 1
    assert account["causes"] == {"missing_file": 1}
    assert account["file_states"]["orphan"] == 1
    return account


def a_job(folder: Path, archive: OldPacs, target: str) -> Path:
    assert init(folder / "job", archive.dump, archive.storage, target).exit_code == 0
    return folder / "job"


def finished(job: Path) -> int:
    """Run to the end; gives the exit code."""
    with started("run", job, "--log-format", "json") as run:
        run.wait_for(event="StageFinished", stage="report")
        return run.process.wait()


def kill_when_it_holds(orthanc: Orthanc, count: int, job: Path) -> float:
    """Run, and kill as soon as the target holds so many objects: in the middle of others.

    Gives the seconds until it began to send.
    """
    began = monotonic()
    with started("run", job, "--log-format", "json") as run:
        run.wait_for(event="StageStarted", stage="send")
        took = monotonic() - began
        while held(orthanc) < count:
            assert run.process.poll() is None, "it ended before it could be killed"
        run.kill()
        assert run.process.returncode == -signal.SIGKILL
    return took


def held(orthanc: Orthanc) -> int:
    return len(orthanc.ids())


def ledger_says(job: Path, state: str) -> set[str]:
    """SOP Instance UIDs in this state, read past pacslift."""
    with closing(sqlite3.connect(job / "ledger.db")) as ledger:
        rows = ledger.execute("SELECT sop_instance_uid FROM instances WHERE state = ?", [state])
        return {uid for (uid,) in rows}


def test_a_run_killed_again_and_again_brings_each_object_exactly_once(
    archive, undisturbed, orthanc, tmp_path
):
    job = a_job(tmp_path, archive, f"ORTHANC@127.0.0.1:{orthanc.port}")
    counts = random.Random(20140310).sample(range(1, SLICES * 3 // 4), 4)  # noqa: S311 - a seed
    took = [kill_when_it_holds(orthanc, count, job) for count in sorted(counts)]
    assert min(took[1:]) < GOES_ON_WITHIN  # the quickest, as the machine may have other work
    assert finished(job) == undisturbed["exit_code"]
    assert status(job) == undisturbed
    assert len(orthanc.ids()) == SLICES - 1
    assert set(orthanc.instances()) == set(archive.uids) - {archive.uids[7]}


def test_a_run_killed_at_the_beginning_of_every_stage_comes_to_its_end(
    archive, undisturbed, tmp_path
):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, str(target))
        for stage in STAGES:
            with started("run", job, "--log-format", "json") as run:
                run.wait_for(event="StageStarted", stage=stage)
                run.kill()
        assert finished(job) == undisturbed["exit_code"]
        assert status(job) == undisturbed
        assert set(target.times) == set(archive.uids) - {archive.uids[7]}


def test_a_run_killed_in_the_middle_of_its_stages_comes_to_its_end(archive, undisturbed, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, str(target))
        for event in ("TableRead", "FilesWalked", "StageFinished", "StudyAsked"):
            with started("run", job, "--log-format", "json") as run:
                run.wait_for(event=event)
                run.kill()
        assert finished(job) == undisturbed["exit_code"]
        assert status(job) == undisturbed


@pytest.mark.parametrize(("processes", "associations"), [(1, 2), (2, 1)])
def test_only_the_objects_in_flight_are_sent_again(
    processes, associations, archive, undisturbed, tmp_path
):
    """Two associations, each with an object on the way when the run is killed."""
    with NewPacs(tmp_path / "new").hold_after(100) as target:
        job = a_job(tmp_path, archive, str(target))
        tune(job, processes=processes, associations=associations)
        with started("run", job, "--log-format", "json") as run:
            told = 0
            while told < 100:
                told += run.wait_for(event="InstanceSent")["state"] == "stored"
            target.wait_for(102)
            run.kill()
        target.open_the_gate()
        assert finished(job) == undisturbed["exit_code"]
        assert status(job) == undisturbed
        assert len(target.received) == SLICES - 1 + 2
        assert {uid for uid, n in target.times.items() if n > 1} == set(target.received[100:102])


@pytest.mark.parametrize("told", [1, 130])
def test_nothing_that_was_on_record_is_sent_again(told, archive, undisturbed, tmp_path):
    """Killed while objects come and go: beyond the ledger, only answers not yet committed."""
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, str(target))
        with started("run", job, "--log-format", "json") as run:
            for _ in range(told):
                run.wait_for(event="InstanceSent")
            run.kill()
        on_record, before = ledger_says(job, "stored"), set(target.received)
        assert len(on_record) >= told
        assert finished(job) == undisturbed["exit_code"]
        assert status(job) == undisturbed
        again = {uid for uid, n in target.times.items() if n > 1}
        assert again <= before - on_record
        assert set(target.times.values()) <= {1, 2}
