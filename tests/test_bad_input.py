"""What is wrong is named, with what to do about it; nothing is left half done behind it."""

import csv
import errno
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import warmstart
from jobs import init, pacslift, started, status, tune
from newpacs import NewPacs, answering
from oldpacs import CT, SECRETS, OldPacs, old_pacs
from pacslift import errors
from pacslift.cases import copied_and_cut, load_case
from pacslift.inventory import readat
from scripted import RawTarget, ScriptedArchive, abort_at_once, close_in_the_middle, hang_up
from servers import CHECKOUT, free_port

FIXTURES = CHECKOUT / "fixtures"
NOBODY = "NOBODY@127.0.0.1:9"  # for jobs that never come as far as to send

# What the report and the lists of a job may hold, and the program may not say.
PATIENTS_OF_THE_FIXTURES = ("Testperson", "Muster^", "Phantom^", "19610203", "19480521", *SECRETS)


def refused(result, error: type[errors.StopError], *said: object) -> None:
    """One sentence on standard error with all that is *said*, and the error's own exit code."""
    assert result.exit_code == error.exit_code, result.output
    sentence = result.stderr.splitlines()[-1]
    assert sentence.startswith("pacslift: ")
    for part in said:
        assert str(part) in sentence
    discreet(result)


def discreet(result) -> None:
    """No stack trace, and no patient."""
    assert "Traceback" not in result.output
    for secret in PATIENTS_OF_THE_FIXTURES:
        assert secret not in result.stderr


def nothing_was_made(job: Path) -> None:
    """A failed stage leaves no tables, no catalog, no copies of dumps and no rows."""
    left = {path.name.partition("-")[0] for path in job.iterdir() if not path.name.endswith("-wal")}
    assert left <= {"job.toml", "ledger.db", "lock.db", "private"}
    assert not any((job / "private").glob("*"))
    account = status(job)
    assert account["instances"] == account["files"] == 0
    assert sum(account["states"].values()) == sum(account["file_states"].values()) == 0


# ---------------------------------------------------------------------------------------------
# Dumps

CASES = {
    "mysqldump": "orthanc/mysql",
    "pg_dump plain": "orthanc/postgresql",
    "DBF set": "conquest/dbase",
    "SQLite": "conquest/sqlite-nki",
    "SQLite in the storage": "orthanc/sqlite-compressed",
    "index.dat": "dcmqrscp/moved",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_dump_that_was_cut_off_is_refused_before_anything_is_made(case, tmp_path):
    cut = copied_and_cut(load_case(FIXTURES / case), tmp_path)
    roots = [f"{name}={folder}" if name else folder for name, folder in cut.mounts.items()]
    assert init(tmp_path / "job", list(cut.dumps), roots, NOBODY).exit_code == 0
    said = cut.dumps[0]
    refused(pacslift("run", tmp_path / "job"), errors.DumpDamagedError, said)
    nothing_was_made(tmp_path / "job")
    refused(pacslift("inspect", *cut.dumps), errors.DumpDamagedError, said)


def test_the_report_on_a_dump_that_ends_early_begins_with_that(tmp_path):
    cut = copied_and_cut(load_case(FIXTURES / "conquest" / "dbase"), tmp_path)
    roots = [f"{name}={folder}" if name else folder for name, folder in cut.mounts.items()]
    with NewPacs(tmp_path / "new") as target:
        init(tmp_path / "job", list(cut.dumps), roots, str(target), "--accept-truncated")
        assert pacslift("run", tmp_path / "job").exit_code == 3
    page = (tmp_path / "job" / "report" / "report.html").read_text()
    assert page.count("INCOMPLETE DUMP") == 1
    assert page.index("INCOMPLETE DUMP") < page.index("Balance sheet")


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("mysql", b"--\n-- Table structure for table"),  # a whole table is missing
        ("mysql", b";\n/*!40000 ALTER TABLE"),  # the rows end in the right place, but not the dump
        ("postgresql", b"--\n-- Data for Name:"),
        ("postgresql", b"\\.\n"),
    ],
)
def test_a_script_that_was_cut_at_a_seam_is_noticed(name, until, tmp_path):
    whole = (FIXTURES / "orthanc" / name / "index.sql").read_bytes()
    dump = tmp_path / "index.sql"
    dump.write_bytes(whole[: whole.rindex(until)])
    refused(pacslift("inspect", dump), errors.DumpDamagedError, dump)


def test_a_custom_pg_dump_that_was_cut_off_is_refused(postgres, tmp_path):
    postgres.run("CREATE DATABASE cut_off")
    plain = (FIXTURES / "orthanc" / "postgresql" / "index.sql").read_bytes()
    postgres.run(plain, "cut_off")
    whole = postgres.dump("--format=custom", "cut_off")
    postgres.run("DROP DATABASE cut_off")
    for length in (len(whole) // 2, len(whole) - 1):
        dump = tmp_path / "index.dump"
        dump.write_bytes(whole[:length])
        job = tmp_path / f"job-{length}"
        init(job, dump, FIXTURES / "orthanc" / "postgresql" / "storage", NOBODY)
        refused(pacslift("run", job), errors.DumpDamagedError, dump)
        nothing_was_made(job)


def a_job(tmp_path: Path, dump: Path, *more: object) -> Path:
    """A job on *dump* whose storage nobody gets to see."""
    (tmp_path / "storage").mkdir(exist_ok=True)
    made = init(tmp_path / "job", dump, tmp_path / "storage", NOBODY, *more)
    assert made.exit_code == 0, made.output
    return tmp_path / "job"


def test_a_dump_of_a_system_that_nobody_knows_is_named_with_its_tables(tmp_path):
    dump = FIXTURES / "hostile" / "unknown" / "shop.sql"
    job = a_job(tmp_path, dump)
    refused(pacslift("run", job), errors.NoAdapterError, dump, "till_receipts", "--adapters")
    nothing_was_made(job)


def test_an_adapter_that_there_is_not_is_named_with_those_there_are(tmp_path):
    dump = FIXTURES / "orthanc" / "mysql" / "index.sql"
    job = a_job(tmp_path, dump, "--adapter", "orthank")
    refused(pacslift("run", job), errors.NoAdapterError, "'orthank'", "orthanc", "conquest")


def test_an_adapter_that_does_not_fit_says_what_it_lacks(tmp_path):
    dump = FIXTURES / "orthanc" / "mysql" / "index.sql"
    job = a_job(tmp_path, dump, "--adapter", "conquest")
    refused(pacslift("run", job), errors.NoAdapterError, dump, "'conquest'", "dicomimages")
    nothing_was_made(job)


def test_two_adapters_that_claim_one_dump_are_both_named_and_one_can_be_chosen(tmp_path):
    dump = FIXTURES / "conquest" / "sqlite-nki" / "conquest.db3"
    twins = ("--adapters", FIXTURES / "hostile" / "adapters")
    job = a_job(tmp_path, dump, *twins)
    refused(pacslift("run", job), errors.AdapterClashError, dump, "conquest", "twin", "--adapter")
    nothing_was_made(job)
    chosen = tmp_path / "chosen"
    storage = FIXTURES / "conquest" / "sqlite-nki" / "storage"
    assert init(chosen, dump, storage, NOBODY, *twins, "--adapter", "twin").exit_code == 0
    result = pacslift("extract", chosen)
    assert result.exit_code == 0
    assert "read as twin" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"patient,name\n1,x\n", "70 61 74 69"),
        (b"\0" * 128 + b"DICM" + b"\0" * 64, "is a DICOM file"),
    ],
)
def test_what_is_no_dump_is_said_to_be_none(content, said, tmp_path):
    dump = tmp_path / "dump"
    dump.write_bytes(content)
    job = a_job(tmp_path, dump)
    refused(pacslift("run", job), errors.DumpFormatError, dump, said)
    nothing_was_made(job)


def test_a_dump_that_is_not_there_is_named(tmp_path):
    dump = tmp_path / "nowhere.sql"
    job = a_job(tmp_path, dump)
    refused(pacslift("run", job), errors.DumpFormatError, dump, "No such file")
    nothing_was_made(job)


# ---------------------------------------------------------------------------------------------
# Storage and job folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> OldPacs:
    """Six slices; tests that spoil an archive make one of their own."""
    return old_pacs(tmp_path_factory.mktemp("old"))


def test_a_storage_root_that_is_not_there_is_named(archive, tmp_path):
    init(tmp_path / "job", archive.dump, tmp_path / "gone", NOBODY)
    result = pacslift("run", tmp_path / "job")
    refused(result, errors.StorageRootError, tmp_path / "gone", "mount", "job.toml")
    assert not (tmp_path / "job" / "catalog").exists()
    assert status(tmp_path / "job")["instances"] == 0


def test_a_storage_root_that_holds_nothing_of_the_dump_is_named(archive, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(b"of another archive")
    init(tmp_path / "job", archive.dump, tmp_path / "other", NOBODY)
    result = pacslift("run", tmp_path / "job")
    refused(result, errors.StorageRootError, tmp_path / "other", "not one of the")
    assert not (tmp_path / "job" / "catalog").exists()
    assert status(tmp_path / "job")["instances"] == 0


def test_an_archive_whose_files_are_all_lost_gets_a_report_if_somebody_says_so(archive, tmp_path):
    (tmp_path / "burnt").mkdir()
    init(tmp_path / "job", archive.dump, tmp_path / "burnt", NOBODY)
    result = pacslift("run", tmp_path / "job")
    refused(result, errors.StorageRootError, "accept_lost = true", "job.toml")
    job_toml = tmp_path / "job" / "job.toml"
    text = job_toml.read_text()
    job_toml.write_text(text.replace("[inventory]\n", "[inventory]\naccept_lost = true\n"))
    assert pacslift("run", tmp_path / "job").exit_code == 3
    assert status(tmp_path / "job")["causes"] == {"missing_file": 6}
    page = (tmp_path / "job" / "report" / "report.html").read_text()
    assert "files that the dump names is in the storage" in page


def test_a_run_goes_on_when_the_storage_root_is_put_right(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        init(tmp_path / "job", archive.dump, tmp_path / "gone", str(target))
        assert pacslift("run", tmp_path / "job").exit_code == 14
        text = (tmp_path / "job" / "job.toml").read_text()
        (tmp_path / "job" / "job.toml").write_text(
            text.replace(str(tmp_path / "gone"), str(archive.storage))
        )
        assert pacslift("run", tmp_path / "job").exit_code == 0


def test_a_job_folder_that_cannot_be_made_is_named(archive, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "job", Path("/proc/job")):
        result = init(place, archive.dump, archive.storage, NOBODY)
        refused(result, errors.JobFolderError, place, "choose a folder that this user may write")


def test_a_job_folder_that_may_not_be_written_is_named(archive, tmp_path, monkeypatch):
    """Root may write anywhere, so the system's answer is given for it."""
    init(tmp_path / "job", archive.dump, archive.storage, NOBODY)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "job")
    refused(pacslift("run", tmp_path / "job"), errors.JobFolderError, tmp_path / "job", "owner")


@pytest.mark.parametrize("name", ["exceptions.csv", "report/exceptions.csv", "report/report.html"])
def test_a_report_that_is_open_in_a_spreadsheet_is_named(name, archive, tmp_path, monkeypatch):
    """Windows lets nobody replace a file that a program shows; its answer is given for it."""
    job = tmp_path / "job"
    init(job, archive.dump, archive.storage, NOBODY)
    for stage in ("extract", "inventory", "plan"):
        pacslift(stage, job)
    replace = os.replace

    def refusing(source: object, target: object) -> None:
        if Path(target) == job / name:
            raise PermissionError(13, "The process cannot access the file", source, 32, target)
        replace(source, target)

    with monkeypatch.context() as shown:
        shown.setattr(os, "replace", refusing)
        refused(pacslift("report", job), errors.JobFolderError, job / name, "spreadsheet")
    assert pacslift("report", job).exit_code not in {1, 15}


def test_a_job_is_not_made_twice_in_one_folder(archive, tmp_path):
    assert init(tmp_path / "job", archive.dump, archive.storage, NOBODY).exit_code == 0
    before = (tmp_path / "job" / "job.toml").read_text()
    result = init(tmp_path / "job", archive.dump, archive.storage, "OTHER@127.0.0.1:9")
    refused(result, errors.JobFolderError, tmp_path / "job", "already holds a job")
    assert (tmp_path / "job" / "job.toml").read_text() == before


def test_a_folder_that_is_no_job_says_how_to_make_one(tmp_path):
    for command in ("run", "status", "exceptions", "doctor", "report"):
        result = pacslift(command, tmp_path)
        refused(result, errors.JobFolderError, tmp_path, "pacslift init")
        assert not list(tmp_path.iterdir())


def test_a_key_that_job_toml_does_not_have_is_named(archive, tmp_path):
    init(tmp_path / "job", archive.dump, archive.storage, NOBODY)
    path = tmp_path / "job" / "job.toml"
    path.write_text(path.read_text().replace("associations = ", "assocations = "))
    refused(pacslift("run", tmp_path / "job"), errors.JobFileError, path, "'assocations'")
    assert not (tmp_path / "job" / "ledger.db").exists()


def test_a_stage_before_its_time_says_which_comes_first(archive, tmp_path):
    init(tmp_path / "job", archive.dump, archive.storage, NOBODY)
    for stage, first in (("inventory", "extract"), ("plan", "inventory"), ("send", "plan")):
        result = pacslift(stage, tmp_path / "job")
        refused(result, errors.JobFolderError, f"pacslift {first} {tmp_path / 'job'}")


@pytest.mark.parametrize("file", ["ledger.db", "lock.db"])
def test_a_file_of_the_job_that_is_damaged_is_named(file, archive, tmp_path):
    init(tmp_path / "job", archive.dump, archive.storage, NOBODY)
    (tmp_path / "job" / file).write_bytes(b"these are not the bytes of a database " * 100)
    error = errors.LedgerError if file == "ledger.db" else errors.JobFolderError
    refused(pacslift("run", tmp_path / "job"), error, tmp_path / "job" / file)


def test_a_disk_without_room_is_named_and_the_run_goes_on_when_there_is_some(tmp_path):
    """No file may grow beyond 600 kB, which the tables of this dump need."""
    archive = old_pacs(tmp_path / "old")
    rows = [
        (f"1.2.{n}", hashlib.sha512(str(n).encode()).hexdigest(), "MAG0") for n in range(12_000)
    ]
    with closing(sqlite3.connect(archive.dump)) as database, database:
        columns = "SOPInstanc, ObjectFile, DeviceName"
        database.executemany(f"INSERT INTO DICOMImages ({columns}) VALUES (?, ?, ?)", rows)
    job = tmp_path / "job"
    init(job, archive.dump, archive.storage, NOBODY)
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
        "from pacslift.cli import main; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", limited, "run", job], capture_output=True, text=True, check=False
    )
    assert ran.returncode == errors.JobFolderError.exit_code
    assert ran.stderr.startswith(f"pacslift: the job folder {job} takes no more: ")
    assert "Traceback" not in ran.stderr
    nothing_was_made(job)
    assert pacslift("extract", job).exit_code == 0


def test_a_second_process_on_one_job_is_sent_away_and_harms_nothing(archive, tmp_path):
    with NewPacs(tmp_path / "new").hold_after(2) as target:
        job = tmp_path / "job"
        init(job, archive.dump, archive.storage, str(target))
        with started("run", job, "--log-format", "json") as run:
            target.wait_for(3)
            for command in ("run", "plan", "send"):
                refused(pacslift(command, job), errors.JobBusyError, job, "pacslift status")
            target.open_the_gate()
            assert [e["event"] for e in run.events()][-1] == "StageFinished"
            assert run.process.wait() == 0
        assert set(target.times.values()) == {1}


# ---------------------------------------------------------------------------------------------
# Targets that are of no use: the run stops, and goes on when they are


def impatient(job: Path, archive: OldPacs, target: object) -> Path:
    """A job that waits for nothing."""
    assert init(job, archive.dump, archive.storage, str(target)).exit_code == 0
    tune(job, busy_waits=[], lost_waits=[])
    return job


def stopped(job: Path, error: type[errors.StopError], *said: object) -> dict:
    """The run stops; every row is accounted for, and the report says why it stopped."""
    refused(pacslift("run", job), error, *said)
    account = status(job)
    assert account["balanced"]
    assert account["instances"] == 6
    assert account["exit_code"] == 3
    assert (job / "report" / "report.html").exists()
    return account


def test_a_target_that_is_not_there_stops_the_run(archive, tmp_path):
    nobody = f"NOBODY@127.0.0.1:{free_port()}"
    job = impatient(tmp_path / "job", archive, nobody)
    account = stopped(job, errors.TargetUnreachableError, nobody, "Connection refused", "port")
    assert account["states"]["planned"] == 6


@pytest.mark.parametrize("script", [hang_up, abort_at_once])
def test_a_target_that_speaks_no_dicom_with_us_stops_the_run(script, archive, tmp_path):
    with RawTarget(script) as target:
        job = impatient(tmp_path / "job", archive, target.address)
        result = pacslift("run", job)
        assert result.exit_code in (20, 21)
        assert "check" in result.stderr.splitlines()[-1]
        assert status(job)["states"]["planned"] == 6


def test_a_target_that_does_not_know_our_ae_title_stops_the_run(archive, tmp_path):
    with ScriptedArchive([CT]).refuse_our_ae_title() as target:
        job = impatient(tmp_path / "job", archive, target.address)
        said = (target.address.port, "calling AE title not recognized", "--aet")
        account = stopped(job, errors.TargetRejectedError, *said)
        assert account["states"]["planned"] == 6


def test_a_target_that_takes_nothing_of_what_we_have_stops_the_run(archive, tmp_path):
    with ScriptedArchive([CT]).accept_nothing() as target:
        job = impatient(tmp_path / "job", archive, target.address)
        account = stopped(job, errors.NoContextError, target.address, "CT Image Storage", "allow")
        assert account["states"]["planned"] == 6


def test_a_target_that_hangs_up_in_the_middle_of_every_object_stops_the_run(archive, tmp_path):
    with RawTarget(close_in_the_middle) as target:
        job = impatient(tmp_path / "job", archive, target.address)
        account = stopped(job, errors.TargetLostError, "got no answer", "log", "goes on")
    assert account["states"]["stored"] == account["states"]["verified"] == 0
    with NewPacs(tmp_path / "new") as target:
        tune(job, port=target.port, aet=target.aet)
        assert pacslift("run", job).exit_code == 0


def test_a_target_that_stays_out_of_resources_stops_the_run(archive, tmp_path):
    with NewPacs(tmp_path / "new").always(answering(0xA700)) as target:
        job = impatient(tmp_path / "job", archive, target)
        account = stopped(job, errors.TargetBusyError, "out of resources", "A700h", "disks")
        assert account["causes"].keys() == {"out_of_resources"}
        target.always(target.stored)
        assert pacslift("run", job).exit_code == 0


def test_a_target_that_is_out_of_resources_for_a_while_gets_everything(archive, tmp_path):
    with NewPacs(tmp_path / "new").next(*[answering(0xA700)] * 4) as target:
        job = impatient(tmp_path / "job", archive, target)
        tune(job, busy_waits=[0, 0, 0, 0])
        assert pacslift("run", job).exit_code == 0
        assert len(target.received) == 6 + 4


# ---------------------------------------------------------------------------------------------
# Targets that do not keep what they are sent: the run ends, with exceptions


def exceptions(job: Path, **states: int) -> dict:
    """The run ends with exit code 3, and these states; gives the account."""
    result = pacslift("run", job)
    assert result.exit_code == 3, result.output
    discreet(result)
    account = status(job)
    assert account["balanced"]
    assert {state: n for state, n in account["states"].items() if n} == states
    return account


def test_objects_that_the_target_refuses_are_failed(archive, tmp_path):
    with NewPacs(tmp_path / "new").always(answering(0xC000)) as target:
        job = impatient(tmp_path / "job", archive, target)
        account = exceptions(job, failed=6)
        assert account["causes"] == {"refused_by_target": 6}
        assert set(target.times.values()) == {1}
        assert "C000h" in (job / "exceptions.csv").read_text()


def test_objects_stored_with_a_warning_never_count_as_clean(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        target.always(target.stored_with_warning)
        job = impatient(tmp_path / "job", archive, target)
        account = exceptions(job, stored_changed=6)
        assert account["causes"] == {"stored_with_warning": 6}


def test_a_target_that_takes_no_queries_leaves_everything_unverified_and_says_so(archive, tmp_path):
    with NewPacs(tmp_path / "new").take_no_queries() as target:
        job = impatient(tmp_path / "job", archive, target)
        account = exceptions(job, stored=6)
        assert "C-FIND" in account["no_verification"]
        assert len(target.received) == 6
    assert "not verified: " in pacslift("status", job).stdout


def test_an_object_that_the_target_dropped_in_silence_is_found_missing(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        target.on(archive.uids[3], target.dropped)
        job = impatient(tmp_path / "job", archive, target)
        account = exceptions(job, verified=5, missing_at_target=1)
        assert account["causes"] == {"not_at_target": 1}
        assert archive.uids[3] in (job / "exceptions.csv").read_text()


def test_one_object_that_the_target_cannot_bear_does_not_stop_the_others(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        target.on(archive.uids[3], target.aborted)
        job = impatient(tmp_path / "job", archive, target)
        tune(job, lost_waits=[0, 0])
        account = exceptions(job, verified=5, failed=1)
        assert account["causes"] == {"no_answer": 1}
        assert target.times[archive.uids[3]] == 3


def test_a_study_that_the_target_cannot_bear_does_not_hold_up_the_others_for_ever(tmp_path):
    """Three objects in a row without an answer stop the run; started again, it sends the rest."""
    archive = old_pacs(tmp_path / "old", slices=12)
    newest = archive.uids[3::4]  # the study that is sent first
    with NewPacs(tmp_path / "new") as target:
        for uid in newest:
            target.on(uid, target.aborted)
        job = impatient(tmp_path / "job", archive, target)
        tune(job, associations=1)
        refused(pacslift("run", job), errors.TargetLostError, "3 objects in a row got no answer")
        before = len(target.received)
        account = exceptions(job, verified=9, failed=3)
        assert account["causes"] == {"no_answer": 3}
        assert target.received[-3:] == target.received[:3]  # tried again, but last of all
        assert len(target.received) - before <= 9 + 3


def test_an_answer_that_was_lost_is_asked_for(archive, tmp_path):
    """The target stores the object and aborts before it says so."""

    def store_and_abort(event):
        target.stored(event)
        return target.aborted(event)

    with NewPacs(tmp_path / "new") as target:
        target.on(archive.uids[3], store_and_abort)
        job = impatient(tmp_path / "job", archive, target)
        assert pacslift("run", job).exit_code == 0
        assert status(job)["states"]["verified"] == 6


def failing_over(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the disk gives an error when *bad* is read."""
    read = readat.read_at

    def read_at(fd: int, length: int, offset: int) -> bytes:
        if Path(f"/proc/self/fd/{fd}").readlink() == bad.resolve():
            raise OSError(errno.EIO, "Input/output error")
        return read(fd, length, offset)

    monkeypatch.setattr(readat, "read_at", read_at)


def test_a_disk_that_fails_over_one_file_does_not_stop_the_others(archive, tmp_path, monkeypatch):
    failing_over(archive.files[archive.uids[2]], monkeypatch)
    with NewPacs(tmp_path / "new") as target:
        job = impatient(tmp_path / "job", archive, target)
        account = exceptions(job, verified=5, set_aside=1)
        assert account["causes"] == {"unreadable": 1}


def test_a_disk_that_fails_while_a_digest_is_checked_does_not_stop_the_others(
    tmp_path, monkeypatch
):
    """Orthanc keeps an MD5 of every file, for which the file is read once more."""
    case = FIXTURES / "orthanc" / "mysql"
    with (case / "expected" / "files.csv").open() as rows:
        failing_over(case / "storage" / next(csv.DictReader(rows))["path"], monkeypatch)
    with NewPacs(tmp_path / "new") as target:
        job = tmp_path / "job"
        init(job, case / "index.sql", case / "storage", str(target))
        tune(job, probe="none")
        # the one that differs is of a study under two patients, which this target cannot hold
        account = exceptions(job, verified=6, differs_at_target=1, set_aside=1)
        assert account["causes"]["unreadable"] == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_on_a_full_disk_ends_the_run_with_an_exit_code_of_its_own(archive, tmp_path, form):
    full, nowhere = Path("/dev/full"), Path(os.devnull)
    with NewPacs(tmp_path / "new") as target, full.open("w") as err, nowhere.open("w") as out:
        job = impatient(tmp_path / "job", archive, target)
        run = warmstart.start(["run", job, "--log-format", form], out.fileno(), err.fileno())
        assert run.wait() == errors.JobFolderError.exit_code
        assert pacslift("run", job).exit_code == 0
        assert set(target.times.values()) == {1}
