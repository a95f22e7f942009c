"""dcm4chee 2 archives go to a real Orthanc, TAR storage included, and the account balances."""

import tarfile
from io import BytesIO

import pytest
from pydicom import dcmread

from jobs import init, pacslift, snapshot, status
from pacslift.cases import load_case
from readcases import FIXTURES
from servers import Orthanc


def migrated(tmp_path, orthanc: Orthanc, name: str) -> dict:
    """The account of a case that was sent; its storage is as before."""
    case = load_case(FIXTURES / "dcm4chee2" / name)
    storage = [f"{root}={folder}" for root, folder in case.mounts.items()]
    before = snapshot(case.folder)
    init(tmp_path / "job", case.dumps[0], storage, f"{orthanc.aet}@127.0.0.1:{orthanc.port}")
    assert pacslift("run", tmp_path / "job").exit_code == 3
    assert snapshot(case.folder) == before
    return status(tmp_path / "job")


@pytest.mark.parametrize(
    ("name", "verified", "causes", "files"),
    [
        (
            "mysql",
            8,
            {"deleted": 1, "no_file_row": 1, "offline": 1, "remote": 1},
            {"used": 8, "spare_copy": 1, "withheld": 1, "attachment": 1, "orphan": 1},
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
