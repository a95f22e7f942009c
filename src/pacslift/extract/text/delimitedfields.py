"""Fields of delimited text, as they are spelled, to values.

Strategy: null, empty, the bare and the quoted, which is nearly all, are told apart and stripped by
Polars on the whole column; only fields with a quote, a backslash or undecodable bytes inside are
taken one by one.
"""

import base64
import binascii
import re

import polars as pl

from pacslift.extract.charset.texts import TextDecoder, as_utf8
from pacslift.extract.shapes import Column
from pacslift.extract.text.delimitedform import Binary, Escape, TextForm
from pacslift.patterns import compiled

_ESCAPED = compiled(rb"\\(.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"0": b"\0", b"Z": b"\x1a"}


class SpellingError(ValueError):
    """A field of a binary column is not spelled as bytes; *place* counts from the batch's 0."""

    def __init__(self, column: Column, place: int) -> None:
        super().__init__(column.name)
        self.column = column
        self.place = place


def value(spelled: bytes, form: TextForm) -> bytes | None:
    """What a field stands for; None is NULL."""
    if spelled in form.nulls:
        return None
    if spelled in form.empties:
        return b""
    quote = form.quote
    if quote and spelled.startswith(quote):
        spelled = spelled[1:-1]
        if not form.backslashed:
            return spelled.replace(quote + quote, quote)
        spelled = re.sub(rb"(\\.)|" + re.escape(quote * 2), lambda m: m[1] or quote, spelled,
                         flags=re.DOTALL)  # fmt: skip
    if not form.backslashed or b"\\" not in spelled:
        return spelled
    letters = _LETTERS if form.escape is Escape.LETTERS else {}
    return _ESCAPED.sub(lambda hit: letters.get(hit[1], hit[1]), spelled)


def field_column(
    column: Column, fields: pl.Series, form: TextForm, decoder: TextDecoder, codec: str
) -> pl.Series:
    """A column of *fields*, String (UTF-8 then) or Binary (in *codec*), as text or bytes.

    Raises SpellingError.
    """
    name = column.name.lower()
    if column.binary:
        return _bytes(column, fields, form)
    if fields.dtype == pl.String:
        codec, text = "utf-8", fields.alias(name)
        doubtful = pl.repeat(False, text.len(), eager=True)
    else:
        raw = fields.alias(name)
        text = as_utf8(raw)
        doubtful = decoder.doubtful(raw, text, codec)
    plain, odd = _plain(text, form)
    places = (odd.fill_null(value=True) | doubtful).arg_true().to_list()
    found = _gathered(fields, places)
    return decoder.replaced(plain, places, found, lambda spelled: value(spelled, form), codec)


def _plain(text: pl.Series, form: TextForm) -> tuple[pl.Series, pl.Series]:
    """*text* with nulls, empties and outer quotes done; and which values that does not settle."""
    plain, odd = _without_quotes(text, form) if form.quote else _without_pairs(text, form)
    empty = text.is_in([s.decode("utf-8", "replace") for s in sorted(form.empties)])
    null = text.is_in([s.decode("utf-8", "replace") for s in sorted(form.nulls)])
    settled = (empty | null).fill_null(value=False)
    plain = plain.set(empty.fill_null(value=False), "").set(null.fill_null(value=False), None)
    return plain, odd & ~settled


def _without_quotes(text: pl.Series, form: TextForm) -> tuple[pl.Series, pl.Series]:
    mark = form.quote.decode("ascii")
    quoted = text.str.starts_with(mark)
    stripped = text.str.strip_prefix(mark).str.strip_suffix(mark)
    odd = quoted & stripped.str.contains(mark, literal=True)
    if form.backslashed:
        odd |= text.str.contains("\\", literal=True)
    return stripped.zip_with(quoted.fill_null(value=False), text), odd


def _without_pairs(text: pl.Series, form: TextForm) -> tuple[pl.Series, pl.Series]:
    """Two backslashes are one; any other backslash is odd."""
    if not form.backslashed:
        return text, text.is_null()
    other = text.str.replace_all(r"\\", "", literal=True).str.contains("\\", literal=True)
    return text.str.replace_all(r"\\", "\\", literal=True), other


def _gathered(fields: pl.Series, places: list[int]) -> list[bytes]:
    found: list[bytes] = fields.gather(places).cast(pl.Binary).to_list()
    return found


def _bytes(column: Column, fields: pl.Series, form: TextForm) -> pl.Series:
    """A column that the manifest declares to be bytes."""
    values: list[bytes | None] = []
    for place, spelled in enumerate(_gathered(fields, list(range(fields.len())))):
        text = value(spelled, form)
        try:
            values.append(None if text is None else _unspelled(text, form.binary))
        except ValueError as error:  # binascii.Error is one
            raise SpellingError(column, place) from error
    return pl.Series(column.name.lower(), values, dtype=pl.Binary)


def _unspelled(text: bytes, binary: Binary) -> bytes:
    if binary is Binary.BASE64:
        return base64.b64decode(text, validate=True)
    if text[:2].lower() in {b"0x", rb"\x"}:
        text = text[2:]
    elif binary is Binary.PREFIXED and text:
        raise ValueError("no 0x")
    return binascii.unhexlify(text)
