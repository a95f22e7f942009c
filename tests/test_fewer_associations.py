"""Targets that take fewer associations than were asked for, or none: what becomes of a run."""

from pathlib import Path
from time import monotonic

import pytest

from jobs import init, pacslift, started, status, tune
from newpacs import NewPacs
from oldpacs import OldPacs, old_pacs
from pacslift.send.association import PATIENT
from servers import free_port, run_storescp

SLICES = 120


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    return old_pacs(tmp_path_factory.mktemp("old"), slices=SLICES)


def a_job(tmp_path: Path, archive: OldPacs, target: str, **send: int) -> Path:
    """A job that is planned and has these lines in [send]."""
    job = tmp_path / "job"
    assert init(job, archive.dump, archive.storage, target).exit_code == 0
    tune(job, **send)
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    return job


def sent(job: Path, target: NewPacs | None = None, refusals: int = 0) -> tuple[list[dict], str]:
    """What `pacslift send` told, and its line; *target* opens its gate after so many refusals."""
    told: list[dict] = []
    with started("send", job, "--log-format", "json") as run:
        for event in run.events():
            told.append(event)
            if target and len(refused(told)) >= refusals:
                target.open_the_gate()
        assert run.process.wait() == 3, told[-1]  # nothing is verified yet
    (line,) = [one["sentence"] for one in told if one["event"] == "StageFinished"]
    return told, line


def refused(told: list[dict]) -> list[int]:
    """The numbers of associations that were left, each time that one was refused."""
    changes = [one for one in told if one["event"] == "AssociationsChanged"]
    return [one["associations"] for one in changes if one["why"] == "refused"]


@pytest.mark.parametrize(("processes", "associations"), [(1, 3), (2, 2), (3, 1)])
def test_a_run_goes_on_with_those_that_were_taken_and_says_so_once(
    processes, associations, archive, tmp_path
):
    asked = processes * associations
    with NewPacs(tmp_path / "new").take_associations(1).hold_after(10) as target:
        job = a_job(tmp_path, archive, str(target), processes=processes, associations=associations)
        told, line = sent(job, target, asked - 1)
        assert f"the target takes 1 of the {asked} associations asked for" in line
        assert refused(told) == list(range(asked - 1, 0, -1))
        assert status(job)["states"]["stored"] == SLICES
        assert set(target.times.values()) == {1}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_target_that_serves_one_after_the_other_is_not_waited_for_at_the_end(
    processes, archive, tmp_path
):
    """storescp accepts the connection, and answers when the first association ends."""
    with run_storescp(tmp_path / "scp") as target:
        job = a_job(tmp_path, archive, f"STORESCP@127.0.0.1:{target.port}",
                    processes=processes, associations=3)  # fmt: skip
        began = monotonic()
        sent(job)
        assert monotonic() - began < PATIENT.association
        assert status(job)["states"]["stored"] == SLICES
        assert len(target.files()) == SLICES


@pytest.mark.parametrize(("processes", "associations"), [(1, 3), (2, 2)])
def test_a_target_that_takes_none_stops_the_run(processes, associations, archive, tmp_path):
    job = a_job(tmp_path, archive, f"NOBODY@127.0.0.1:{free_port()}",
                processes=processes, associations=associations)  # fmt: skip
    ran = pacslift("send", job)
    assert ran.exit_code == 20
    assert "nobody" in ran.stderr.lower()
    assert status(job)["states"]["planned"] == SLICES
