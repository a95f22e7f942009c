"""Writes a dcmqrscp index.dat as DCMTK of one version or another does, for tests.

The structures are those of dcmqridx.h, laid out by the alignment of a compiler.
"""

import struct
from dataclasses import dataclass

WIDTHS = {
    "DA": 80,
    "CS": 128,
    "PN": 256,
    "LO": 256,
    "TM": 128,
    "SH": 64,
    "UI": 64,
    "IS": 96,
    "DS": 128,
    "AS": 32,
    "LB": 16,
}
OLD_WIDTHS = WIDTHS | {"PN": 64, "LO": 64, "SH": 16}

# name, tag, width; those marked old are gone since DCMTK 3.6.1, those marked new are since then
FIELDS = [
    ("PatientBirthDate", 0x00100030, "DA", ""),
    ("PatientSex", 0x00100040, "CS", ""),
    ("PatientName", 0x00100010, "PN", ""),
    ("PatientID", 0x00100020, "LO", ""),
    ("PatientBirthTime", 0x00100032, "TM", ""),
    ("NumberofPatientRelatedStudies", 0x00201200, "IS", "old"),
    ("StudyDate", 0x00080020, "DA", ""),
    ("StudyDescription", 0x00081030, "LO", ""),
    ("ProcedureDescription", 0x00081030, "LO", ""),
    ("StudyInstanceUID", 0x0020000D, "UI", ""),
    ("SeriesInstanceUID", 0x0020000E, "UI", ""),
    ("Modality", 0x00080060, "CS", ""),
    ("SOPInstanceUID", 0x00080018, "UI", ""),
    ("PresentationLabel", 0x00700080, "LB", ""),
    ("IssuerOfPatientID", 0x00100021, "LO", "new"),
]  # fmt: skip
CHARSET = ("SpecificCharacterSet", 0x00080005, 1024)


@dataclass(frozen=True)
class Abi:
    """How a compiler and a version of DCMTK lay a record out."""

    new: bool = True
    pointer: int = 8
    double: int = 8  # its alignment
    order: str = "<"
    mark: bytes = b"QRDB05"

    def aligned(self, at: int, to: int) -> int:
        return -(-at // to) * to

    def study(self, uid: str, size: int, time: float, count: int) -> bytes:
        """One StudyDescRecord."""
        width = 65 if self.new else 64
        long = 4 if self.new else self.pointer
        at = self.aligned(width, long)
        end = self.aligned(at + long, self.double)
        record = bytearray(self.aligned(end + 12, self.double))
        record[: len(uid)] = uid.encode()
        struct.pack_into(self.order + ("I" if long == 4 else "Q"), record, at, size)
        struct.pack_into(self.order + "dI", record, end, time, count)
        return bytes(record)

    def image(
        self, filename: str, sop_class: str, time: float, size: int, values: dict[str, bytes]
    ) -> bytes:
        """One IdxRecord."""
        fields = [f for f in FIELDS if f[3] != ("old" if self.new else "new")]
        widths = WIDTHS if self.new else OLD_WIDTHS
        address = "Q" if self.new or self.pointer == 8 else "I"
        align = min(8 if address == "Q" else 4, 8 if self.pointer == 8 else self.double)
        time_at = self.aligned(257 + 65, self.double)
        at = self.aligned(time_at + 12, align)
        count = len(fields) + self.new
        texts_at = at + count * (8 + struct.calcsize(address))
        offsets = []
        place = texts_at
        for _, _, kind, _ in fields:
            offsets.append(place)
            place += widths[kind] + 1
        if self.new:
            place += 1 + 129  # hstat, InstanceDescription
            offsets.append(place)
            place += CHARSET[2] + 1
        else:
            place = self.aligned(place, 4) + 4 + 129
        record = bytearray(self.aligned(place, max(self.double, align)))
        record[: len(filename)] = filename.encode()
        record[257 : 257 + len(sop_class)] = sop_class.encode()
        struct.pack_into(self.order + "dI", record, time_at, time, size)
        named = [(f[0], f[1]) for f in fields] + ([CHARSET[:2]] if self.new else [])
        memory = 0x7FFC12345678 if address == "Q" else 0xBFFF0000
        for (name, tag), offset in zip(named, offsets, strict=True):
            value = values.get(name, b"")
            record[offset : offset + len(value)] = value
            where = memory + offset
            struct.pack_into(
                f"{self.order}{address}IHH", record, at, where, len(value), tag >> 16, tag & 0xFFFF
            )
            at += 8 + struct.calcsize(address)
        return bytes(record)

    def file(self, studies: list[bytes], images: list[bytes]) -> bytes:
        """The whole file, with its 500 study records."""
        unused = bytes(len(self.study("", 0, 0.0, 0))) * (500 - len(studies))
        return (self.mark if self.new else b"") + b"".join(studies) + unused + b"".join(images)
