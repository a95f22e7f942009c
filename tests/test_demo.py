"""The demo: the whole job on the archive that ships, from the checkout and from a wheel."""

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from jobs import pacslift, snapshot, status
from pacslift.demo import shipped_archive
from servers import CHECKOUT

TRUTH = CHECKOUT / "fixtures" / "dcm4chee2" / "demo" / "truth.csv"


def truth() -> Counter[tuple[str, str, str]]:
    """SOP Instance UID or path, state and cause of every row and of every file without a row."""
    with TRUTH.open(newline="", encoding="utf-8") as rows:
        return Counter(
            (row["sop_instance_uid"] or row["path"], row["state"], row["cause"])
            for row in csv.DictReader(rows)
        )  # fmt: skip


def came_true(job: Path) -> Counter[tuple[str, str, str]]:
    """The same from the job's ledger, read past pacslift."""
    with closing(sqlite3.connect(job / "ledger.db")) as ledger:
        instances = ledger.execute("SELECT sop_instance_uid, state, cause FROM instances")
        files = ledger.execute("SELECT relative, state, '' FROM files WHERE state != 'used'")
        return Counter((uid, state, cause or "") for uid, state, cause in (*instances, *files))


def as_expected(folder: Path) -> None:
    """Every row and every file ended as the truth says, and the report tells it."""
    expected = truth()
    assert came_true(folder / "job") == expected
    assert (folder / "job" / "report" / "report.html").stat().st_size > 0
    account = json.loads((folder / "job" / "report" / "account.json").read_text())
    states = Counter(state for _, state, _ in expected.elements())
    assert account["balanced"]
    assert account["states"]["verified"] == states["verified"]
    assert account["states"]["set_aside"] == states["set_aside"]
    assert account["file_states"]["orphan"] == states["orphan"]
    arrived = {uid for uid, state, _ in expected if state == "verified"}
    assert len(list((folder / "target").glob("*.dcm"))) == len(arrived)


def test_the_demo_ends_as_its_truth_says(tmp_path):
    before = snapshot(shipped_archive())
    ran = pacslift("demo", tmp_path / "demo")
    assert ran.exit_code == 3
    assert "balanced. Finished with exceptions: 21 of 24" in ran.stdout
    as_expected(tmp_path / "demo")
    assert snapshot(shipped_archive()) == before


def test_the_demo_leaves_its_own_copy_of_the_archive_as_it_was(tmp_path):
    pacslift("demo", tmp_path / "demo")
    copied, shipped = snapshot(tmp_path / "demo" / "archive"), snapshot(shipped_archive())
    assert {path: seen[2] for path, seen in copied.items()} == {
        path: seen[2] for path, seen in shipped.items() if not path.startswith("expected")
    }


def arrived_as(headers: Iterable[Dataset]) -> dict[str, tuple[str, ...]]:
    """What identifies each object, in the order of truth.csv's columns."""
    keywords = ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber")
    return {one.SOPInstanceUID: tuple(str(one[key].value) for key in keywords) for one in headers}


def has_to_arrive_as() -> dict[str, tuple[str, ...]]:
    columns = ("patient_id", "patient_name", "patient_birth_date", "accession_number")
    with TRUTH.open(newline="", encoding="utf-8") as rows:
        return {
            row["sop_instance_uid"]: tuple(row[column] for column in columns)
            for row in csv.DictReader(rows)
            if row["state"] == "verified"
        }


def test_the_demo_brings_every_object_along_as_the_database_corrected_it(tmp_path):
    ran = pacslift("demo", tmp_path / "demo")
    arrived = [dcmread(path) for path in (tmp_path / "demo" / "target").glob("*.dcm")]
    assert arrived_as(arrived) == has_to_arrive_as()
    corrected = sum("OriginalAttributesSequence" in one for one in arrived)
    assert f"21 stored ({corrected} corrected)" in ran.output
    assert corrected == 9 + 6 + 3  # CT and MR of her who married, the X-rays ordered late


def test_the_demos_report_says_what_the_database_corrected(tmp_path):
    pacslift("demo", tmp_path / "demo")
    report = tmp_path / "demo" / "job" / "report"
    with (report / "changes_patient_data.csv").open(newline="", encoding="utf-8") as rows:
        changed = Counter(row["keyword"] for row in csv.DictReader(rows))
    assert changed == {
        "PatientName": 15, "PatientBirthDate": 15, "PatientID": 6,
        "AccessionNumber": 3, "StudyDescription": 3,
    }  # fmt: skip
    page = (report / "report.html").read_text(encoding="utf-8")
    assert all(f'<td class="word">{keyword}</td>' in page for keyword in changed)
    assert "Muster" not in page


def test_the_demo_gives_a_program_one_json_object(tmp_path):
    ran = pacslift("demo", tmp_path / "demo", "--json")
    assert json.loads(ran.stdout) == status(tmp_path / "demo" / "job")


def test_the_demo_does_not_write_over_a_folder_that_holds_something(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.doc").write_text("ten years of work")
    ran = pacslift("demo", tmp_path / "demo")
    assert ran.exit_code == 15
    assert f"{tmp_path / 'demo'} is not empty" in ran.stderr
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["thesis.doc"]


def test_a_second_demo_in_the_same_folder_is_refused_and_harms_nothing(tmp_path):
    pacslift("demo", tmp_path / "demo")
    before = status(tmp_path / "demo" / "job")
    ran = pacslift("demo", tmp_path / "demo")
    assert ran.exit_code == 15
    assert "pacslift demo DIR" in ran.stderr
    assert status(tmp_path / "demo" / "job") == before


def test_a_demo_that_cannot_write_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    ran = pacslift("demo", tmp_path / "file" / "demo")
    assert ran.exit_code == 15
    assert str(tmp_path / "file") in ran.stderr
    assert "Traceback" not in ran.output


def test_the_demo_can_be_sent_to_a_real_pacs(orthanc, tmp_path):
    ran = pacslift("demo", tmp_path / "demo", "--target", f"ORTHANC@127.0.0.1:{orthanc.port}")
    assert ran.exit_code == 3
    expected = truth()
    assert came_true(tmp_path / "demo" / "job") == expected
    arrived = {uid for uid, state, _ in expected if state == "verified"}
    assert set(orthanc.instances()) == arrived
    assert len(orthanc.ids()) == len(arrived)
    held = [dcmread(BytesIO(orthanc.file(one))) for one in orthanc.ids()]
    assert arrived_as(held) == has_to_arrive_as()
    assert not (tmp_path / "demo" / "target").exists()


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that the wheel of this checkout is installed into, alone."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    build = ["hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run([sys.executable, "-m", *build], cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = wheels.glob("pacslift-*.whl")
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([sys.executable, "-m", *install, "--target", folder, wheel], check=True)
    return folder


def test_the_demo_runs_from_a_wheel_without_the_checkout(installed, tmp_path):
    entry = (
        "import sys\n"
        f"sys.path = [p for p in sys.path if not p.startswith({str(CHECKOUT / 'src')!r})]\n"
        "import pacslift\n"
        "from pacslift.cli import main\n"
        "print(pacslift.__file__, file=sys.stderr)\n"
        "main(['demo', 'demo', '--json'])\n"
    )
    (tmp_path / "empty").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", entry],
        cwd=tmp_path / "empty",
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.splitlines()[0] == str(installed / "pacslift" / "__init__.py")
    as_expected(tmp_path / "empty" / "demo")
    assert json.loads(ran.stdout) == status(tmp_path / "empty" / "demo" / "job")


def test_the_wheel_brings_every_adapter_and_nothing_of_the_tests(installed):
    shipped = {path.name for path in (installed / "pacslift" / "_adapters").iterdir()}
    assert shipped >= {path.parent.name for path in (CHECKOUT / "adapters").glob("*/adapter.toml")}
    assert not list(installed.glob("tests*"))
    assert not list((installed / "pacslift").rglob("__pycache__"))
