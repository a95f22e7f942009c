"""job.toml: what a person writes, and what happens when it is wrong."""

import sqlite3
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.cli_job import manned
from pacslift.errors import JobBusyError, JobFileError, JobFolderError
from pacslift.events import silence
from pacslift.job import Job, TargetAddress, parse_target
from pacslift.job_lock import job_lock
from pacslift.job_reading import load_job
from pacslift.job_revision import content_digest, touch_revised
from pacslift.job_writing import create_job, to_toml
from pacslift.running import Run


def a_job(folder: Path, **changes) -> Job:
    target = TargetAddress("NEWPACS", "127.0.0.1", 104)
    return replace(
        Job(folder, (Path("/dumps/index.sql"),), {"": Path("/mnt/copy")}, target), **changes
    )


def test_a_job_is_read_back_as_it_was_written(tmp_path):
    job = a_job(tmp_path / "job", mounts={"D:\\pacs": Path("/mnt/d"), 'odd "name"': Path("/x")})
    create_job(job)
    read = load_job(tmp_path / "job")
    assert replace(read, revised="") == job
    assert read.revised.endswith("Z")


def test_what_a_target_means_by_its_statuses_is_read_back_as_it_was_written(tmp_path):
    statuses = {"C000-C0FF": "back off", "A701": "stop"}
    create_job(a_job(tmp_path / "job", profile="dcm4chee-arc", statuses=statuses))
    read = load_job(tmp_path / "job")
    assert (read.profile, read.statuses) == ("dcm4chee-arc", statuses)


def test_only_its_owner_can_look_into_a_job_folder(tmp_path):
    create_job(a_job(tmp_path / "job"))
    assert (tmp_path / "job").stat().st_mode & 0o077 == 0


def test_a_second_job_is_not_written_over_the_first(tmp_path):
    create_job(a_job(tmp_path / "job"))
    with pytest.raises(JobFolderError, match="already holds a job"):
        create_job(a_job(tmp_path / "job"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JobFolderError, match=r"file/job cannot be made"):
        create_job(a_job(tmp_path / "file" / "job"))


def test_a_folder_without_a_job_says_how_to_make_one(tmp_path):
    with pytest.raises(JobFolderError, match="pacslift init"):
        load_job(tmp_path)


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("associations = 0", "assocations = 0", "unknown key 'assocations'"),
        ("associations = 0", "associations = -1", "must be 1 or more"),
        ("processes = 0", "processes = -1", "must be 1 or more, or 0 to be found"),
        ("window = 8", "window = 0", "must be 1 or more"),
        ("associations = 0", 'associations = "2"', "not of the right kind"),
        ('probe = "sample"', 'probe = "some"', "none, sample or all"),
        ('host = "127.0.0.1"', "", "'host' is missing"),
        ("busy_waits = [1.0", "busy_waits = [-1.0", "0 or more"),
        ("lost_waits = [0.0", 'lost_waits = ["soon"', "0 or more"),
        ("port = 104", "port = 70000", "port 1 to 65535"),
        ("[target]", "[target", "mend the line"),
        ("[send]", "[sent]", "unknown key 'sent'; did you mean 'send'"),
        (
            "port = 104",
            'port = "104"',
            r"\[target\] 'port' is '104'.*a whole number, without quotes",
        ),
        ("processes = 0", "processes = 1.5", r"\[send\] 'processes' is 1.5.*a whole number"),
        ("dumps = [", "dumps = [ 3,", r"\[source\] 'dumps' must be a list of texts"),
        ('"" = "', '"" = 3 #"', r"\[storage.mounts\] '' is 3.*a text in straight quotes"),
        ('"" = "', r'"" = "C:\new', r"with a control character; write each . of a path twice"),
        ('"" = "', r'"" = "D:\pacs', r"at line \d.*; write each . of a path twice"),
        ('"sample"', "\u201csample\u201d", "use straight quotes"),
        ("response_timeout = 60.0", "response_timeout = nan", "must be a finite number"),
        ("lost_waits = [0.0", "lost_waits = [inf", "0 or more"),
        ("revised = 2", "revised = 'x' #2", "a time like"),
    ],
)
def test_a_mistake_in_job_toml_is_named(tmp_path, line, instead, said):
    create_job(a_job(tmp_path))
    path = tmp_path / "job.toml"
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, instead, 1))
    with pytest.raises(JobFileError, match=said):
        load_job(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# Prüfung\n".encode("latin-1"), "job.toml, line 1: it is not in UTF-8; save"),
        ("revised = 1\n".encode("utf-16"), "in UTF-16, which Windows calls Unicode; save it in"),
        ("revised = 1\n".encode("utf-16-be"), "in UTF-16, which Windows calls Unicode; save it in"),
    ],
)
def test_a_job_file_that_an_editor_saved_otherwise_says_how_to_save_it(tmp_path, content, said):
    (tmp_path / "job.toml").write_bytes(content)
    with pytest.raises(JobFileError, match=said):
        load_job(tmp_path)


def test_a_job_file_from_notepad_is_read_and_revised(tmp_path):
    create_job(a_job(tmp_path))
    path = tmp_path / "job.toml"
    first = "\n".join(sorted(path.read_text().splitlines(), key=lambda s: "revised" not in s)[:1])
    rest = path.read_text().replace(first, "")
    path.write_bytes(f"\ufeff{first}\n{rest}".replace("\n", "\r\n").encode())
    read = load_job(tmp_path)
    assert touch_revised(read).revised >= read.revised
    assert path.read_text().count("revised = ") == 1
    assert load_job(tmp_path) == replace(read, revised=load_job(tmp_path).revised)


@pytest.mark.parametrize(
    ("folder", "said"),
    [("nowhere", ".*pacslift init"), ("empty", ".*pacslift init"), ("file", ".*name the folder")],
)
def test_what_is_no_job_folder_says_so_whatever_it_is(tmp_path, folder, said):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(JobFolderError, match=f"{folder} is no job folder{said}"):
        load_job(tmp_path / folder)


@pytest.mark.parametrize("text", ["", "PACS", "PACS@host", "@host:104", "A" * 17 + "@h:1", "P@h:0"])
def test_a_target_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(JobFileError, match=r"ORTHANC@10\.0\.0\.5:4242"):
        parse_target(text)


def test_a_new_revision_changes_the_time_and_nothing_else_that_a_person_wrote(tmp_path):
    create_job(a_job(tmp_path))
    path = tmp_path / "job.toml"
    path.write_text(path.read_text() + "# my own remark\n")
    before = path.read_text().splitlines()
    touch_revised(load_job(tmp_path))
    after = path.read_text().splitlines()
    differing = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert all(a.startswith("revised = ") and b.startswith("revised = ") for a, b in differing)
    assert after[-1] == "# my own remark"


def test_a_job_that_an_editor_of_windows_has_saved_is_read_as_before(tmp_path):
    """With a mark before its UTF-8, and lines that end in CR LF."""
    create_job(a_job(tmp_path / "job", mounts={"D:\\bilder": Path("/mnt/bücher")}))
    before, path = load_job(tmp_path / "job"), tmp_path / "job" / "job.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    read = load_job(tmp_path / "job")
    assert read == before
    assert touch_revised(read).mounts == before.mounts
    assert b"\r" not in path.read_bytes()
    assert path.read_bytes().count(b"revised = ") == 1


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30))
def test_any_name_of_a_root_survives_the_file(name):
    text = to_toml(a_job(Path("/job"), mounts={name: Path("/mnt")}))
    assert name in tomllib.loads(text)["storage"]["mounts"]


def test_a_job_is_held_by_one_process_and_let_go_at_its_end(tmp_path):
    with job_lock(tmp_path):
        with pytest.raises(JobBusyError, match="another pacslift process"), job_lock(tmp_path):
            pass
        with pytest.raises(JobBusyError), job_lock(tmp_path):
            pass
    with job_lock(tmp_path):
        pass


def test_a_job_that_a_killed_process_held_is_free(tmp_path):
    hold = (
        "import sys, pathlib\n"
        "from pacslift.job_lock import job_lock\n"
        "with job_lock(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(JobBusyError), job_lock(tmp_path):
            pass
        holder.kill()
        holder.wait()
        with job_lock(tmp_path):
            pass


def test_a_folder_in_which_nothing_can_be_locked_is_named(tmp_path):
    (tmp_path / "lock.db").mkdir()
    with pytest.raises(JobFolderError, match=r"lock\.db cannot be locked"), job_lock(tmp_path):
        pass


def test_an_error_while_the_job_is_held_is_not_taken_for_one_of_the_lock(tmp_path):
    with pytest.raises(sqlite3.DatabaseError, match="of a dump"), job_lock(tmp_path):
        raise sqlite3.DatabaseError("of a dump")


def test_character_sets_and_an_accepted_early_end_are_read_back_as_they_were_written(tmp_path):
    lines = {"*": "cp850", "patient.pat_name": "utf-8-twice"}
    job = a_job(
        tmp_path / "job", charset=lines, accept_truncated=True, accept_lost=True, schema="public"
    )
    create_job(job)
    assert replace(load_job(tmp_path / "job"), revised="") == job
    assert content_digest(job, "") != content_digest(replace(job, charset={}), "")


def test_a_new_job_finds_its_processes_and_associations_by_itself(tmp_path):
    create_job(a_job(tmp_path))
    assert "\nprocesses = 0  # 0: found while sending\n" in (tmp_path / "job.toml").read_text()
    assert (load_job(tmp_path).processes, load_job(tmp_path).associations) == (0, 0)


@pytest.mark.parametrize(
    ("on_the_line", "means"),
    [((None, None), (2, 3)), ((0, None), (0, 3)), ((None, 0), (2, 0)), ((4, 1), (4, 1))],
)
def test_what_the_command_line_says_of_the_senders_holds_zero_too(tmp_path, on_the_line, means):
    work = Run(a_job(tmp_path, processes=2, associations=3), None, silence)
    job = manned(work, *on_the_line).job
    assert (job.processes, job.associations) == means


def test_how_many_send_is_no_part_of_what_decides_the_bytes(tmp_path):
    digests = {
        content_digest(a_job(tmp_path, processes=p, associations=a), "adapter")
        for p, a in ((0, 0), (1, 0), (4, 2))
    }
    assert len(digests) == 1
