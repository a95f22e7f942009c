"""The stages between them: what is done again, what is left, and what a revision is."""

import tomllib
from pathlib import Path

import pytest

from jobs import init, pacslift, status, tune
from oldpacs import old_pacs
from pacslift.demo import prepared_demo


@pytest.fixture
def demo(tmp_path):
    """A demo job whose target is there for the length of the test."""
    with prepared_demo(tmp_path / "demo", None) as job:
        yield job.folder


def revised(job: Path):
    return tomllib.loads((job / "job.toml").read_text())["revised"]


def age(job: Path) -> None:
    """Put the `revised` line into the past, so that a new one shows."""
    path = job / "job.toml"
    path.write_text(path.read_text().replace(f"{revised(job):%Y-%m-%d}", "2001-01-01", 1))


def test_a_job_that_is_planned_again_unchanged_keeps_its_revision(demo):
    pacslift("run", demo)
    age(demo)
    pacslift("plan", demo)
    assert revised(demo).year == 2001


def test_a_job_whose_settings_changed_gets_a_new_revision_when_it_is_planned(demo):
    pacslift("run", demo)
    age(demo)
    path = demo / "job.toml"
    path.write_text(path.read_text().replace('probe = "sample"', 'probe = "all"'))
    pacslift("run", demo)
    assert revised(demo).year > 2001


def test_opening_every_file_beforehand_finds_the_fault_before_anything_is_sent(tmp_path):
    old, job = old_pacs(tmp_path, slices=4), tmp_path / "job"  # its database knows no sizes
    cut = old.files[old.uids[2]]
    cut.write_bytes(cut.read_bytes()[:-50])
    init(job, old.dump, old.storage, "NOBODY@127.0.0.1:1")
    tune(job, probe="all")
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    account = status(job)
    assert account["causes"] == {"truncated": 1}
    assert account["states"]["planned"] == 3


def test_without_any_file_opened_the_account_still_balances(demo):
    path = demo / "job.toml"
    path.write_text(path.read_text().replace('probe = "sample"', 'probe = "none"'))
    assert pacslift("run", demo).exit_code == 3
    account = status(demo)
    assert account["balanced"]
    assert account["file_states"]["orphan"] == 1
    assert account["states"]["verified"] == 21
