"""Rows of delimited text.

Strategy: as in insertrows.py, one compiled regular expression per table takes whole rows to pieces
and captures the wanted fields as they are spelled; a last alternative takes all that is no row, so
that no byte between two rows is passed over. Before that, a stretch goes to Polars' CSV reader,
which is several times faster and right only where nothing is escaped: see fast_fields().
Memory: a stretch, which grows only where a single row is larger.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl
from polars.exceptions import PolarsError

from pacslift.errors import DumpDamagedError
from pacslift.extract.packed.window import Window
from pacslift.extract.text.delimitedform import TextForm
from pacslift.extract.truncation import Cut, Truncation
from pacslift.patterns import compiled

_STRETCH = 4 << 20
_TAIL = 256  # bytes that are kept back until it is known that they are not a client's last words
_CHATTER = compiled(rb"(?<=\n)\r?\n[ \t]*+(?:[\d.,]++|no) rows? selected\.\s*+\Z")
_DOS_END = b"\x1a"
_BOM = b"\xef\xbb\xbf"

Captured = pl.DataFrame
"""Wanted fields as they are spelled, as columns named by position, pl.String or pl.Binary; where
none is wanted, one column "" of nulls."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """A table's rows: *width* fields, of which those at the positions *chosen* are wanted.

    *mixed*: some columns are in another codec than *codec*.
    """

    table: str
    form: TextForm
    width: int
    chosen: tuple[int, ...]
    codec: str
    mixed: bool = False


def delimited_rows(
    window: Window, shape: RowShape, name: str, done: int, truncation: Truncation
) -> Iterator[Captured]:
    """Give the rows from the window's place to the end of the file *name*.

    *done* rows of the table came before, for messages. Raises DumpDamagedError for a row with
    more or fewer fields; an early end goes to *truncation*.
    """
    stretch = _STRETCH
    while True:
        window.hold(stretch + _TAIL)
        end = _end(window, shape.form)
        rows = _taken(window, shape, end)
        done += rows.height
        if rows.height:
            yield rows
        rest = window.data[window.at : end]
        if window.ended:
            last = _last(rest, shape, name, done, truncation)
            if last is not None:
                yield last
            return
        if not shape.form.open_rows.match(rest):
            raise _damaged(shape, name, done, rest)
        stretch = _STRETCH if rows.height else 2 * len(rest)


def _end(window: Window, form: TextForm) -> int:
    """How far the rows in view may be taken: not into the client's last words."""
    if not form.chatty:
        return len(window.data)
    if not window.ended:
        return max(window.at, len(window.data) - _TAIL)
    said = _CHATTER.search(window.data, max(window.at, len(window.data) - _TAIL))
    return said.start() if said else len(window.data)


def _taken(window: Window, shape: RowShape, end: int) -> Captured:
    """Take the whole rows in view."""
    whole = window.data.rfind(shape.form.terminator, window.at, end) + len(shape.form.terminator)
    if whole > window.at:
        fields = fast_fields(window.data[window.at : whole], shape)
        if fields is not None:
            window.at = whole
            return fields
    rows = _pattern(shape).findall(window.data, window.at, end)
    rest = rows.pop()[-1] if rows and rows[-1][-1] else b""
    window.at = end - len(rest)
    return _frame(rows, shape)


def _frame(rows: Sequence[tuple[bytes, ...]], shape: RowShape) -> Captured:
    if not shape.chosen:
        return pl.DataFrame({"": [None] * len(rows)}, schema={"": pl.Null})
    columns = zip(*rows, strict=True) if rows else ((),) * (len(shape.chosen) + 1)
    return pl.DataFrame(
        [
            pl.Series(str(i), column, dtype=pl.Binary)
            for i, column in zip(shape.chosen, columns, strict=False)
        ]
    )


def _last(
    rest: bytes, shape: RowShape, name: str, done: int, truncation: Truncation
) -> Captured | None:
    """The last row, where it may lack its terminator; None where there is nothing."""
    rest = rest.removesuffix(_DOS_END)
    if not rest:
        return None
    if not shape.form.open_rows.match(rest):
        raise _damaged(shape, name, done, rest)
    if shape.form.open_end:
        rows = _pattern(shape).findall(rest + shape.form.terminator)
        if len(rows) == 1 and not rows[0][-1]:
            return _frame(rows, shape)
    truncation.meet(
        Cut(name, shape.table, done),
        f"{name}: table {shape.table} ends inside row {done + 1}, which has no end of its own. "
        f"The last good row is {done}.",
    )
    return None


def _damaged(shape: RowShape, name: str, done: int, rest: bytes) -> DumpDamagedError:
    found = next(split_rows(rest, shape.form), [])
    said = f"has {len(found)} fields" if found else "cannot be taken to pieces"
    return DumpDamagedError(
        f"{name}: table {shape.table}, row {done + 1} {said}, the manifest has {shape.width} "
        f"columns. The last good row is {done}. If the file is whole, mend the manifest's columns, "
        "delimiter, quote or escape; else copy the file again."
    )


@lru_cache
def _pattern(shape: RowShape) -> re.Pattern[bytes]:
    """A row of *shape*; its last group is the remainder."""
    fields = [
        rb"(" + shape.form.field + rb")" if i in shape.chosen else shape.form.field
        for i in range(shape.width)
    ]
    row = shape.form.parting.join(fields) + re.escape(shape.form.terminator)
    count = rb"" if shape.chosen else rb"()"
    return compiled(count + row + rb"|(.++)", re.DOTALL)


def split_rows(data: bytes, form: TextForm) -> Iterator[list[bytes]]:
    """The fields of each whole row of *data*, however many they are; ends where a row is none."""
    at = 0
    while (found := row_at(data, at, form)) is not None:
        row, at = found
        yield row


def row_at(data: bytes, at: int, form: TextForm) -> tuple[list[bytes], int] | None:
    """The fields of the row that begins at *at* and where it ends; None where none is whole."""
    pattern = _field_pattern(form)
    row: list[bytes] = []
    while at < len(data) and (found := pattern.match(data, at)):
        row.append(found[1])
        at = found.end()
        if found[2] is None:
            return row, at
    return None


@lru_cache
def _field_pattern(form: TextForm) -> re.Pattern[bytes]:
    end = rb"(?:(" + form.parting + rb")|" + re.escape(form.terminator) + rb")"
    return compiled(rb"(" + form.field + rb")" + end, re.DOTALL)


def fast_fields(block: bytes, shape: RowShape) -> Captured | None:
    """The rows of *block* by way of Polars; None where that would not be certain to be right.

    Polars cuts at every delimiter and line end. That is right where none of them is part of a
    value: without quotes where no backslash stands before one, with quotes where each field has
    either none or exactly two, around it. With the right number of delimiters in all no row has
    too few fields; that none has too many Polars says itself.
    """
    text = _plain_text(block, shape)
    if text is None:
        return None
    lines = text.count(b"\n")
    if text.count(shape.form.delimiter) != lines * (shape.width - 1):
        return None
    try:
        fields = _read_csv(text, shape)
    except (PolarsError, OSError):  # the latter where a text begins like a zlib stream
        return None
    if fields.height != lines or (shape.form.quote and not _well_quoted(fields, shape.form.quote)):
        return None
    wanted = fields.select(str(i) for i in shape.chosen)
    return wanted if shape.chosen else pl.DataFrame({"": [None] * lines}, schema={"": pl.Null})


def _plain_text(block: bytes, shape: RowShape) -> bytes | None:
    """*block* in UTF-8 with plain line ends, None where it is not that simple."""
    if not _may_be_fast(block, shape):
        return None
    if shape.form.terminator != b"\n":
        block = block.replace(shape.form.terminator, b"\n")
    if b"\r" in block:
        return None
    try:
        plain = shape.codec == "utf-8" or block.isascii()
        return block if plain else block.decode(shape.codec).encode("utf-8")
    except UnicodeDecodeError:
        return None


def _may_be_fast(block: bytes, shape: RowShape) -> bool:
    form = shape.form
    ends = {b"\n", b"\r\n", form.delimiter + b"\n", form.delimiter + b"\r\n"}
    simple = form.terminator in ends and len(form.delimiter) == 1 and shape.width > 1
    escaped = form.backslashed and (
        form.quote != b"" or any(b"\\" + mark in block for mark in (form.delimiter, b"\n", b"\r"))
    )
    strange = block.startswith(_BOM) or (shape.mixed and not block.isascii())
    lines = block.count(form.terminator) == block.count(b"\n")
    return simple and form.delimiter.isascii() and lines and not escaped and not strange


def _read_csv(text: bytes, shape: RowShape) -> pl.DataFrame:
    """All columns: with only some of them, Polars says nothing of a row that has too many."""
    return pl.read_csv(
        text,
        has_header=False,
        separator=shape.form.delimiter.decode("ascii"),
        quote_char=None,
        schema={str(i): pl.String for i in range(shape.width)},
        empty_string_is_null=False,
    )


def _well_quoted(fields: pl.DataFrame, quote: bytes) -> bool:
    """Whether each field has no quotes, or two that stand around it."""
    mark = quote.decode("ascii")
    for field in fields:
        number = field.str.count_matches(mark, literal=True)
        around = (number == 2) & field.str.starts_with(mark) & field.str.ends_with(mark)  # noqa: PLR2004
        if not ((number == 0) | around).all():
            return False
    return True
