"""A synthetic Orthanc index: the tables of its database plugins, rows made from numbers.

A block is one patient with two studies of two series of fifty instances. Every row is a function
of its block's number, so that a dump of any size is the same every time, table after table, in
bounded memory. The header copies that Orthanc keeps beside each object (file type 3) lie in the
database, in the table that the plugins call StorageArea: they are the blobs.
Source of the tables: the dumps of Orthanc 1.10.1 with the plugins MySQL 4.3 and PostgreSQL 4.0.
"""

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5

Value = int | str | bytes | None
Row = tuple[Value, ...]

STUDIES, SERIES, INSTANCES = 2, 2, 50
PER_SERIES = 1 + INSTANCES
PER_STUDY = 1 + SERIES * PER_SERIES
PER_BLOCK = 1 + STUDIES * PER_STUDY
INSTANCES_PER_BLOCK = STUDIES * SERIES * INSTANCES

PATIENT, STUDY, SERIE, INSTANCE = range(4)
ROOT = "1.2.826.0.1.3680043.8.498"
CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
FAMILIES = ("Müller", "O'Brien", "Łukasiewicz", "Meier-Schmidt", "García", "Ångström", "Smith")


@dataclass(frozen=True, slots=True)
class Resource:
    """One row of Resources with what the rows beside it need."""

    number: int
    level: int
    parent: int | None
    uid: str  # of the DICOM object of its level; the patient's ID
    place: int  # among its siblings, from 1


def resources(block: int) -> Iterator[Resource]:
    """The resources of a block, parents first."""
    patient = block * PER_BLOCK + 1
    yield Resource(patient, PATIENT, None, f"PID{block:08d}", 1)
    for s in range(STUDIES):
        study = patient + 1 + s * PER_STUDY
        study_uid = f"{ROOT}.{block}.{s + 1}"
        yield Resource(study, STUDY, patient, study_uid, s + 1)
        for e in range(SERIES):
            series = study + 1 + e * PER_SERIES
            series_uid = f"{study_uid}.{e + 1}"
            yield Resource(series, SERIE, study, series_uid, e + 1)
            for i in range(1, INSTANCES + 1):
                yield Resource(series + i, INSTANCE, series, f"{series_uid}.{i}", i)


def public_ids(block: int) -> Iterator[Row]:
    """Rows of Resources."""
    for one in resources(block):
        digest = _hex(one.uid) + _hex(one.uid + "-")[:8]
        public = "-".join(digest[i : i + 8] for i in range(0, 40, 8))
        yield one.number, one.level, public, one.parent


def tags(block: int) -> Iterator[Row]:
    """Rows of MainDicomTags."""
    for one in resources(block):
        for group, element, value in TAGS[one.level](one, block):
            yield one.number, group, element, value


def identifiers(block: int) -> Iterator[Row]:
    """Rows of DicomIdentifiers."""
    elements = {PATIENT: (16, 32), STUDY: (32, 13), SERIE: (32, 14), INSTANCE: (8, 24)}
    for one in resources(block):
        yield one.number, *elements[one.level], one.uid.upper()


def metadata(block: int) -> Iterator[Row]:
    """Rows of Metadata."""
    received = f"202611{1 + block % 28:02d}T{block % 24:02d}1530"
    for one in resources(block):
        yield one.number, 7, received
        if one.level == SERIE:
            yield one.number, 4, str(INSTANCES)
        if one.level == INSTANCE:
            yield one.number, 2, received
            yield one.number, 3, "MODALITY"
            yield one.number, 8, "DicomProtocol"
            yield one.number, 9, EXPLICIT
            yield one.number, 10, CT


def attached(block: int) -> Iterator[Row]:
    """Rows of AttachedFiles: the object and the copy of its header."""
    for one in resources(block):
        if one.level == INSTANCE:
            for kind, size in ((1, 524288 + one.number % 4096), (3, 2048)):
                digest = _hex(f"{one.uid} {kind}")
                yield one.number, kind, _uuid(one, kind), size, size, 1, digest, digest


def header_copies(length: int) -> Callable[[int], Iterator[Row]]:
    """Rows of StorageArea, with blobs of *length* bytes."""

    def rows(block: int) -> Iterator[Row]:
        for one in resources(block):
            if one.level == INSTANCE:
                head = _element(8, 24, b"UI", one.uid.encode())
                yield _uuid(one, 3), (head + _filling(one.number % 64, length))[:length], 3

    return rows


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns as SQL declares them; {text} and the like differ by server."""

    name: str
    columns: str
    indexes: tuple[str, ...]
    rows: Callable[[int], Iterator[Row]]


def tables(blob_bytes: int) -> tuple[Table, ...]:
    """The tables of the index, those first that others refer to."""
    belongs = ", FOREIGN KEY (id) REFERENCES Resources(internalId) ON DELETE CASCADE"
    tag = "id BIGINT NOT NULL, tagGroup INTEGER NOT NULL, tagElement INTEGER NOT NULL, value {tag}"
    tag_key = ", PRIMARY KEY (id, tagGroup, tagElement)"
    return (
        Table(
            "Resources",
            "internalId BIGINT NOT NULL PRIMARY KEY, resourceType INTEGER NOT NULL, "
            "publicId VARCHAR(64) NOT NULL, parentId BIGINT",
            ("parentId", "publicId", "resourceType"),
            public_ids,
        ),
        Table("MainDicomTags", tag + tag_key + belongs, ("id",), tags),
        Table("DicomIdentifiers", tag + tag_key + belongs, ("id", "value"), identifiers),
        Table(
            "Metadata",
            "id BIGINT NOT NULL, type INTEGER NOT NULL, value {text}, PRIMARY KEY (id, type)"
            + belongs,
            (),
            metadata,
        ),
        Table(
            "AttachedFiles",
            "id BIGINT NOT NULL, fileType INTEGER NOT NULL, uuid VARCHAR(64) NOT NULL, "
            "compressedSize BIGINT, uncompressedSize BIGINT, compressionType INTEGER, "
            "uncompressedHash VARCHAR(40), compressedHash VARCHAR(40), PRIMARY KEY (id, fileType)"
            + belongs,
            (),
            attached,
        ),
        Table(
            "StorageArea",
            "uuid VARCHAR(64) NOT NULL PRIMARY KEY, content {blob} NOT NULL, type INTEGER NOT NULL",
            (),
            header_copies(blob_bytes),
        ),
    )


def rows_of_a_block() -> int:
    """Rows of all tables in one block."""
    return sum(sum(1 for _ in table.rows(0)) for table in tables(1))


def _patient_tags(one: Resource, block: int) -> tuple[tuple[int, int, str], ...]:
    name = f"{FAMILIES[block % len(FAMILIES)]}^Given{block}"
    born = f"{1930 + block % 80}0{1 + block % 9}15"
    return (16, 16, name), (16, 32, one.uid), (16, 48, born), (16, 64, "FMO"[block % 3])


def _study_tags(one: Resource, block: int) -> tuple[tuple[int, int, str], ...]:
    return (
        (8, 32, f"20{10 + block % 16}0{1 + block % 9}{10 + block % 18}"),
        (8, 48, f"{block % 24:02d}4501.000"),
        (8, 80, f"ACC{block:07d}{one.place}"),
        (8, 144, f"{FAMILIES[(block + one.place) % len(FAMILIES)]}^Referring"),
        (8, 4144, "CT Thorax/Abdomen mit KM"),
        (32, 13, one.uid),
        (32, 16, str(block)),
    )


def _series_tags(one: Resource, _: int) -> tuple[tuple[int, int, str], ...]:
    return (
        (8, 96, "CT"),
        (8, 4158, "Thorax 1.0 Br40"),
        (24, 21, "CHEST"),
        (32, 14, one.uid),
        (32, 17, str(one.place)),
    )


def _instance_tags(one: Resource, block: int) -> tuple[tuple[int, int, str], ...]:
    return (
        (8, 18, f"2026110{1 + block % 9}"),
        (8, 24, one.uid),
        (32, 19, str(one.place)),
        (32, 50, f"-122.500\\-112.400\\{one.place * 1.25:.3f}"),
        (32, 55, "1.000000\\0.000000\\0.000000\\0.000000\\1.000000\\0.000000"),
    )


TAGS = {
    PATIENT: _patient_tags,
    STUDY: _study_tags,
    SERIE: _series_tags,
    INSTANCE: _instance_tags,
}


def _hex(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _uuid(one: Resource, kind: int) -> str:
    digits = _hex(f"{kind} {one.number}")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=64)
def _filling(kind: int, length: int) -> bytes:
    """Elements as headers have them: short texts, and now and then bytes of any value."""
    chance = random.Random(kind)  # noqa: S311 - data that is the same every time
    parts: list[bytes] = []
    size = 0
    while size < length:
        text = bytes(chance.choices(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789.^\\", k=18))
        value = chance.randbytes(24) if chance.random() < 0.2 else text
        parts.append(_element(chance.randrange(9, 0x60), chance.randrange(1 << 16), b"LO", value))
        size += len(parts[-1])
    return b"".join(parts)


def _element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    even = value + b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", group, number, vr, len(even)) + even
