r"""Values of rows that were taken to pieces all at once (rowgrid.py), a column at a time.

Strategy: a text that is UTF-8, numbers and NULL are cut out of the dump by Polars as whole
columns, without their quotes; escapes are resolved on those values that have any. A column that
holds anything else is made of its literals, as literals.py does it for rows read one by one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.inserts.gridblobs import as_one, blobs, cut
from pacslift.extract.inserts.literals import NUMBER, absent, literal_column, unescaped
from pacslift.extract.inserts.quoting import Places, stand_at
from pacslift.extract.inserts.rowgrid import RowGrid
from pacslift.extract.scripts.statements import Dialect
from pacslift.extract.shapes import Column

_QUOTE = ord("'")
_NULL = np.frombuffer(b"NULL", np.uint8)

# Every pair that may stand in a text, but a backslash before what is no ASCII.
_PAIRS = ["''", *(f"\\{chr(code)}" for code in range(128))]
_MEANINGS = [unescaped(pair.encode()).decode() for pair in _PAIRS]
_BEYOND = r"\\[^\x00-\x7f]"


def grid_columns(
    grid: RowGrid,
    places: Mapping[str, int],
    wanted: Sequence[Column],
    decoder: TextDecoder,
    codecs: Mapping[str, str],
) -> list[pl.Series]:
    """The *wanted* columns; *places* has those of a row's values, *codecs* their text's, by name.

    Raises DumpFormatError for a value of no known form.
    """
    source = as_one(grid.text)
    series: list[pl.Series] = []
    for column in wanted:
        name = column.name.lower()
        if name in places:
            values = _Values(grid, places[name], source)
            series.append(_column(column, values, decoder, codecs[name]).alias(name))
        else:
            series.append(absent(column, grid.rows))
    return series


def _column(column: Column, values: "_Values", decoder: TextDecoder, codec: str) -> pl.Series:
    if column.binary:
        found = values.blobs()
    elif column.declared.lower().startswith("bit"):
        found = None
    else:
        found = values.text(codec)
    if found is not None:
        return found
    return literal_column(column, values.literals(), Dialect.MYSQL, decoder, codec)


class _Values:
    """One column of a grid; *source* is the grid's text as one value."""

    def __init__(self, grid: RowGrid, place: int, source: pl.Expr) -> None:
        self._grid = grid
        self._starts = grid.edges[:, place] + 1
        self._ends = grid.edges[:, place + 1]
        self._source = source

    def literals(self) -> list[bytes]:
        """Them as they stand in the dump."""
        return cut(self._source, self._starts, self._ends - self._starts).to_list()

    def blobs(self) -> pl.Series | None:
        """Them as bytes; None where some are written in other ways than mysqldump's."""
        nulls = np.zeros(self._grid.rows, np.bool_)
        nulls[self._nulls(np.arange(self._grid.rows))] = True
        return blobs(self._grid.text, self._starts, self._ends, nulls)

    def text(self, codec: str) -> pl.Series | None:
        """Them as text; None where some are neither text nor numbers, or not UTF-8."""
        text, starts = self._grid.text, self._starts
        quoted = text[starts] == _QUOTE
        raw = cut(self._source, starts + quoted, self._ends - starts - 2 * quoted)
        try:
            found = raw.cast(pl.String)
        except PolarsError:
            return None
        if codec != "utf-8" and (found.str.len_chars() != found.str.len_bytes()).any():
            return None
        bare = ~quoted
        nulls = self._nulls(np.flatnonzero(bare))
        bare[nulls] = False
        if not _are_numbers(found, np.flatnonzero(bare)):
            return None
        if len(nulls):
            found = found.scatter(nulls, None)
        if not quoted.any():
            return found
        return self._unescaped(found)

    def _nulls(self, among: Places) -> Places:
        """Which of the rows *among* are NULL."""
        text, starts, ends = self._grid.text, self._starts, self._ends
        some: Places = among[text[starts[among]] == _NULL[0]]
        some = some[ends[some] - starts[some] == len(_NULL)]
        found: Places = some[stand_at(text, starts[some], _NULL)]
        return found

    def _unescaped(self, found: pl.Series) -> pl.Series | None:
        odd = np.zeros(len(found), np.bool_)
        if self._grid.escapes:
            odd |= found.str.contains("\\", literal=True).fill_null(value=False).to_numpy()
        if self._grid.doubled:
            odd |= found.str.contains("''", literal=True).fill_null(value=False).to_numpy()
        places = np.flatnonzero(odd)
        if not len(places):
            return found
        some = found.gather(places)
        if some.str.contains(_BEYOND).any():
            return None
        return found.scatter(places, some.str.replace_many(_PAIRS, _MEANINGS))


def _are_numbers(found: pl.Series, places: Places) -> bool:
    if not len(places):
        return True
    some = found if len(places) == len(found) else found.gather(places)
    whole = some.str.to_integer(strict=False)
    if not whole.null_count():
        return True
    return bool(some.filter(whole.is_null()).str.contains(NUMBER).all())
