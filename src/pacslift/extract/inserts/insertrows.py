"""The rows of INSERT statements.

Strategy: one compiled regular expression per table takes a row to pieces and captures the wanted
values only; findall() runs it over a stretch of the window without coming back to Python. A last
alternative takes all that is no row, so that no byte between two rows can be passed over: what it
took is the end of the statement, a row still open, or damage, and is judged once per stretch.
A statement that ends and is followed at once by the same INSERT goes on as if it were one, which
makes one row a line and one row a statement cost the same.
Memory: a stretch, which grows only where a single row is larger.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pacslift.errors import DumpDamagedError
from pacslift.extract.packed.window import Window
from pacslift.extract.scripts.statements import Dialect
from pacslift.extract.truncation import REFUSED, Cut, Truncation
from pacslift.patterns import compiled

_STRETCH = 2 << 20  # what is made of it stays in the cache

# As many blanks may part two statements that are read as one.
BLANKS = 64
END = rb"(?:ON CONFLICT DO NOTHING)?+;"
APART = END + rb"\s{0,64}+"
_ENDS = compiled(rb"\s*+" + END)

# Before a quoted text: MySQL's _binary, _utf8mb4, b, x, n; PostgreSQL's E, B, X.
_PREFIX = rb"(?:_\w++\s*+|[bBxXnNeE])?+"


@dataclass(frozen=True, slots=True)
class InsertShape:
    """How the INSERT statements of one table look.

    *header* is their text up to VALUES and the blanks after it, exactly; *width* the number of
    values in a row; *chosen* the positions wanted.
    """

    table: str
    header: bytes
    width: int
    chosen: tuple[int, ...]


def _value(dialect: Dialect) -> bytes:
    escaping = rb"[eE]" + Dialect.MYSQL.text + rb"|" if dialect is Dialect.POSTGRES else rb""
    return escaping + _PREFIX + dialect.text + rb"|[^',()\s]++"


def parting(header: bytes) -> bytes:
    """The pattern of what parts a row from the one before."""
    return rb"\s*+(?:,\s*+|" + APART + re.escape(header) + rb")?+"


def row_pattern(shape: InsertShape, dialect: Dialect) -> re.Pattern[bytes]:
    """A row of *shape* with what parts it from the one before; its last group is the remainder."""
    value = _value(dialect)
    values = [(rb"(" if i in shape.chosen else rb"(?:") + value + rb")" for i in range(shape.width)]
    row = rb"\(\s*+" + rb"\s*+,\s*+".join(values) + rb"\s*+\)"
    count = rb"()" if not shape.chosen else rb""
    return compiled(parting(shape.header) + count + row + rb"|(.++)", re.DOTALL)


def _open_row(dialect: Dialect) -> re.Pattern[bytes]:
    """What a row cut anywhere looks like, from the end of the one before."""
    text = dialect.text
    escaping = rb"[eE]" + Dialect.MYSQL.text + rb"|" if dialect is Dialect.POSTGRES else rb""
    inside = rb"(?:" + escaping + text + rb"|[^'()]++)*+"
    return compiled(rb"\s*+,?+\s*+(?:\(" + inside + rb"|O[A-Z ]*+)?+\Z", re.DOTALL)


_OPEN_ROWS = {dialect: _open_row(dialect) for dialect in Dialect}

Captured = Sequence[tuple[bytes, ...]]
"""Rows of wanted values as they stand in the dump, each with an empty remainder at its end."""


class Block(Protocol):
    """Many rows taken at once."""

    @property
    def rows(self) -> int:
        """How many."""
        ...


B = TypeVar("B", bound=Block)

Quick = Callable[[Window, int], B | None]
"""Takes whole rows from a window, up to an index of its data."""


def insert_rows(
    window: Window,
    shape: InsertShape,
    dialect: Dialect,
    name: str,
    first_row: int = 1,
    truncation: Truncation = REFUSED,
    quick: Quick[B] | None = None,
) -> Iterator[Captured | B]:
    """Give the rows from the window's place, behind VALUES, to behind the statement's semicolon.

    *first_row* is the table's row that comes next, for messages. What *quick* can take is given as
    it gives it. Raises DumpDamagedError where
    a row is no row, has more or fewer values than the table has columns, or the dump ends.
    """
    pattern = row_pattern(shape, dialect)
    done = first_row - 1
    stretch = _STRETCH
    while True:
        window.hold(stretch)
        end = min(len(window.data), window.at + stretch)
        if quick is not None and (block := quick(window, end)):
            done += block.rows
            yield block
            continue
        rows = pattern.findall(window.data, window.at, end)
        rest = rows.pop()[-1] if rows and rows[-1][-1] else b""
        window.at = end - len(rest)
        done += len(rows)
        if rows:
            yield rows
        if _ENDS.match(rest):
            if _ends(window, shape.header):
                return
        elif not _OPEN_ROWS[dialect].match(rest):
            trouble = _trouble(window, shape, name, done, "is not a row")
            raise DumpDamagedError(f"{trouble} Make a new dump, or copy it again.")
        elif window.ended and end == len(window.data):
            trouble = _trouble(window, shape, name, done, "is cut off")
            truncation.meet(Cut(name, shape.table, done), trouble)
            return
        stretch = _STRETCH if rows else 2 * stretch


def _ends(window: Window, header: bytes) -> bool:
    """Move behind the semicolon that comes next, and behind the same *header* if that follows.

    True where it does not, so that the rows end here.
    """
    again = compiled(rb"\s*+" + APART + re.escape(header))
    window.hold(len(header) + 2 * BLANKS)
    found = again.match(window.data, window.at)
    end = found or _ENDS.match(window.data, window.at)
    window.at = end.end() if end else window.at
    return found is None


def _trouble(window: Window, shape: InsertShape, name: str, done: int, trouble: str) -> str:
    return (
        f"{name}: table {shape.table}, row {done + 1} at byte {window.offset} {trouble} of "
        f"{shape.width} values. The last good row is {done}."
    )
