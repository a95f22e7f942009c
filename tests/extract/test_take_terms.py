"""What [charset] and accept_truncated of job.toml do to a whole extract."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pacslift.adapter import load_adapters
from pacslift.errors import DumpDamagedError, JobFileError
from pacslift.events import silence
from pacslift.extract.store import load_tables
from pacslift.extract.take import take_tables
from pacslift.job import Job, TargetAddress

CONQUEST = Path(__file__).parents[2] / "fixtures" / "conquest" / "dbase" / "dbase"


@pytest.fixture
def job(tmp_path):
    dump = tmp_path / "dbase"
    shutil.copytree(CONQUEST, dump)
    return Job(tmp_path / "job", (dump,), {}, TargetAddress("A", "127.0.0.1", 104))


def take(job):
    return take_tables(job, load_adapters(()), silence)


def test_a_table_that_ends_early_stops_the_run_unless_the_job_accepts_it(job):
    images = job.dumps[0] / "DICOMImages.DBF"
    images.write_bytes(images.read_bytes()[:-10])
    with pytest.raises(DumpDamagedError, match=r"DICOMImages has 8 records .* after record 7"):
        take(job)
    taken = take(replace(job, accept_truncated=True))
    assert len(taken.cuts) == 1
    assert "INCOMPLETE DUMP" in taken.findings[0]
    assert "table DICOMImages after row 7" in taken.findings[0]


def test_the_findings_of_a_whole_dump_name_no_cut_and_no_empty_table_of_deleted_rows(job):
    taken = take(job)
    assert taken.cuts == ()
    assert not any("_deleted" in finding for finding in taken.findings)


def test_a_name_written_twice_is_mended_by_a_line_of_the_job(job):
    patients = job.dumps[0] / "DICOMPatients.DBF"
    name = "ü".encode().decode("latin1").encode()
    patients.write_bytes(patients.read_bytes().replace(b"Langername", b"Langer" + name))
    found = take(job).findings
    assert any('"dicompatients.patientnam" = "utf-8-twice"' in finding for finding in found)
    mended = replace(job, charset={"dicompatients.patientnam": "utf-8-twice"})
    assert any("1 texts were mended" in finding for finding in take(mended).findings)
    names = load_tables(job.tables)["dicompatients"].collect()["patientnam"].to_list()
    assert any(value.startswith("Langerü^") for value in names)


def test_a_line_for_a_table_that_is_not_there_is_refused(job):
    with pytest.raises(JobFileError, match="names 'patients', which the dump does not have"):
        take(replace(job, charset={"patients": "cp850"}))
