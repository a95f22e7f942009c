import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.extract.packed.window import Window
from pacslift.extract.scripts.statements import Dialect, Statement, next_statement, without_quoted
from smalldumps import in_turn, pieces_of


def statements(
    dump: bytes, dialect: Dialect, delimiter: bytes = b";", sizes: list[int] | None = None
):
    with pieces_of(1 if sizes else 1 << 20):
        window = Window(in_turn(dump, sizes or [1 << 20]), "dump")
        found: list[Statement] = []
        while window.hold(1):
            found.append(next_statement(window, dialect, delimiter))
        return found


def texts(dump: bytes, dialect: Dialect, delimiter: bytes = b";") -> list[bytes]:
    return [statement.text for statement in statements(dump, dialect, delimiter)]


@pytest.mark.parametrize(
    "first",
    [
        rb"A 'x;y'",
        rb"A 'it\'s;'",
        rb"A 'it''s;'",
        rb"A '\\'",
        rb'A "x;\"y"',
        rb"A `x;y`",
        b"A -- x;y'\n",
        b"A # x;y'\n",
        b"A /* x;y' */",
        b"A /*!50003 x 'a;*/' */",
        b"A --1",
    ],
)
def test_a_semicolon_in_quotes_or_a_comment_does_not_end_a_mysql_statement(first):
    assert texts(first + b";B;", Dialect.MYSQL) == [first, b"B"]


@pytest.mark.parametrize(
    "first",
    [
        rb"A 'x;y'",
        rb"A 'back\'",
        rb"A 'it''s;'",
        rb"A E'it\'s;'",
        rb'A "x;y"',
        b"A -- x;y'\n",
        b"A /* x;y' */",
        b"A $$ x;'y $x$ $$",
        b"A $body$ x;'$$;y $body$",
        b"A date'x'",
        b"A $1 + $2",
    ],
)
def test_a_semicolon_in_quotes_or_a_comment_does_not_end_a_postgresql_statement(first):
    assert texts(first + b";B;", Dialect.POSTGRES) == [first, b"B"]


def test_without_conforming_strings_a_backslash_escapes():
    assert texts(rb"A 'it\'s;';B;", Dialect.POSTGRES_ESCAPING) == [rb"A 'it\'s;'", b"B"]


def test_the_delimiter_can_be_longer_than_a_semicolon():
    assert texts(b"A; B;;C;;", Dialect.MYSQL, b";;") == [b"A; B", b"C"]


def test_a_statement_at_the_end_of_the_dump_is_known_to_be_incomplete():
    assert statements(b"A;B", Dialect.MYSQL) == [Statement(b"A", True), Statement(b"B", False)]


hostile = st.text(alphabet="a'\"\\`;-/*!$#E \n", max_size=40).map(str.encode)


@given(hostile, st.sampled_from(list(Dialect)), st.lists(st.integers(1, 3), min_size=1))
def test_where_the_dump_is_cut_does_not_matter(dump, dialect, sizes):
    assert statements(dump, dialect, sizes=sizes) == statements(dump, dialect)


@given(hostile, st.sampled_from(list(Dialect)))
def test_no_byte_is_lost(dump, dialect):
    found = statements(dump, dialect)
    assert b"".join(s.text + b";" * s.complete for s in found) == dump


def test_what_is_quoted_can_be_left_out():
    text = b"AS $$ BEGIN ( $$ (1, '(') -- (\n"
    assert without_quoted(text, Dialect.POSTGRES).split() == [b"AS", b"(1,", b")"]
