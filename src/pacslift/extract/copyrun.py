r"""COPY blocks of pg_dump as batches.

Strategy: a block of whole lines goes to Polars' CSV reader, which is right for COPY's text format
but for backslash escapes; values with a backslash are taken again, one by one. The reader fills up
short lines in silence, so the tabs are counted too: no line has more than the table, so with the
right number in all none has fewer. A block that is no UTF-8 is taken apart in Python.
Source: https://www.postgresql.org/docs/15/sql-copy.html, "Text Format".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from pacslift.errors import DumpDamagedError
from pacslift.extract.literals import bytea
from pacslift.extract.script import ScriptTable
from pacslift.extract.shapes import Batch, Column, numbered
from pacslift.extract.texts import TextDecoder
from pacslift.extract.truncation import Cut
from pacslift.extract.window import Opener, Window

NULL = rb"\N"
_END = rb"\."
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CopyRun:
    """A COPY block of *columns*; *opened* opens at its first line."""

    name: str
    columns: tuple[str, ...]
    opened: Opener
    codec: str

    def batches(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """See Run."""
        names = [name.lower() for name in self.columns]
        columns = [column for _, column in table.shape.chosen(wanted)]
        for block in self._blocks(table, done):
            codec = table.read_as("", self.codec)
            decoder = TextDecoder(table.shape.name.lower(), codec, done + 1)
            fields = self._fields(block, table, done)
            series = [self._series(column, fields, names, table, decoder) for column in columns]
            numbers = range(done + 1, done + fields.height + 1)
            yield Batch(table.shape.name.lower(), numbered(series, numbers), decoder.undecodable)
            done += fields.height

    def count(self, table: ScriptTable, done: int) -> int:
        """See Run."""
        total = 0
        for block in self._blocks(table, done):
            total += self._fields(block, table, done + total).height
        return total

    def _blocks(self, table: ScriptTable, done: int) -> Iterator[bytes]:
        """Whole lines, without the line that ends the block, each ended by a newline alone."""
        with self.opened() as window:
            while window.fill() and not window.data.startswith(_END, window.at):
                end = _lines_end(window)
                if end <= window.at:
                    if window.grow():
                        continue
                    break
                block = window.data[window.at : end]
                window.at = end
                done += block.count(b"\n")
                yield block.replace(b"\r\n", b"\n")
            if not window.data.startswith(_END, window.at):
                table.terms.truncation.meet(
                    Cut(self.name, table.shape.name, done),
                    f"{self.name}: table {table.shape.name} ends at byte {window.offset} without "
                    rf"its last line, '\.'. The last good row is {done}.",
                )

    def _fields(self, block: bytes, table: ScriptTable, done: int) -> pl.DataFrame:
        r"""A block's lines as columns by number, escapes as they are, \N null."""
        width = len(self.columns)
        mixed = table.terms.charsets.by_column(table.shape.name) and not block.isascii()
        codec = table.read_as("", self.codec)
        fields = _fast_fields(block, width, codec) if width and not mixed else None
        if fields is not None:
            return fields
        rows = [line.split(b"\t") for line in block.split(b"\n")[:-1]]
        if not width:
            return pl.DataFrame({"0": [None] * len(rows)}, schema={"0": pl.Binary})
        for i, row in enumerate(rows):
            if len(row) != width:
                raise DumpDamagedError(
                    f"{self.name}: table {table.shape.name}, row {done + i + 1} has {len(row)} "
                    f"values, the table has {width} columns. The last good row is {done + i}. "
                    "Make a new dump, or copy it again."
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
    ) -> pl.Series:
        name = column.name.lower()
        if name not in names:
            kind = pl.Binary if column.binary else pl.String
            return pl.Series(name, [None] * fields.height, dtype=kind)
        field = fields[str(names.index(name))].alias(name)
        if column.binary:
            return _bytes(field)
        if field.dtype == pl.Binary:
            values = [None if v is None else unescaped(v) for v in field.to_list()]
            return decoder.column(name, values, table.read_as(name, self.codec))
        places = field.str.contains("\\", literal=True).arg_true()
        values = [value.encode() for value in field.gather(places).to_list()]
        return decoder.replaced(field, places.to_list(), values, unescaped, "utf-8")


def unescaped(field: bytes) -> bytes:
    """A field of COPY's text format without its escapes."""
    return _ESCAPE.sub(_character, field) if b"\\" in field else field


def _character(hit: re.Match[bytes]) -> bytes:
    what = hit[1]
    if what[0] in b"01234567":
        return bytes([int(what, 8) & 255])
    if what[:1] == b"x" and len(what) > 1:
        return bytes([int(what[1:], 16)])
    return _LETTERS.get(what, what)


def _lines_end(window: Window) -> int:
    """Where the last whole line in view ends, or the last before the block's end."""
    end = window.data.find(b"\n" + _END, window.at)
    return (end if end >= 0 else window.data.rfind(b"\n", window.at)) + 1


def _fast_fields(block: bytes, width: int, codec: str) -> pl.DataFrame | None:
    """The block by way of Polars; None where that would not be certain to be right."""
    try:
        text = block if codec == "utf-8" else block.decode(codec).encode("utf-8")
        fields = pl.read_csv(
            text,
            has_header=False,
            separator="\t",
            quote_char=None,
            schema={str(i): pl.String for i in range(width)},
            null_values=[r"\N"],
            empty_string_is_null=False,
        )
    except (PolarsError, OSError, UnicodeDecodeError):  # OSError: it begins like a zlib stream
        return None
    lines = text.count(b"\n")
    right = fields.height == lines and text.count(b"\t") == lines * (width - 1)
    return fields if right and not text.startswith(_BOM) else None


def _bytes(field: pl.Series) -> pl.Series:
    r"""A bytea column, which is hexadecimal after \x since PostgreSQL 9.0."""
    if field.dtype == pl.String:
        plain = field.str.strip_prefix(r"\\x").str.decode("hex", strict=False)
        hexadecimal = field.is_null() | field.str.starts_with(r"\\x")
        if hexadecimal.all() and plain.null_count() == field.null_count():
            return plain
        field = field.cast(pl.Binary)
    values = [None if v is None else bytea(unescaped(v)) for v in field.to_list()]
    return pl.Series(field.name, values, dtype=pl.Binary)
