"""A synthetic CT series: Part 10 files of a given size with a header of ordinary length."""

import random
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from pacslift.repair.provenance import Provenance

PROVENANCE = Provenance("pacslift 0.1.0 job bench", "20261122120000+0000", "OLD@SITE", "0.1.0")
ATTRIBUTES: dict[str, tuple[str, str]] = {
    "00080050": ("SH", "ACC-2026-77"),
    "00080080": ("LO", "City Hospital"),
    "00080090": ("PN", "HOUSE^GREGORY"),
    "00081030": ("LO", "CT of the chest"),
    "0008103E": ("LO", "thorax 1.0"),
    "00100010": ("PN", "DOE^JANE^ANN"),
    "00100020": ("LO", "PID-000123"),
    "00100021": ("LO", "CITY"),
    "00100030": ("DA", "19611224"),
    "00100040": ("CS", "F"),
    "00104000": ("LT", "merged with PID-000077"),
    "00200010": ("SH", "STUDY-7"),
}  # the overlay that the benchmarks lay on every object

ROOT = "1.2.826.0.1.3680043.8.498.5"
PRIVATE = 60  # elements, beside about forty of the standard
_FILLER = 0xFF  # private element that makes the size exact, since Pixel Data are whole rows


def write_objects(
    folder: Path, size: int, count: int, elements: int | None = None, first: int = 0
) -> list[Path]:
    """Write *count* objects of *size* bytes each, their names as short as can be.

    *elements* is how many there are before Pixel Data, filled up with private ones.
    *first* is the number of the first, which its UID is made from.
    """
    folder.mkdir(parents=True)
    paths = []
    for number in range(first, first + count):
        path = folder / f"{number:x}"
        _write(path, number, size, elements)
        paths.append(path)
    return paths


def _write(path: Path, number: int, size: int, elements: int | None) -> None:
    chance = random.Random(number)  # noqa: S311 - data that is the same every time
    dataset = _header(number, elements)
    filler = dataset.private_block(0x0029, "PACSLIFT BENCH")
    filler.add_new(_FILLER, "OB", b"")
    dataset.Rows, dataset.PixelData = 1, b""
    dataset.save_as(path, enforce_file_format=True)
    rest = (size - path.stat().st_size) & ~1
    dataset.Rows, short = divmod(rest, 2 * dataset.Columns)
    filler[_FILLER].value = bytes(short)
    dataset.PixelData = chance.randbytes(rest - short)
    dataset.save_as(path, enforce_file_format=True)


def _header(number: int, elements: int | None) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"{ROOT}.1.1.{number + 1}"
    dataset.StudyInstanceUID = f"{ROOT}.1"
    dataset.SeriesInstanceUID = f"{ROOT}.1.1"
    dataset.PatientName, dataset.PatientID = "Bench^Mark", "BENCH1"
    for keyword, value in _STANDARD.items():
        setattr(dataset, keyword, value)
    for keyword, value in _of_slice(number).items():
        setattr(dataset, keyword, value)
    block = dataset.private_block(0x0029, "PACSLIFT BENCH", create=True)
    for element in range(PRIVATE if elements is None else elements - len(dataset) - 1):
        block.add_new(element, *_PRIVATE_KINDS[element % len(_PRIVATE_KINDS)])
    return dataset


def _of_slice(number: int) -> dict[str, str | int | float | list[float]]:
    """What differs between the slices of a series, some of it in length as well."""
    return {
        "InstanceNumber": number + 1,
        "AcquisitionTime": f"1016{number // 60 % 60:02d}.{number % 60:02d}0",
        "ContentTime": f"1017{number // 60 % 60:02d}.{number % 60:02d}0",
        "ImagePositionPatient": [-179.6, -168.0, -0.75 * number],
        "SliceLocation": -0.75 * number,
        "WindowCenter": 40.0 + number % 3,
        "LargestImagePixelValue": 3000 + 7 * number,
    }


_PRIVATE_KINDS: tuple[tuple[str, str | int | float | bytes], ...] = (
    ("LO", "a private value"),
    ("DS", "1.25"),
    ("IS", "7"),
    ("SH", "short"),
    ("US", 7),
    ("FL", 0.5),
    ("CS", "YES"),
    ("UI", f"{ROOT}.8"),
    ("OB", b"0123456789"),
    ("ST", "a private text"),
)
_STANDARD: dict[str, str | int | float | list[str] | list[float]] = {
    "SpecificCharacterSet": "ISO_IR 100",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "StudyDate": "20190304",
    "SeriesDate": "20190304",
    "AcquisitionDate": "20190304",
    "ContentDate": "20190304",
    "StudyTime": "101501.000",
    "SeriesTime": "101601.000",
    "AccessionNumber": "ACC1",
    "Modality": "CT",
    "Manufacturer": "Example",
    "InstitutionName": "Example Hospital",
    "ReferringPhysicianName": "Doe^Jane",
    "StudyDescription": "CT Thorax",
    "SeriesDescription": "Thorax 1.0",
    "ManufacturerModelName": "Bench 64",
    "PatientBirthDate": "19500101",
    "PatientSex": "O",
    "PatientAge": "069Y",
    "BodyPartExamined": "CHEST",
    "SliceThickness": 1.0,
    "KVP": 120.0,
    "DeviceSerialNumber": "0001",
    "SoftwareVersions": "1.0",
    "ProtocolName": "Thorax",
    "ConvolutionKernel": "Br40",
    "PatientPosition": "HFS",
    "StudyID": "1",
    "SeriesNumber": 1,
    "AcquisitionNumber": 1,
    "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "FrameOfReferenceUID": f"{ROOT}.9",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 1,
    "Columns": 256,
    "PixelSpacing": [0.7, 0.7],
    "BitsAllocated": 16,
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 0,
    "WindowWidth": 400.0,
    "RescaleIntercept": -1024.0,
    "RescaleSlope": 1.0,
}
