"""dcm4chee 2 archives go to a real Orthanc, TAR storage included, and the account balances."""

import tarfile
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread

from jobs import init, pacslift, snapshot, status
from pacslift.cases import load_case
from readcases import FIXTURES
from servers import Orthanc

# By Patient ID the name, birth date, sex and issuer that the database has, and that must arrive.
PEOPLE = {
    "FIX-001": ("Testperson^Änne-Marie^^Dr.", "19610204", "F", "NOWHERE"),
    "FIX-002": ("Muster^Jörg", "19480521", "M", ""),
    "FIX-003": ("Phantom^Otto", "20111111", "O", ""),
    "FIX-004": ("Yamada^Tarou=山田^太郎=やまだ^たろう", "19550505", "F", ""),
}
ACCESSIONS = {"fix ct": "F0001-2", "fix mr": "F0002"}  # by Study ID; the first was corrected


def migrated(tmp_path, orthanc: Orthanc, name: str) -> dict:
    """The account of a case that was sent; its storage is as before."""
    case = load_case(FIXTURES / "dcm4chee2" / name)
    storage = [f"{root}={folder}" for root, folder in case.mounts.items()]
    before = snapshot(case.folder)
    init(tmp_path / "job", case.dumps[0], storage, f"{orthanc.aet}@127.0.0.1:{orthanc.port}")
    assert pacslift("run", tmp_path / "job").exit_code == 3
    assert snapshot(case.folder) == before
    return status(tmp_path / "job")


def held(orthanc: Orthanc) -> list[Dataset]:
    """The objects as the target has them."""
    return [dcmread(BytesIO(orthanc.file(one))) for one in orthanc.ids()]


@pytest.mark.parametrize(
    ("name", "verified", "causes", "files"),
    [
        *(
            (
                name,
                8,
                {"deleted": 1, "no_file_row": 1, "offline": 1, "remote": 1},
                {"used": 8, "spare_copy": 1, "withheld": 1, "attachment": 1, "orphan": 1},
            )
            for name in ("mysql", "postgresql")
        ),
        ("tar", 3, {"missing_file": 1}, {"used": 2, "orphan": 1}),
    ],
)
def test_every_row_and_every_file_ends_in_one_state(
    tmp_path, orthanc, name, verified, causes, files
):
    account = migrated(tmp_path, orthanc, name)
    assert account["balanced"]
    assert account["states"]["verified"] == verified
    assert account["causes"] == causes
    assert {state: n for state, n in account["file_states"].items() if n} == files


@pytest.mark.parametrize("name", ["mysql", "postgresql"])
def test_every_object_arrives_with_the_patient_and_order_of_the_database(tmp_path, orthanc, name):
    migrated(tmp_path, orthanc, name)
    arrived = held(orthanc)
    assert len(arrived) == 8
    for one in arrived:
        said = (one.PatientName, one.PatientBirthDate, one.PatientSex)
        assert (*map(str, said), one.get("IssuerOfPatientID", "")) == PEOPLE[one.PatientID]
    kept = {one.StudyID.lower(): one.AccessionNumber for one in arrived if "001" in one.PatientID}
    assert kept == ACCESSIONS


def test_what_was_changed_is_on_record_in_the_object_and_the_rest_is_untouched(tmp_path, orthanc):
    migrated(tmp_path, orthanc, "mysql")
    before = {"FIX-001": ("Testperson^Änne^^Dr.", "19610203"), "FIX-004": (None, None)}
    for one in held(orthanc):
        assert ("OriginalAttributesSequence" in one) == (one.PatientID in before)
        if one.PatientID in before:
            (said,) = one.OriginalAttributesSequence
            (was,) = said.ModifiedAttributesSequence
            assert (was.get("PatientName"), was.get("PatientBirthDate")) == before[one.PatientID]
            reason = said.ReasonForTheAttributeModification
            assert (reason, said.SourceOfPreviousValues) == ("COERCE", "dcm4chee2")
            (equipment,) = one.ContributingEquipmentSequence
            assert equipment.Manufacturer == "pacslift"
            assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109103"


def test_a_second_run_sends_nothing(tmp_path, orthanc):
    migrated(tmp_path, orthanc, "mysql")
    held_before = {one: orthanc.file(one) for one in orthanc.ids()}
    again = pacslift("run", tmp_path / "job")
    assert again.exit_code == 3
    assert "stored" not in again.output
    assert {one: orthanc.file(one) for one in orthanc.ids()} == held_before
    assert status(tmp_path / "job")["states"]["verified"] == 8


def test_an_object_out_of_a_tar_file_arrives_with_its_pixels(tmp_path, orthanc):
    migrated(tmp_path, orthanc, "tar")
    (packed,) = (FIXTURES / "dcm4chee2/tar/storage/nearline").rglob("*.tar")
    with tarfile.open(packed) as tar:
        entry = tar.extractfile("D61A75E1/00000018")
        original = dcmread(BytesIO(entry.read()))
    arrived = orthanc.instances()
    assert original.SOPInstanceUID in arrived
    stored = dcmread(BytesIO(orthanc.file(arrived[original.SOPInstanceUID])))
    assert stored.PixelData == original.PixelData
