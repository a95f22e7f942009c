"""The rows of INSERT statements whose values may be expressions.

Strategy: as in insertrows.py, one compiled regular expression per table takes rows to pieces, and a
last alternative takes what is no row. What differs by product is a RowForm: a value may be a call
or a concatenation, and what parts two statements may be a line end, GO, or a commit every hundred
rows. A run of rows is over where something else than the same header follows.
The survey passes over rows with another expression that only balances quotes and parentheses; that
each row has the right number of values is seen when rows are counted or read.
Memory: a stretch, which grows only where a single row is larger.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from pacslift.errors import DumpDamagedError
from pacslift.extract.inserts.insertrows import Captured, InsertShape
from pacslift.extract.packed.window import Window
from pacslift.extract.truncation import REFUSED, Cut, Truncation
from pacslift.patterns import compiled

_STRETCH = 4 << 20  # bytes that are taken to pieces at once
_DEPTH = 3  # calls inside calls that a value may have
_COMMA = compiled(rb"\s*+,")
_LOOK = 4096  # bytes behind a row that are in view before it is judged what they are


@dataclass(frozen=True, slots=True)
class RowForm:
    """How one product writes rows of INSERT statements; all are patterns.

    *text* is a quoted text, prefix-closed; *plain* other bytes of a value outside of parentheses,
    *loose* inside of them; *apart* what parts a row from the next statement of the same header.
    """

    text: bytes
    apart: bytes
    plain: bytes = rb"[^'(),\s]++"
    loose: bytes = rb"[^'()]++"

    @property
    def inside(self) -> bytes:
        """What may stand between parentheses, prefix-closed."""
        pattern = rb"(?:" + self.text + rb"|" + self.loose + rb")*+"
        for _ in range(_DEPTH):
            within = rb"|\(" + pattern + rb"(?:\)|\Z)"
            pattern = rb"(?:" + self.text + rb"|" + self.loose + within + rb")*+"
        return pattern

    @property
    def value(self) -> bytes:
        """One value."""
        part = self.text + rb"|" + self.plain + rb"|\(" + self.inside + rb"\)"
        return rb"(?:" + part + rb")(?:\s*+(?:" + part + rb"))*+"


class _Next(Enum):
    """What stands behind the rows that were taken."""

    UNSEEN = auto()
    OPEN_ROW = auto()
    NO_ROW = auto()
    NO_MORE_ROWS = auto()


class _Behind:
    """Judges what stands behind the last row that was taken."""

    def __init__(self, header: bytes, form: RowForm) -> None:
        self._header = header
        self._needs_parting = not compiled(form.apart + rb"\Z", re.IGNORECASE).match(b"")
        self._apart = compiled(form.apart, re.DOTALL | re.IGNORECASE)
        self._open = compiled(rb"\s*+(?:\(" + form.inside + rb")?+\Z", re.DOTALL)

    def judge(self, data: bytes, at: int, end: int, *, last: bool) -> tuple[_Next, int]:
        """What stands at *at*, and where the run ends; *last* where nothing comes after *end*.

        A header that nothing parts from a row is for is_unparted() to find.
        """
        apart = self._apart.match(data, at, end)
        begin = apart.end() if apart else at
        if not last and end - begin < len(self._header) + _LOOK:
            return _Next.UNSEEN, at
        if data.startswith(self._header, begin, end):
            return self._row(data, begin + len(self._header), end), at
        if comma := _COMMA.match(data, at, end):
            return self._row(data, comma.end(), end), at
        if last and begin < end and self._header.startswith(data[begin:end]):
            return _Next.OPEN_ROW, at
        if apart is None:
            return (_Next.NO_ROW if data[at:end].strip() else _Next.OPEN_ROW), at
        return _Next.NO_MORE_ROWS, begin

    def is_unparted(self, data: bytes, at: int) -> bool:
        """Whether a header stands at *at*, behind a row, with nothing to part them."""
        return self._needs_parting and data.startswith(self._header, at)

    def _row(self, data: bytes, at: int, end: int) -> _Next:
        return _Next.OPEN_ROW if self._open.match(data, at, end) else _Next.NO_ROW


def script_rows(
    window: Window,
    shape: InsertShape,
    form: RowForm,
    name: str,
    first_row: int = 1,
    truncation: Truncation = REFUSED,
) -> Iterator[Captured]:
    """Give the rows from the window's place, at a header, to behind the last one of the run.

    *first_row* is the table's row that comes next, for messages. Raises DumpDamagedError where
    a row is no row or has more or fewer values than the table has columns, and where the dump ends
    in it unless *truncation* says that this may be.
    """
    pattern = _row_pattern(shape.header, shape.width, shape.chosen, form)
    behind = _behind(shape.header, form)
    done = first_row - 1
    stretch = _STRETCH
    while True:
        window.hold(stretch)
        if done >= first_row and behind.is_unparted(window.data, window.at):
            raise _damaged(window, shape, name, done)
        end = min(len(window.data), window.at + stretch)
        rows = pattern.findall(window.data, window.at, end)
        rest = rows.pop()[-1] if rows and rows[-1][-1] else b""
        window.at = end - len(rest)
        done += len(rows)
        if rows:
            yield rows
        last = window.ended and end == len(window.data)
        what, window.at = behind.judge(window.data, window.at, end, last=last)
        if what is _Next.NO_MORE_ROWS:
            return
        if what is _Next.NO_ROW:
            raise _damaged(window, shape, name, done)
        if what is _Next.OPEN_ROW and last:
            trouble = _trouble(window, shape, name, done, "is cut off")
            truncation.meet(Cut(name, shape.table, done), trouble)
            return
        stretch = _STRETCH if rows else 2 * stretch


def pass_script_rows(window: Window, header: bytes, form: RowForm) -> bytes | None:
    """Move from a header to behind the last row of the run, and what parts that from what follows.

    Gives what parts it. None where a row is broken or the dump ends in it; the place is then
    before that row.
    """
    pattern = _passing_pattern(header, form)
    behind = _behind(header, form)
    begin = window.offset
    while True:
        window.hold(_STRETCH)
        if window.offset > begin and behind.is_unparted(window.data, window.at):
            return None
        passed = pattern.match(window.data, window.at)
        window.at = passed.end() if passed else window.at
        end = len(window.data)
        at = window.at
        what, window.at = behind.judge(window.data, at, end, last=window.ended)
        if what is _Next.NO_MORE_ROWS:
            return window.data[at : window.at]
        if what is _Next.NO_ROW or not window.grow():
            return None


def _parting(header: bytes, form: RowForm) -> bytes:
    apart = rb"(?:(?i:" + form.apart + rb")|(?<!\)))"
    return rb"(?:" + apart + re.escape(header) + rb"|\s*+,\s*+)"


@lru_cache
def _row_pattern(
    header: bytes, width: int, chosen: tuple[int, ...], form: RowForm
) -> re.Pattern[bytes]:
    """A row with what parts it from the one before; its last group is the remainder."""
    values: list[bytes] = []
    before = 0
    for place in (*chosen, width):
        if place > before:
            values.append(_several(form.value, place - before))
        if place < width:
            values.append(rb"(" + form.value + rb")")
        before = place + 1
    row = rb"\(\s*+" + rb"\s*+,\s*+".join(values) + rb"\s*+\)"
    count = rb"" if chosen else rb"()"
    return compiled(_parting(header, form) + count + row + rb"|(.++)", re.DOTALL)


def _several(value: bytes, number: int) -> bytes:
    return rb"(?:" + value + rb"(?:\s*+,\s*+" + value + rb"){%d}+)" % (number - 1)


@lru_cache
def _passing_pattern(header: bytes, form: RowForm) -> re.Pattern[bytes]:
    row = rb"\s*+\(" + form.inside + rb"\)"
    return compiled(rb"(?:" + _parting(header, form) + row + rb")*+", re.DOTALL)


@lru_cache
def _behind(header: bytes, form: RowForm) -> _Behind:
    return _Behind(header, form)


def _damaged(window: Window, shape: InsertShape, name: str, done: int) -> DumpDamagedError:
    trouble = _trouble(window, shape, name, done, "is not a row")
    return DumpDamagedError(f"{trouble} Make a new dump, or copy it again.")


def _trouble(window: Window, shape: InsertShape, name: str, done: int, what: str) -> str:
    return (
        f"{name}: table {shape.table}, row {done + 1} at byte {window.offset} {what} of "
        f"{shape.width} values. The last good row is {done}."
    )
