"""Values as scripts of SQL Server write them.

A text is as it stands, a binary value in a column of text keeps its 0x. A date is the ISO text that
newer versions of Management Studio write: older ones write CAST(0x… AS DateTime), the bytes the
server stores, which are turned into the same text here. A type whose bytes are not documented
keeps its bytes, which is counted.
Sources: MS-TDS 2.2.5.5.1.8 "Dates and Times"; the order of bytes in CAST(0x… AS Date), Time and
DateTime2 is that of CONVERT(varbinary) on the server, precision first.
"""

import re
from datetime import UTC, datetime, timedelta

from pacslift.extract.charset.texts import Literal
from pacslift.extract.scripts.expressions import Value, number_or_null
from pacslift.extract.scripts.scriptrun import Kept
from pacslift.extract.scripts.statements import DOUBLED
from pacslift.extract.shapes import Column
from pacslift.patterns import compiled

KEPT = (
    "are dates in a binary form that is not known, the first in row {row}; they are kept as the "
    "script writes them"
)
_CAST = compiled(
    rb"CAST\s*+\(\s*+(?P<value>N?+" + DOUBLED + rb"|[^'()\s]++)\s++AS\s++\[?+(?P<type>\w++)\]?+"
    rb"\s*+(?:\(\s*+\w++\s*+(?:,\s*+\d++\s*+)?\))?+\s*+\)",
    re.IGNORECASE,
)
_TEXT = compiled(rb"[nN]?+(" + DOUBLED + rb")")
_HEX = compiled(rb"0[xX][0-9A-Fa-f]*+")
_MONEY = compiled(rb"[-+]?\$([-+]?[\d.]++)")
_DATES = frozenset(
    [b"date", b"datetime", b"smalldatetime", b"time", b"datetime2", b"datetimeoffset"]
)
_DAY_ONE = datetime(1, 1, 1, tzinfo=UTC)
_1900 = datetime(1900, 1, 1, tzinfo=UTC)


def literal_of(column: Column) -> Literal:
    """The function that gives a literal's value in *column*."""
    return _bytes if column.binary else _text


def _text(token: bytes) -> Value:
    if quoted := _TEXT.fullmatch(token):
        return quoted[1][1:-1].replace(b"''", b"'")
    if cast := _CAST.fullmatch(token):
        return _converted(cast["value"], cast["type"].lower())
    if _HEX.fullmatch(token):
        return token
    money = _MONEY.fullmatch(token)
    return number_or_null(money[1] if money else token)


def _converted(value: bytes, kind: bytes) -> Value:
    if kind not in _DATES or not _HEX.fullmatch(value):
        return _text(value)
    try:
        said = _date(bytes.fromhex(value[2:].decode("ascii")), kind)
    except (ValueError, OverflowError):
        said = None
    return Kept(value) if said is None else said


def _bytes(token: bytes) -> Value:
    cast = _CAST.fullmatch(token)
    value = cast["value"] if cast else token
    if _HEX.fullmatch(value):
        return bytes.fromhex(value[2:].decode("ascii"))
    return _text(value)


def _date(stored: bytes, kind: bytes) -> bytes | None:
    """The ISO text of a date as the server stores it; None for bytes of another length."""
    match kind, len(stored):
        case b"datetime", 8:
            days = int.from_bytes(stored[:4], "big", signed=True)
            ticks = int.from_bytes(stored[4:], "big")  # of a 300th of a second
            milliseconds = (ticks * 10 + 1) // 3
            return _iso(_1900 + timedelta(days=days, milliseconds=milliseconds), "milliseconds")
        case b"smalldatetime", 4:
            days, minutes = int.from_bytes(stored[:2], "big"), int.from_bytes(stored[2:], "big")
            return _iso(_1900 + timedelta(days=days, minutes=minutes), "seconds")
        case b"date", 3 | 4:
            return _day(stored)
        case b"time", 4 | 5 | 6:
            return _time(stored)
        case b"datetime2", 7 | 8 | 9:
            return (_day(stored[-3:]) or b"") + b"T" + (_time(stored[:-3]) or b"")
    return None


def _iso(when: datetime, precision: str) -> bytes:
    return when.replace(tzinfo=None).isoformat(timespec=precision).encode("ascii")


def _day(stored: bytes) -> bytes:
    """Days since the first of January of the year 1, the lowest byte first."""
    day = _DAY_ONE + timedelta(days=int.from_bytes(stored, "little"))
    return day.date().isoformat().encode("ascii")


def _time(stored: bytes) -> bytes:
    """The number of decimal places, and as many parts of a second, the lowest byte first."""
    places = stored[0]
    seconds, parts = divmod(int.from_bytes(stored[1:], "little"), 10**places)
    hours, minutes = divmod(seconds // 60, 60)
    if places > 7 or hours > 23:  # noqa: PLR2004
        raise ValueError("these bytes are no time")
    fraction = f".{parts:0{places}}" if places else ""
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{fraction}".encode("ascii")
