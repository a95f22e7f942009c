"""Seven archives written by real PACS software arrive, whole, at a real PACS."""

import csv
import hashlib
import io
import sqlite3
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_fragments
from pydicom.uid import UID

from jobs import init, pacslift, snapshot, status

pytestmark = [
    pytest.mark.archives,
    # The archives hold UIDs and values that break the rules, which is why they are here.
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
]

CASES = [  # archive, its dump and its storage
    ("orthanc-sqlite", "OrthancStorage/index", "OrthancStorage"),
    ("orthanc-postgresql", "index.sql", "OrthancStorage"),
    ("orthanc-postgresql", "index.dump", "OrthancStorage"),
    ("orthanc-mysql", "index.sql", "OrthancStorage"),
    ("conquest-dbase", "data/dbase", "data"),
    ("conquest-sqlite-v2", "data/dbase/conquest.db3", "data"),
    ("conquest-2009-nki", "data/dbase/conquest.db3", "MAG0=data"),
    ("dcmqrscp", "oldpacs/index.dat", "/srv/oldpacs=oldpacs"),
]


# What Conquest itself made of three objects when it decoded them: a palette written out as RGB, an
# RGB JPEG to which it applied a colour transform, and a 12-bit JPEG with a faulty scan header that
# our decoder refuses. The sha256 of Pixel Data as it lies on disk: at least that must arrive.
CONVERTED = {
    ("conquest-sqlite-v2", "1.2.276.0.7230010.3.1.4.0.35989.1606514566.150781"): (
        "4ac193d87bab91518e1ee47be19579f1907946445e332b8ef59469ff36a97b03"
    ),
    ("conquest-sqlite-v2", "1.3.6.1.4.1.5962.1.1.8.1.5.20040826185059.5457"): (
        "d30242775a414c01d616447854ebe3f2b20259822894bcd6891f879bcdcbf313"
    ),
    ("conquest-sqlite-v2", "1.3.46.670589.14.1000.210.2.199999.20110525185628.1.0"): (
        "322156a65198e9bee9b231c14fcb48d06306bea5d39e9f3c0b0befb037eb834f"
    ),
}


def truth_of(archive: Path) -> dict[str, dict[str, str]]:
    with (archive / "truth.csv").open(newline="") as rows:
        return {row["sop_instance_uid"]: row for row in csv.DictReader(rows)}


def storage_option(archive: Path, storage: str) -> str:
    name, equals, folder = storage.rpartition("=")
    return f"{name}{equals}{archive / folder}"


def pixel_digest(dataset) -> str:
    return hashlib.sha256(dataset.PixelData).hexdigest() if "PixelData" in dataset else ""


def given_id(name: str) -> str:
    """Conquest writes a Patient ID of its own into objects that came without one."""
    return "00000000" if name.startswith("conquest") else ""


@pytest.fixture(scope="module")
def as_sent(archives):
    """The objects as they were sent to the legacy systems: Orthanc keeps them byte for byte."""
    found = {}
    for path in (archives / "orthanc-sqlite" / "OrthancStorage").glob("??/??/*"):
        raw = path.read_bytes()
        unpacked = zlib.decompress(raw[8:])
        assert struct.unpack("<Q", raw[:8]) == (len(unpacked),)
        if unpacked[128:132] == b"DICM":
            dataset = dcmread(io.BytesIO(unpacked), force=True)
            if "PixelData" in dataset:  # Orthanc also keeps copies of the headers alone
                found[str(dataset.SOPInstanceUID)] = dataset
    return found


DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91"}


def picture(dataset) -> np.ndarray:
    """The decoded pixels; deflated frames of single bits by hand, as pydicom has no decoder."""
    if dataset.file_meta.TransferSyntaxUID != DEFLATED_FRAMES:
        return dataset.pixel_array.astype(np.int64)
    shape = (int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns)
    kind = np.uint8 if dataset.BitsAllocated <= 8 else np.uint16
    frames = []
    for item in list(generate_fragments(dataset.PixelData))[1:]:
        native = np.frombuffer(zlib.decompressobj(-15).decompress(item), kind)
        if dataset.BitsAllocated == 1:
            native = np.unpackbits(native, bitorder="little")
        frames.append(native[: shape[1] * shape[2]].reshape(shape[1:]))
    return np.array(frames, np.int64).reshape(shape)


def same_picture(one, other) -> bool:
    """Whether decoded pixels agree: exactly, or as nearly as decoders of a lossy code do."""
    here, there = picture(one), picture(other)
    lossy = {UID(d.file_meta.TransferSyntaxUID) for d in (one, other)} & LOSSY
    return here.squeeze().shape == there.squeeze().shape and np.abs(
        here.squeeze() - there.squeeze()
    ).max() <= (4 if lossy else 0)


def verified_in_ledger(job: Path) -> set[str]:
    with sqlite3.connect(job / "ledger.db") as ledger:
        rows = ledger.execute("SELECT sop_instance_uid FROM instances WHERE state = 'verified'")
        return {uid for (uid,) in rows}


@pytest.mark.parametrize(("name", "dump", "storage"), CASES)
def test_a_real_archive_arrives_whole_and_unaltered(
    name, dump, storage, archives, orthanc, tmp_path, as_sent
):
    archive = archives / name
    before = snapshot(archive)
    job = tmp_path / "job"

    made = init(job, archive / dump, storage_option(archive, storage),
                f"ORTHANC@127.0.0.1:{orthanc.port}")  # fmt: skip
    assert made.exit_code == 0, made.output
    ran = pacslift("run", job)
    assert ran.exit_code == 0, ran.output

    account = status(job)
    held, truth = orthanc.instances(), truth_of(archive)
    assert account["balanced"], account
    assert account["states"]["verified"] == account["instances"] == len(truth)
    assert verified_in_ledger(job) == set(held) == set(truth)
    for uid, row in truth.items():
        arrived = dcmread(io.BytesIO(orthanc.file(held[uid])), force=True)
        assert arrived.StudyInstanceUID == row["study_instance_uid"]
        assert arrived.SeriesInstanceUID == row["series_instance_uid"]
        assert str(arrived.get("PatientID", "")) == (row["patient_id"] or given_id(name))
        if pixel_digest(arrived) != row["pixel_sha256"]:
            on_disk = CONVERTED.get((name, uid))
            assert on_disk == pixel_digest(arrived) or same_picture(arrived, as_sent[uid]), uid
    assert snapshot(archive) == before
