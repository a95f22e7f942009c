"""The shipped demo archive holds what its truth.csv says, and works where it may only be read."""

import csv
import shutil
from pathlib import Path

import polars as pl
import pytest
from pydicom import dcmread

from jobs import snapshot
from pacslift.cases import load_case
from pacslift.ledger import Candidate, Planned
from pacslift.send.load import load
from readcases import FIXTURES, case_of, catalog_of, causes, inventory_of

DEMO = "dcm4chee2/demo"
ARRIVES = ("patient_id", "patient_name", "patient_birth_date", "accession_number")


@pytest.fixture(scope="module")
def truth():
    with (FIXTURES / DEMO / "truth.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@pytest.fixture(scope="module")
def found():
    return inventory_of(case_of(DEMO), "dcm4chee2")


def test_every_row_fares_as_the_truth_says(truth, found):
    keys = dict(
        catalog_of(case_of(DEMO), "dcm4chee2")["instances"]
        .select("instance_key", "sop_instance_uid")
        .iter_rows()
    )
    told = {row["sop_instance_uid"]: row["cause"] for row in truth if row["state"] == "set_aside"}
    assert {keys[key]: cause for key, cause in causes(found).items()} == told
    assert sorted(keys.values()) == sorted(
        row["sop_instance_uid"] for row in truth if row["sop_instance_uid"]
    )


def test_every_file_that_is_not_read_is_as_the_truth_says(truth, found):
    states = found.reconciled.files.filter(pl.col("state") != "used")
    told = {(row["path"], row["state"]) for row in truth if not row["sop_instance_uid"]}
    assert set(states.select("relative", "state").iter_rows()) == told
    assert len(told) == 3


def test_the_database_knows_with_what_each_object_has_to_arrive(truth):
    catalog = catalog_of(case_of(DEMO), "dcm4chee2")
    known = (
        catalog["instances"]
        .select("series_key", "sop_instance_uid")
        .join(catalog["series"].select("series_key", "study_key"), on="series_key")
        .join(catalog["studies"].drop("attributes"), on="study_key")
        .join(catalog["patients"].drop("attributes"), on="patient_key")
    )
    says = {uid: rest for uid, *rest in known.select("sop_instance_uid", *ARRIVES).iter_rows()}
    for row in truth:
        if row["state"] == "verified":
            assert says[row["sop_instance_uid"]] == [row[name] for name in ARRIVES]


def test_the_files_alone_would_bring_the_wrong_patient(truth):
    right = {row["sop_instance_uid"]: row for row in truth if row["state"] == "verified"}
    wrong = 0
    for path in sorted((FIXTURES / DEMO / "storage" / "online").rglob("*")):
        if path.is_file() and (made := dcmread(path, force=True, stop_before_pixels=True)):
            said = right.get(made.get("SOPInstanceUID"))
            wrong += bool(said) and (
                str(made.PatientName) != said["patient_name"]
                or made.PatientID != said["patient_id"]
                or made.AccessionNumber != said["accession_number"]
            )
    assert wrong == 9 + 3 + 3  # CT slices, MR slices that are no TAR entries, X-rays


def test_the_archive_is_small_enough_to_ship():
    files = [path for path in (FIXTURES / DEMO).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 400_000


def test_a_good_copy_stands_in_for_a_rotten_one(truth, found):
    (spare,) = [row["path"] for row in truth if row["state"] == "spare_copy"]
    copies = found.reconciled.candidates.filter(pl.col("relative") == spare).sort("rank")
    assert copies["rank"].to_list() == [0, 1]
    columns = list(Candidate.__dataclass_fields__)
    candidates = tuple(Candidate(**row) for row in copies.select(columns).iter_rows(named=True))
    outgoing, read = load(Planned("", "", None, None, None, None, None, candidates))
    outgoing.close()
    assert Path(read.mount).name == "nearline"


def test_nothing_is_written_beside_an_archive_that_may_only_be_read(tmp_path):
    folder = tmp_path / "_demo"
    shutil.copytree(FIXTURES / DEMO, folder)
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = snapshot(folder)
    inventory_of(load_case(folder), "dcm4chee2")
    assert snapshot(folder) == before
    for path in everything:
        path.chmod(0o755)
