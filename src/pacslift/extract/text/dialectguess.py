"""How delimited text may be written, guessed from a sample of it.

Strategy: every delimiter and way of quoting is tried on whole rows of the sample. A reading fits if
all of them have the same number of fields, two or more. Of several that fit the one wins whose
columns are of more definite types, or which has at least twice as many fields; where neither
decides, all are given and none is chosen. Pure: bytes in, readings out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pacslift.extract.text.delimitedfields import value
from pacslift.extract.text.delimitedform import FORMS, Escape, TextForm
from pacslift.extract.text.delimitedrows import row_at
from pacslift.patterns import compiled

DELIMITERS = (b"|~|", b"~|~", b"\t", b"|", b",", b";", b"~", b"^", b"\x01", b"\x1e", b"\x1f")
_MOST_ROWS = 2000
_NAME = compiled(rb"[A-Za-z_][\w .$#/-]{0,62}")

# Types in the order in which they are tried; a column is of the first that all its values are.
_TYPES = (
    ("uid", compiled(rb"[0-2](?:\.\d+){3,}")),
    ("date", compiled(rb"(?:18|19|20)\d\d(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])")),
    ("datetime", compiled(rb"\d{4}-\d\d-\d\d[ T-]\d\d[:.]\d\d[:.]\d\d(?:[.,]\d+)?\S{0,6}")),
    ("int", compiled(rb"[+-]?\d{1,20}")),
    ("decimal", compiled(rb"[+-]?\d*[.,]\d+")),
    ("uuid", compiled(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")),
    ("hex", compiled(rb"(?:0x)?(?:[0-9A-Fa-f]{2}){8,}")),
)


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """A column: its type, or "text" or "" (nothing in it), of *filled* values; *longest* bytes."""

    type: str
    filled: int
    longest: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the sample. *header*: None where both ways fit; *twin*: another escape."""

    form: TextForm
    rows: int
    columns: tuple[ColumnGuess, ...]
    names: tuple[str, ...]
    header: bool | None
    twin: bool

    @property
    def typed(self) -> int:
        """Columns of a definite type."""
        return sum(column.type not in {"text", ""} for column in self.columns)


def readings(sample: bytes) -> list[Reading]:
    """The readings of *sample* between which it does not decide; none fits, one, or several."""
    terminator = b"\r\n" if sample.count(b"\r\n") == sample.count(b"\n") > 0 else b"\n"
    found = [r for d in DELIMITERS if d in sample and (r := _reading(sample, d, terminator))]
    found = [r for r in found if not any(_within(r, other) for other in found)]
    return [r for r in found if not any(_beats(other, r) for other in found)]


def _within(short: Reading, long: Reading) -> bool:
    """Whether a delimiter is only a part of a longer one that fits too."""
    one, other = short.form.delimiter, long.form.delimiter
    return len(one) < len(other) and one in other


def _beats(one: Reading, other: Reading) -> bool:
    if one.typed != other.typed:
        return one.typed > other.typed
    return len(one.columns) >= 2 * len(other.columns)


def _reading(sample: bytes, delimiter: bytes, terminator: bytes) -> Reading | None:
    """The best reading with *delimiter*."""
    plain = TextForm(delimiter, terminator)
    quoted = replace(plain, quote=b'"', escape=Escape.DOUBLED)
    backslash = replace(plain, escape=Escape.BACKSLASH, empties=FORMS["informix"].empties)
    fitting = {form: rows for form in (quoted, backslash, plain) if (rows := _rows(sample, form))}
    if quoted in fitting and _any_field(fitting[quoted], rb'"'):
        return _judged(quoted, fitting[quoted], twin=False)
    if backslash in fitting and b"\\" in sample:
        needed = plain not in fitting or _ends_escaped(fitting[plain])
        pairs = not needed and not re.search(rb"(?<!\\)(?:\\\\)*\\(?!\\)", sample)
        if needed or pairs:
            return _judged(backslash, fitting[backslash], twin=pairs)
    if plain in fitting:
        usual = delimiter in {b",", b";"} and b'"' not in sample
        return _judged(quoted if usual else plain, fitting[plain], twin=False)
    return None


def _rows(sample: bytes, form: TextForm) -> list[list[bytes]]:
    """Whole rows, if all have as many fields as the first, two or more; else none."""
    rows: list[list[bytes]] = []
    at = 0
    while len(rows) < _MOST_ROWS and (found := row_at(sample, at, form)):
        row, at = found
        rows.append(row)
    width = len(rows[0]) if rows else 0
    cut = len(rows) < _MOST_ROWS and not form.open_rows.match(sample, at)
    return rows if width > 1 and not cut and all(len(row) == width for row in rows) else []


def _any_field(rows: Sequence[Sequence[bytes]], start: bytes) -> bool:
    return any(field.startswith(start) for row in rows for field in row)


def _ends_escaped(rows: Sequence[Sequence[bytes]]) -> bool:
    r"""Whether a field ends in a backslash that is not itself escaped, or is `\ ` alone."""
    return any(
        field == rb"\ " or (len(field) - len(field.rstrip(b"\\"))) % 2
        for row in rows
        for field in row
    )


def _judged(form: TextForm, rows: list[list[bytes]], *, twin: bool) -> Reading:
    """The reading with its columns, and the terminator of Informix if all rows end so."""
    if len(rows[0]) > 2 and not form.quote and all(row[-1] == b"" for row in rows):  # noqa: PLR2004
        form = replace(form, terminator=form.delimiter + form.terminator)
        rows = [row[:-1] for row in rows]
        twin = False  # Informix it is, and it writes escapes
    if not form.quote and not form.backslashed and any(b"\0" in row for row in rows):
        form = replace(form, empties=FORMS["bcp"].empties)
    values = [[value(field, form) or b"" for field in row] for row in rows]
    header = _is_header(values)
    body = values[1:] if header else values
    columns = tuple(_column([row[i] for row in body]) for i in range(len(rows[0])))
    names = tuple(v.decode("ascii").strip() for v in values[0]) if header else ()
    names = names or tuple(f"c{i}" for i in range(1, len(columns) + 1))
    return Reading(form, len(body), columns, names, header, twin)


def _is_header(rows: list[list[bytes]]) -> bool | None:
    """Whether the first row names columns; None where it may as well be a row of text."""
    first = rows[0]
    named = all(_NAME.fullmatch(name) for name in first)
    if not named or len({name.lower() for name in first}) < len(first):
        return False
    types = [_column([row[i] for row in rows[1:]]).type for i in range(len(first))]
    return True if any(kind not in {"text", ""} for kind in types) else None


def _column(values: Sequence[bytes]) -> ColumnGuess:
    filled = [v for v in values if v]
    longest = max(map(len, filled), default=0)
    if not filled:
        return ColumnGuess("", 0, 0)
    for kind, pattern in _TYPES:
        if all(pattern.fullmatch(v) for v in filled):
            return ColumnGuess(kind, len(filled), longest)
    return ColumnGuess("text", len(filled), longest)
