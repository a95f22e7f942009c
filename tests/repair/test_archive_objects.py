"""Every object of the seven real archives can be sent, and is what was once sent to them."""

import csv
import hashlib
from collections import Counter

import pytest

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.header import PIXEL_DATA, walk
from pacslift.inventory.roots import open_inside
from pacslift.inventory.stored import open_stored
from pacslift.inventory.syntaxes import encoding_of
from pacslift.inventory.walkfiles import walk_files
from pacslift.repair.outgoing import prepare
from storedobjects import DELIMITER, UNDEFINED, sent

pytestmark = pytest.mark.archives

# What each archive's storage holds besides objects, and objects whose pixels it re-encoded itself.
NO_OBJECTS = {
    "conquest-2009-nki": {Cause.NOT_DICOM: 1, Cause.EMPTY_FILE: 1},
    "conquest-dbase": {Cause.NOT_DICOM: 6, Cause.EMPTY_FILE: 1},
    "conquest-sqlite-v2": {Cause.NOT_DICOM: 1, Cause.EMPTY_FILE: 1},
    "dcmqrscp": {Cause.NOT_DICOM: 1},
    "orthanc-mysql": {},
    "orthanc-postgresql": {},
    "orthanc-sqlite": {Cause.NOT_DICOM: 1},
}
STORAGE = {
    name: "data" if name.startswith("conquest") else "OrthancStorage" for name in NO_OBJECTS
} | {"dcmqrscp": "oldpacs"}
PATIENT_WITHOUT_ID = {"", "00000000"}  # Conquest writes zeros where there is none


def pixels_of(outgoing):
    """The value of Pixel Data as it would be sent."""
    data = sent(outgoing)
    header = walk(MemoryBytes(data), 0, len(data), encoding_of(outgoing.transfer_syntax_uid))
    assert (header.fault, header.stop) == (None, len(data))
    pixels = header.find(PIXEL_DATA)
    if pixels is None:
        return None
    behind = len(DELIMITER) if pixels.length == UNDEFINED else 0  # as pydicom cuts the value
    return data[pixels.value : pixels.end - behind]


def truth_of(folder):
    with (folder / "truth.csv").open(newline="") as lines:
        return {row["sop_instance_uid"]: row for row in csv.DictReader(lines)}


def every_object(folder):
    """Identity, changes, pixel digest of each object, and the causes of the other files."""
    found, others = [], Counter()
    for entry in walk_files(folder):
        try:
            with prepare(open_stored(open_inside(folder, entry.relative))) as outgoing:
                pixels = pixels_of(outgoing)
                digest = "" if pixels is None else hashlib.sha256(pixels).hexdigest()
                found.append((outgoing, digest))
        except SetAsideError as error:
            others[error.cause] += 1
    return found, others


@pytest.fixture(params=NO_OBJECTS)
def archive(request, archives):
    return archives / request.param


def test_every_object_can_be_sent_under_its_own_identity(archive):
    found, others = every_object(archive / STORAGE[archive.name])
    assert others == NO_OBJECTS[archive.name]
    truth = truth_of(archive)
    assert {outgoing.sop_instance_uid for outgoing, _ in found} == set(truth)
    for outgoing, _ in found:
        row = truth[outgoing.sop_instance_uid]
        assert outgoing.sop_class_uid == row["sop_class_uid"]
        assert outgoing.study_instance_uid == row["study_instance_uid"]
        assert outgoing.series_instance_uid == row["series_instance_uid"]
        assert outgoing.patient_id == row["patient_id"].strip() or (
            {outgoing.patient_id, row["patient_id"]} == PATIENT_WITHOUT_ID
        )


def test_the_pixels_are_those_that_were_once_received(archive):
    found, _ = every_object(archive / STORAGE[archive.name])
    truth = truth_of(archive)
    differ = []
    for outgoing, digest in found:
        row = truth[outgoing.sop_instance_uid]
        header_only = not digest and archive.name == "orthanc-sqlite"  # its own cache of headers
        if digest != row["pixel_sha256"] and not header_only:
            differ.append((row["transfer_syntax_uid"], outgoing.transfer_syntax_uid))
    assert Counter(differ) == RE_ENCODED.get(archive.name, {})


IMPLICIT = "1.2.840.10008.1.2"
RE_ENCODED = {
    "conquest-sqlite-v2": {
        ("1.2.840.10008.1.2.4.50", IMPLICIT): 5,
        ("1.2.840.10008.1.2.4.51", IMPLICIT): 1,
        ("1.2.840.10008.1.2.4.70", IMPLICIT): 4,
        ("1.2.840.10008.1.2.2", IMPLICIT): 1,
        ("1.2.840.10008.1.2.1", IMPLICIT): 2,
    }
}


def test_all_compressed_pixels_of_the_oldest_archive_are_decoded(archives):
    found, _ = every_object(archives / "conquest-2009-nki" / "data")
    changes = [
        change for outgoing, _ in found for change in outgoing.changes if change.rule == "NKI"
    ]
    assert len(changes) == 67
    assert all("NKI mode 4" in change.before for change in changes)


def test_the_archives_are_only_read(archives):
    folder = archives / "conquest-2009-nki" / "data"
    before = times(folder)
    every_object(folder)
    assert times(folder) == before


def times(folder):
    found = [(folder / entry.relative).stat() for entry in walk_files(folder)]
    return [(status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns) for status in found]
