"""INSERT statements of one table as batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.gridrows import GridPath
from pacslift.extract.insertheader import InsertHeader
from pacslift.extract.insertrows import Captured, InsertShape, insert_rows
from pacslift.extract.literals import literal_column
from pacslift.extract.script import ScriptTable
from pacslift.extract.shapes import Batch, Column, TableShape, numbered
from pacslift.extract.statements import Dialect
from pacslift.extract.texts import TextDecoder
from pacslift.extract.window import Opener


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
        names = self._names(table.shape)
        columns = [column for _, column in table.shape.chosen(wanted)]
        chosen = sorted({names.index(c.name.lower()) for c in columns if c.name.lower() in names})
        quick = self._quick(table, names, columns)
        for rows in self._rows(table, names, chosen, done, quick):
            if isinstance(rows, Batch):
                yield rows
                done += rows.frame.height
                continue
            captured = dict(zip((names[i] for i in chosen), zip(*rows, strict=True), strict=False))
            decoder = TextDecoder(table.shape.name.lower(), "utf-8", done + 1)
            series = [self._series(c, captured, table, decoder, len(rows)) for c in columns]
            numbers = range(done + 1, done + len(rows) + 1)
            yield Batch(table.shape.name.lower(), numbered(series, numbers), decoder.undecodable)
            done += len(rows)

    def count(self, table: ScriptTable, done: int) -> int:
        """See Run."""
        names = self._names(table.shape)
        found = self._rows(table, names, [], done, None)
        return sum(len(rows) for rows in found if not isinstance(rows, Batch))

    def _quick(
        self, table: ScriptTable, names: Sequence[str], wanted: Sequence[Column]
    ) -> GridPath | None:
        """The quick way, for dumps by mysqldump where the survey has found the rows' end."""
        if self.dialect is not Dialect.MYSQL or self.end is None:
            return None
        known = {column.name.lower(): column for column in table.shape.columns}
        row = [known.get(name, Column(name, "")) for name in names]
        return GridPath(table, row, wanted, self.codec, self.header.text, self.end)

    def _names(self, shape: TableShape) -> list[str]:
        names = self.header.columns or tuple(column.name for column in shape.columns)
        if not names:
            raise DumpFormatError(
                f"{self.name}: the dump does not say which columns table {shape.name} has. "
                "Dump it again with its CREATE TABLE, or with --complete-insert."
            )
        return [name.lower() for name in names]

    def _rows(
        self,
        table: ScriptTable,
        names: list[str],
        chosen: list[int],
        done: int,
        quick: GridPath | None,
    ) -> Iterator[Captured | Batch]:
        truncation = table.terms.truncation
        shape = InsertShape(table.shape.name, self.header.text, len(names), tuple(chosen))
        with self.opened() as window:
            yield from insert_rows(
                window, shape, self.dialect, self.name, done + 1, truncation, quick
            )
            if self.end not in {None, window.offset}:
                raise DumpDamagedError(
                    f"{self.name}: the rows of table {table} end at byte {window.offset}, and "
                    f"should at {self.end}. The dump has changed, or is of a form not known."
                )

    def _series(
        self,
        column: Column,
        captured: dict[str, tuple[bytes, ...]],
        table: ScriptTable,
        decoder: TextDecoder,
        height: int,
    ) -> pl.Series:
        name = column.name.lower()
        if name not in captured:
            return pl.Series(name, [None] * height, pl.Binary if column.binary else pl.String)
        codec = table.read_as(name, self.codec)
        return literal_column(column, captured[name], self.dialect, decoder, codec)
