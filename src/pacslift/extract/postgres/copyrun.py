r"""COPY blocks of pg_dump as batches.

Strategy: the survey has found where a block lies. It is read, and unpacked where it is packed, in
stretches of whole lines, which two threads make columns of meanwhile (copyfields.py). A stretch
that is no UTF-8, or has a row of another width, is taken apart in Python.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from pacslift.errors import DumpDamagedError
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.inserts.literals import bytea
from pacslift.extract.inturn import Piece, in_turn
from pacslift.extract.packed.window import Opener, Window
from pacslift.extract.postgres.copyend import END, find_end
from pacslift.extract.postgres.copyfields import (
    NULL,
    fast_fields,
    hexadecimal,
    unescaped,
    without_escapes,
)
from pacslift.extract.scripts.script import ScriptTable
from pacslift.extract.shapes import Batch, Column, numbered
from pacslift.extract.truncation import Cut

_BLOCK = 4 << 20  # bytes of lines that are parsed at once


@dataclass(frozen=True, slots=True)
class _Block:
    """Some lines, how many, and how many rows of the table came before them."""

    lines: bytes
    height: int
    done: int


@dataclass(frozen=True, slots=True)
class CopyRun:
    """A COPY block of *columns*; *opened* opens at its first line."""

    name: str
    columns: tuple[str, ...]
    opened: Opener
    codec: str
    size: int | None = None
    """Bytes of its lines where the survey has seen its end; windows show no more then."""

    def batches(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """See Run."""
        columns = [column for _, column in table.shape.chosen(wanted)]
        return in_turn(
            Piece(partial(self._batch, block, table, columns))
            for block in self._blocks(table, done)
        )

    def count(self, table: ScriptTable, done: int) -> int:
        """See Run."""
        return sum(
            in_turn(
                Piece(partial(self._height, block, table)) for block in self._blocks(table, done)
            )
        )

    def _height(self, block: _Block, table: ScriptTable) -> int:
        """How many rows the block has, each of them looked at."""
        return self._fields(block, table, []).height

    def _blocks(self, table: ScriptTable, done: int) -> Iterator[_Block]:
        """Whole lines, without the line that ends the block, each ended by a newline alone.

        *done* rows of the table came before.
        """
        with self.opened() as window:
            start = window.offset
            while window.hold(_BLOCK) and not self._at_end(window):
                end = self._lines_end(window)
                if end <= window.at:
                    if window.grow():
                        continue
                    break
                lines = window.data[window.at : end]
                window.at = end
                height = lines.count(b"\n")
                if b"\r" in lines:
                    lines = lines.replace(b"\r\n", b"\n")
                yield _Block(lines, height, done)
                done += height
            if not (self._at_end(window) or window.offset - start == self.size):
                table.terms.truncation.meet(
                    Cut(self.name, table.shape.name, done),
                    f"{self.name}: table {table.shape.name} ends at byte {window.offset} without "
                    rf"its last line, '\.'. The last good row is {done}.",
                )

    def _at_end(self, window: Window) -> bool:
        return self.size is None and window.data.startswith(END, window.at)

    def _lines_end(self, window: Window) -> int:
        """Where the last whole line in view ends, or the last before the block's end."""
        end = find_end(window.data, window.at) if self.size is None else -1
        return (end if end >= 0 else window.data.rfind(b"\n", window.at)) + 1

    def _batch(self, block: _Block, table: ScriptTable, columns: Sequence[Column]) -> Batch:
        """The block's *columns*."""
        names = [name.lower() for name in self.columns]
        asked = sorted({names.index(c.name.lower()) for c in columns if c.name.lower() in names})
        name = table.shape.name.lower()
        decoder = TextDecoder(name, table.read_as("", self.codec), block.done + 1)
        fields = self._fields(block, table, asked)
        series = [self._series(column, fields, names, table, decoder, block) for column in columns]
        numbers = range(block.done + 1, block.done + block.height + 1)
        return Batch(name, numbered(series, numbers), decoder.undecodable)

    def _fields(self, block: _Block, table: ScriptTable, asked: Sequence[int]) -> pl.DataFrame:
        r"""Some columns of a block's lines by number, escapes as they are, \N null.

        *asked* are the numbers of those that are needed; there is always one, for its height.
        """
        width = len(self.columns)
        mixed = table.terms.charsets.by_column(table.shape.name) and not block.lines.isascii()
        codec = table.read_as("", self.codec)
        fields = (
            fast_fields(block.lines, block.height, width, asked or [0], codec)
            if width and not mixed
            else None
        )
        return fields if fields is not None else self._exact_fields(block, table)

    def _exact_fields(self, block: _Block, table: ScriptTable) -> pl.DataFrame:
        """The same of all columns, value by value. DumpDamagedError for a row of another width."""
        width = len(self.columns)
        rows = [line.split(b"\t") for line in block.lines.split(b"\n")[:-1]]
        if not width:
            return pl.DataFrame({"0": [None] * len(rows)}, schema={"0": pl.Binary})
        for i, row in enumerate(rows, block.done):
            if len(row) != width:
                raise DumpDamagedError(
                    f"{self.name}: table {table.shape.name}, row {i + 1} has {len(row)} values, "
                    f"the table has {width} columns. The last good row is {i}. Make a new dump, "
                    "or copy it again."
                )
        columns = zip(*rows, strict=True)
        return pl.DataFrame(
            [
                pl.Series(str(i), [None if v == NULL else v for v in column], dtype=pl.Binary)
                for i, column in enumerate(columns)
            ]
        )

    def _series(
        self,
        column: Column,
        fields: pl.DataFrame,
        names: Sequence[str],
        table: ScriptTable,
        decoder: TextDecoder,
        block: _Block,
    ) -> pl.Series:
        name = column.name.lower()
        if name not in names:
            kind = pl.Binary if column.binary else pl.String
            return pl.Series(name, [None] * fields.height, dtype=kind)
        field = fields[str(names.index(name))].alias(name)
        if column.binary:
            found = hexadecimal(field)
            return self._exact_bytes(field, table, block.done) if found is None else found
        if field.dtype == pl.Binary:
            values = [None if v is None else unescaped(v) for v in field.to_list()]
            return decoder.column(name, values, table.read_as(name, self.codec))
        return without_escapes(field, decoder) if b"\\" in block.lines else field

    def _exact_bytes(self, field: pl.Series, table: ScriptTable, done: int) -> pl.Series:
        """A bytea column, value by value."""
        values: list[bytes | None] = []
        for row, value in enumerate(field.cast(pl.Binary).to_list(), done + 1):
            try:
                values.append(None if value is None else bytea(unescaped(value)))
            except ValueError as error:
                raise DumpDamagedError(
                    f"{self.name}: table {table.shape.name}, row {row}: column {field.name} is "
                    f"bytea, and its value is not. The last good row is {row - 1}. Make a new "
                    "dump, or copy it again."
                ) from error
        return pl.Series(field.name, values, dtype=pl.Binary)
