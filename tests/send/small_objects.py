"""Objects to send, made here or taken from pydicom's test files."""

import os
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.stored import open_stored
from pacslift.ledger import Ledger, Planned
from pacslift.repair.outgoing import FileSpan, Outgoing, Segment, prepare

CT = (str(CTImageStorage), str(ExplicitVRLittleEndian))


def encoded(name: str, pixel_bytes: int = 64) -> tuple[str, bytes]:
    """A CT slice in Explicit VR Little Endian: its SOP Instance UID, and its Data Set."""
    slice_ = Dataset()
    slice_.SOPClassUID = CT[0]
    slice_.SOPInstanceUID = generate_uid(entropy_srcs=[name])
    slice_.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    slice_.SeriesInstanceUID = generate_uid(entropy_srcs=["series"])
    slice_.PatientName = "TEST^PHANTOM"
    slice_.PatientID = "P1"
    slice_.StudyID = "1"
    slice_.Modality = "CT"
    slice_.Rows, slice_.Columns = 1, min(pixel_bytes // 2, 0xFFFF)
    slice_.BitsAllocated = slice_.BitsStored = 16
    slice_.HighBit, slice_.PixelRepresentation, slice_.SamplesPerPixel = 15, 0, 1
    slice_.PhotometricInterpretation = "MONOCHROME2"
    slice_.PixelData = bytes(n % 251 for n in range(pixel_bytes))
    slice_["PixelData"].VR = "OW"
    written = BytesIO()
    dcmwrite(written, slice_, implicit_vr=False, little_endian=True)
    return slice_.SOPInstanceUID, written.getvalue()


def carrying(uid: str, *segments: Segment, pair: tuple[str, str] = CT) -> Outgoing:
    """An object of these bytes."""
    length = sum(s.length if isinstance(s, FileSpan) else s.nbytes for s in segments)
    return Outgoing(
        sop_class_uid=pair[0],
        sop_instance_uid=uid,
        transfer_syntax_uid=pair[1],
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        patient_id="P1",
        segments=segments,
        length=length,
        envelope=(),
        changes=(),
        source=MemoryBytes(b""),
    )


def in_memory(name: str, pixel_bytes: int = 64) -> Outgoing:
    uid, data_set = encoded(name, pixel_bytes)
    return carrying(uid, memoryview(data_set))


def of_class(sop_class_uid: str, syntax: str = CT[1]) -> Outgoing:
    """An object that says it is of this class and in this syntax, whatever its bytes."""
    uid, data_set = encoded(sop_class_uid + syntax)
    return carrying(uid, memoryview(data_set), pair=(sop_class_uid, syntax))


def in_file(folder: Path, name: str, pixel_bytes: int = 64) -> Outgoing:
    """A CT slice whose bytes stay in a Part 10 file until they are sent."""
    _, data_set = encoded(name, pixel_bytes)
    slice_ = dcmread(BytesIO(data_set), force=True)
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = CT[1]
    path = folder / f"{name}.dcm"
    slice_.save_as(path, enforce_file_format=True)
    return from_file(path)


def from_file(path: Path) -> Outgoing:
    return prepare(open_stored(os.open(path, os.O_RDONLY), None))


def shipped(name: str) -> Outgoing:
    """One of pydicom's test files."""
    return from_file(Path(get_testdata_file(name)))


def wire_bytes(outgoing: Outgoing) -> bytes:
    """The Data Set that *outgoing* stands for, read independently of the sender."""
    return b"".join(
        bytes(s) if isinstance(s, memoryview) else os.pread(s.fd, s.length, s.offset)
        for s in outgoing.segments
    )


def pair_of(outgoing: Outgoing) -> tuple[str, str]:
    return outgoing.sop_class_uid, outgoing.transfer_syntax_uid


def ledger_of(folder: Path, given: list[Planned], sizes: list[int | None]) -> Ledger:
    """A ledger in *folder* that has *given* planned, with copies of *sizes* and 3 bytes more."""
    ledger = Ledger(folder / "ledger.db")
    ledger.replan(
        [[{"instance_key": one.instance_key, "sop_instance_uid": one.sop_instance_uid,
           "sop_class_uid": CT[0], "transfer_syntax_uid": CT[1], "position": nth,
           "state": "planned"} for nth, one in enumerate(given)]],
        [[{"instance_key": one.instance_key, "rank": rank, "mount": str(folder),
           "relative": one.candidates[0].relative, "size_bytes": size and size + rank}
          for one, size in zip(given, sizes, strict=True) for rank in (0, 3)]],
        [], {"instances": len(given), "files": len(given)},
    )  # fmt: skip
    return ledger
