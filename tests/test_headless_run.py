"""A whole run over an archive that has pixels in its storage and nothing else."""

import csv
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest

import servers
from jobs import init, pacslift, snapshot, status
from newpacs import NewPacs
from pacslift.inventory.derived import derived_uid
from pixelpacs import PixelPacs, pixel_adapter

sys.path.append(str(Path(__file__).parent / "repair"))

import headless
import oracle
from headless import CAPTURE, CR, CT, GREY_12, OF_CT, RAW

import bitstreams

OF_INSTANCE = ("00080008", "00180060", "00200032", "00200037", "00200052", "00280030", "00281052",
               "00281053")  # fmt: skip
CT_ALONE = {tag: OF_CT[tag] for tag in OF_INSTANCE}
COMPRESSED = ("MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm",
              "SC_rgb_jpeg_gdcm.dcm")  # fmt: skip


OF_STUDY = ("00080020", "00080030", "00080050", "00080060", "00200010", "00200011", "00200013")


def of_instance(attributes: dict) -> dict:
    """Without what patient, study and series say."""
    return {tag: one for tag, one in attributes.items()
            if tag not in OF_STUDY and not tag.startswith("0010")}  # fmt: skip


def header_alone(name: str) -> tuple[pydicom.Dataset, bytes, bytes]:
    """One of pydicom's objects in the archive's study: identity, pixels, and a Part 10 header."""
    whole, pixels, _, _ = headless.taken_apart(name)
    whole.StudyInstanceUID = "2.25.7"
    del whole.PixelData
    file = BytesIO()
    whole.save_as(file)
    return whole, pixels, file.getvalue()


@pytest.fixture
def archive(tmp_path):
    """One object of each bit stream, one of each decision, and what cannot be sent."""
    pacs = PixelPacs(tmp_path / "old")
    pacs.add(RAW, CT, {**GREY_12, **CT_ALONE}, modality="CT")
    pacs.add(RAW, CT, GREY_12, modality="CT")
    pacs.add(bitstreams.jpeg(), CR, {}, modality="CR", uid=None)
    for name in COMPRESSED:
        whole, pixels, attributes, facts = headless.taken_apart(name)
        said = of_instance(attributes) | facts
        pacs.add(pixels, str(whole.SOPClassUID), said, modality=whole.Modality)
    whole, pixels, header = header_alone("MR_small_RLE.dcm")
    pacs.add(pixels, None, {}, modality="MR", uid=str(whole.SOPInstanceUID), header=header,
             series_uid=str(whole.SeriesInstanceUID))  # fmt: skip
    pacs.add(pixels, None, {}, modality="MR", header=header)
    pacs.add(bitstreams.jpeg()[:-2], CR, {}, modality="CR")
    pacs.add(RAW[:-2], CT, GREY_12, modality="CT")
    pacs.add(RAW, CT, {}, modality="CT")
    pacs.write()
    return pacs


def assert_arrived(found: dict[str, pydicom.Dataset]) -> None:
    """Every object that can be made is there, with its pixels, and says what the database says."""
    derived = derived_uid("2.25.7", "2.25.73", "3")
    assert [str(found[uid].SOPClassUID) for uid in ("2.25.701", "2.25.702", derived)] == [
        CT, CAPTURE, CR,
    ]  # fmt: skip
    for key, name in enumerate(COMPRESSED, 4):
        whole = pydicom.dcmread(headless.SAMPLES / name)
        assert np.array_equal(found[f"2.25.70{key}"].pixel_array, whole.pixel_array)
    whole = pydicom.dcmread(headless.SAMPLES / "MR_small_RLE.dcm")
    split = found[str(whole.SOPInstanceUID)]
    assert np.array_equal(split.pixel_array, whole.pixel_array)
    assert split.EchoTime == whole.EchoTime
    assert split.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].PatientID == "4MR1"
    for uid, one in found.items():
        assert (one.PatientName, one.PatientID) == ("MÜLLER^EVA", "PP-1")
        assert one.ContributingEquipmentSequence[-1].Manufacturer == "pacslift"
        assert ("OriginalAttributesSequence" in one) == (uid == split.SOPInstanceUID)
    assert len(found) == 8


def ran(archive, tmp_path, target, iod="modality"):
    adapters = pixel_adapter(tmp_path / "adapters", iod)
    job = tmp_path / "job"
    done = init(job, archive.dump, archive.storage, target, "--adapters", adapters)
    assert done.exit_code == 0, done.output
    return job, pacslift("run", job)


def test_pixels_and_a_database_become_valid_objects_at_the_target(archive, tmp_path):
    before = snapshot(archive.storage)
    with NewPacs(tmp_path / "new") as target:
        job, done = ran(archive, tmp_path, str(target))
        assert done.exit_code == 3, done.output
        account = status(job)
        assert account["causes"] == {
            "truncated": 1, "pixels_damaged": 1, "not_rebuilt": 1, "identity_differs": 1,
        }  # fmt: skip
        assert (account["states"]["verified"], account["file_states"]["used"]) == (8, 14)
        assert account["balanced"]
        again = pacslift("run", job)
        assert again.exit_code == 3
        assert max(target.times.values()) == 1
    assert snapshot(archive.storage) == before
    paths = list((tmp_path / "new").rglob("*.dcm"))
    found = [pydicom.dcmread(path) for path in paths]
    assert_arrived({str(one.SOPInstanceUID): one for one in found})
    servers.program("dciodvfy")
    for path in paths:
        assert oracle.errors_of(path) == (Counter(), False)


def test_orthanc_takes_them(archive, tmp_path, orthanc):
    job, done = ran(archive, tmp_path, f"{orthanc.aet}@127.0.0.1:{orthanc.port}")
    assert done.exit_code == 3, done.output
    assert status(job)["states"]["verified"] == 8
    found = [pydicom.dcmread(BytesIO(orthanc.rest(f"/instances/{one}/file")))
             for one in orthanc.ids()]  # fmt: skip
    assert_arrived({str(one.SOPInstanceUID): one for one in found})


def test_what_would_be_made_is_told_before_a_byte_moves(archive, tmp_path):
    job, _ = ran(archive, tmp_path, "NOBODY@127.0.0.1:9")
    done = pacslift("plan", job, "--diff")
    assert done.exit_code == 0, done.output
    table = pl.read_csv(job / "report" / "plan-diff.csv", comment_prefix="#")
    made = table.filter(pl.col("rule") == "REBUILD", pl.col("keyword") == "SOPClassUID")
    assert made.height == 7
    assert made.filter(pl.col("after").str.contains("which nobody knows")).height == 1
    assert sorted(table["cause"].drop_nulls()) == [
        "identity_differs", "not_rebuilt", "pixels_damaged", "truncated",
    ]  # fmt: skip


def test_without_a_rule_of_the_adapter_nothing_is_made(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        job, _ = ran(archive, tmp_path, str(target), iod="none")
        assert not target.received
    causes = status(job)["causes"]
    assert causes == {"not_rebuilt": 11, "identity_missing": 1}


def test_the_adapter_can_have_all_of_them_as_secondary_captures(archive, tmp_path):
    with NewPacs(tmp_path / "new") as target:
        ran(archive, tmp_path, str(target), iod="secondary capture")
    found = [pydicom.dcmread(path) for path in (tmp_path / "new").rglob("*.dcm")]
    kinds = Counter(str(one.SOPClassUID) for one in found)
    assert kinds == {CAPTURE: 7, headless.MR: 1}, "a header that is there keeps its class"


def test_a_header_that_is_not_there_is_named(archive, tmp_path):
    (archive.storage / "8.hdr").unlink()
    with NewPacs(tmp_path / "new") as target:
        job, _ = ran(archive, tmp_path, str(target))
    with (job / "exceptions.csv").open() as lines:
        told = {row["instance_key"]: row for row in csv.DictReader(lines)}
    assert told["8"]["cause"] == "missing_file"
    assert "8.pix: its header 8.hdr is not there" in told["8"]["detail"]
