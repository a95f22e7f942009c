"""An object that is sent again goes out with the same bytes, or it is said that they are others."""

import csv

import pytest
import sqlalchemy as sa

from jobs import init, pacslift, status, tune
from newpacs import NewPacs, answering
from oldpacs import old_pacs
from pacslift.ledger import CHANGES, Ledger

REFUSED = answering(0xC000)


@pytest.fixture
def archive(tmp_path):
    return old_pacs(tmp_path / "old")


@pytest.fixture
def refused(archive, tmp_path):
    """A job whose third object the target refused; then that object's file was changed."""
    bad = archive.uids[2]
    with NewPacs(tmp_path / "new") as target:
        init(tmp_path / "job", archive.dump, archive.storage, str(target))
        target.on(bad, REFUSED)
        assert pacslift("run", tmp_path / "job").exit_code == 3
        target.on(bad, target.stored)
        path = archive.files[bad]
        whole = path.read_bytes()
        path.write_bytes(whole[:-2] + bytes(255 - byte for byte in whole[-2:]))
        yield tmp_path / "job"


def page(job) -> str:
    return (job / "report" / "report.html").read_text()


def changes(job) -> list:
    ledger = Ledger(job / "ledger.db")
    try:
        return list(ledger.rows(sa.select(CHANGES)))
    finally:
        ledger.close()


def test_other_bytes_under_the_same_revision_are_set_aside_also_after_a_new_plan(refused):
    pacslift("plan", refused)
    assert pacslift("run", refused).exit_code == 3
    assert status(refused)["causes"] == {"changed_since_sent": 1}
    pacslift("plan", refused)  # a plan is no reason to send them
    assert pacslift("run", refused).exit_code == 3
    assert status(refused)["causes"] == {"changed_since_sent": 1}


def test_other_bytes_that_somebody_accepted_are_sent_and_on_record(refused):
    pacslift("plan", refused)
    pacslift("run", refused)
    pacslift("exceptions", refused, "--retry", "changed_since_sent")
    assert pacslift("run", refused).exit_code == 0
    assert "1 object went out with other bytes" in page(refused)


def test_other_bytes_under_another_revision_are_sent_and_said_to_be_others(refused):
    tune(refused, probe="all")
    assert pacslift("run", refused).exit_code == 0
    assert "1 object went out with other bytes" in page(refused)
    (change,) = changes(refused)
    assert change["rule"] == "RESENT"
    assert change["before"].startswith("blake3 ")
    assert "sent under revision" in change["before"]


def test_the_same_bytes_under_another_revision_are_nothing_to_speak_of(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        init(tmp_path / "job", archive.dump, archive.storage, str(target))
        target.on(archive.uids[2], REFUSED)
        pacslift("run", tmp_path / "job")
        target.on(archive.uids[2], target.stored)
        tune(tmp_path / "job", probe="all")
        assert pacslift("run", tmp_path / "job").exit_code == 0
    assert changes(tmp_path / "job") == []


def test_a_retry_for_a_missing_file_does_not_send_what_the_target_refused(archive, tmp_path):
    gone = archive.files[archive.uids[4]]
    content = gone.read_bytes()
    gone.unlink()
    with NewPacs(tmp_path / "new") as target:
        init(tmp_path / "job", archive.dump, archive.storage, str(target))
        target.on(archive.uids[2], REFUSED)
        pacslift("run", tmp_path / "job")
        gone.write_bytes(content)
        said = pacslift("exceptions", tmp_path / "job", "--retry", "missing_file")
        assert said.stdout.startswith("1 instance is planned again")
        pacslift("run", tmp_path / "job")
        assert target.times[archive.uids[2]] == 1
        assert status(tmp_path / "job")["causes"] == {"refused_by_target": 1}
        with (tmp_path / "job" / "exceptions.csv").open() as lines:
            (row,) = csv.DictReader(lines)
        assert row["sop_instance_uid"] == archive.uids[2]
