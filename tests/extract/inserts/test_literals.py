import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpFormatError
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.inserts.literals import (
    bytea,
    literal_column,
    mysql_bits,
    mysql_literal,
    postgres_boolean,
    postgres_escaping_literal,
    postgres_literal,
    unescaped,
)
from pacslift.extract.scripts.statements import Dialect
from pacslift.extract.shapes import Column, Undecodable


def mysql_escaped(value: bytes) -> bytes:
    """As mysql_real_escape_string writes it."""
    special = {0: rb"\0", 10: rb"\n", 13: rb"\r", 26: rb"\Z", 34: rb"\"", 39: rb"\'", 92: rb"\\"}
    return b"".join(special.get(byte, bytes([byte])) for byte in value)


@given(st.binary(max_size=60))
def test_what_mysql_escapes_comes_back(value):
    assert unescaped(mysql_escaped(value)) == value


@given(st.text(alphabet="\\'n0%_t\"Z", max_size=12).filter(lambda t: not t.endswith("'")))
def test_escapes_mean_the_same_taken_one_by_one(text):
    body = text.replace("'", "''").encode()
    if (len(body) - len(body.rstrip(b"\\"))) % 2:
        body += b"\\"
    expected = b""
    rest = body
    meanings = {b"n": b"\n", b"0": b"\0", b"t": b"\t", b"Z": b"\x1a", b"%": rb"\%", b"_": rb"\_"}
    while rest:
        if rest[:1] == b"\\":
            expected, rest = expected + meanings.get(rest[1:2], rest[1:2]), rest[2:]
        else:
            expected, rest = expected + rest[:1], rest[2:] if rest[:2] == b"''" else rest[1:]
    assert unescaped(body) == expected


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"NULL", None),
        (b"'NULL'", b"NULL"),
        (b"''", b""),
        (b"-12.5e-3", b"-12.5e-3"),
        (b"0x00FF27", b"\x00\xff'"),
        (b"x'00ff'", b"\x00\xff"),
        (b"b'1000000001'", b"\x02\x01"),
        (b"_binary '\\0\xff'", b"\0\xff"),
        (b"_utf8mb4'a'", b"a"),
        (b"N'a'", b"a"),
    ],
)
def test_every_form_of_a_mysql_value_is_read(token, value):
    assert mysql_literal(token) == value


@pytest.mark.parametrize("token", [b"b'101'", b"0x05", b"'\x05'", b"_binary '\x05'", b"5"])
def test_bits_are_a_number_however_the_dump_writes_them(token):
    assert mysql_bits(token) == b"5"


@pytest.mark.parametrize(("token", "value"), [(b"NULL", None), (rb"'\0'", b"0"), (b"b''", b"0")])
def test_no_bits_are_told_from_zero(token, value):
    assert mysql_bits(token) == value


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"NULL", None),
        (b"'NULL'", b"NULL"),
        (rb"'C:\new'", rb"C:\new"),
        (b"'it''s'", b"it's"),
        (rb"E'a\\b\'c''d\n\x41\101\u00e9'", "a\\b'c'd\nAAé".encode()),
        (b"B'101'", b"101"),
        (b"'NaN'", b"NaN"),
        (b"-1.5", b"-1.5"),
    ],
)
def test_every_form_of_a_postgresql_value_is_read(token, value):
    assert postgres_literal(token) == value


def test_booleans_are_written_as_copy_writes_them():
    tokens = [b"true", b"false", b"NULL"]
    assert [postgres_boolean(token) for token in tokens] == [b"t", b"f", None]


def test_without_conforming_strings_a_backslash_escapes():
    assert postgres_escaping_literal(rb"'C:\\new'") == rb"C:\new"


@pytest.mark.parametrize(
    ("text", "value"),
    [(rb"\x00ff5c", b"\0\xff\\"), (rb"a\\b\000\377", b"a\\b\0\xff"), (b"", b""), (rb"\x", b"")],
)
def test_bytea_is_read_in_both_its_forms(text, value):
    assert bytea(text) == value


def column(declared: str, tokens: list[bytes], dialect: Dialect = Dialect.MYSQL, codec="utf-8"):
    decoder = TextDecoder("t", codec, 11)
    return literal_column(Column("C", declared), tokens, dialect, decoder, codec), decoder


def test_a_text_column_keeps_null_and_empty_and_the_word_null_apart():
    tokens = [b"NULL", b"''", b"'NULL'", b"'a'", b"12", rb"'it\'s'", b"'a''b'"]
    series, _ = column("varchar(9)", tokens)
    assert series.to_list() == [None, "", "NULL", "a", "12", "it's", "a'b"]
    assert (series.name, series.dtype) == ("c", pl.String)


def test_a_blob_column_is_bytes():
    series, _ = column("longblob", [b"NULL", b"''", b"0xFF", b"_binary '\xff\\0'"])
    assert series.to_list() == [None, b"", b"\xff", b"\xff\0"]
    assert series.dtype == pl.Binary


def test_a_bytea_column_is_bytes():
    series, _ = column("bytea", [b"NULL", rb"'\xff00'", rb"E'\\xff'"], Dialect.POSTGRES)
    assert series.to_list() == [None, b"\xff\0", b"\xff"]


def test_text_is_decoded_in_the_character_set_of_the_dump():
    series, decoder = column(
        "text", ["'é'".encode("cp1252"), b"'a'", "'Ã©'".encode("cp1252")], codec="cp1252"
    )
    assert series.to_list() == ["é", "a", "Ã©"]
    assert decoder.undecodable == ()


def test_what_is_no_text_is_kept_counted_and_located():
    series, decoder = column("text", [b"'a'", b"'\xff'", b"'\\\\\xfe'"])
    assert series.to_list() == ["a", r"\xff", r"\\xfe"]
    assert decoder.undecodable == (Undecodable("t", "c", 2, 12),)


def test_a_value_of_no_known_form_is_refused_with_its_column():
    with pytest.raises(DumpFormatError, match=r"table t, column C of type text: b'DEFAULT' is no"):
        column("text", [b"DEFAULT"])
