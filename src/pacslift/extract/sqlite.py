"""SQLite database files, of any version 3.

The file is opened immutable, so that SQLite writes nothing beside it, no -wal, -shm or -journal.
Where such a file with content lies beside it, what it says belongs to the database: both are copied
into the working directory, and SQLite puts them together there. A file shorter than its own header
says is refused, since SQLite would read most of it without a word.
A packed or split file is put together in memory, up to a limit, since SQLite reads all over it.
Source: https://www.sqlite.org/fileformat.html 1.3 and https://www.sqlite.org/uri.html.
"""

import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from urllib.parse import quote

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile, Source
from pacslift.extract.shapes import BATCH_ROWS, Batch, Column, TableShape, lowered, numbered
from pacslift.extract.terms import Terms

MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes
_BESIDE = ("-wal", "-journal")
_MOST_HELD = 384 << 20  # it is there twice for a moment, and all of pacslift shall stay below 1 GiB
_WAL_MODE = 2  # bytes 18 and 19 of the header; a file in memory cannot have a -wal

_COUNT = "SELECT COUNT(*) FROM "
_TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
      AND sql NOT LIKE 'CREATE VIRTUAL%'
    ORDER BY rowid
"""

# The driver decodes SQLite's messages, which may quote bytes that are no UTF-8.
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)


class SqliteFile:
    """DumpReader of one SQLite file; *workdir* takes the copy where one is needed."""

    format = "SQLite"

    def __init__(self, path: DumpFile, workdir: Path, charset: str | None = None) -> None:
        source = source_of(path)
        self.path = source.path
        self.terms = Terms()
        self._codec = "utf-8" if charset is None else job_codec(charset)
        self._remove: weakref.finalize[[str], SqliteFile] | None = None
        self._memory: sqlite3.Connection | None = None
        self._opened = self.path.resolve()  # SQLite's files lie beside what a link points to
        if source.file is None:
            self._memory, header = _in_memory(source)
        else:
            beside = (Path(f"{self._opened}{end}") for end in _BESIDE)
            waiting = [found for found in beside if _has_content(found)]
            if waiting:
                self._opened = self._merged_copy(workdir, waiting)
            header = _header(self._opened)
            _check_length(header, self._opened.stat().st_size, self.path)
        self.server = f"SQLite {_writer(header)}"

    def shapes(self) -> Sequence[TableShape]:
        """Every table but SQLite's own and virtual ones."""
        with self._connection() as database:
            names = [_name(row[0]) for row in self._rows(database, _TABLES)]
            return [self._shape(database, name) for name in names]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """The wanted rows in the order of their rowid; see DumpReader."""
        names = lowered(wanted)
        for shape in self.shapes():
            if shape.name.lower() in names:
                columns = [column for _, column in shape.chosen(names[shape.name.lower()])]
                yield from self._table(shape.name, columns)

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table, counted by SQLite."""
        with self._connection() as database:
            return {
                shape.name: int(next(self._rows(database, _COUNT + _q(shape.name)))[0])
                for shape in self.shapes()
            }

    def close(self) -> None:
        """Remove the copy, if there is one, from disk or memory."""
        if self._memory is not None:
            self._memory.close()
        if self._remove is not None:
            self._remove()

    def _table(self, table: str, columns: Sequence[Column]) -> Iterator[Batch]:
        """NOT INDEXED keeps the order of rows the same whatever columns are asked for."""
        listed = ", ".join(_q(column.name) for column in columns) or "NULL"
        done = 0
        with self._connection() as database:
            cursor = database.cursor()
            try:
                cursor.execute(f"SELECT {listed} FROM {_q(table)} NOT INDEXED")  # noqa: S608
                while rows := cursor.fetchmany(BATCH_ROWS):
                    yield self._batch(table, columns, rows, done)
                    done += len(rows)
            except DAMAGE as error:
                raise DumpDamagedError(
                    f"{self.path}: table {table} cannot be read after row {done}: {error}. "
                    "Copy the file again, or let sqlite3's .recover rebuild it."
                ) from error

    def _batch(
        self, table: str, columns: Sequence[Column], rows: list[tuple[object, ...]], done: int
    ) -> Batch:
        decoder = TextDecoder(table.lower(), self._codec, done + 1)
        series: list[pl.Series] = []
        for column, values in zip(columns, zip(*rows, strict=True), strict=False):
            name = column.name.lower()
            plain = [value if type(value) is bytes else _plain(value) for value in values]
            if column.binary:
                series.append(pl.Series(name, plain, dtype=pl.Binary))
            else:
                codec = self.terms.charsets.codec(table, name) or ""
                series.append(decoder.column(name, plain, codec))
        numbers = range(done + 1, done + len(rows) + 1)
        return Batch(table.lower(), numbered(series, numbers), decoder.undecodable)

    def _shape(self, database: sqlite3.Connection, table: str) -> TableShape:
        rows = self._rows(database, f"PRAGMA table_info({_q(table)})")
        return TableShape(table, tuple(Column(_name(r[1]), _name(r[2])) for r in rows))

    def _rows(self, database: sqlite3.Connection, sql: str) -> Iterator[tuple[bytes, ...]]:
        try:
            yield from database.execute(sql)
        except DAMAGE as error:
            raise DumpDamagedError(
                f"{self.path} is a damaged SQLite file: {error}. Copy it again, with the -wal "
                "file beside it where there is one."
            ) from error

    def _connection(self) -> AbstractContextManager[sqlite3.Connection]:
        if self._memory is not None:
            return nullcontext(self._memory)
        return closing(_connected(f"file:{quote(str(self._opened))}?mode=ro&immutable=1"))

    def _merged_copy(self, workdir: Path, waiting: Sequence[Path]) -> Path:
        """A private copy of database and log, put together by SQLite; gone when this reader is."""
        workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="sqlite-", dir=workdir)
        self._remove = weakref.finalize(self, shutil.rmtree, folder)
        copy = Path(folder) / "database"
        shutil.copyfile(self._opened, copy)
        for path in waiting:
            shutil.copyfile(path, f"{copy}{str(path)[len(str(self._opened)) :]}")
        try:
            with closing(_connected(f"file:{quote(str(copy))}")) as database:
                database.execute("PRAGMA journal_mode = DELETE").fetchall()
        except DAMAGE as error:
            raise DumpDamagedError(
                f"{self.path} and what lies beside it ({', '.join(p.name for p in waiting)}) do "
                f"not fit together: {error}. Copy all of them again while the server is stopped."
            ) from error
        return copy


def _in_memory(source: Source) -> tuple[sqlite3.Connection, bytes]:
    """A database that is packed or in parts, and its header.

    DumpFormatError for one that is too large, or has changes beside it that belong to it.
    """
    for end in _BESIDE:
        if log := source.folder.like(source.name + end):
            with closing(log):
                _refuse_log(source, log)
    with source.open_random(_MOST_HELD, "SQLite reads all over its file") as file:
        content = bytearray(file.read(_MOST_HELD + 1))
    if len(content) > _MOST_HELD:
        raise DumpFormatError(
            f"{source} has more than {_MOST_HELD >> 20} MiB, and SQLite reads all over its file. "
            "Join its parts first."
        )
    header = bytes(content[:_HEADER])
    _check_length(header, len(content), source.path)
    if content[18] == _WAL_MODE:
        content[18:20] = b"\1\1"
    database = _connected(":memory:")
    database.deserialize(content)
    source.close()
    return database, header


def _refuse_log(source: Source, log: Source) -> None:
    """Refuse what a log with content lies beside."""
    if log.head(1):
        raise DumpFormatError(
            f"{source} and {log} belong together, and SQLite puts them together on a disk only. "
            "Unpack both of them into one folder."
        )


def _connected(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True)
    database.text_factory = bytes
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _plain(value: object) -> bytes | None:
    """A number as SQLite's own text of it, with as many digits as give it back."""
    return None if value is None else repr(value).encode("ascii")


def _name(value: bytes) -> str:
    return value.decode("utf-8", errors="backslashreplace")


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _writer(header: bytes) -> str:
    """Version of the library that wrote the file last: offset 96 of the header."""
    number = int.from_bytes(header[96:100], "big")
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}" if number else "3"


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER)


def _check_length(header: bytes, found: int, shown: Path) -> None:
    """Hold the page count in the header, where it is valid, against the size that was *found*."""
    if len(header) < _HEADER or not header.startswith(MAGIC):
        raise DumpDamagedError(f"{shown} ends inside its SQLite header. Copy the file again.")
    page = int.from_bytes(header[16:18], "big")
    page = 65536 if page == 1 else page or 512
    counted = header[24:28] == header[92:96]  # else an old SQLite has written it last
    size = page * int.from_bytes(header[28:32], "big") if counted else -(-found // page) * page
    if found < size:
        raise DumpDamagedError(
            f"{shown} has {found} bytes where by its header it should have {size}: it was cut "
            "off. Copy the file again."
        )
