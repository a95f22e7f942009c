"""What the old database corrected, or a person in a mapping, is what arrives; told beforehand."""

import csv
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from pydicom import dcmread

from jobs import init, pacslift, snapshot, status
from newpacs import NewPacs
from oldpacs import PATIENTS, SECRETS, OldPacs, old_pacs
from pacslift import preview
from servers import CHECKOUT

GERDA, OTTO = PATIENTS
RIGHT = ("Richtig^Gerda", "GEHEIM-4712")
SPOKEN = (*SECRETS, *RIGHT, "Richtig", "4712", "Neu^")


@pytest.fixture
def archive(tmp_path) -> OldPacs:
    """An old PACS whose users have corrected Gerda's name and Otto's sex since, in the database."""
    archive = old_pacs(tmp_path / "old")
    with closing(sqlite3.connect(archive.dump)) as database, database:
        database.execute(
            "UPDATE dicompatients SET patientnam = ? WHERE patientid = ?",
            [RIGHT[0], GERDA.patient_id],
        )
        database.execute(
            "UPDATE dicompatients SET patientsex = 'O' WHERE patientid = ?", [OTTO.patient_id]
        )
    return archive


@pytest.fixture
def adapters(tmp_path) -> Path:
    """A product like Conquest that keeps corrections in its database alone."""
    folder = tmp_path / "adapters" / "conquest"
    shutil.copytree(CHECKOUT / "adapters" / "conquest", folder)
    manifest = folder / "adapter.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('truth    = "file"', 'truth    = "database"'))
    return folder.parent


@pytest.fixture
def target(tmp_path):
    with NewPacs(tmp_path / "new") as target:
        yield target


@pytest.fixture
def job(tmp_path, archive, adapters, target) -> Path:
    folder = tmp_path / "job"
    made = init(folder, archive.dump, archive.storage, str(target), "--adapters", adapters)
    assert made.exit_code == 0, made.output
    return folder


def arrived(target: NewPacs) -> list:
    return [dcmread(path) for path in sorted(target.folder.glob("*.dcm"))]


def say(job: Path, text: str) -> None:
    """Add lines to job.toml."""
    path = job / "job.toml"
    path.write_text(f"{path.read_text()}\n{text}\n")


def page_of(job: Path) -> str:
    return (job / "report" / "report.html").read_text()


def ledger(job: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(job / "ledger.db")) as opened:
        return opened.execute(query).fetchall()


def test_the_corrected_patient_arrives_and_the_old_values_stay_in_the_object(job, target):
    ran = pacslift("run", job)
    assert ran.exit_code == 0, ran.output
    named = {str(one.PatientID): one for one in arrived(target)}
    assert len(arrived(target)) == 6
    gerda, otto = named[GERDA.patient_id], named[OTTO.patient_id]
    assert (gerda.PatientName, gerda.PatientSex) == (RIGHT[0], "F")
    assert (otto.PatientName, otto.PatientSex) == (OTTO.name, "O")
    (item,) = gerda.OriginalAttributesSequence
    assert item.ReasonForTheAttributeModification == "COERCE"
    assert item.SourceOfPreviousValues == "conquest"
    assert item.ModifiedAttributesSequence[0].PatientName == GERDA.name
    assert status(job)["states"]["verified"] == 6


def test_what_was_sent_is_what_the_ledger_knows_and_the_changes_are_on_record(job, target):
    pacslift("run", job)
    known = set(ledger(job, "SELECT patient_id, patient_name FROM instances"))
    assert known == {(GERDA.patient_id, RIGHT[0]), (OTTO.patient_id, OTTO.name)}
    changes = ledger(job, 'SELECT rule, keyword, "before", "after", count(*) FROM changes'
                          " GROUP BY 1, 2 ORDER BY 2")  # fmt: skip
    assert changes == [
        ("DB", "PatientName", GERDA.name, RIGHT[0], 3),
        ("DB", "PatientSex", "M", "O", 3),
    ]


def test_the_report_counts_the_corrections_and_one_file_alone_has_the_values(job, target):
    ran = pacslift("run", job)
    path = job / "report" / "changes_patient_data.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as rows:
        found = [(row["keyword"], row["before"], row["after"]) for row in csv.DictReader(rows)]
    assert found.count(("PatientName", GERDA.name, RIGHT[0])) == 3
    assert "What the old database and the rules corrected" in page_of(job)
    told = "".join(
        [ran.stdout, ran.stderr] + [p.read_text() for p in (job / "report").iterdir() if p != path]
    )
    assert not any(secret in told for secret in SPOKEN)


def test_every_change_is_told_before_a_byte_moves(job, target, archive):
    before = snapshot(archive.storage)
    told = pacslift("plan", job, "--diff")
    assert told.exit_code == 0, told.output
    assert target.received == []
    assert "          3  DB         PatientName" in told.output
    assert not any(secret in told.output for secret in SPOKEN)
    for name in ("plan-diff.csv", "plan-diff.parquet"):
        assert stat.S_IMODE((job / "report" / name).stat().st_mode) == 0o600
    text = (job / "report" / "plan-diff.csv").read_text()
    assert text.startswith("# PATIENT DATA")
    columns = ("instance_key", "rule", "keyword", "before", "after")
    foreseen = set(pl.read_parquet(job / "report" / "plan-diff.parquet").select(columns).rows())
    pacslift("run", job)
    done = ledger(job, 'SELECT instance_key, rule, keyword, "before", "after" FROM changes')
    assert foreseen == set(done)
    assert len(done) == 6
    assert snapshot(archive.storage) == before


def test_many_objects_are_prepared_in_several_processes_and_give_the_same_table(job, monkeypatch):
    one = json.loads(pacslift("plan", job, "--diff", "--json").stdout)
    table = pl.read_parquet(one["parquet"])
    monkeypatch.setattr(preview, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(preview, "CHUNK", 2)
    assert json.loads(pacslift("plan", job, "--diff", "--json").stdout) == one
    assert pl.read_parquet(one["parquet"]).equals(table)


def test_what_would_be_set_aside_is_told_too(job, archive):
    bad, gone = archive.files[archive.uids[1]], archive.files[archive.uids[2]]
    bad.write_bytes(bad.read_bytes()[:400])
    gone.unlink()
    told = json.loads(pacslift("plan", job, "--diff", "--json").stdout)
    assert told["causes"] == {"missing_file": 1, "truncated": 1}
    assert told["objects"] == 5
    rows = pl.read_parquet(told["parquet"]).filter(pl.col("cause").is_not_null())
    assert set(rows["sop_instance_uid"]) == set(archive.uids[1:3])


def test_the_same_job_sends_the_same_bytes_wherever_it_is_done_again(
    tmp_path, archive, adapters, job, target
):
    pacslift("run", job)
    again = tmp_path / "again" / "job"
    init(again, archive.dump, archive.storage, str(target), "--adapters", adapters)
    (again / "job.toml").write_bytes((job / "job.toml").read_bytes())
    pacslift("run", again)
    digests = "SELECT sop_instance_uid, digest FROM instances ORDER BY 1"
    assert ledger(job, digests) == ledger(again, digests)


def test_a_reviewed_mapping_wins_over_the_database_and_leaves_out_what_it_says(
    job, target, archive, tmp_path
):
    (job / "patients.csv").write_text(
        "patient_id,new_patient_id,new_patient_name\n"
        f"{GERDA.patient_id},{RIGHT[1]},Neu^Gerda\nnobody,NEW,\n"
    )
    (job / "out.csv").write_text(
        f"what,value,reason\nsop_instance_uid,{archive.uids[0]},test pattern\n"
    )
    say(job, '[mapping]\npatients = "patients.csv"\nexclusions = ["out.csv"]')
    ran = pacslift("run", job)
    assert ran.exit_code == 3
    assert "met nothing in the old database: 1, line 3" in page_of(job)
    account = status(job)
    assert account["states"]["verified"] == 5
    assert account["causes"] == {"excluded": 1}
    names = {(str(one.PatientID), str(one.PatientName)) for one in arrived(target)}
    assert names == {(RIGHT[1], "Neu^Gerda"), (OTTO.patient_id, OTTO.name)}
    assert archive.uids[0] not in target.received
    assert {rule for (rule,) in ledger(job, "SELECT rule FROM changes")} == {"DB", "MAP"}
    told = "".join([ran.stdout, ran.stderr, (job / "exceptions.csv").read_text()])
    assert not any(secret in told for secret in SPOKEN)


def test_a_mapping_that_is_wrong_stops_the_job_before_anything_is_sent(job, target):
    (job / "patients.csv").write_text("patient_id,new_patient_birth_date\nGEHEIM-4711,1961\n")
    say(job, '[mapping]\npatients = "patients.csv"')
    ran = pacslift("run", job)
    assert ran.exit_code == 26
    assert "patients.csv, line 2, column new_patient_birth_date: it is no day" in ran.stderr
    assert target.received == []


def test_a_mapping_that_changed_after_sending_is_told_and_changes_nothing_at_the_target(
    job, target
):
    pacslift("run", job)
    first = target.times
    (job / "patients.csv").write_text(
        f"patient_id,new_patient_name\n{GERDA.patient_id},Neu^Gerda\n"
    )
    say(job, '[mapping]\npatients = "patients.csv"')
    pacslift("run", job)
    assert "3 instances at the target were sent with other values" in page_of(job)
    assert target.times == first


def test_a_mapping_can_be_drafted_and_filled_in(job, target):
    pacslift("extract", job)
    pacslift("inventory", job)
    for wrong in (job / "no such folder" / "patients.csv", job, job / "job.toml"):
        refused = pacslift("plan", job, "--mapping-template", wrong)
        assert refused.exit_code == 26
        assert str(wrong) in refused.stderr
    drafted = pacslift("plan", job, "--mapping-template", job / "patients.csv")
    assert "holds 2 patients: PATIENT DATA" in drafted.output
    assert stat.S_IMODE((job / "patients.csv").stat().st_mode) == 0o600
    say(job, '[mapping]\npatients = "patients.csv"')
    assert pacslift("run", job).exit_code == 0


def test_where_merges_lead_in_a_circle_nothing_is_sent_to_a_wrong_patient(
    job, target, adapters, archive
):
    """Otto's row is merged into one that is merged into Otto's."""
    query = adapters / "conquest" / "patients.sql"
    text = query.read_text().replace(
        "patientid AS patient_id,",
        "patientid AS patient_id,"
        f" CASE patientid WHEN '{OTTO.patient_id}' THEN 'X' WHEN 'X' THEN '{OTTO.patient_id}' END"
        " AS merged_into,",
    )
    query.write_text(text)
    with closing(sqlite3.connect(archive.dump)) as database, database:
        database.execute("INSERT INTO dicompatients (patientid, patientnam) VALUES ('X', 'Y')")
    assert pacslift("run", job).exit_code == 3
    assert status(job)["causes"] == {"patient_unclear": 3}
    assert {str(one.PatientID) for one in arrived(target)} == {GERDA.patient_id}
    (why,) = ledger(job, "SELECT DISTINCT detail FROM instances WHERE state = 'set_aside'")
    assert "merged in a circle" in why[0]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ('on = ["Z99"]', "names the rule 'Z99', which is none"),
        ('on = "I01"', "on must be a list of ids"),
        ("E13 = 3", "E13 must be a table"),
    ],
)
def test_a_rule_that_is_none_is_refused_before_anything_is_sent(rules, message, job, target):
    say(job, f"[rules]\n{rules}")
    ran = pacslift("run", job)
    assert ran.exit_code == 16
    assert message in ran.stderr
    assert target.received == []
