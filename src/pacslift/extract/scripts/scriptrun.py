"""INSERT statements with expressions as batches.

Strategy: as in literals.py, plain texts, numbers and NULL, which is nearly all, are told apart by
Polars on whole columns; only what is left is taken one by one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from pacslift.errors import DumpFormatError
from pacslift.extract.charset.texts import Literal, TextDecoder, as_utf8
from pacslift.extract.inserts.insertheader import CutHeaderError, InsertHeader
from pacslift.extract.inserts.insertrows import Captured, InsertShape
from pacslift.extract.packed.window import Opener, Window, taken
from pacslift.extract.scripts.script import EarlyEnd, ScriptTable, TableBook
from pacslift.extract.scripts.scriptheader import take_script_header
from pacslift.extract.scripts.scriptrows import RowForm, pass_script_rows, script_rows
from pacslift.extract.scripts.textsource import TextSource
from pacslift.extract.shapes import Batch, Column, numbered

_NUMBER = r"^[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?$"


class Kept(bytes):
    """A value kept as the dump writes it, because what it says cannot be told."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Product:
    """What the scripts of one product have in common.

    *literal_of* gives the function that reads the literals of a column; *special* are bytes that
    between quotes mean something else than themselves; *kept* says in words what a Kept value is.
    *numeric* tells whether a number in a column of text is its value.
    """

    form: RowForm
    literal_of: Callable[[Column], Literal]
    special: tuple[str, ...] = ()
    kept: str = ""
    numeric: Callable[[Column], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """A stretch of INSERT statements with one *header*; *opened* shows it and nothing else."""

    name: str
    header: InsertHeader
    opened: Opener
    product: Product
    source: TextSource

    def batches(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """See Run."""
        names = self._names(table)
        columns = [column for _, column in table.shape.chosen(wanted)]
        chosen = sorted({names.index(c.name.lower()) for c in columns if c.name.lower() in names})
        for rows in self._rows(table, names, chosen, done):
            captured = dict(zip((names[i] for i in chosen), zip(*rows, strict=True), strict=False))
            decoder = TextDecoder(table.shape.name.lower(), "utf-8", done + 1)
            series = [self._series(c, captured, table, decoder, len(rows)) for c in columns]
            numbers = range(done + 1, done + len(rows) + 1)
            yield Batch(table.shape.name.lower(), numbered(series, numbers), decoder.undecodable)
            done += len(rows)

    def count(self, table: ScriptTable, done: int) -> int:
        """See Run."""
        return sum(len(rows) for rows in self._rows(table, self._names(table), [], done))

    def _names(self, table: ScriptTable) -> list[str]:
        names = self.header.columns or tuple(column.name for column in table.shape.columns)
        if not names:
            raise DumpFormatError(
                f"{self.name}: the script does not say which columns table {table.shape.name} "
                "has. Make it again with its CREATE TABLE, or with column names in each INSERT."
            )
        return [name.lower() for name in names]

    def _rows(
        self, table: ScriptTable, names: list[str], chosen: list[int], done: int
    ) -> Iterator[Captured]:
        shape = InsertShape(table.shape.name, self.header.text, len(names), tuple(chosen))
        with self.opened() as window:
            truncation = table.terms.truncation
            form = self.product.form
            yield from script_rows(window, shape, form, self.name, done + 1, truncation)

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
        literal = self.product.literal_of(column)
        try:
            if column.binary:
                values = [literal(token) for token in captured[name]]
                return pl.Series(name, values, dtype=pl.Binary)
            codec = self.source.codec
            codec = codec if self.source.certain else table.read_as(name, codec)
            return self._texts(column, captured[name], literal, decoder, codec or "utf-8")
        except (ValueError, OverflowError) as error:
            raise DumpFormatError(
                f"table {decoder.table}, column {column.name} of type {column.declared}: {error}"
            ) from error

    def _texts(
        self,
        column: Column,
        tokens: Sequence[bytes],
        literal: Literal,
        decoder: TextDecoder,
        codec: str,
    ) -> pl.Series:
        name = column.name.lower()
        raw = pl.Series(name, tokens, dtype=pl.Binary)
        text = as_utf8(raw)
        null = text.str.to_lowercase() == "null"
        quoted = text.str.starts_with("'") | text.str.starts_with("N'")
        plain = text.str.strip_prefix("N").str.strip_prefix("'").str.strip_suffix("'")
        usual = quoted | null
        if self.product.numeric(column):
            usual |= text.str.contains(_NUMBER)
        odd = plain.str.contains_any(["'", *self.product.special]) | ~usual
        odd = odd.fill_null(value=True) | decoder.doubtful(raw, text, codec)
        places = odd.arg_true().to_list()
        values = [literal(tokens[place]) for place in places]
        kept = [place for place, v in zip(places, values, strict=True) if isinstance(v, Kept)]
        decoder.note(name, kept, self.product.kept)
        plain = plain.set(null.fill_null(value=False), None)
        return decoder.replaced(plain, places, values, None, codec)


def take_rows(
    window: Window, source: TextSource, product: Product, book: TableBook, schema: str
) -> bytes:
    """Note the run of rows whose first header is at the window's place, and pass over it.

    *schema* is that of a table which is named without one. Gives what parts the last row from what
    follows. Raises DumpFormatError for an INSERT without rows, EarlyEndError where the dump ends in
    one or a row is broken.
    """
    start = window.offset
    try:
        header = take_script_header(window, source.name)
    except CutHeaderError as error:
        raise EarlyEndError("ends inside the beginning of an INSERT", book.latest) from error
    table = book.table(header.schema or schema, header.table, header.columns)
    parting = pass_script_rows(window, header.text, product.form)
    rows = source.opener(start, None if parting is None else window.offset - start)
    table.runs.append(ScriptRun(source.name, header, rows, product, source))
    if parting is None:
        counted = header.columns is not None or table.shape.columns
        trouble = f"ends inside the rows of table {table.shape.name}"
        raise EarlyEndError(trouble, table if counted else None)
    return parting


class EarlyEndError(Exception):
    """What a survey stops at; its caller makes an EarlyEnd of it.

    Counting the rows of *table*, which comes next, tells a dump that ends from a broken row.
    """

    def __init__(self, trouble: str, table: ScriptTable | None) -> None:
        super().__init__(trouble)
        self.end = EarlyEnd(trouble, table)


def surveyed(
    source: TextSource, step: Callable[[Window], None], blank: re.Pattern[bytes]
) -> list[EarlyEnd]:
    """Walk through a script with *step*, which takes what is next behind *blank*.

    Gives its early end, if it has one.
    """
    with source.opener()() as window:
        try:
            while _more(window, blank):
                step(window)
        except EarlyEndError as error:
            return [error.end]
    return []


def _more(window: Window, blank: re.Pattern[bytes]) -> bool:
    taken(window, blank)
    return window.hold(4096)


def settled(ends: Sequence[EarlyEnd], tables: Sequence[ScriptTable]) -> list[EarlyEnd]:
    """*ends* in the *tables* that are left of those that a survey has met."""
    filled = [table for table in tables if table.runs]

    def settle(end: EarlyEnd) -> EarlyEnd:
        name = end.table.shape.name.lower() if end.table else None
        same = [table for table in filled if table.shape.name.lower() == name]
        left = same or filled
        return EarlyEnd(end.trouble, left[-1] if left else None)

    return [settle(end) for end in ends]
