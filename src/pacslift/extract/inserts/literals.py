"""Values as INSERT statements write them, as columns.

Strategy: the bare and the quoted, which is nearly all, are told apart and stripped by Polars on the
whole column; only values with an escape, a prefix or undecodable bytes are taken one by one.
Sources: https://dev.mysql.com/doc/refman/8.0/en/string-literals.html and, on hexadecimal and bit
values, the pages beside it; https://www.postgresql.org/docs/15/sql-syntax-lexical.html 4.1.2 and
https://www.postgresql.org/docs/15/datatype-binary.html 8.4.
"""

import re
from collections.abc import Sequence

import polars as pl

from pacslift.errors import DumpFormatError
from pacslift.extract.charset.texts import Literal, TextDecoder, as_utf8
from pacslift.extract.scripts.statements import Dialect
from pacslift.extract.shapes import Column
from pacslift.patterns import compiled

NUMBER = r"^[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?$"
_BARE = compiled(rb"[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?+|[-+]?(?:NaN|Infinity|inf|nan)")
_OCTAL = compiled(rb"\\([0-7]{3}|\\)")

# In this order: a quote that is escaped becomes one that is doubled, and then both are one.
_MYSQL_ESCAPES = (
    (rb"\'", b"''"),
    (b"''", b"'"),
    (rb"\0", b"\0"),
    (rb"\n", b"\n"),
    (rb"\r", b"\r"),
    (rb"\"", b'"'),
    (rb"\Z", b"\x1a"),
)
_RARE_ESCAPE = compiled(rb"\\(.)", re.DOTALL)
_MYSQL_RARE = {b"t": b"\t", b"b": b"\b", b"%": rb"\%", b"_": rb"\_"}

_E_ESCAPE = compiled(
    rb"''|\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))",
    re.DOTALL,
)
_E_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def unescaped(text: bytes) -> bytes:
    """What stands between the quotes of a MySQL text.

    Cut at each escaped backslash, so that in what is left a backslash begins an escape.
    """
    if b"\\" not in text:
        return text.replace(b"''", b"'")
    return b"\\".join(_without_backslash_pairs(part) for part in text.split(b"\\\\"))


def _without_backslash_pairs(part: bytes) -> bytes:
    for escape, meaning in _MYSQL_ESCAPES:
        part = part.replace(escape, meaning)
    if b"\\" not in part:
        return part
    return _RARE_ESCAPE.sub(lambda hit: _MYSQL_RARE.get(hit[1], hit[1]), part)


def mysql_literal(token: bytes) -> bytes | None:
    """The value of a literal in a MySQL dump; bits and hexadecimal as bytes, a number as text."""
    if token == b"NULL":
        return None
    if token[:2] == b"0x":
        return bytes.fromhex(token[2:].decode("ascii"))
    quote = token.find(b"'")
    if quote < 0:
        return _bare(token)
    inside = token[quote + 1 : -1]
    match token[:quote].rstrip().lower():
        case b"b":
            return int(inside or b"0", 2).to_bytes((len(inside) + 7) // 8 or 1, "big")
        case b"x":
            return bytes.fromhex(inside.decode("ascii"))
        case _:
            return unescaped(inside)


def mysql_bits(token: bytes) -> bytes | None:
    """The value of a column of type BIT as a decimal number, however the dump writes it."""
    if token == b"NULL" or token.isdigit():
        return None if token == b"NULL" else token
    return b"%d" % int.from_bytes(mysql_literal(token) or b"\0", "big")


def postgres_literal(token: bytes) -> bytes | None:
    """The value of a literal in an INSERT of pg_dump, as COPY would give its text.

    DEFAULT stands for a generated column's value, which the dump does not have.
    """
    if token in {b"NULL", b"DEFAULT"}:
        return None
    quote = token.find(b"'")
    if quote < 0:
        return _bare(token)
    inside = token[quote + 1 : -1]
    return _e_text(inside) if token[:1] in b"eE" else inside.replace(b"''", b"'")


def postgres_escaping_literal(token: bytes) -> bytes | None:
    """The same with standard_conforming_strings off: every text has backslash escapes."""
    if token[:1] != b"'":
        return postgres_literal(token)
    return _e_text(token[1:-1])


def postgres_boolean(token: bytes) -> bytes | None:
    """The value of a boolean as COPY writes it: t or f."""
    return {b"true": b"t", b"false": b"f"}.get(token.lower()) or postgres_literal(token)


def bytea(text: bytes) -> bytes:
    r"""The bytes that PostgreSQL's text of a bytea stands for: hexadecimal after \x, or escapes."""
    if text[:2] == rb"\x":
        return bytes.fromhex(text[2:].decode("ascii"))
    return _OCTAL.sub(lambda hit: b"\\" if hit[1] == b"\\" else bytes([int(hit[1], 8) & 255]), text)


def _e_text(inside: bytes) -> bytes:
    return _E_ESCAPE.sub(_e_character, inside)


def _e_character(hit: re.Match[bytes]) -> bytes:
    octal, byte, four, eight, letter = hit.groups()
    if octal or byte:
        return bytes([int(octal, 8) & 255 if octal else int(byte, 16)])
    if four or eight:
        return chr(int(four or eight, 16)).encode("utf-8", "surrogatepass")
    return _E_LETTERS.get(letter, letter) if letter else b"'"


def _bare(token: bytes) -> bytes:
    if not _BARE.fullmatch(token):
        raise ValueError(f"{token[:40]!r} is no value that a dump should hold")
    return token


def literal_of(column: Column, dialect: Dialect) -> Literal:
    """The function that gives a literal's value in *column*."""
    declared = column.declared.lower().strip('"')
    if dialect is Dialect.MYSQL:
        return mysql_bits if declared.startswith("bit") else mysql_literal
    if declared.startswith("bool"):
        return postgres_boolean
    return postgres_literal if dialect is Dialect.POSTGRES else postgres_escaping_literal


def absent(column: Column, rows: int) -> pl.Series:
    """A column that the dump's rows lack."""
    return pl.Series(column.name.lower(), [None] * rows, pl.Binary if column.binary else pl.String)


def literal_column(
    column: Column, tokens: Sequence[bytes], dialect: Dialect, decoder: TextDecoder, codec: str
) -> pl.Series:
    """A column of literals as text or bytes. Raises DumpFormatError for one of no known form."""
    literal = literal_of(column, dialect)
    try:
        if column.binary:
            return _binary_column(column, tokens, literal, dialect)
        return _text_column(column, tokens, literal, dialect, decoder, codec)
    except ValueError as error:
        raise DumpFormatError(
            f"table {decoder.table}, column {column.name} of type {column.declared}: {error}"
        ) from error


def _binary_column(
    column: Column, tokens: Sequence[bytes], literal: Literal, dialect: Dialect
) -> pl.Series:
    values = [literal(token) for token in tokens]
    if dialect is not Dialect.MYSQL:
        values = [None if value is None else bytea(value) for value in values]
    return pl.Series(column.name.lower(), values, dtype=pl.Binary)


def _text_column(
    column: Column,
    tokens: Sequence[bytes],
    literal: Literal,
    dialect: Dialect,
    decoder: TextDecoder,
    codec: str,
) -> pl.Series:
    raw = pl.Series(column.name.lower(), tokens, dtype=pl.Binary)
    text = as_utf8(raw)
    quoted = text.str.starts_with("'")
    null = text == "NULL"
    plain = text.str.strip_prefix("'").str.strip_suffix("'")
    special = ["'"] if dialect is Dialect.POSTGRES else ["'", "\\"]
    odd = plain.str.contains_any(special) | ~(quoted | null | text.str.contains(NUMBER))
    odd = odd.fill_null(value=True) | decoder.doubtful(raw, text, codec)
    if literal is mysql_bits:  # a text of one byte, mostly
        odd = odd | quoted.fill_null(value=True)
    return decoder.mended(plain.set(null.fill_null(value=False), None), odd, tokens, literal, codec)
