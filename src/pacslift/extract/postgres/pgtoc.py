"""The head and the table of contents of a pg_dump archive: custom, directory and tar format.

Archive versions 1.12 (PostgreSQL 9.0) to 1.16 (17). Integers are a sign byte and intSize bytes,
lowest first; texts are a length, -1 for none, and bytes. Entries grew a table access method in
1.14 and a relkind in 1.16; the head names the compression since 1.15 and a level of zlib before.
An entry ends with what its format adds: whether its data has a place and which, or its file.
Source: src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc), pg_backup_archiver.h
(K_VERS_1_12 to K_VERS_1_16), and ReadExtraToc in pg_backup_custom.c and pg_backup_directory.c.
"""

from dataclasses import dataclass

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.window import Window

MAGIC = b"PGDMP"
CUSTOM, IN_FILES = 1, 3  # a directory's table of contents says tar, whose files it has
_OLDEST, _NEWEST = (1, 12), (1, 16)
_WITH_ALGORITHM = (1, 15)  # before, a level of gzip, of which 0 is none
_WIDEST = 8  # bytes of an integer
_LONGEST = 1 << 30

METHODS = ("none", "gzip", "lz4", "zstd")

_NO_DATA = 3  # the state of an entry that has a dumper and nothing dumped


@dataclass(frozen=True, slots=True)
class Head:
    """What the archive says of itself."""

    version: tuple[int, int]
    int_size: int
    offset_size: int
    form: int
    method: str
    database: str
    server: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the dump. *file* is its data's, in a directory or a tar file."""

    dump_id: int
    has_data: bool
    tag: str
    desc: str
    defn: str
    copy: str
    namespace: str
    file: str = ""


class ArchiveBytes:
    """Reads the archive's integers and texts from a window, which moves behind them."""

    def __init__(self, window: Window, name: str) -> None:
        self._window = window
        self._name = name
        self.int_size = 4

    def take(self, size: int) -> bytes:
        """Exactly *size* bytes. Raises DumpDamagedError where the file ends."""
        window = self._window
        if size < 0 or not (size == 0 or window.hold(size)) or len(window.data) - window.at < size:
            raise DumpDamagedError(
                f"{self._name} ends inside the archive's table of contents or a data block. "
                "Make a new dump, or copy it again."
            )
        window.at += size
        return window.data[window.at - size : window.at]

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
    if algorithm >= len(METHODS):
        raise DumpFormatError(
            f"{name} is compressed with method {algorithm}; {', '.join(METHODS)} are read. Dump "
            "again with --compress=gzip."
        )
    for _ in range(7):  # when it was made
        archive.integer()
    database, server = archive.text(), archive.text()
    archive.text()  # version of pg_dump
    return Head(version, archive.int_size, offset_size, form, METHODS[algorithm], database, server)


def _check_form(name: str, version: tuple[int, int], form: int) -> None:
    if not _OLDEST <= version <= _NEWEST:
        raise DumpFormatError(
            f"{name} is a pg_dump archive of version {version[0]}.{version[1]}; 1.12 to 1.16 are "
            f"read. Turn it into a plain dump with pg_restore --file={name}.sql."
        )
    if form not in {CUSTOM, IN_FILES}:
        raise DumpFormatError(
            f"{name} is a pg_dump archive of form {form}, which pg_dump does not write. Copy it "
            "again."
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
    file = ""
    if head.form == CUSTOM:
        state = archive.byte()
        has_data *= state != _NO_DATA
        archive.take(head.offset_size)
    else:
        file = archive.text()
    return Entry(dump_id, bool(has_data), tag, desc, defn, copy, namespace, file)
