"""What is sent first, in a real run; and what a new order leaves alone."""

import tomllib

import pytest

from jobs import init, pacslift, status, tune
from newpacs import NewPacs, answering
from oldpacs import PATIENTS, SECRETS, old_pacs

SLICES = 16


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Four studies of two patients, four slices each; slice n is of study n % 4."""
    return old_pacs(tmp_path_factory.mktemp("old"), SLICES)


@pytest.fixture
def target(tmp_path):
    with NewPacs(tmp_path / "new") as pacs:
        yield pacs


def a_job(tmp_path, archive, target, *more):
    init(tmp_path / "job", archive.dump, archive.storage, str(target), *more)
    tune(tmp_path / "job", associations=1, busy_waits=[], lost_waits=[])
    return tmp_path / "job"


def studies(archive, uids) -> list[int]:
    """The numbers of the studies of these objects, each once, in order."""
    return list(dict.fromkeys(archive.uids.index(uid) % 4 for uid in uids))


def order(job, *lines: str) -> None:
    """Write [order] anew."""
    text = (job / "job.toml").read_text().partition("\n[order]")[0]
    (job / "job.toml").write_text(text + "\n[order]\n" + "\n".join(lines) + "\n")


def test_the_newest_study_goes_first(tmp_path, archive, target):
    assert pacslift("run", a_job(tmp_path, archive, target)).exit_code == 0
    assert studies(archive, target.received) == [3, 2, 1, 0]


def test_the_patients_of_tomorrow_go_first_and_nobody_is_named(tmp_path, archive, target):
    csv = tmp_path / "tomorrow.csv"
    csv.write_text(f"patient_id,priority\n{PATIENTS[0].patient_id},8\nGEHEIM-9999,7\n")
    ran = pacslift("run", a_job(tmp_path, archive, target, "--order", csv))
    assert ran.exit_code == 0
    assert studies(archive, target.received) == [2, 0, 3, 1]
    report = (tmp_path / "job" / "report" / "report.html").read_text()
    assert "tomorrow.csv that met nothing in the old database: 1, line 3" in report
    assert not any(secret in ran.output for secret in SECRETS)


def test_from_slow_media_objects_are_read_in_the_order_of_their_paths(tmp_path, archive, target):
    assert pacslift("run", a_job(tmp_path, archive, target, "--order", "path")).exit_code == 0
    paths = [archive.files[uid] for uid in target.received]
    assert paths == sorted(paths)


def test_a_new_order_in_the_middle_sends_the_rest_in_it_and_nothing_twice(
    tmp_path, archive, target
):
    job = a_job(tmp_path, archive, target)
    with (job / "job.toml").open("a") as text:
        text.write("\n[pace]\ninstances_per_second = 4\n")
    refused = archive.uids[3]  # of the newest study, so among the first
    target.on(refused, answering(0xC000)).next(target.stored).always(answering(0xA700))
    assert pacslift("run", job).exit_code == 24
    before = target.times
    assert before[refused] == 1
    assert status(job)["states"]["planned"] >= 4
    revised = tomllib.loads((job / "job.toml").read_text())["revised"]

    target.always(target.stored)
    order(job, 'by = "path"')
    assert pacslift("run", job).exit_code == 3
    assert tomllib.loads((job / "job.toml").read_text())["revised"] == revised
    assert target.times[refused] == 1
    assert status(job)["causes"] == {"refused_by_target": 1}
    after = target.received[before.total() :]
    untried = [uid for uid in after if uid not in before]
    assert [archive.files[uid] for uid in untried] == sorted(archive.files[u] for u in untried)
    assert after[: len(untried)] == untried  # what was tried before comes last
    assert len(set(target.received)) == SLICES


def checks(job) -> dict[str, tuple[str, str]]:
    """What doctor shows: mark and sentence of each check."""
    lines = pacslift("doctor", job).stdout.splitlines()
    return {line[6:17].strip(): (line[:4].strip(), line[19:]) for line in lines}


def test_doctor_tells_of_the_file_of_priorities_what_plan_would_stop_at(tmp_path, archive, target):
    csv = tmp_path / "tomorrow.csv"
    job = a_job(tmp_path, archive, target, "--order", csv)
    assert checks(job)["order"][0] == "FAIL"
    csv.write_text("patient_id,priority\n4711,soon\n4711,later\n")
    mark, said = checks(job)["order"]
    assert (mark, "2 lines are wrong. line 2, column priority" in said) == ("FAIL", True)
    csv.write_text(f"patient_id\n{PATIENTS[0].patient_id}\nGEHEIM-9999\n")
    assert checks(job)["order"] == (
        "ok", f"2 lines of {csv} can be read; whether each names a study is seen after inventory"
    )  # fmt: skip
    for stage in ("extract", "inventory"):
        assert pacslift(stage, job).exit_code == 0
    mark, said = checks(job)["order"]
    assert mark == "warn"
    assert "tomorrow.csv that met nothing in the old database: 1, line 3" in said
    assert not any(secret in said for secret in SECRETS)
    csv.write_text(f"patient_id\n{PATIENTS[0].patient_id}\n")
    assert checks(job)["order"] == ("ok", f"1 line of {csv} can be read; each names a study")
    csv.write_text("patient_id\n")
    assert checks(job)["order"][0] == "warn"


def test_doctor_tells_of_a_mapping_what_plan_would_stop_at(tmp_path, archive, target):
    job, mapping = a_job(tmp_path, archive, target), tmp_path / "patients.csv"
    with (job / "job.toml").open("a") as text:
        text.write(f'\n[mapping]\npatients = "{mapping}"\n')
    mapping.write_text("patient_id,new_patient_birth_date\n4711,1961\n")
    mark, said = checks(job)["mapping"]
    assert (mark, "line 2, column new_patient_birth_date" in said) == ("FAIL", True)
    mapping.write_text("patient_id,new_patient_birth_date\n4711,19610203\n")
    assert checks(job)["mapping"] == ("ok", "1 line of the mapping can be read")


def test_an_order_that_cannot_be_read_stops_before_anything_is_sent(tmp_path, archive, target):
    job = a_job(tmp_path, archive, target, "--order", tmp_path / "gone.csv")
    ran = pacslift("run", job)
    assert ran.exit_code == 26
    assert "gone.csv" in ran.output
    assert target.received == []
