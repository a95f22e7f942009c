"""INSERT statements of one table as batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.inserts.insertheader import InsertHeader, is_uneasy
from pacslift.extract.inserts.insertrows import Captured, InsertShape, insert_rows
from pacslift.extract.inserts.literals import absent, literal_column
from pacslift.extract.inturn import Piece, in_turn
from pacslift.extract.packed.window import Opener
from pacslift.extract.scripts.script import ScriptTable
from pacslift.extract.scripts.statements import Dialect
from pacslift.extract.shapes import Batch, Column, TableShape, numbered

if TYPE_CHECKING:  # NumPy loads with them, which only mysqldump's rows need
    from pacslift.extract.inserts.rowgrid import GridPath, RowGrid

_MANY = 16  # rows; a block of fewer is one of large rows, or a small table


@dataclass(frozen=True, slots=True)
class InsertRun:
    """A stretch of INSERT statements with one *header*; *opened* opens behind the first one."""

    name: str
    header: InsertHeader
    opened: Opener
    dialect: Dialect
    codec: str | None
    """Python's codec of the text; None leaves it to the table."""
    end: int | None = None
    """Where the rows end by the survey, in bytes from the beginning of the dump."""

    def batches(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """See Run."""
        return in_turn(self._work(table, wanted, done))

    def count(self, table: ScriptTable, done: int) -> int:
        """See Run."""
        found = self._rows(table, self._names(table.shape), [], done)
        return sum(map(_height, found))

    def _work(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Piece[Batch]]:
        """For each block of rows what makes a batch of it."""
        names = self._names(table.shape)
        columns = [column for _, column in table.shape.chosen(wanted)]
        chosen = sorted({names.index(c.name.lower()) for c in columns if c.name.lower() in names})
        places = {names[i]: i for i in chosen}
        for rows in self._rows(table, names, chosen, done):
            batch = partial(self._batch, rows, table, columns, places, done)
            yield Piece(batch, large=_height(rows) < _MANY)
            done += _height(rows)

    def _batch(
        self,
        rows: "Captured | RowGrid",
        table: ScriptTable,
        columns: Sequence[Column],
        places: dict[str, int],
        done: int,
    ) -> Batch:
        name = table.shape.name.lower()
        decoder = TextDecoder(name, "utf-8", done + 1)
        codecs = {column: table.read_as(column, self.codec) for column in places}
        if isinstance(rows, Sequence):
            captured = dict(zip(places, zip(*rows, strict=True), strict=False))
            series = [self._series(c, captured, decoder, codecs, len(rows)) for c in columns]
        else:
            from pacslift.extract.inserts.gridrows import grid_columns  # noqa: PLC0415 - loads NumPy

            series = grid_columns(rows, places, columns, decoder, codecs)
        numbers = range(done + 1, done + _height(rows) + 1)
        return Batch(name, numbered(series, numbers), decoder.undecodable)

    def _names(self, shape: TableShape) -> list[str]:
        names = self.header.columns or tuple(column.name for column in shape.columns)
        if not names:
            raise DumpFormatError(
                f"{self.name}: the dump does not say which columns table {shape.name} has. "
                "Dump it again with its CREATE TABLE, or with --complete-insert."
            )
        return [name.lower() for name in names]

    def _rows(
        self, table: ScriptTable, names: list[str], chosen: list[int], done: int
    ) -> "Iterator[Captured | RowGrid]":
        truncation = table.terms.truncation
        shape = InsertShape(table.shape.name, self.header.text, len(names), tuple(chosen))
        with self.opened() as window:
            yield from insert_rows(
                window, shape, self.dialect, self.name, done + 1, truncation, self._quick(shape)
            )
            if self.end not in {None, window.offset}:
                raise DumpDamagedError(
                    f"{self.name}: the rows of table {table} end at byte {window.offset}, and "
                    f"should at {self.end}. The dump has changed, or is of a form not known."
                )

    def _quick(self, shape: InsertShape) -> "GridPath | None":
        """The quick way, for dumps by mysqldump where the survey has found the rows' end."""
        if self.dialect is not Dialect.MYSQL or self.end is None or is_uneasy(shape.header):
            return None
        from pacslift.extract.inserts.rowgrid import GridPath  # noqa: PLC0415 - loads NumPy

        return GridPath(shape.width, shape.header, self.end)

    def _series(
        self,
        column: Column,
        captured: Mapping[str, tuple[bytes, ...]],
        decoder: TextDecoder,
        codecs: Mapping[str, str],
        height: int,
    ) -> pl.Series:
        name = column.name.lower()
        if name not in captured:
            return absent(column, height)
        return literal_column(column, captured[name], self.dialect, decoder, codecs[name])


def _height(rows: "Captured | RowGrid") -> int:
    return len(rows) if isinstance(rows, Sequence) else rows.rows
