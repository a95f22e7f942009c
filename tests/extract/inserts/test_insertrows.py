import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError
from pacslift.extract.inserts.insertrows import InsertShape, insert_rows
from pacslift.extract.inserts.insertskip import skip_rows
from pacslift.extract.inserts.literals import mysql_literal, postgres_literal
from pacslift.extract.packed.window import Window
from pacslift.extract.scripts.statements import Dialect
from smalldumps import in_turn, pieces_of

HEADER = b"INSERT INTO `t` VALUES "
LITERAL = {Dialect.MYSQL: mysql_literal, Dialect.POSTGRES: postgres_literal}

value = st.none() | st.text(alphabet="a'\\;(),\nNUL\0é", max_size=8).map(str.encode)
tables = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[value] * width), min_size=1, max_size=9)
)


def quoted(value: bytes | None, dialect: Dialect) -> bytes:
    if value is None:
        return b"NULL"
    if dialect is Dialect.MYSQL:
        value = value.replace(b"\\", rb"\\").replace(b"\0", rb"\0")
    return b"'" + value.replace(b"'", b"''") + b"'"


def row(values, dialect: Dialect) -> bytes:
    return b"(" + b",".join(quoted(v, dialect) for v in values) + b")"


def script(rows, dialect: Dialect, *, per_statement: int, between: bytes) -> bytes:
    """INSERT statements without the first one's header."""
    written = [row(values, dialect) for values in rows]
    groups = [written[i : i + per_statement] for i in range(0, len(written), per_statement)]
    return (b";\n" + HEADER).join(between.join(group) for group in groups) + b";\n"


def window_on(data: bytes, sizes: list[int]) -> Window:
    return Window(in_turn(data, sizes), "dump")


def read(data: bytes, width: int, dialect: Dialect, chosen=None, sizes=(1 << 20,), piece=1 << 20):
    shape = InsertShape("t", HEADER, width, tuple(range(width) if chosen is None else chosen))
    with pieces_of(piece):
        window = window_on(data, list(sizes))
        found = [
            values[:-1] for rows in insert_rows(window, shape, dialect, "dump") for values in rows
        ]
        return found, window.data[window.at :] + b"".join(iter(lambda: window._read(99), b""))


@given(
    tables,
    st.sampled_from([Dialect.MYSQL, Dialect.POSTGRES]),
    st.integers(1, 4),
    st.sampled_from([b",", b",\n", b" , "]),
    st.lists(st.integers(1, 5), min_size=1),
    st.integers(1, 40),
)
def test_every_value_comes_back_however_the_dump_is_cut(
    rows, dialect, several, between, sizes, piece
):
    data = script(rows, dialect, per_statement=several, between=between) + b"UNLOCK TABLES;"
    found, rest = read(data, len(rows[0]), dialect, sizes=sizes, piece=piece)
    assert [tuple(LITERAL[dialect](token) for token in values) for values in found] == rows
    assert rest.lstrip() == b"UNLOCK TABLES;"


@given(tables, st.data())
def test_only_the_columns_asked_for_are_captured(rows, data):
    width = len(rows[0])
    chosen = sorted(data.draw(st.sets(st.integers(0, width - 1), min_size=1)))
    dump = script(rows, Dialect.MYSQL, per_statement=2, between=b",")
    found, _ = read(dump, width, Dialect.MYSQL, chosen)
    assert [tuple(map(mysql_literal, values)) for values in found] == [
        tuple(values[i] for i in chosen) for values in rows
    ]


def test_rows_are_counted_without_capturing_anything():
    found, _ = read(b"(1,2),(3,4);", 2, Dialect.MYSQL, chosen=[])
    assert len(found) == 2


@given(tables, st.integers(1, 3), st.lists(st.integers(1, 5), min_size=1), st.integers(1, 40))
def test_rows_nobody_wants_are_passed_over_to_the_same_place(rows, several, sizes, piece):
    data = script(rows, Dialect.MYSQL, per_statement=several, between=b",") + b"UNLOCK TABLES;"
    with pieces_of(piece):
        window = window_on(data, sizes)
        assert skip_rows(window, HEADER, Dialect.MYSQL)
        assert window.offset == data.index(b"\nUNLOCK")


@given(tables, st.data())
def test_a_statement_cut_anywhere_is_damage_that_names_the_last_good_row(rows, data):
    dump = script(rows, Dialect.MYSQL, per_statement=99, between=b",")
    cut = data.draw(st.integers(0, len(dump) - 2))
    with pytest.raises(DumpDamagedError) as raised:
        read(dump[:cut], len(rows[0]), Dialect.MYSQL)
    whole = 0
    while (
        whole < len(rows)
        and len(script(rows[: whole + 1], Dialect.MYSQL, per_statement=99, between=b",")) - 2 <= cut
    ):
        whole += 1
    assert re.search(
        rf"dump: table t, row {whole + 1} .* The last good row is {whole}\.", str(raised.value)
    )


@pytest.mark.parametrize(
    "dump", [b"(1,2),(3);", b"(1,2),(3,4,5);", b"(1,2) x (3,4);", b"(1,2),(3,f(4));"]
)
def test_a_row_that_does_not_fit_its_table_is_damage_and_not_passed_over(dump):
    with pytest.raises(DumpDamagedError, match=r"row 2 at byte \d+ is not a row of 2 values"):
        read(dump, 2, Dialect.MYSQL)


def test_damage_is_found_at_once_and_not_at_the_end_of_the_dump():
    asked = []

    def endless(most: int) -> bytes:
        asked.append(most)
        return b"(1,2)x" * 20

    shape = InsertShape("t", HEADER, 2, (0,))
    rows = insert_rows(Window(endless, "dump"), shape, Dialect.MYSQL, "dump")
    with pieces_of(100), pytest.raises(DumpDamagedError, match="is not a row"):
        list(rows)
    assert len(asked) < 9
