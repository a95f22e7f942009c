"""Values of DBF fields as text, or bytes for those that are bytes.

    C V     text without the blanks behind it      N F    the digits without blanks
    D       YYYYMMDD                               L      T or F, empty where it is neither
    I +     a whole number                         B O    a number with as many digits as it needs
    Y       a number with four decimals            T @    YYYY-MM-DD hh:mm:ss, and .mmm if any
    M       text of the memo file                  G P W  bytes of the memo file    Q  bytes

An empty field is empty text; NULL is only what Visual FoxPro's flags say is NULL.
"""

import struct
from collections.abc import Callable
from datetime import date, timedelta

from pacslift.extract.dbase.dbfheader import Field

MEMO_TEXT = "M"
MEMO_BYTES = "GPW"
_JULIAN_1970 = 2_440_588
_EPOCH = date(1970, 1, 1)
_DAY = 86_400_000  # milliseconds
_TRUTH = {b"T": b"T", b"Y": b"T", b"F": b"F", b"N": b"F"}
_WIDTHS = {"I": 4, "+": 4, "B": 8, "O": 8, "Y": 8, "T": 8, "@": 8}

Plain = Callable[[bytes], bytes]


def plain_value(kind: str, *, big_endian: bool = False) -> Plain | None:
    """The function that gives a field's text; None for a type that is not known.

    Raises ValueError when called with bytes that are no such value.
    """
    order = ">" if big_endian else "<"
    simple: dict[str, Plain] = {
        "C": _text,
        "V": _text,
        "N": _digits,
        "F": _digits,
        "D": _text,
        "L": lambda raw: _TRUTH.get(raw[:1].upper(), b""),
        "Q": bytes,
        "I": lambda raw: _whole(raw, order),
        "+": lambda raw: _whole(raw, order),
        "B": lambda raw: _double(raw, order),
        "O": lambda raw: _double(raw, order),
        "Y": lambda raw: _money(raw, order),
        "T": lambda raw: _moment(raw, order),
        "@": lambda raw: _moment(raw, order),
    }
    return simple.get(kind)


def has_its_width(field: Field) -> bool:
    """Whether a field of a binary type is as wide as its type is, and one that varies has room."""
    if field.length_bit is not None and not field.width:
        return False
    return _WIDTHS.get(field.kind, field.width) == field.width


def _text(raw: bytes) -> bytes:
    return raw.rstrip(b" \0")


def _digits(raw: bytes) -> bytes:
    return raw.strip(b" \0")


def _whole(raw: bytes, order: str) -> bytes:
    (number,) = struct.unpack(f"{order}i", raw)
    return b"%d" % number


def _double(raw: bytes, order: str) -> bytes:
    (number,) = struct.unpack(f"{order}d", raw)
    return (b"%d" % number) if number.is_integer() else repr(number).encode("ascii")


def _money(raw: bytes, order: str) -> bytes:
    (ten_thousandths,) = struct.unpack(f"{order}q", raw)
    whole, rest = divmod(abs(ten_thousandths), 10_000)
    return b"%s%d.%04d" % (b"-" if ten_thousandths < 0 else b"", whole, rest)


def _moment(raw: bytes, order: str) -> bytes:
    """A day, counted from 4713 BC, and milliseconds; zeros and blanks are no moment."""
    if not raw.strip(b" \0"):
        return b""
    day, milliseconds = struct.unpack(f"{order}ii", raw)
    try:
        shown = _EPOCH + timedelta(days=day - _JULIAN_1970 + _round(milliseconds) // _DAY)
    except OverflowError as error:
        raise ValueError(f"day {day} of no calendar") from error
    seconds, rest = divmod(_round(milliseconds) % _DAY, 1000)
    text = f"{shown:%Y-%m-%d} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return (f"{text}.{rest:03}" if rest else text).encode("ascii")


def _round(milliseconds: int) -> int:
    """FoxPro's seconds are off by one millisecond now and then."""
    near = round(milliseconds, -3)
    return near if abs(near - milliseconds) == 1 else milliseconds
