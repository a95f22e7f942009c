"""What nobody foresaw over one object does not stop the others, and names no patient."""

import csv
import errno
import shutil

import pytest

from jobs import init, pacslift, status, tune
from newpacs import NewPacs
from oldpacs import SECRETS, old_pacs
from pacslift.errors import Cause, SetAsideError, StopError
from pacslift.inventory import probe
from pacslift.send import association, load
from pacslift.unforeseen import one_object
from pacslift.verify import findscu

SECRET = SECRETS[0]


class Breaking:
    """A function that works, but for its calls about one object."""

    def __init__(self, works, is_bad, error: BaseException) -> None:
        self.works, self.is_bad, self.error = works, is_bad, error

    def __call__(self, *given, **named):
        if self.is_bad(*given, **named):
            raise self.error
        return self.works(*given, **named)


def break_(monkeypatch, module, name, is_bad, error=None) -> None:
    works = getattr(module, name)
    monkeypatch.setattr(module, name, Breaking(works, is_bad, error or KeyError(SECRET)))


@pytest.fixture
def archive(tmp_path):
    return old_pacs(tmp_path / "old")


def a_job(tmp_path, archive, target, **settings):
    init(tmp_path / "job", archive.dump, archive.storage, str(target))
    tune(tmp_path / "job", **settings)
    return tmp_path / "job"


def uid_of(stored) -> str:
    return stored.uid(0x00080018)


def listed(job) -> list[dict]:
    with (job / "exceptions.csv").open() as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("error", [KeyError(SECRET), RecursionError(SECRET), OSError(SECRET)])
def test_an_object_that_the_program_fails_over_is_set_aside_and_the_others_arrive(
    error, archive, tmp_path, monkeypatch
):
    bad = archive.uids[2]
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        with monkeypatch.context() as broken:
            break_(broken, load, "prepare", lambda s, _: uid_of(s) == bad, error)
            ran = pacslift("run", job)
        assert ran.exit_code == 3
        assert status(job)["causes"] == {"internal_fault": 1}
        assert status(job)["states"]["verified"] == 5
        (row,) = listed(job)
        assert row["sop_instance_uid"] == bad
        assert row["detail"].startswith(f"{type(error).__name__} at test_unforeseen:")
        assert "met at pacslift.send.load:" in row["detail"]
        assert SECRET not in row["detail"] + ran.stdout + ran.stderr
        assert "1 instance is" in pacslift("exceptions", job, "--retry", "internal_fault").stdout
        assert pacslift("run", job).exit_code == 0


def test_an_object_that_failed_half_sent_is_asked_for_and_the_next_goes_over_a_new_association(
    archive, tmp_path, monkeypatch
):
    """The program fails over the answer: the target has the object all the same."""
    works, failed = association.StoreAssociation.collect, []

    def collect(self):
        answer = works(self)
        if not failed:
            failed.append(self)
            raise KeyError(SECRET)
        return answer

    monkeypatch.setattr(association.StoreAssociation, "collect", collect)
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target, associations=1)
        assert pacslift("send", job).exit_code == 15
        for stage in ("extract", "inventory", "plan", "send"):
            pacslift(stage, job)
        assert status(job)["states"]["failed"] == 1
        assert status(job)["causes"] == {"internal_fault": 1}
        assert not failed[0].is_open
        pacslift("verify", job)
        assert status(job)["states"]["verified"] == 6


def test_a_file_that_the_program_fails_over_is_no_reason_not_to_plan_the_others(
    archive, tmp_path, monkeypatch
):
    bad = archive.uids[2]
    orphan = archive.storage / "orphan.dcm"
    shutil.copyfile(archive.files[bad], orphan)
    break_(monkeypatch, probe, "identity", lambda s: uid_of(s) == bad)
    job = a_job(tmp_path, archive, "NOBODY@127.0.0.1:9", probe="all")
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    account = status(job)
    assert account["causes"] == {"internal_fault": 1}
    assert account["states"]["planned"] == 5
    assert account["file_states"]["unreadable"] == 1  # nobody knows what the orphan is


def test_a_study_whose_answers_the_program_fails_over_is_left_unverified_and_said_to_be(
    archive, tmp_path, monkeypatch
):
    asked = []
    break_(monkeypatch, findscu, "row_of", lambda a: not asked and not asked.append(a))
    with NewPacs(tmp_path / "new") as target:
        job = a_job(tmp_path, archive, target)
        ran = pacslift("run", job)
    assert ran.exit_code == 3
    account = status(job)
    assert 0 < account["states"]["stored"] < 6
    assert account["states"]["verified"] == 6 - account["states"]["stored"]
    page = (job / "report" / "report.html").read_text()
    assert "the program failed over its answers: KeyError at test_unforeseen:" in page
    assert SECRET not in page + ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        StopError("the target is gone"),
        OSError(errno.EMFILE, "Too many open files"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_next_object_would_meet_as_well_is_not_laid_to_one(error):
    with pytest.raises(type(error)) as raised, one_object():
        raise error
    assert raised.value is error


def test_a_fault_that_is_foreseen_keeps_its_cause():
    with pytest.raises(SetAsideError) as raised, one_object():
        raise SetAsideError(Cause.TRUNCATED, "the file ends at byte 7")
    assert raised.value.cause is Cause.TRUNCATED
