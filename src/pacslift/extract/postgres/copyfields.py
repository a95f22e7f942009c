r"""Fields of COPY's text format as columns.

Strategy: lines go to Polars' CSV reader, of which only the wanted columns are asked. It is right
for COPY's text format but for backslash escapes: those that pg_dump writes are undone on all values
that have some at once, any others one by one. The reader fills up short lines in silence, so the
tabs are counted too: no line has more than the table, so with the right number in all none has
fewer.
Source: https://www.postgresql.org/docs/15/sql-copy.html, "Text Format", and CopyAttributeOutText
in src/backend/commands/copyto.c, which writes six letters and the backslash as escapes.
"""

import re
from collections.abc import Sequence

import polars as pl
from polars.exceptions import PolarsError

from pacslift.extract.charset.texts import TextDecoder
from pacslift.patterns import compiled

NULL = rb"\N"
_ESCAPE = compiled(rb"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_BOM = b"\xef\xbb\xbf"
_TWO = r"\\"  # a backslash; often the only escape there is, and faster undone alone
_PAIRS = [_TWO, *(f"\\{letter.decode()}" for letter in _LETTERS)]
_MEANINGS = ["\\", *(meaning.decode() for meaning in _LETTERS.values())]


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


def without_escapes(field: pl.Series, decoder: TextDecoder) -> pl.Series:
    """The column with what its escapes stand for."""
    places = field.str.contains("\\", literal=True).arg_true()
    if not places.len():
        return field
    escaped = field.gather(places)
    if not escaped.str.replace_all(_TWO, "", literal=True).str.contains("\\", literal=True).any():
        return field.scatter(places, escaped.str.replace_all(_TWO, "\\", literal=True))
    field = field.scatter(places, escaped.str.replace_many(_PAIRS, _MEANINGS))
    rest = escaped.str.replace_many(_PAIRS, [""] * len(_PAIRS))
    odd = rest.str.contains("\\", literal=True).arg_true()
    values = [value.encode() for value in escaped.gather(odd).to_list()]
    return decoder.replaced(field, places.gather(odd).to_list(), values, unescaped, "utf-8")


def fast_fields(
    lines: bytes, height: int, width: int, asked: Sequence[int], codec: str
) -> pl.DataFrame | None:
    """Columns *asked* of *height* lines, by way of Polars; None where that may not be right."""
    try:
        text = lines if codec == "utf-8" else lines.decode(codec).encode("utf-8")
        if text.startswith(_BOM):
            return None
        if text.count(b"\t") != height * (width - 1):
            return None
        fields = None
        if len(asked) * 2 <= width:
            fields = _few_fields(text, width, asked)
        if fields is None:
            fields = _csv(text, width, list(range(width)))
    except (PolarsError, OSError, UnicodeDecodeError):  # OSError: it begins like a zlib stream
        return None
    return fields if fields.height == height else None


def _few_fields(text: bytes, width: int, asked: Sequence[int]) -> pl.DataFrame | None:
    """Columns *asked* alone; None where a line may have too many values.

    Asked for a part, the reader passes over what a line has too much. So it is asked for one
    column more than there are, which is empty unless a line has too many, the last of them empty.
    """
    fields = _csv(text, width + 1, [*asked, width])
    surplus = fields[str(width)]
    return None if (surplus != "").any() or b"\t\n" in text else fields


def _csv(text: bytes, width: int, asked: Sequence[int]) -> pl.DataFrame:
    return pl.read_csv(
        text,
        has_header=False,
        separator="\t",
        quote_char=None,
        schema={str(i): pl.String for i in range(width)},
        columns=list(asked),
        null_values=[NULL.decode()],
        empty_string_is_null=False,
        missing_columns="insert",
    )


def hexadecimal(field: pl.Series) -> pl.Series | None:
    r"""A bytea column all of which is hexadecimal after \x, as it is since PostgreSQL 9.0."""
    if field.dtype != pl.String:
        return None
    plain = field.str.strip_prefix(r"\\x").str.decode("hex", strict=False)
    alike = field.is_null() | field.str.starts_with(r"\\x")
    return plain if alike.all() and plain.null_count() == field.null_count() else None
