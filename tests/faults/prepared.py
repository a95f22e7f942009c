"""A small archive and a job on it that is ready to be planned, made once for many runs.

Every object is laid over with what a mapping says, so that what goes out is made by us, and the
same each time only if we make it so. What must arrive is what an undisturbed run sends, which is
itself held against the files of the archive.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.filereader import read_dataset
from relay import HOST
from target import ScriptedTarget

from jobs import init, pacslift
from oldpacs import PATIENTS, OldPacs, old_pacs

SLICES = 48
SIDE = 96  # samples; an object has about 19 KB, more than one PDU of most targets
LARGE_SIDES = (900, 1800)  # one of 1.6 MB, and one that two sockets have no room for
NEW_ID = "H-{}"
REVISED = "2026-01-31T12:00:00Z"
DRAFT = f"{HOST}:104"  # an address that is replaced in each run


@dataclass(frozen=True, slots=True)
class Prepared:
    """The archive, a job folder to be copied, and what must arrive."""

    archive: OldPacs
    job: Path
    expected: Mapping[str, bytes]  # data sets by SOP Instance UID

    @property
    def largest(self) -> str:
        """The SOP Instance UID of the object that two sockets have no room for."""
        return max(self.expected, key=lambda uid: len(self.expected[uid]))


def prepare(folder: Path, slices: int = SLICES, side: int = SIDE, studies: int = 4) -> Prepared:
    """Make all of it below *folder*."""
    archive = with_large_ones(old_pacs(folder / "old", slices, side, studies=studies))
    job = folder / "prepared" / "job"
    init(job, archive.dump, archive.storage, f"TARGET@{DRAFT}")
    write_mapping(job)
    for stage in ("extract", "inventory"):
        assert pacslift(stage, job).exit_code == 0
    return Prepared(archive, job, undisturbed(folder / "undisturbed", job, archive))


def with_large_ones(archive: OldPacs) -> OldPacs:
    """Give some objects pixels enough that a fault meets them on the way."""
    step = len(archive.uids) // (len(LARGE_SIDES) + 1)
    for uid, side in zip(archive.uids[step::step], LARGE_SIDES, strict=False):
        slice_ = dcmread(archive.files[uid])
        slice_.Rows = slice_.Columns = side
        slice_.PixelData = bytes(n % 251 for n in range(side)) * side * 2
        slice_.save_as(archive.files[uid])
    return archive


def write_mapping(job: Path) -> None:
    """Every patient gets a new ID; and the job a time that is the same each time."""
    lines = [f"{one.patient_id},,{NEW_ID.format(one.patient_id[-4:])}\n" for one in PATIENTS]
    table = "patient_id,issuer_of_patient_id,new_patient_id\n" + "".join(lines)
    (job / "patients.csv").write_text(table)
    path = job / "job.toml"
    said = path.read_text()
    first, _, rest = said.partition("revised = ")
    said = f"{first}revised = {REVISED}{rest[rest.index('  #') :]}"
    path.write_text(f'{said}\n[mapping]\npatients = "patients.csv"\n')


def copy_of(prepared: Path, job: Path, host: str, port: int) -> None:
    """The prepared job once more, for a target at *host* and *port*."""
    assert job.name == prepared.name, "its name is in the objects"
    shutil.copytree(prepared, job, dirs_exist_ok=True)
    path = job / "job.toml"
    said = path.read_text().replace("port = 104", f"port = {port}")
    path.write_text(said.replace(f'host = "{HOST}"', f'host = "{host}"'))


def undisturbed(folder: Path, prepared: Path, archive: OldPacs) -> Mapping[str, bytes]:
    """What a run sends that meets no fault."""
    with ScriptedTarget() as target:
        job = folder / prepared.name
        copy_of(prepared, job, HOST, target.port)
        ended = pacslift("run", job)
        assert ended.exit_code == 0, ended.output
        expected = dict(target.disk)
    assert set(expected) == set(archive.uids)
    for uid, data_set in expected.items():
        require_right(data_set, archive.files[uid])
    return expected


def require_right(data_set: bytes, file: Path) -> None:
    """The object is that of the file, its patient's ID the new one."""
    sent = read_dataset(BytesIO(data_set), is_implicit_VR=False, is_little_endian=True)
    original = dcmread(file)
    assert sent.PixelData == original.PixelData
    assert sent.SOPInstanceUID == original.SOPInstanceUID
    assert sent.PatientID == NEW_ID.format(original.PatientID[-4:])
