"""Catalog against disk, with real files: every file is found once and judged once."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import inventories
from pacslift.adapter import load_adapters
from pacslift.errors import Cause, StorageRootError
from pacslift.events import silence
from pacslift.inventory.build import build_catalog
from pacslift.inventory.disk import list_disk
from storedobjects import image, part10

CONQUEST = load_adapters()["conquest"]
UID = "1.2.3.4"  # of every object that storedobjects builds
SERIES, STUDY = "1.2.3.1", "1.2.3"
OBJECT = part10(image(), "1.2.840.10008.1.2.1")
OTHER_PIXELS = part10(image(pixels=bytes(32)), "1.2.840.10008.1.2.1")


def catalog(*paths: str, uids: list[str] | None = None):
    row = {"sopclassui": "1.2.840.10008.5.1.4.1.1.2", "seriesinst": SERIES, "devicename": "MAG0"}
    uids = uids or [UID] * len(paths)
    rows = [
        row | {"sopinstanc": uid, "objectfile": path} for uid, path in zip(uids, paths, strict=True)
    ]
    return build_catalog(CONQUEST, {
        "dicompatients": pl.LazyFrame([{"patientid": "P1", "patientnam": "TEST"}]),
        "dicomstudies": pl.LazyFrame([{"studyinsta": STUDY, "patientid": "P1"}]),
        "dicomseries": pl.LazyFrame(
            [{"seriesinst": SERIES, "studyinsta": STUDY, "modality": "CT"}]
        ),
        "dicomimages": pl.LazyFrame(rows),
    })  # fmt: skip


def taken(catalog_, mounts, dumps=(), probe="sample", size=None):
    if isinstance(mounts, Path):
        mounts = {"": mounts}
    return inventories.taken(CONQUEST, catalog_, mounts, dumps, probe, size)


def causes(inventory):
    return dict(inventory.reconciled.instances.select("instance_key", "cause").iter_rows())


def states(inventory):
    return dict(inventory.reconciled.files.select("relative", "state").iter_rows())


def test_equal_objects_under_two_rows_are_sent_once(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    (tmp_path / "b.dcm").write_bytes(OBJECT)
    found = taken(catalog("a.dcm", "b.dcm"), tmp_path)
    assert causes(found) == {UID: None, f"{UID}#2": Cause.DUPLICATE_EQUAL}


def test_the_same_object_in_another_container_is_still_the_same(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    (tmp_path / "b.v2").write_bytes(image())  # without preamble and meta information
    found = taken(catalog("a.dcm", "b.v2"), tmp_path)
    assert causes(found)[f"{UID}#2"] == Cause.DUPLICATE_EQUAL


def test_different_objects_with_one_uid_are_both_held_back(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    (tmp_path / "b.dcm").write_bytes(OTHER_PIXELS)
    found = taken(catalog("a.dcm", "b.dcm"), tmp_path)
    assert set(causes(found).values()) == {Cause.DUPLICATE_DIFFERS}


def test_one_of_two_rows_whose_file_is_lost_leaves_the_other_to_be_sent(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    found = taken(catalog("a.dcm", "b.dcm"), tmp_path)
    assert causes(found) == {UID: None, f"{UID}#2": Cause.MISSING_FILE}


def test_what_no_row_names_is_opened_and_told_for_what_it_is(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    (tmp_path / "copy.dcm").write_bytes(OBJECT)
    (tmp_path / "notes.log").write_text("started")
    (tmp_path / "empty").touch()
    (tmp_path / "index.db").write_bytes(b"SQLite format 3\0")
    found = taken(catalog("a.dcm"), tmp_path, dumps=[tmp_path / "index.db"])
    assert states(found) == {
        "a.dcm": "used",
        "copy.dcm": "orphan_duplicate",
        "notes.log": "not_dicom",
        "empty": "not_dicom",
        "index.db": "index",
    }


def test_an_object_of_no_row_is_an_orphan(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    rows = catalog("lost.dcm", "also lost.dcm", uids=["1.9", "1.8"])
    with pytest.raises(StorageRootError):  # nothing of the dump is here: a wrong root
        taken(rows, tmp_path)
    (tmp_path / "lost.dcm").write_bytes(OBJECT)
    assert states(taken(rows, tmp_path))["a.dcm"] == "orphan"


def test_a_root_that_holds_nothing_of_the_dump_is_refused_and_the_first_path_named(tmp_path):
    (tmp_path / "something").touch()
    with pytest.raises(StorageRootError, match=r"not one of the 2 files.*P1/a\.dcm"):
        taken(catalog("P1/a.dcm"), tmp_path)


def test_a_root_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StorageRootError, match="which is no folder"):
        taken(catalog("a.dcm"), tmp_path / "gone")


def test_a_path_that_leads_out_of_the_root_is_refused_and_counted(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    found = taken(catalog("a.dcm", "../../etc/passwd", uids=[UID, "1.9"]), tmp_path)
    assert causes(found)["1.9"] == Cause.OUTSIDE_ROOT


def test_a_symbolic_link_is_not_followed_and_the_report_says_so(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.dcm").write_bytes(OBJECT)
    (root / "a.dcm").write_bytes(OBJECT)
    (root / "b.dcm").symlink_to(tmp_path / "outside.dcm")
    found = taken(catalog("a.dcm", "b.dcm", uids=[UID, "1.9"]), root)
    assert causes(found)["1.9"] == Cause.UNREADABLE
    assert any(
        "1 symbolic link in the storage not followed" in finding for finding in found.findings
    )


def test_a_file_below_two_roots_is_counted_once(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.dcm").write_bytes(OBJECT)
    (tmp_path / "b.dcm").write_bytes(OBJECT)
    disk = pl.concat(list_disk([tmp_path, inner], silence))
    assert sorted(disk["relative"]) == ["a.dcm", "b.dcm"]


def test_opening_all_files_sets_the_faulty_ones_aside_before_anything_is_sent(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    (tmp_path / "b.dcm").write_bytes(OBJECT[:-20])
    rows = catalog("a.dcm", "b.dcm", uids=[UID, "1.9"])
    assert causes(taken(rows, tmp_path))["1.9"] is None
    assert causes(taken(rows, tmp_path, probe="all"))["1.9"] == Cause.TRUNCATED


def test_few_files_found_is_a_warning_by_the_share_that_the_adapter_sets(tmp_path):
    (tmp_path / "a.dcm").write_bytes(OBJECT)
    rows = catalog("a.dcm", "b.dcm", uids=[UID, "1.9"])
    assert any("only 1 of 2" in finding for finding in taken(rows, tmp_path).findings)
    easy = replace(CONQUEST, warn_share_with_file=0.5)
    found = inventories.taken(easy, rows, {"": tmp_path}, (), "none")
    assert not any("only 1 of 2" in finding for finding in found.findings)


def test_the_inventory_writes_nothing_into_the_storage(tmp_path):
    root = tmp_path / "root"
    shutil.copytree(Path(__file__).parents[2] / "fixtures" / "conquest" / "dbase", root)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    (root / "storage").chmod(0o500)
    try:
        taken(catalog("x.dcm", "y.dcm"), {"": root})
    except StorageRootError:
        pass
    finally:
        (root / "storage").chmod(0o700)
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


@pytest.mark.parametrize("probe", ["none", "sample", "all"])
@pytest.mark.parametrize("size", [1, 7])
def test_an_archive_of_any_size_gets_the_verdicts_of_one_that_fits_into_memory(
    tmp_path, probe, size
):
    for name in ("a.dcm", "again.dcm", "orphan.dcm", "c.dcm", "d.dcm"):
        (tmp_path / name).write_bytes(OBJECT)
    (tmp_path / "cut.dcm").write_bytes(OBJECT[:-20])
    (tmp_path / "other.dcm").write_bytes(OTHER_PIXELS)
    (tmp_path / "notes.txt").write_bytes(b"no object")
    rows = catalog(
        "a.dcm", "again.dcm", "c.dcm", "other.dcm", "cut.dcm", "lost.dcm", "D.dcm",
        uids=["1.1", "1.1", "1.2", "1.2", "1.3", "1.4", UID],
    )  # fmt: skip
    whole, parts = taken(rows, tmp_path, probe=probe), taken(rows, tmp_path, probe=probe, size=size)
    assert causes(parts) == causes(whole)
    assert states(parts) == states(whole)
    assert parts.reconciled.candidates.equals(whole.reconciled.candidates)
    assert (parts.pairs, parts.findings) == (whole.pairs, whole.findings)
    assert len(set(causes(whole).values())) >= 3 + (probe == "all")
