"""pg_dump's custom format (-Fc), without PostgreSQL.

Strategy: the table of contents gives the tables and the COPY statement of each; a walk over the
data blocks, which reads their lengths and skips their content, gives where each table's rows lie,
also where the archive was written to a pipe and has no offsets. A block's content is what a plain
dump has after its COPY statement, or INSERT statements, zlib-compressed or not, and is read by the
same code through a window that decompresses.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from pacslift.errors import DumpDamagedError
from pacslift.extract.charsets import job_codec, postgresql_codec
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.folder import source_of
from pacslift.extract.insertheader import take_insert_header
from pacslift.extract.insertrun import InsertRun
from pacslift.extract.pgplain import copy_header, copy_run
from pacslift.extract.pgtoc import (
    GZIP,
    NO_DATA,
    ArchiveBytes,
    Entry,
    Head,
    read_entries,
    read_head,
)
from pacslift.extract.script import EarlyEnd, ScriptReader, ScriptTable, Survey, TableBook
from pacslift.extract.source import DumpFile
from pacslift.extract.statements import Dialect
from pacslift.extract.window import PIECE, Opener, Window

_DATA, _BLOBS = 1, 3
_LONGEST = 1 << 48


def read_pgcustom(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of an archive; *charset* overrides its client_encoding."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("pg_dump custom", path, lambda: _survey(path, codec))


def _survey(path: DumpFile, forced: str | None) -> Survey:
    with source_of(path).open() as file:
        archive = ArchiveBytes(file.read, str(path))
        head = read_head(archive, str(path))
        entries = read_entries(archive, head)
        blocks, cut = _walk(file, archive)
    book = TableBook()
    for entry in entries:
        if entry.desc in {"TABLE", "FOREIGN TABLE"}:
            _create(book, entry)
    settings = _Settings(entries, forced)
    ends: list[EarlyEnd] = []
    for entry in entries:
        if entry.desc == "TABLE DATA" and entry.has_data and entry.state != NO_DATA:
            if entry.dump_id not in blocks:
                ends.append(_missing(book.table(entry.namespace, entry.tag, None)))
                continue
            rows = block_opener(path, blocks[entry.dump_id], head)
            table = _add_rows(path, book, entry, rows, settings)
            if entry.dump_id == cut:
                ends.append(_missing(table))
    server = f"PostgreSQL {head.server.split()[0]}" if head.server else None
    return Survey(server, book.tables, early_ends=ends)


class _Settings:
    """Character set and quoting, which the archive keeps as entries of their own."""

    def __init__(self, entries: list[Entry], forced: str | None) -> None:
        said = {entry.desc: entry.defn.partition("'")[2].partition("'")[0] for entry in entries}
        self.codec = forced or postgresql_codec(said.get("ENCODING", "UTF8"))
        on = said.get("STDSTRINGS", "on") == "on"
        self.dialect = Dialect.POSTGRES if on else Dialect.POSTGRES_ESCAPING


def _create(book: TableBook, entry: Entry) -> None:
    try:
        created = read_create_table(entry.defn, "postgres")
    except DdlError:
        return  # its rows say which columns they have
    book.add(entry.namespace, created.shape)


def _add_rows(
    path: DumpFile, book: TableBook, entry: Entry, rows: Opener, settings: _Settings
) -> ScriptTable:
    if copied := copy_header(entry.copy.encode()):
        table = book.table(entry.namespace, entry.tag, copied.columns)
        table.runs.append(copy_run(str(path), table, copied, rows, settings.codec))
        return table
    with rows() as window:
        if not window.hold(1) or not window.data.strip():
            return book.table(entry.namespace, entry.tag, None)
        header = take_insert_header(window, str(path))
        table = book.table(entry.namespace, entry.tag, header.columns)
        behind = _further(rows, window.offset)
    table.runs.append(InsertRun(str(path), header, behind, settings.dialect, settings.codec))
    return table


def _missing(table: ScriptTable) -> EarlyEnd:
    return EarlyEnd(
        f"was cut off: the data of table {table.shape.name} is not there or not whole", table
    )


def _walk(file: BinaryIO, archive: ArchiveBytes) -> tuple[dict[int, int], int | None]:
    """Where the content of each data block begins, by dump ID; and the ID of one that is cut."""
    blocks: dict[int, int] = {}
    while kind := file.read(1):
        number = None
        try:
            number = archive.integer()
            blocks[number] = file.tell()
            if kind[0] not in {_DATA, _BLOBS}:
                return blocks, number
            _skip(file, archive, several=kind[0] == _BLOBS)
        except DumpDamagedError:
            return blocks, number
    return blocks, None


def _skip(file: BinaryIO, archive: ArchiveBytes, *, several: bool) -> None:
    """Move behind a block, or behind all large objects of one. DumpDamagedError at a cut."""
    while not several or archive.integer():
        while length := archive.integer():
            if 0 < length < _LONGEST:
                file.seek(length - 1, os.SEEK_CUR)
            if not 0 < length < _LONGEST or not file.read(1):
                raise DumpDamagedError(f"a data block is cut off at byte {file.tell()}")
        if not several:
            return


class _Content:
    """What a data block holds, decompressed."""

    def __init__(self, file: BinaryIO, name: str, head: Head) -> None:
        self._file = file
        self._name = name
        self._archive = ArchiveBytes(file.read, name)
        self._archive.int_size = head.int_size
        self._inflater = zlib.decompressobj() if head.algorithm == GZIP else None
        self._waiting = b""
        self._left = 0

    def read(self, size: int) -> bytes:
        """At most *size* bytes, at least one; none at the end, or where the block is cut."""
        while True:
            piece = self._waiting or self._piece()
            if self._inflater is None:
                self._waiting = piece[size:]
                return piece[:size]
            try:
                content = self._inflater.decompress(piece, size)
            except zlib.error as error:
                raise DumpDamagedError(
                    f"{self._name}: a data block is damaged near byte {self._file.tell()}: "
                    f"{error}. Make a new dump, or copy it again."
                ) from error
            self._waiting = self._inflater.unconsumed_tail
            if content or not piece:
                return content

    def _piece(self) -> bytes:
        """Some bytes of the block as they lie in the file."""
        try:
            self._left = self._left or self._archive.integer()
        except DumpDamagedError:
            return b""
        piece = self._file.read(min(self._left, PIECE))
        self._left -= len(piece)
        return piece


def block_opener(path: DumpFile, at: int, head: Head) -> Opener:
    """Windows on the content of the block at byte *at*."""

    @contextmanager
    def opened() -> Iterator[Window]:
        with source_of(path).open() as file:
            file.seek(at)
            yield Window(_Content(file, str(path), head).read, str(path))

    return opened


def _further(rows: Opener, start: int) -> Opener:
    """The same windows, *start* bytes further on."""

    @contextmanager
    def opened() -> Iterator[Window]:
        with rows() as window:
            window.hold(start)
            window.at = start
            yield window

    return opened
