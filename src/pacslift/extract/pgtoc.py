"""The head and the table of contents of a pg_dump archive (custom format).

Archive versions 1.12 (PostgreSQL 9.0) to 1.16 (17). Integers are a sign byte and intSize bytes,
lowest first; texts are a length, -1 for none, and bytes.
Source: src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc) and pg_backup_custom.c.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pacslift.errors import DumpDamagedError, DumpFormatError

MAGIC = b"PGDMP"
_CUSTOM = 1
_OLDEST, _NEWEST = (1, 12), (1, 16)
_WITH_ALGORITHM = (1, 15)  # before, a level of gzip, of which 0 is none
_WIDEST = 8  # bytes of an integer
_LONGEST = 1 << 30

NONE, GZIP = 0, 1
_ALGORITHMS = ("none", "gzip", "lz4", "zstd")

NO_DATA = 3  # the state of an entry that has a dumper and nothing dumped


@dataclass(frozen=True, slots=True)
class Head:
    """What the archive says of itself."""

    version: tuple[int, int]
    int_size: int
    offset_size: int
    algorithm: int
    database: str
    server: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the dump. *state* is NO_DATA where it has no data block though it could."""

    dump_id: int
    has_data: bool
    tag: str
    desc: str
    defn: str
    copy: str
    namespace: str
    state: int


class ArchiveBytes:
    """Reads the archive's integers and texts from a file's *read*."""

    def __init__(self, read: Callable[[int], bytes], name: str) -> None:
        self._read = read
        self._name = name
        self.int_size = 4

    def take(self, size: int) -> bytes:
        """Exactly *size* bytes. Raises DumpDamagedError where the file ends."""
        data = self._read(size) if size > 0 else b""
        if len(data) < size or size < 0:
            raise DumpDamagedError(
                f"{self._name} ends inside the archive's table of contents or a data block. "
                "Make a new dump, or copy it again."
            )
        return data

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def integer(self) -> int:
        """An integer with its sign."""
        data = self.take(1 + self.int_size)
        number = int.from_bytes(data[1:], "little")
        return -number if data[0] else number

    def text(self) -> str:
        """A text; none is as good as empty here."""
        length = self.integer()
        if length > _LONGEST:
            raise DumpDamagedError(f"{self._name}: the table of contents is damaged")
        return self.take(length).decode("utf-8", "backslashreplace") if length > 0 else ""

    def texts(self) -> list[str]:
        """Texts up to one that is none."""
        found: list[str] = []
        while (length := self.integer()) >= 0:
            found.append(self.take(length).decode("utf-8", "backslashreplace"))
        return found


def read_head(archive: ArchiveBytes, name: str) -> Head:
    """Read the head. Raises DumpFormatError for a version or compression that is not read."""
    if archive.take(5) != MAGIC:
        raise DumpFormatError(f"{name} is no pg_dump archive")
    version = (archive.byte(), archive.byte())
    archive.byte()  # revision
    archive.int_size, offset_size, form = archive.byte(), archive.byte(), archive.byte()
    _check_form(name, version, form)
    if not (1 <= archive.int_size <= _WIDEST and 1 <= offset_size <= _WIDEST):
        raise DumpDamagedError(f"{name}: the archive's head is damaged; copy it again")
    algorithm = archive.byte() if version >= _WITH_ALGORITHM else int(archive.integer() != 0)
    if algorithm > GZIP:
        method = _ALGORITHMS[algorithm] if algorithm < len(_ALGORITHMS) else str(algorithm)
        raise DumpFormatError(
            f"{name} is compressed with {method}. Dump again with --compress=gzip, or let "
            f"pg_restore --file={name}.sql turn it into a plain dump."
        )
    for _ in range(7):  # when it was made
        archive.integer()
    database, server = archive.text(), archive.text()
    archive.text()  # version of pg_dump
    return Head(version, archive.int_size, offset_size, algorithm, database, server)


def _check_form(name: str, version: tuple[int, int], form: int) -> None:
    if not _OLDEST <= version <= _NEWEST:
        raise DumpFormatError(
            f"{name} is a pg_dump archive of version {version[0]}.{version[1]}; 1.12 to 1.16 are "
            f"read. Turn it into a plain dump with pg_restore --file={name}.sql."
        )
    if form != _CUSTOM:
        raise DumpFormatError(
            f"{name} belongs to a pg_dump in tar or directory format. Turn it into a plain dump "
            "with pg_restore --file=plain.sql."
        )


def read_entries(archive: ArchiveBytes, head: Head) -> list[Entry]:
    """Read the table of contents, which follows the head."""
    return [_entry(archive, head) for _ in range(archive.integer())]


def _entry(archive: ArchiveBytes, head: Head) -> Entry:
    dump_id, has_data = archive.integer(), archive.integer()
    archive.text(), archive.text()  # OIDs of the catalog and of the object
    tag, desc = archive.text(), archive.text()
    archive.integer()  # section
    defn = archive.text()
    archive.text()  # DROP statement
    copy, namespace = archive.text(), archive.text()
    archive.text()  # tablespace
    if head.version >= (1, 14):
        archive.text()  # table access method
    if head.version >= (1, 16):
        archive.integer()  # relkind
    archive.text(), archive.text()  # owner; with OIDs
    archive.texts()  # dependencies
    state = archive.byte()
    archive.take(head.offset_size)
    return Entry(dump_id, bool(has_data), tag, desc, defn, copy, namespace, state)
