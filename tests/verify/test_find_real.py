"""Verifying at archives that others wrote: Orthanc and dcmqrscp, filled with a real archive."""

import csv
import subprocess
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pynetdicom.sop_class import CTImageStorage

from pacslift.job import TargetAddress
from pacslift.verify.find import Finder, open_finder
from pacslift.verify.findscu import FindTimeouts
from pacslift.verify.match import Expected, FoundInstance, Sign, match_study
from servers import address_of, program, run_dcmqrscp


def truth(archive) -> list[Expected]:
    """What was sent to a real archive, in the archive's own list."""
    with (archive / "truth.csv").open(newline="", encoding="utf-8") as lines:
        return [
            Expected(
                row["sop_instance_uid"],
                row["sop_instance_uid"],
                row["study_instance_uid"],
                row["series_instance_uid"],
                row["patient_id"],
            )
            for row in csv.DictReader(lines)
        ]


def verify_all(address: TargetAddress, expected: list[Expected]):
    """The verdicts on all of *expected*, and the number of queries."""
    finder = open_finder(address, FindTimeouts())
    assert isinstance(finder, Finder)
    with finder:
        matched = [
            match_study(
                [one for one in expected if one.study_instance_uid == study],
                finder.study(study, [o for o in expected if o.study_instance_uid == study]),
            )
            for study in sorted({one.study_instance_uid for one in expected})
        ]
    return [verdict for one in matched for verdict in one.verdicts], finder.queries


@pytest.mark.archives
def test_a_real_archive_is_verified_at_orthanc_object_by_object(archives, shared_orthanc):
    for file in sorted((archives / "dcmqrscp" / "oldpacs").glob("*.dcm")):
        shared_orthanc.upload(file)
    expected = truth(archives / "dcmqrscp")
    address = TargetAddress("ORTHANC", "127.0.0.1", shared_orthanc.port)
    verdicts, queries = verify_all(address, expected)
    assert [v for v in verdicts if v.sign is not Sign.EQUAL] == []
    assert len(verdicts) == len(expected) > 70
    studies = {one.study_instance_uid for one in expected}
    series = {one.series_instance_uid for one in expected}
    assert queries == 2 * len(studies) + len(series)


@pytest.mark.archives
def test_what_orthanc_lost_or_holds_otherwise_is_told(archives, shared_orthanc):
    for file in sorted((archives / "dcmqrscp" / "oldpacs").glob("*.dcm")):
        shared_orthanc.upload(file)
    lost, moved, other = truth(archives / "dcmqrscp")[:3]
    shared_orthanc.rest(
        f"/instances/{shared_orthanc.instances()[lost.sop_instance_uid]}", method="DELETE"
    )
    expected = [
        lost,
        Expected("moved", moved.sop_instance_uid, "1.2.3", "1.2.4", moved.patient_id),
        Expected("other", other.sop_instance_uid, *(other.study_instance_uid, "1.2"), "WRONG"),
    ]
    address = TargetAddress("ORTHANC", "127.0.0.1", shared_orthanc.port)
    verdicts, _queries = verify_all(address, expected)
    signs = {v.sop_instance_uid: v.sign for v in verdicts}
    assert signs == {
        lost.sop_instance_uid: Sign.MISSING,
        moved.sop_instance_uid: Sign.DIFFERS,
        other.sop_instance_uid: Sign.DIFFERS,
    }
    assert not any("WRONG" in verdict.detail for verdict in verdicts)


def an_object(patient: str, sop: str) -> bytes:
    """The smallest Part 10 file that Orthanc takes."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = sop, "1.7", "1.6"
    dataset.PatientID = patient
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_a_study_that_orthanc_parts_by_patient_is_verified_for_each(orthanc):
    for patient, sop in (("A", "1.8.1"), ("B", "1.8.2"), ("B", "1.8.1")):
        orthanc.upload(an_object(patient, sop))
    expected = [
        Expected("a", "1.8.1", "1.6", "1.7", "A"),
        Expected("b", "1.8.2", "1.6", "1.7", "B"),
        Expected("wrong", "1.8.2", "1.6", "1.7", "A"),
    ]
    finder = open_finder(TargetAddress("ORTHANC", "127.0.0.1", orthanc.port))
    assert isinstance(finder, Finder)
    with finder:
        found = finder.study("1.6", expected)
    matched = match_study(expected, found)
    assert [v.sign for v in matched.verdicts] == [Sign.EQUAL, Sign.EQUAL, Sign.DIFFERS]
    assert matched.extra == (FoundInstance("1.8.1", "1.7", "1.6", "B"),)
    assert found.notes == ("the target has it under 2 patients",)


@pytest.mark.archives
def test_a_real_archive_is_verified_at_dcmqrscp(archives, tmp_path):
    files = sorted((archives / "dcmqrscp" / "oldpacs").glob("*.dcm"))
    with run_dcmqrscp(tmp_path) as server:
        subprocess.run([program("dcmqridx"), server.folder, *files], check=True, timeout=60)
        address = address_of(server)
        verdicts, _queries = verify_all(address, truth(archives / "dcmqrscp"))
    assert {verdict.detail for verdict in verdicts} == {"= at the target as sent"}
