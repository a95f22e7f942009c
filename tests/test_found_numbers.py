"""A run that finds its processes and associations by itself, at a real archive."""

import os
from pathlib import Path

import pytest

from jobs import init, pacslift, started, status, tune
from oldpacs import OldPacs, old_pacs
from pacslift.job import parse_target
from pacslift.ledger import Ledger
from pacslift.send.finding import Found
from pacslift.send.growing import MOST
from pacslift.send.manning import as_text, key
from servers import Orthanc

SLICES = 600


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    return old_pacs(tmp_path_factory.mktemp("old"), slices=SLICES)


def a_job(tmp_path: Path, archive: OldPacs, target: str) -> Path:
    job = tmp_path / "job"
    assert init(job, archive.dump, archive.storage, target).exit_code == 0
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    return job


def remember(job: Path, target: str, found: Found) -> None:
    ledger = Ledger(job / "ledger.db")
    ledger.put(key(), as_text(parse_target(target), found))
    ledger.close()


def changes(job: Path) -> list[dict]:
    """How the numbers changed in a run that verifies everything."""
    with started("run", job, "--log-format", "json") as run:
        told = list(run.events())
        assert run.process.wait() == 0, told[-1]
    return [event for event in told if event["event"] == "AssociationsChanged"]


def test_everything_arrives_once_whatever_numbers_are_found(archive, orthanc: Orthanc, tmp_path):
    job = a_job(tmp_path, archive, f"ORTHANC@127.0.0.1:{orthanc.port}")
    seen = changes(job)
    assert (seen[0]["associations"], seen[0]["processes"], seen[0]["why"]) == (1, 1, "begin")
    assert {one["asked"] for one in seen} == {0}
    assert all(1 <= one["associations"] <= MOST for one in seen)
    assert all(1 <= one["processes"] <= len(os.sched_getaffinity(0)) for one in seen)
    assert status(job)["states"]["verified"] == len(orthanc.instances()) == SLICES


def test_a_run_begins_with_what_an_earlier_one_found_at_the_same_target(
    archive, orthanc: Orthanc, tmp_path
):
    target = f"ORTHANC@127.0.0.1:{orthanc.port}"
    job = a_job(tmp_path, archive, target)
    remember(job, target, Found(2, 5))
    begin = changes(job)[0]
    assert begin["associations"] == 5
    assert begin["processes"] == min(2, len(os.sched_getaffinity(0)))
    assert status(job)["states"]["verified"] == len(orthanc.instances()) == SLICES


def test_a_run_at_another_target_begins_anew_and_what_a_person_said_holds(
    archive, orthanc: Orthanc, tmp_path
):
    target = f"ORTHANC@127.0.0.1:{orthanc.port}"
    job = a_job(tmp_path, archive, target)
    remember(job, f"ORTHANC@127.0.0.1:{orthanc.port + 1}", Found(2, 5))
    tune(job, processes=2)
    begin = changes(job)[0]
    assert (begin["associations"], begin["processes"]) == (2, 2)
    assert status(job)["states"]["verified"] == len(orthanc.instances()) == SLICES
