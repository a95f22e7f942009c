"""Columns of bytes to columns of text, and the record of what is no text."""

from collections.abc import Callable, Sequence

import polars as pl

from pacslift.extract.charset.charsets import decoded
from pacslift.extract.shapes import NO_TEXT, Undecodable

Literal = Callable[[bytes], bytes | None]


def as_utf8(raw: pl.Series) -> pl.Series:
    """*raw* bytes as text, null where they are no UTF-8.

    Polars fails the whole cast over one such value, so then they are taken one by one.
    """
    try:
        return raw.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series(raw.name, [utf8_or_none(value) for value in raw], pl.String)


def utf8_or_none(value: bytes | None) -> str | None:
    """The text of *value*, None if it is no UTF-8."""
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


class TextDecoder:
    """Decodes one table's values in one character set and remembers where they were none."""

    def __init__(self, table: str, codec: str, first_row: int) -> None:
        self.table = table
        self._codec = codec
        self._first_row = first_row
        self._bad: dict[tuple[str, str], list[int]] = {}

    @property
    def undecodable(self) -> tuple[Undecodable, ...]:
        """One entry per column and trouble; rows count from the table's 1."""
        return tuple(
            Undecodable(self.table, column, len(rows), min(rows) + self._first_row, trouble)
            for (column, trouble), rows in self._bad.items()
        )

    def note(self, column: str, places: Sequence[int], trouble: str) -> None:
        """Remember values of *column* that are kept in another form."""
        if places:
            self._bad.setdefault((column, trouble), []).extend(places)

    def column(self, name: str, values: Sequence[bytes | None], codec: str = "") -> pl.Series:
        """A column from bytes; None is null."""
        raw = pl.Series(name, values, dtype=pl.Binary)
        text = as_utf8(raw)
        return self.mended(text, self.doubtful(raw, text, codec), values, None, codec)

    def doubtful(self, raw: pl.Series, text: pl.Series, codec: str = "") -> pl.Series:
        """Which values of *raw* are not the UTF-8 that *text* takes them for."""
        if (codec or self._codec) == "utf-8":
            return raw.is_not_null() & text.is_null()
        return raw.is_not_null() & (text.is_null() | (text.str.len_chars() != raw.bin.size()))

    def mended(
        self,
        text: pl.Series,
        odd: pl.Series,
        values: Sequence[bytes | None],
        literal: Literal | None,
        codec: str = "",
    ) -> pl.Series:
        """*text* with the values where *odd* is true taken again, one by one, through *literal*."""
        places = odd.arg_true().to_list()
        return self.replaced(text, places, [values[i] for i in places], literal, codec)

    def replaced(
        self,
        text: pl.Series,
        places: Sequence[int],
        values: Sequence[bytes | None],
        literal: Literal | None,
        codec: str = "",
    ) -> pl.Series:
        """*text* with *values*, put through *literal* and decoded, at *places*."""
        if not places:
            return text
        taken = [
            self._one(text.name, place, value, literal, codec)
            for place, value in zip(places, values, strict=True)
        ]
        return text.scatter(places, pl.Series(taken, dtype=pl.String))

    def _one(
        self, column: str, row: int, value: bytes | None, literal: Literal | None, codec: str
    ) -> str | None:
        plain = literal(value) if literal is not None and value is not None else value
        if plain is None:
            return None
        text, clean = decoded(plain, codec or self._codec)
        if not clean:
            self.note(column, [row], NO_TEXT)
        return text
