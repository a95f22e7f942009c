"""DBF sets: the tables of a dBase or FoxPro database, a file each, with their memo files.

A table is named by its file. Rows marked as deleted are no rows of it; where there are any they are
given as the table `<name>_deleted`, so that they are neither taken for live nor lost. Values are
text, padding blanks (and NULs of sloppy writers) taken off; see dbfvalues.py for each type. dBase
has no NULL, so a blank field is empty text; Visual FoxPro says by a bit what is NULL.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.dbase.dbfheader import DbfTable, Field, is_dbf, read_header
from pacslift.extract.dbase.dbfmemo import MemoFile, memo_source, open_memo, pointer
from pacslift.extract.dbase.dbfvalues import (
    MEMO_BYTES,
    MEMO_TEXT,
    Plain,
    has_its_width,
    plain_value,
)
from pacslift.extract.packed.folder import Folder, opened
from pacslift.extract.packed.source import DumpFile, Source, explained
from pacslift.extract.shapes import BATCH_ROWS, Batch, TableShape, lowered, numbered
from pacslift.extract.terms import Charsets, Terms
from pacslift.extract.truncation import Cut
from pacslift.patterns import compiled

_PIECE = 4 << 20  # bytes of records read at once
_MEMO_ROWS = 1024  # fewer, where each may have a long text
_DBASE7 = frozenset([0x04])  # writes numbers highest byte first
_Row = Sequence[bytes]


class DbfSet:
    """DumpReader of one DBF file or of all in a folder."""

    format = "DBF set"
    server: str | None = None

    def __init__(
        self, path: DumpFile | Folder, charset: str | None = None, terms: Terms | None = None
    ) -> None:
        found = opened(path) if isinstance(path, Path) else path
        self.path = found.path
        self._file = found
        self._terms = terms or Terms()
        forced = None if charset is None else job_codec(charset)
        sources = found.sources() if isinstance(found, Folder) else [found]
        self._tables = [self._checked(one, forced) for one in sources if _is_of_the_set(one)]

    @cached_property
    def _deleted(self) -> dict[str, int]:
        """Deleted records by file; the flags are a byte a record, and read once."""
        return {str(table.source): _count_deleted(table) for table in self._tables}

    def shapes(self) -> Sequence[TableShape]:
        """The live rows of each file and, where it has any, the deleted ones."""
        return [
            TableShape(table.name + suffix, table.shape.columns)
            for table in self._tables
            for suffix in (("", "_deleted") if self._deleted[str(table.source)] else ("",))
        ]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """The wanted rows; origin_row is the record's number, so deleted ones leave gaps."""
        names = lowered(wanted)
        for table in self._tables:
            for suffix in ("", "_deleted"):
                name = table.name.lower() + suffix
                if name in names:
                    yield from self._rows(table, name, names[name], deleted=bool(suffix))

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table, live and deleted ones apart."""
        counts: dict[str, int] = {}
        for table in self._tables:
            deleted = self._deleted[str(table.source)]
            counts[table.name] = table.records - deleted
            if deleted:
                counts[table.name + "_deleted"] = deleted
        return counts

    def close(self) -> None:
        """End what is being unpacked."""
        self._file.close()

    def _checked(self, source: Source, forced: str | None) -> DbfTable:
        """The header of *source*, its number of records held against the file's length."""
        said = self._terms.charsets.codec(source.stem)
        with explained(source):
            table = read_header(source, said or forced)
            whole = table.whole_records
            if whole < table.records:
                self._terms.truncation.meet(
                    Cut(str(source), table.name, whole),
                    f"{source}: table {table.name} has {table.records} records by its header and "
                    f"ends after record {whole}, the last good one.",
                )
                return replace(table, records=whole)
        source.meet_end(self._terms.truncation, table.name, table.records)
        return table

    def _rows(
        self, table: DbfTable, name: str, wanted: Sequence[str], *, deleted: bool
    ) -> Iterator[Batch]:
        """Rows of one kind; the flag byte is '*' for a deleted record."""
        chosen = [table.fields[i] for i, _ in table.shape.chosen(wanted)]
        pattern = _record_pattern(table, chosen)
        memo = any(field.kind in MEMO_TEXT + MEMO_BYTES for field in chosen)
        with ExitStack() as stack:
            columns = [_ColumnReader(table, field, stack) for field in chosen]
            before = 0
            for data in _blocks(table, _MEMO_ROWS if memo else BATCH_ROWS):
                rows = pattern.findall(data)
                numbers = [
                    i for i, row in enumerate(rows, before + 1) if (row[0] == b"*") is deleted
                ]
                if numbers:
                    kept = [rows[i - before - 1] for i in numbers]
                    places = _places(chosen)
                    yield self._batch(table, name, columns, places, kept, numbers)
                before += len(rows)

    def _batch(
        self,
        table: DbfTable,
        name: str,
        columns: Sequence["_ColumnReader"],
        places: Mapping[int, int],
        rows: Sequence[_Row],
        numbers: Sequence[int],
    ) -> Batch:
        decoder = TextDecoder(name, table.codec, numbers[0])
        flags = [row[-2] for row in rows]
        series: list[pl.Series] = []
        for column in columns:
            raw = [row[places[column.field.offset]] for row in rows]
            values = column.values(raw, flags, numbers)
            label = column.field.column.name.lower()
            if column.field.column.binary:
                series.append(pl.Series(label, values, dtype=pl.Binary))
            else:
                codec = _said(self._terms.charsets, table, label)
                series.append(decoder.column(label, values, codec))
        return Batch(name, numbered(series, numbers), decoder.undecodable)


def _said(charsets: Charsets, table: DbfTable, column: str) -> str:
    return charsets.codec(table.name, column) or ""


def _is_of_the_set(source: Source) -> bool:
    """Whether a file is a DBF; one that is none and has the name of one is damaged."""
    if is_dbf(source):
        return True
    if source.name.lower().endswith(".dbf"):
        raise DumpDamagedError(f"{source} has no DBF header. Copy the file again.")
    return False


def _count_deleted(table: DbfTable) -> int:
    """How many flags are '*'."""
    return sum(data[:: table.record_length].count(b"*") for data in _blocks(table, BATCH_ROWS))


def _blocks(table: DbfTable, most: int) -> Iterator[bytes]:
    """The records, as many whole ones at once as make a good piece, at most *most*."""
    step = max(1, min(most, _PIECE // table.record_length))
    with table.source.open() as file:
        file.seek(table.header_length)
        for before in range(0, table.records, step):
            yield file.read(min(step, table.records - before) * table.record_length)


def _places(chosen: Sequence[Field]) -> dict[int, int]:
    """Which group of the record's pattern a field at an offset is."""
    offsets = sorted({field.offset for field in chosen})
    return {offset: place for place, offset in enumerate(offsets, 1)}


def _record_pattern(table: DbfTable, chosen: Sequence[Field]) -> re.Pattern[bytes]:
    """Flag, chosen fields in the order of the file, the bits, and an empty last group."""
    parts: list[bytes] = []
    at = 1
    fields = sorted({field.offset: field for field in chosen}.values(), key=lambda f: f.offset)
    bits = table.flags
    for field in fields:
        parts.append(b".{%d}(.{%d})" % (field.offset - at, field.width))
        at = field.offset + field.width
    start = bits.offset if bits else table.record_length
    width = bits.width if bits else 0
    if start < at:  # the bits stand before a field that is wanted, as no product writes them
        raise DumpFormatError(f"{table.source}: _NullFlags is not the last field")
    rest = table.record_length - start - width
    parts.append(b".{%d}(.{%d}).{%d}()" % (start - at, width, rest))
    return compiled(b"(.)" + b"".join(parts), re.DOTALL)


class _ColumnReader:
    """Gives the values of one field, with its memo file open where it needs one."""

    def __init__(self, table: DbfTable, field: Field, stack: ExitStack) -> None:
        self.field = field
        self._table = table
        self._plain = self._reading(stack)

    def values(
        self, raw: Sequence[bytes], flags: Sequence[bytes], numbers: Sequence[int]
    ) -> list[bytes | None]:
        """The values of records *numbers*; None where the bits say that it is NULL."""
        found: list[bytes | None] = []
        try:
            if self.field.null_bit is None and self.field.length_bit is None:
                for value in raw:
                    found.append(self._plain(value))  # noqa: PERF401 - its length tells the row
            else:
                for value, bits in zip(raw, flags, strict=True):
                    found.append(self._by_bits(value, bits))
        except (ValueError, DumpDamagedError) as error:
            raise DumpDamagedError(
                f"{self._table.source}: table {self._table.name}, record {numbers[len(found)]}, "
                f"column {self.field.column.name}: {error}"
            ) from error
        return found

    def _by_bits(self, value: bytes, bits: bytes) -> bytes | None:
        if _is_set(bits, self.field.null_bit):
            return None
        if self.field.length_bit is None:
            return self._plain(value)
        length = value[-1] if _is_set(bits, self.field.length_bit) else len(value)
        if length > len(value):
            raise ValueError(f"its length is said to be {length}, more than it can hold")
        return value[:length]

    def _reading(self, stack: ExitStack) -> Plain:
        kind = self.field.kind
        if kind in MEMO_TEXT + MEMO_BYTES:
            return _memo_reading(self._table, stack)
        plain = plain_value(kind, big_endian=self._table.version in _DBASE7)
        if plain is None:
            raise DumpFormatError(
                f"{self._table.source}: column {self.field.column.name} is of the DBF type {kind}, "
                "which is not known"
            )
        if not has_its_width(self.field):
            raise DumpDamagedError(
                f"{self._table.source}: column {self.field.column.name} of the type {kind} has a "
                f"width of {self.field.width}. The header is damaged; copy the file again."
            )
        return plain


def _is_set(bits: bytes, place: int | None) -> bool:
    return place is not None and place // 8 < len(bits) and bool(bits[place // 8] >> place % 8 & 1)


def _memo_reading(table: DbfTable, stack: ExitStack) -> Plain:
    """Reads pointers; the memo file is opened at the first that names a block."""
    memos: list[MemoFile] = []

    def content(raw: bytes) -> bytes:
        block = pointer(raw)
        if not block:
            return b""
        if not memos:
            source = memo_source(table)
            file = stack.enter_context(open_memo(source))
            memos.append(MemoFile(str(source), file, table.version))
        return memos[0].content(block)

    return content
