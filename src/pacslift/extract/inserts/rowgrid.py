r"""Rows of a mysqldump, taken to pieces all at once.

Strategy: the parentheses, commas and semicolons outside of text (quoting.py) lie in a grid, one
line a row, when rows are as mysqldump writes them. Whether they do is not taken on trust: every
byte outside of text has its place in the form checked here, and where one has another, the answer
is None and insertrows.py takes the rows one by one. So both give the same or refuse the same.
Cost: one pass over the bytes for each kind looked for, and a few operations on the places found;
a column that nobody wants costs nothing more, however large its values.
"""

import re
from dataclasses import dataclass

import numpy as np

from pacslift.extract.inserts.insertrows import APART, parting
from pacslift.extract.inserts.quoting import (
    Bits,
    Places,
    Quotes,
    Quoting,
    Text,
    bits_of,
    bits_of_any,
    count_before,
    places_of,
    shifted,
    stand_at,
)
from pacslift.extract.packed.window import Window
from pacslift.patterns import compiled

_COMMA, _SEMICOLON = b",;"
_LAST_BLANK = ord(" ")  # and all control characters below it
_BINARY = np.frombuffer(b"_binary ", np.uint8)
_BEFORE_VALUE = np.frombuffer(b"(,", np.uint8)
_PREFIX_LETTERS = np.frombuffer(b"bBxX", np.uint8)


@dataclass(frozen=True, slots=True)
class RowGrid:
    """Whole rows: *edges* has for each the places in *text* around its values, one more than those.

    *escapes* and *doubled* say whether some text has a backslash, or a quote written twice. *end*
    is the place behind the last row.
    """

    text: Text
    edges: Places
    escapes: bool
    doubled: bool

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.edges)

    @property
    def end(self) -> int:
        """The place behind the last row."""
        return int(self.edges[-1, -1]) + 1


@dataclass(frozen=True, slots=True)
class GridPath:
    """Takes rows of *width* values from a window; behind byte *end* of the dump are none of them.

    *header* is what the INSERT says before its rows.
    """

    width: int
    header: bytes
    end: int

    def __call__(self, window: Window, upto: int) -> RowGrid | None:
        """Take rows and move the window behind them; None where it has to be done otherwise."""
        found = compiled(parting(self.header)).match(window.data, window.at)
        start = found.end() if found else window.at
        last = min(upto, self.end - window.offset + window.at)
        if not window.data.startswith(b"(", start, last):
            return None
        text = np.frombuffer(window.data, np.uint8, last - start, start)
        grid = row_grid(text, self.width, self.header)
        window.at = start + grid.end if grid else window.at
        return grid


def row_grid(text: Text, width: int, header: bytes) -> RowGrid | None:
    """The whole rows of *width* values in *text*, where one begins; None if they are of other form.

    *header* is what may follow a semicolon before the next row.
    """
    quotes = Quoting().take(text)
    if quotes.void is not None:
        return None
    structure = quotes.outside(bits_of_any(text, b"(,);"))
    grid = _grid(text, places_of(structure), width, header)
    if grid is None:
        return None
    gaps = _gaps(text, grid, header)
    end = int(grid[-1, width]) + 1
    prefixes = _prefixes(text, quotes, structure, end)
    if gaps is None or prefixes is None:
        return None
    blanks = quotes.outside(bits_of(text <= _LAST_BLANK))
    if count_before(end, blanks) != gaps + prefixes:
        return None
    doubled = bool((shifted(quotes.marks & ~quotes.inside) & quotes.marks).any())
    return RowGrid(text, grid[:, : width + 1], quotes.escapes, doubled)


def _grid(text: Text, places: Places, width: int, header: bytes) -> Places | None:
    """Places of a row's parentheses and commas and of what ends it, a line for each whole row."""
    places = _without_headers(text, places, header)
    rows = len(places) // (width + 2)
    grid = places[: rows * (width + 2)].reshape(rows, width + 2)
    good = _whole_rows(text, grid, width)
    return grid[:good] if good else None


def _whole_rows(text: Text, grid: Places, width: int) -> int:
    """How many lines of *grid* are rows, with no value empty, before the first that is none."""
    form = np.frombuffer(b"(" + b"," * (width - 1) + b")", np.uint8)
    kinds, steps = text[grid], np.diff(grid.ravel(), append=0).reshape(grid.shape)
    least = np.array([*[2] * width, 1])
    good = (kinds[:, :-1] == form) & (steps[:, :-1] >= least)
    ends = kinds[:, -1]
    tight = (steps[:, -2] == 1) & ((ends == _COMMA) | (ends == _SEMICOLON))
    if good.all() and tight.all():
        return len(grid)
    return int((good.all(axis=1) & tight).argmin())


def _without_headers(text: Text, places: Places, header: bytes) -> Places:
    """*places* without those in a header that names its columns."""
    inside = sum(header.count(mark) for mark in b"(,);")
    if not inside:
        return places
    ends = np.flatnonzero(text[places] == _SEMICOLON)
    drop = (ends[:, None] + np.arange(1, inside + 1)).ravel()
    return np.delete(places, drop[drop < len(places)])


def _gaps(text: Text, grid: Places, header: bytes) -> int | None:
    """How many blanks stand between rows, all of which are parted in one way or two."""
    ends, begins = grid[:-1, -1], grid[1:, 0]
    semicolons = text[ends] == _SEMICOLON
    blanks = 0
    again = APART + re.escape(header)
    for chosen, pattern in ((~semicolons, rb",\s{0,2}"), (semicolons, again)):
        found = _same_gap(text, ends[chosen], begins[chosen], compiled(pattern))
        if found is None:
            return None
        blanks += found
    return blanks


def _same_gap(text: Text, ends: Places, begins: Places, pattern: re.Pattern[bytes]) -> int | None:
    """Blanks in all gaps together, if they are alike and match *pattern*."""
    if not len(ends):
        return 0
    gap = text[ends[0] : begins[0]]
    is_alike = (begins - ends == len(gap)).all() and stand_at(text, ends, gap).all()
    if not is_alike or not pattern.fullmatch(gap.tobytes()):
        return None
    return int(np.count_nonzero(gap <= _LAST_BLANK)) * len(ends)


def _prefixes(text: Text, quotes: Quotes, structure: Bits, end: int) -> int | None:
    """How many texts have `_binary ` before them, if all begin and end where a value does.

    After a closing quote comes the value's end or, doubled, a quote. Before an opening one comes
    its beginning, a quote, or one of the prefixes that mysqldump writes.
    """
    opening = quotes.marks & quotes.inside
    closing = quotes.marks & ~quotes.inside
    stray = shifted(closing) & ~(structure | opening)
    prefixed = places_of(opening & ~shifted(structure | closing))
    prefixed = prefixed[prefixed < end]
    if count_before(end, stray):
        return None
    words = prefixed >= len(_BINARY) + 1
    words[words] = stand_at(text, prefixed[words] - len(_BINARY), _BINARY)
    starts = prefixed - np.where(words, len(_BINARY), 1)
    letters = np.isin(text[prefixed - 1], _PREFIX_LETTERS)
    begins = np.isin(text[starts - 1], _BEFORE_VALUE)
    return int(np.count_nonzero(words)) if ((words | letters) & begins).all() else None
