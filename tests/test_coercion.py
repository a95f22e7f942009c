"""A target that changes who a study is of is found out; the values are told in one file alone."""

import csv
import stat

import pytest

from jobs import init, pacslift, status
from newpacs import NewPacs
from oldpacs import PATIENTS, SECRETS, old_pacs


@pytest.fixture
def archive(tmp_path):
    return old_pacs(tmp_path / "old", slices=8)


def renaming(target: NewPacs, name: bytes, other: bytes):
    """Store with another name of the same length, as a target with a rule would."""
    assert len(name) == len(other)

    def deed(event):
        data_set = event.request.DataSet
        changed = data_set.getvalue().replace(name, other)
        data_set.seek(0)
        data_set.write(changed)
        return target.stored(event)

    return deed


@pytest.fixture
def coerced(archive, tmp_path):
    """A finished job whose target spells Gerda otherwise."""
    with NewPacs(tmp_path / "new") as target:
        target.always(renaming(target, b"Verborgen^Gerda", b"Verborgen^Greta"))
        init(tmp_path / "job", archive.dump, archive.storage, str(target))
        ran = pacslift("run", tmp_path / "job")
    return tmp_path / "job", ran


def test_studies_under_another_name_are_not_called_verified(coerced):
    job, ran = coerced
    assert ran.exit_code == 3
    account = status(job)
    assert account["states"]["differs_at_target"] == account["states"]["verified"] == 4
    assert account["causes"] == {"differs_at_target": 4}


def test_the_attribute_is_named_and_the_values_are_only_in_the_file_that_says_so(coerced):
    job, ran = coerced
    with (job / "exceptions.csv").open() as lines:
        assert all(
            row["detail"].endswith("differs in PatientName") for row in csv.DictReader(lines)
        )
    path = job / "report" / "differences_patient_data.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open() as lines:
        found = list(csv.DictReader(lines))
    assert [(row["keyword"], row["sent"], row["at_target"]) for row in found] == [
        ("PatientName", PATIENTS[0].name, "Verborgen^Greta")
    ] * 2
    others = [p for p in (job / "report").iterdir() if p != path]
    told = "".join([ran.stdout, ran.stderr, *(p.read_text() for p in others)])
    assert path.name in told
    assert not any(secret in told for secret in (*SECRETS, "Greta"))


def test_when_the_target_was_put_right_the_file_with_the_values_goes(coerced, archive, tmp_path):
    job, _ = coerced
    pacslift("exceptions", job, "--retry", "differs_at_target")
    with NewPacs(tmp_path / "new") as target:
        text = (job / "job.toml").read_text()
        port = next(line for line in text.splitlines() if line.startswith("port = "))
        (job / "job.toml").write_text(text.replace(port, f"port = {target.port}"))
        assert pacslift("run", job).exit_code == 0
    assert not (job / "report" / "differences_patient_data.csv").exists()
