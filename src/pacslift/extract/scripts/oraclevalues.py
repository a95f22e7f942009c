"""Values as INSERT scripts of Oracle write them.

A date is ISO text where its mask is understood, otherwise the text as given, which is counted. A
binary value in a column whose type the script does not say is the hexadecimal text as given.
Sources: Oracle Database SQL Language Reference, "Text Literals" (q'[…]'), TO_DATE, HEXTORAW,
TO_CLOB, EMPTY_CLOB, CHR, UNISTR.
"""

import re
from collections.abc import Mapping, Sequence

from pacslift.extract.charset.texts import Literal
from pacslift.extract.scripts.expressions import Expressions, Function, Value, number_or_null
from pacslift.extract.scripts.oracledates import iso_date
from pacslift.extract.scripts.scriptrun import Kept
from pacslift.extract.scripts.statements import DOUBLED
from pacslift.extract.shapes import Column
from pacslift.patterns import compiled

KEPT = (
    "are dates with an unknown mask, or binary values in a column without a type, the first in "
    "row {row}; they are kept as the script writes them"
)
_PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">"} | {
    mark: mark for mark in '!|^~#$%*+/:;=?@"&-_.,`'
}


def _alternative(opening: str, closing: str) -> bytes:
    return f"{re.escape(opening)}.*?(?:{re.escape(closing)}'|\\Z)".encode()


QUOTED = rb"[qQ]'(?:" + rb"|".join(_alternative(*pair) for pair in _PAIRS.items()) + rb")"
TEXT = QUOTED + rb"|" + DOUBLED
_ANSI = compiled(rb"(?:DATE|TIMESTAMP)\s*+(" + DOUBLED + rb")", re.IGNORECASE)
_UNIT = compiled(rb"(?:\\[0-9A-Fa-f]{4})++|\\\\")
_BINARY = compiled(rb"\s*+(?:HEXTORAW|TO_BLOB|EMPTY_BLOB|UTL_RAW\.CAST_TO_RAW)\b", re.IGNORECASE)


def literal_of(column: Column) -> Literal:
    """The function that gives a literal's value in *column*."""
    return _binary if column.binary else _text


def is_binary(token: bytes) -> bool:
    """Whether a literal can only be the value of a RAW or BLOB."""
    return _BINARY.match(token) is not None


def _text(token: bytes) -> Value:
    ansi = _ANSI.fullmatch(token)
    return _unquoted(ansi[1]) if ansi else _TEXTS.value(token)


def _binary(token: bytes) -> Value:
    return _BYTES.value(token)


def _unquoted(text: bytes) -> bytes:
    text = text.lstrip(b"nN")
    if text[:1] in b"qQ":
        return text[3:-2]
    return text[1:-1].replace(b"''", b"'")


def _same(arguments: Sequence[Value]) -> Value:
    (value,) = arguments
    return value


def _date(arguments: Sequence[Value]) -> Value:
    """TO_DATE(text, mask, …); the text itself, marked, where the mask is missing or unknown."""
    text, mask = arguments[0], arguments[1] if len(arguments) > 1 else None
    if text is None:
        return None
    said = iso_date(text.decode("utf-8", "replace"), (mask or b"?").decode("utf-8", "replace"))
    return Kept(text) if said is None else said.encode("ascii")


def _hexadecimal(arguments: Sequence[Value]) -> Value:
    (digits,) = arguments
    if digits is None:
        return None
    padded = digits if len(digits) % 2 == 0 else b"0" + digits  # as Oracle reads it
    return bytes.fromhex(padded.decode("ascii"))


def _kept_digits(arguments: Sequence[Value]) -> Value:
    (digits,) = arguments
    return None if digits is None else Kept(digits)


def _empty(arguments: Sequence[Value]) -> Value:
    if arguments:
        raise ValueError("EMPTY_CLOB() and EMPTY_BLOB() take no value")
    return b""


def _character(arguments: Sequence[Value]) -> Value:
    """CHR(n): one byte, as all that export tools write is ASCII."""
    (code,) = arguments
    return bytes([int(code or b"0")])


def _unistr(arguments: Sequence[Value]) -> Value:
    (text,) = arguments
    return None if text is None else _UNIT.sub(_units, text)


def _units(hit: re.Match[bytes]) -> bytes:
    if hit.group() == rb"\\":
        return b"\\"
    units = bytes.fromhex(hit.group().replace(b"\\", b"").decode("ascii"))
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


_FUNCTIONS: Mapping[bytes, Function] = {
    b"to_date": _date,
    b"to_timestamp": _date,
    b"to_timestamp_tz": _date,
    b"to_clob": _same,
    b"to_nclob": _same,
    b"to_blob": _same,
    b"to_char": _same,
    b"to_number": _same,
    b"xmltype": _same,
    b"utl_raw.cast_to_raw": _same,
    b"empty_clob": _empty,
    b"empty_blob": _empty,
    b"chr": _character,
    b"unistr": _unistr,
}
_TOKEN = rb"[nN]?+(?:" + TEXT + rb")"
_TEXTS = Expressions(_TOKEN, _unquoted, {**_FUNCTIONS, b"hextoraw": _kept_digits}, number_or_null)
_BYTES = Expressions(_TOKEN, _unquoted, {**_FUNCTIONS, b"hextoraw": _hexadecimal}, number_or_null)
