r"""Rows of a mysqldump by way of Polars' CSV reader, many times faster than one by one.

Strategy: a stretch of rows is turned into CSV by replacing bytes: escapes by what they stand for,
`),(` by the end of a line. The same bytes may stand inside a text, so nothing is taken on trust.
Each line ends with a mark in a field of its own; what the reader gives must have as many rows as
lines were made, each with the mark in its last field. Where that fails, or where a stretch holds
what CSV cannot tell apart ('NULL' and NULL, an escape mysqldump does not write), the answer is
None, and insertrows.py takes the stretch row by row.
Marks are private-use characters. A stretch that is no UTF-8, as blobs make it, is read as Latin-1,
which gives every byte a character of its own, and put back into bytes column by column.
mysqldump writes texts in quotes, blobs in quotes after _binary or in hexadecimal, bits as b'…';
the declared type says which of them a column can hold.
Cost: each replacement is one pass, of about a second a gigabyte, so only those are made that can
have an effect.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from pacslift.extract.insertrows import parting
from pacslift.extract.script import ScriptTable
from pacslift.extract.shapes import Batch, Column, numbered
from pacslift.extract.texts import TextDecoder
from pacslift.extract.window import Window

_BACKSLASH, _END, _BINARY, _BITS, _HEX = (chr(0xF8F0 + i) for i in range(5))
_MARKS = [_BACKSLASH, _END, _BINARY, _BITS, _HEX]

_LINE_END = f",{_END}\n".encode()
_PREFIXED = (b",_binary '", f",'{_BINARY}".encode())
_BIT = (b",b'", f",'{_BITS}".encode())
_DIGITS = (b",0x", f",{_HEX}0x".encode())

_ESCAPES = {  # in this order, after pairs of backslashes
    rb"\'": b"''",
    rb"\"": b'"',
    rb"\n": b"\n",
    rb"\r": b"\r",
    rb"\0": b"\0",
    rb"\Z": b"\x1a",
}
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_ENOUGH = 4  # misses
_RARE = 200  # bytes to an escape, above which they are replaced one by one


@dataclass(slots=True)
class ClearPath:
    """Takes rows of *table* whose columns are *row*, of which *wanted* are given.

    *header* is what the INSERT says before its rows; behind byte *end* are none of them. A path
    that has missed often enough is not tried again.
    """

    table: ScriptTable
    row: Sequence[Column]
    wanted: Sequence[Column]
    codec: str | None
    header: bytes
    end: int
    _misses: int = 0

    def __call__(self, window: Window, upto: int, done: int) -> Batch | None:
        """Take rows and move the window behind them; None where it has to be done otherwise."""
        if self._misses >= _ENOUGH or self.row[0].binary:
            return None
        start = re.compile(parting(self.header)).match(window.data, window.at)
        last = min(upto, self.end - window.offset + window.at)
        stretch = _stretch(window.data, start.end() if start else window.at, last, self.header)
        if stretch is None:
            return None
        batch = self._batch(stretch, done)
        self._misses = 0 if batch else self._misses + 1
        window.at = stretch.end if batch else window.at
        return batch

    def _batch(self, stretch: "_Stretch", done: int) -> Batch | None:
        codecs = {c.name: self.table.read_as(c.name.lower(), self.codec) for c in self.wanted}
        rows = _clear_rows(stretch, self.row, self.wanted, {*codecs.values()} <= {"utf-8"})
        if rows is None:
            return None
        name = self.table.shape.name.lower()
        decoder = TextDecoder(name, "utf-8", done + 1)
        places = {column.name.lower(): place for place, column in enumerate(self.row)}
        series: list[pl.Series] = []
        for column in self.wanted:
            place = places.get(column.name.lower())
            found = rows.column(place, column, decoder, codecs[column.name])
            if found is None:
                return None
            series.append(found)
        numbers = range(done + 1, done + rows.fields.height + 1)
        return Batch(name, numbered(series, numbers), decoder.undecodable)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Whole rows without the first and the last parenthesis; *end* is the index behind them.

    *between* are the ways in which the rows in it may be parted.
    """

    block: bytes
    between: Sequence[bytes]
    end: int


@dataclass(frozen=True, slots=True)
class _ClearRows:
    """Rows with quotes and escapes gone; columns by number.

    *latin1* says that each character is one byte of the dump, *marked* that some value may have
    got a mark.
    """

    fields: pl.DataFrame
    latin1: bool
    marked: bool

    def column(
        self, place: int | None, column: Column, decoder: TextDecoder, codec: str
    ) -> pl.Series | None:
        """A column as bytes or text; None where it holds what only its literals can tell."""
        name = column.name.lower()
        if place is None:
            kind = pl.Binary if column.binary else pl.String
            return pl.Series(name, [None] * self.fields.height, kind)
        field = self.fields[str(place)].alias(name)
        if column.binary:
            return self._bytes(field)
        if _is_bit(column):
            return _bits(field)
        if self.marked and field.str.contains_any(_MARKS).any():
            return None
        return self._text(field, decoder, codec) if self.latin1 else field

    def _text(self, field: pl.Series, decoder: TextDecoder, codec: str) -> pl.Series:
        odd = field.str.len_bytes() != field.str.len_chars()
        places = odd.fill_null(value=False).arg_true()
        values = [value.encode("latin-1") for value in field.gather(places).to_list()]
        return decoder.replaced(field, places.to_list(), values, None, codec)

    def _bytes(self, field: pl.Series) -> pl.Series | None:
        """A blob column, all in hexadecimal or all as it is."""
        present = field.drop_nulls()
        if self.marked and present.str.starts_with(_HEX).any():
            digits = field.str.strip_prefix(f"{_HEX}0x")
            plain = digits.str.decode("hex", strict=False)
            whole = plain.null_count() == field.null_count()
            marked = (present.str.starts_with(_HEX) | (present == "")).all()
            return plain if whole and marked else None
        bare = field.str.strip_prefix(_BINARY)
        if self.marked and bare.str.contains_any(_MARKS).any():
            return None
        if not self.latin1:
            return bare.cast(pl.Binary)
        values = [None if v is None else v.encode("latin-1") for v in bare.to_list()]
        return pl.Series(field.name, values, dtype=pl.Binary)


def _bits(field: pl.Series) -> pl.Series | None:
    """A bit column as decimal numbers, where it is written b'…'."""
    digits = field.drop_nulls()
    if not (digits.str.starts_with(_BITS) & digits.str.contains(r"^.[01]+$")).all():
        return None
    forms = {form: str(int(form[1:], 2)) for form in digits.unique().to_list()}
    return field.replace_strict(forms, default=None, return_dtype=pl.String)


def _stretch(data: bytes, start: int, end: int, header: bytes) -> _Stretch | None:
    """The whole rows in *data* from *start*, where one begins, that end before *end*."""
    again = b");\n" + header + b"("
    cuts = {between: data.rfind(between, start, end) for between in (again, b"),\n(", b"),(")}
    cut = max(cuts.values())
    if cut < 0 or not data.startswith(b"(", start):
        return None
    met = [between for between, at in cuts.items() if at >= 0]
    return _Stretch(data[start + 1 : cut], met, cut + 1)


def _clear_rows(
    stretch: _Stretch, row: Sequence[Column], wanted: Sequence[Column], utf8: bool
) -> _ClearRows | None:
    """The rows of *stretch*; *utf8* says that all text in them should be that."""
    block = stretch.block
    if b"'NULL'" in block:
        return None
    latin1 = not block.isascii() and (not utf8 or _is_no_utf8(block))
    if latin1:
        block = block.decode("latin-1").encode()
    plain = _without_escapes(block)
    if plain is None:
        return None
    marked = plain
    for found, mark in _prefixes(wanted):
        marked = marked.replace(found, mark)
    text = marked
    for between in stretch.between:
        text = text.replace(between, _LINE_END)
    fields = _read(text + _LINE_END, len(row))
    return None if fields is None else _ClearRows(fields, latin1, marked is not plain)


def _is_no_utf8(block: bytes) -> bool:
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return any(mark in text for mark in _MARKS)


def _prefixes(wanted: Sequence[Column]) -> list[tuple[bytes, bytes]]:
    """What is to be marked so that the wanted columns can be told what they are."""
    hexadecimal = [_DIGITS] * any(column.binary for column in wanted)
    return [_PREFIXED, *hexadecimal, *[_BIT] * any(_is_bit(column) for column in wanted)]


def _without_escapes(block: bytes) -> bytes | None:
    escapes = block.count(b"\\")
    if not escapes:
        return block
    if escapes * _RARE < len(block):
        try:
            return _ESCAPE.sub(lambda hit: _MEANINGS[hit[0]], block)
        except KeyError:
            return None
    block = block.replace(rb"\\", _BACKSLASH.encode())
    for escape, meaning in _ESCAPES.items():
        block = block.replace(escape, meaning)
    return None if b"\\" in block else block.replace(_BACKSLASH.encode(), b"\\")


_MEANINGS = {rb"\\": b"\\", **_ESCAPES}


def _is_bit(column: Column) -> bool:
    return column.declared.lower().startswith("bit")


def _read(text: bytes, width: int) -> pl.DataFrame | None:
    try:
        fields = pl.read_csv(
            text,
            has_header=False,
            quote_char="'",
            schema={str(i): pl.String for i in range(width + 1)},
            null_values=["NULL"],
            empty_string_is_null=False,
        )
    except PolarsError:
        return None
    whole = fields.height == text.count(_LINE_END) and (fields[str(width)] == _END).all()
    return fields if whole else None
