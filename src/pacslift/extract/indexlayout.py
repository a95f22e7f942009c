"""How the records of a dcmqrscp index.dat are laid out, read from the file itself.

The file is C structures as the compiler laid them out, so the layout differs with DCMTK's version,
the width of pointers and the compiler. It need not be known beforehand: each image record
(IdxRecord) holds one descriptor per attribute, with the attribute's tag and the address that its
value had in the writer's memory. Differences between addresses are offsets inside the record, and
the distance from one record's first descriptor to the next record's is the record's length.

    "QRDB" and two digits         since DCMTK 3.6.2; nothing before
    500 StudyDescRecord           UID[64 or 65], size, double time, number of images
    IdxRecord, again and again    filename[257], SOPClassUID[65], double time, u32 size,
                                  descriptors {address, u32 length, tag}, texts

Source: dcmqrdb/include/dcmtk/dcmqrdb/dcmqridx.h of DCMTK 3.5.4, 3.6.0 and 3.6.7.
"""

import re
import struct
from collections import Counter
from dataclasses import dataclass

from pacslift.errors import DumpDamagedError
from pacslift.extract.packed.source import Source
from pacslift.patterns import compiled

STUDIES = 500  # DB_UpperMaxStudies

MARK = compiled(rb"QRDB([0-9A-F]{2})")
_IMAGE_LONGEST = 64 << 10  # room for two records
_TIME_AND_SIZE = 12  # bytes
_HEAD = 48 << 10  # the studies and the first record's descriptors lie within

# Attributes in the order of the descriptors. DCMTK gives ProcedureDescription and
# AttendingPhysiciansName the tags of two earlier ones.
_NAMES = {
    (0x0010, 0x0030): ("PatientBirthDate",),
    (0x0010, 0x0040): ("PatientSex",),
    (0x0010, 0x0010): ("PatientName",),
    (0x0010, 0x0020): ("PatientID",),
    (0x0010, 0x0032): ("PatientBirthTime",),
    (0x0010, 0x1000): ("OtherPatientIDs",),
    (0x0010, 0x1001): ("OtherPatientNames",),
    (0x0010, 0x2160): ("EthnicGroup",),
    (0x0020, 0x1200): ("NumberofPatientRelatedStudies",),
    (0x0020, 0x1202): ("NumberofPatientRelatedSeries",),
    (0x0020, 0x1204): ("NumberofPatientRelatedInstances",),
    (0x0008, 0x0020): ("StudyDate",),
    (0x0008, 0x0030): ("StudyTime",),
    (0x0020, 0x0010): ("StudyID",),
    (0x0008, 0x1030): ("StudyDescription", "ProcedureDescription"),
    (0x0008, 0x1060): ("NameOfPhysiciansReadingStudy", "AttendingPhysiciansName"),
    (0x0008, 0x0050): ("AccessionNumber",),
    (0x0008, 0x0090): ("ReferringPhysicianName",),
    (0x0020, 0x000D): ("StudyInstanceUID",),
    (0x0020, 0x1070): ("OtherStudyNumbers",),
    (0x0008, 0x1080): ("AdmittingDiagnosesDescription",),
    (0x0010, 0x1010): ("PatientAge",),
    (0x0010, 0x1020): ("PatientSize",),
    (0x0010, 0x1030): ("PatientWeight",),
    (0x0010, 0x2180): ("Occupation",),
    (0x0020, 0x1206): ("NumberofStudyRelatedSeries",),
    (0x0020, 0x1208): ("NumberofStudyRelatedInstances",),
    (0x0020, 0x0011): ("SeriesNumber",),
    (0x0020, 0x000E): ("SeriesInstanceUID",),
    (0x0008, 0x0060): ("Modality",),
    (0x0020, 0x0013): ("ImageNumber",),
    (0x0008, 0x0018): ("SOPInstanceUID",),
    (0x0008, 0x0021): ("SeriesDate",),
    (0x0008, 0x0031): ("SeriesTime",),
    (0x0008, 0x103E): ("SeriesDescription",),
    (0x0018, 0x1030): ("ProtocolName",),
    (0x0008, 0x1070): ("OperatorsName",),
    (0x0008, 0x1050): ("PerformingPhysicianName",),
    (0x0070, 0x0080): ("PresentationLabel",),
    (0x0010, 0x0021): ("IssuerOfPatientID",),
    (0x0008, 0x0005): ("SpecificCharacterSet",),
}
_FIRST = ((0x0010, 0x0030), (0x0010, 0x0040), (0x0010, 0x0010), (0x0010, 0x0020))


@dataclass(frozen=True, slots=True)
class TextField:
    """A text in a record, ended by NUL."""

    name: str
    offset: int
    width: int


@dataclass(frozen=True, slots=True)
class IndexLayout:
    """Offsets in bytes; *order* is struct's mark of the byte order."""

    version: str | None
    order: str
    studies_at: int
    study_length: int
    images_at: int
    image_length: int  # 0 where there is no image
    time_at: int
    fields: tuple[TextField, ...]


@dataclass(frozen=True, slots=True)
class _Abi:
    """How a compiler lays out the beginning of an image record, and a descriptor's length."""

    descriptors_at: int
    descriptor: int
    time_at: int


_ABIS = (
    _Abi(344, 16, 328),  # 64 bits; 32 bits on Windows since the address has 64 in the file
    _Abi(336, 16, 324),  # i386, where a double is aligned to 4, since then
    _Abi(336, 12, 324),  # i386 before
    _Abi(340, 12, 328),  # 32 bits on Windows before
)
_STUDY_LENGTHS = (88, 84, 80)


def find_layout(source: Source) -> IndexLayout | None:
    """The layout of the file *source*; None where it is no index.dat, or none of any length."""
    head = source.head(_HEAD)
    mark = MARK.match(head)
    start = mark.end() if mark else 0
    version = mark[1].decode("ascii") if mark else None
    for order in "<>":
        for abi in _ABIS:
            if found := _first_descriptor(head, order, abi.descriptor):
                length, odd = divmod(found - abi.descriptors_at - start, STUDIES)
                if not odd and length in _STUDY_LENGTHS:
                    return _layout(source, version, order, abi, start, length)
    return _without_images(source, version, start) if mark else None


def _without_images(source: Source, version: str | None, start: int) -> IndexLayout | None:
    size = source.size
    length, odd = divmod(size - start, STUDIES)
    if odd or length not in _STUDY_LENGTHS:
        return None
    return IndexLayout(version, "<", start, length, size, 0, 0, ())


def _layout(
    source: Source, version: str | None, order: str, abi: _Abi, start: int, study_length: int
) -> IndexLayout:
    """The layout from the first image's descriptors and the distance to the second's."""
    at = start + STUDIES * study_length
    with source.open() as file:
        file.seek(at)
        images = file.read(_IMAGE_LONGEST)
    offsets = _offsets(images, order, abi)
    names = _names([tag for tag, _ in offsets])
    first = abi.descriptors_at
    again = _first_descriptor(images[first + abi.descriptor :], order, abi.descriptor)
    length = again + abi.descriptor if again else _length_alone(offsets, abi)
    if length < abi.time_at + _TIME_AND_SIZE:
        raise DumpDamagedError(
            f"{source}: its second image record begins {length} bytes behind the first, less "
            "than one has. Copy the file again while dcmqrscp is stopped."
        )
    ends = [offset for _, offset in offsets[1:]] + [length]
    fields = tuple(
        TextField(name, offset, end - offset)
        for name, (_, offset), end in zip(names, offsets, ends, strict=True)
    )
    return IndexLayout(version, order, start, study_length, at, length, abi.time_at, fields)


def _offsets(record: bytes, order: str, abi: _Abi) -> list[tuple[tuple[int, int], int]]:
    """Tag and offset of each text. The first text follows the last descriptor at once."""
    address = "Q" if abi.descriptor == 16 else "I"  # noqa: PLR2004
    found: list[tuple[tuple[int, int], int]] = []
    for place in range(abi.descriptors_at, len(record) - abi.descriptor, abi.descriptor):
        where, _, group, element = struct.unpack_from(f"{order}{address}IHH", record, place)
        if (group, element) not in _NAMES:
            break
        found.append(((group, element), where & 0xFFFFFFFF))
    values_at = abi.descriptors_at + len(found) * abi.descriptor
    return [(tag, values_at + ((where - found[0][1]) & 0xFFFFFFFF)) for tag, where in found]


def _names(tags: list[tuple[int, int]]) -> list[str]:
    met: Counter[tuple[int, int]] = Counter()
    names: list[str] = []
    for tag in tags:
        names.append(_NAMES[tag][min(met[tag], len(_NAMES[tag]) - 1)])
        met[tag] += 1
    return names


def _length_alone(offsets: list[tuple[tuple[int, int], int]], abi: _Abi) -> int:
    """Length of the only record: what follows its last text is known, and the alignment.

    Behind SpecificCharacterSet[1025] comes nothing, behind PresentationLabel[17] (before DCMTK
    3.6.1) an enum and InstanceDescription[129].
    """
    tag, offset = offsets[-1]
    end = offset + 1025 if tag == (0x0008, 0x0005) else (offset + 17 + 3) // 4 * 4 + 4 + 129
    alignment = 8 if abi.time_at % 8 == 0 else 4
    return -(-end // alignment) * alignment


def _first_descriptor(data: bytes, order: str, length: int) -> int | None:
    """Offset of the first descriptor: its tag, the last of its parts, and those of the next."""
    tags = [re.escape(struct.pack(order + "HH", *tag)) for tag in _FIRST]
    found = re.search((b".{%d}" % (length - 4)).join(tags), data, re.DOTALL)
    return found.start() + 4 - length if found else None
