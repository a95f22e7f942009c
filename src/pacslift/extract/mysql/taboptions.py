r"""With which options a T.txt of mysqldump --tab was written, as far as its rows tell.

Wrongly refusing a table would leave no way to read it, so only proof counts: a number that is none,
or so many values that look alike that no archive has them by chance.
"""

import re
from collections.abc import Mapping, Sequence

from pacslift.extract.shapes import Column
from pacslift.patterns import compiled

NULL = rb"\N"
_BITS = compiled(r"bit\s*(?:\((\d+)\))?", re.IGNORECASE)
_NUMBER = compiled(
    r"(?:tiny|small|medium|big)?int|decimal|numeric|float|double|year", re.IGNORECASE
)
_ENCLOSING = (b'"', b"'", b"`", b"|")
_ENOUGH = 8  # values that look alike, to tell how all were written

Fields = Mapping[Column, Sequence[bytes]]


def odd_option(fields: Fields) -> str | None:
    """The option of mysqldump that the first rows' *fields* of all columns show; None for none.

    There is at least one row.
    """
    if _are_enclosed(fields):
        return "--fields-enclosed-by"
    last = list(fields)[-1]
    return "--lines-terminated-by" if _end_in_returns(last, fields[last]) else None


def _are_enclosed(fields: Fields) -> bool:
    """Whether all values stand in quotes: numbers too, which is proof, or so many that it is."""
    kept = {column: values for column, values in fields.items() if not bit_bytes(column)}
    numbers = [v for c, values in kept.items() if _is_number(c) for v in values if v != NULL]
    texts = [v for c, values in kept.items() if not _is_number(c) for v in values if v != NULL]
    for mark in _ENCLOSING:
        if numbers and all(_is_enclosed(value, mark) for value in (*numbers, *texts)):
            return True
        if len(texts) >= _ENOUGH and all(_is_enclosed(value, mark) for value in texts):
            return True
    return False


def _is_enclosed(value: bytes, mark: bytes) -> bool:
    return len(value) > 1 and value.startswith(mark) and value.endswith(mark)


def _end_in_returns(column: Column, values: Sequence[bytes]) -> bool:
    """Whether the last values of all lines end as lines do in files of Windows."""
    if not all(value.endswith(b"\r") for value in values):
        return False
    return len(values) >= _ENOUGH or _is_number(column) or NULL + b"\r" in values


def bit_bytes(column: Column) -> int:
    """Bytes that a BIT column takes, 0 for another type."""
    bits = _BITS.match(column.declared)
    return (int(bits[1] or 1) + 7) // 8 if bits else 0


def _is_number(column: Column) -> bool:
    return _NUMBER.match(column.declared) is not None
