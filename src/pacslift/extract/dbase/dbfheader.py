"""The header of a DBF file: its fields, and where its records lie.

32-byte header (version, date, u32 records, u16 header length, u16 record length, code page mark at
29), 32 bytes a field, 0x0D, in Visual FoxPro 263 bytes that name a database, then the records.
Sources: dBase III file structure, https://www.loc.gov/preservation/digital/formats/fdd/
fdd000325.shtml; "Table File Structure (.dbc, .dbf, .frx …)" of Visual FoxPro's documentation.
"""

from dataclasses import dataclass, replace

from pacslift.errors import DumpDamagedError
from pacslift.extract.charset.charsets import dbf_codec
from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile, Source
from pacslift.extract.shapes import Column, TableShape

VISUAL_FOXPRO = frozenset([0x30, 0x31, 0x32])
FOXPRO = VISUAL_FOXPRO | {0xF5, 0xFB}
VERSIONS = FOXPRO | {0x02, 0x03, 0x04, 0x05, 0x43, 0x63, 0x83, 0x8B, 0x8E, 0xCB}

_SYSTEM, _NULLABLE = 0x01, 0x02
_VARYING = "VQ"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: *offset* in the record; bits of _NullFlags, None where the field has none."""

    column: Column
    kind: str
    offset: int
    width: int
    decimals: int
    length_bit: int | None = None
    null_bit: int | None = None


@dataclass(frozen=True, slots=True)
class DbfTable:
    """One file's header. *flags* is the field that holds the bits of Visual FoxPro."""

    source: Source
    version: int
    records: int
    header_length: int
    record_length: int
    codec: str
    fields: tuple[Field, ...]
    flags: Field | None

    @property
    def name(self) -> str:
        """The table's name is its file's."""
        return self.source.stem

    @property
    def shape(self) -> TableShape:
        """Name and columns."""
        return TableShape(self.name, tuple(f.column for f in self.fields))

    @property
    def whole_records(self) -> int:
        """So many records are in the file from end to end."""
        found = self.source.size - self.header_length
        return max(found, 0) // self.record_length


def is_dbf(path: DumpFile) -> bool:
    """Whether a file's header is one of a DBF, by its numbers and not by its first byte alone."""
    head = source_of(path).head(33)
    if len(head) < 33 or head[0] not in VERSIONS or not _is_date(head[1:4]):  # noqa: PLR2004
        return False
    length = int.from_bytes(head[8:10], "little")
    return length >= 33 and int.from_bytes(head[10:12], "little") > 1  # noqa: PLR2004


def _is_date(date: bytes) -> bool:
    return 0 <= date[1] <= 12 and 0 <= date[2] <= 31  # noqa: PLR2004


def read_header(source: Source, forced: str | None) -> DbfTable:
    """The header of the file *source*; *forced* overrides its code page mark.

    Raises DumpDamagedError for a header that is cut or contradicts itself.
    """
    with source.open() as file:
        head = file.read(32)
        length = int.from_bytes(head[8:10], "little")
        described = file.read(length - 32)
    if len(described) < length - 32 or b"\r" not in described[::32]:
        raise DumpDamagedError(f"{source} ends inside its header. Copy the file again.")
    record_length = int.from_bytes(head[10:12], "little")
    ends = described[::32].index(b"\r") * 32
    fields = _fields([described[i : i + 32] for i in range(0, ends, 32)], head[0])
    taken = 1 + sum(field.width for field in fields)
    if taken > record_length:
        raise DumpDamagedError(
            f"{source}: the fields take {taken} bytes, the header says a record has "
            f"{record_length}. The header is damaged; copy the file again."
        )
    return DbfTable(
        source,
        head[0],
        int.from_bytes(head[4:8], "little"),
        length,
        record_length,
        forced or dbf_codec(head[29], str(source)),
        tuple(field for field in fields if field.kind != "0"),
        next((field for field in fields if field.kind == "0"), None),
    )


def _fields(descriptors: list[bytes], version: int) -> list[Field]:
    """Fields in the order of the record. A field that varies has a bit, then one for NULL."""
    fields: list[Field] = []
    offset, bits = 1, 0
    for descriptor in descriptors:
        field = _field(descriptor, offset, version)
        length_bit = null_bit = None
        if version in VISUAL_FOXPRO and field.kind in _VARYING:
            length_bit, bits = bits, bits + 1
        if version in VISUAL_FOXPRO and descriptor[18] & _NULLABLE:
            null_bit, bits = bits, bits + 1
        fields.append(replace(field, length_bit=length_bit, null_bit=null_bit))
        offset += field.width
    return fields


def _field(descriptor: bytes, offset: int, version: int) -> Field:
    """Name, type letter, width; the upper byte of a text's width stands behind the lower one."""
    name = descriptor[:11].split(b"\0")[0].decode("ascii", "backslashreplace").strip()
    kind = descriptor[11:12].decode("ascii", "backslashreplace")
    width, decimals = descriptor[16], descriptor[17]
    if kind == "C":
        width, decimals = width + (decimals << 8), 0
    if kind == "B" and version not in VISUAL_FOXPRO:
        kind = "P"  # dBase's B is bytes in the memo file
    declared = f"{kind}({width},{decimals})" if decimals else f"{kind}({width})"
    return Field(Column(name, declared), kind, offset, width, decimals)
