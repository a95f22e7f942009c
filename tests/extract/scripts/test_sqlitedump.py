import re
import sqlite3
import subprocess
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError
from pacslift.extract.scripts.sqlitedump import read_sqlitedump
from pacslift.extract.sniff import open_dump
from pacslift.extract.sqlite import SqliteFile
from scripttext import HOSTILE, TEXTS, cut_into, outcome
from servers import program
from smalldumps import file_of, rows_of

VALUES = (
    st.none()
    | TEXTS
    | st.binary(max_size=9)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
)
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), min_size=1, max_size=8)
reused_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def database(path, rows):
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.execute('CREATE TABLE "odd ;name]"(a, b TEXT, "c,d" BLOB, e REAL)')
        made.executemany('INSERT INTO "odd ;name]" VALUES(?, ?, ?, ?)', rows)
        made.execute('CREATE TRIGGER tr AFTER INSERT ON "odd ;name]" BEGIN '
                     'INSERT INTO "odd ;name]" VALUES(1, 2, 3, 4); '
                     "SELECT CASE WHEN 1 THEN 2 END; END")  # fmt: skip
        made.commit()


def shell_dump(path):
    command = [program("sqlite3"), str(path), ".dump"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def python_dump(path):
    with closing(sqlite3.connect(path)) as made:
        return "".join(line + "\n" for line in made.iterdump()).encode()


def same(one, other):
    """Whether two cells are one value: a float is written in different ways."""
    if one == other or one is None or other is None:
        return one == other
    try:
        return float(one) == float(other)
    except ValueError:
        return False


@reused_folder
@given(rows=ROWS, dump=st.sampled_from([shell_dump, python_dump]), piece=st.integers(1, 300))
def test_a_dump_says_what_the_database_file_says(tmp_path, rows, dump, piece):
    database(tmp_path / "db", rows)
    path = file_of(tmp_path, dump(tmp_path / "db"))
    with cut_into(piece):
        found = rows_of(read_sqlitedump(path), "odd ;name]")
    expected = rows_of(SqliteFile(tmp_path / "db", tmp_path), "odd ;name]")
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert all(map(same, one, other)), (one, other)


@reused_folder
@given(rows=st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=5), data=st.data())
def test_a_dump_cut_anywhere_is_refused_and_never_read_as_less(tmp_path, rows, data):
    lines = [b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a,b);\n"]
    lines += [
        "INSERT INTO t VALUES('{}','{}');\n".format(*(v.replace("'", "''") for v in row)).encode()
        for row in rows
    ]
    whole = b"".join(lines) + b"COMMIT;\n"
    cut = data.draw(st.integers(len(lines[0]), len(whole) - 3))
    with pytest.raises(DumpDamagedError) as raised:
        read_sqlitedump(file_of(tmp_path, whole[:cut])).shapes()
    good = sum(len(b"".join(lines[: i + 2])) - 2 <= cut for i in range(len(rows)))
    message = str(raised.value)
    assert (
        re.search(rf"last good row is {good}\.|after row {good} of table t", message)
        or (good == 0 and "no row of any table" in message)
        or "beginning of rows" in message
    )


def test_where_the_dump_is_cut_into_pieces_does_not_matter(tmp_path):
    path = file_of(tmp_path, shell_dump(_made(tmp_path)))
    expected = outcome(read_sqlitedump, path, "t")
    for piece in range(1, 60):
        with cut_into(piece):
            assert outcome(read_sqlitedump, path, "t") == expected


def _made(folder):
    with closing(sqlite3.connect(folder / "db")) as made:
        made.execute("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b)")
        made.executemany("INSERT INTO t(b) VALUES(?)", [("x\ny" * i,) for i in range(9)])
        made.commit()
    return folder / "db"


def test_the_tables_that_sqlite_keeps_for_itself_are_left_out(tmp_path):
    reader = read_sqlitedump(file_of(tmp_path, shell_dump(_made(tmp_path))))
    assert dict(reader.row_counts()) == {"t": 9}


def test_a_dump_that_ends_with_errors_is_refused(tmp_path):
    text = (
        b"BEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n"
        b"/****** CORRUPTION ERROR *******/\nROLLBACK; -- due to errors\n"
    )
    with pytest.raises(DumpDamagedError, match="met errors in the database, after row 1 of table"):
        read_sqlitedump(file_of(tmp_path, text)).shapes()


def test_columns_that_sqlite_works_out_have_no_values(tmp_path):
    text = b"BEGIN TRANSACTION;\nCREATE TABLE t(a, f AS (a + 1), b);\nINSERT INTO t VALUES(1,2);\n"
    reader = read_sqlitedump(file_of(tmp_path, text + b"COMMIT;\n"))
    assert [c.name for c in reader.shapes()[0].columns] == ["a", "b"]
    assert rows_of(reader, "t") == [("1", "2")]


def test_escapes_of_newer_versions_are_read(tmp_path):
    text = rb"INSERT INTO t VALUES(unistr('a\u000ab\\c\+01F600'),unistr('x'));"
    dump = b"BEGIN TRANSACTION;\nCREATE TABLE t(a, b);\n" + text + b"\nCOMMIT;\n"
    assert rows_of(read_sqlitedump(file_of(tmp_path, dump)), "t") == [("a\nb\\c😀", "x")]


@pytest.mark.parametrize(
    "statement", [b"CREATE TABLE t AS SELECT zeroblob(1e9);", b"CREATE TABLE t(a,;"]
)
def test_a_table_that_sqlite_does_not_take_is_damage(tmp_path, statement):
    with pytest.raises(DumpDamagedError, match="SQLite does not take the statement"):
        read_sqlitedump(file_of(tmp_path, b"BEGIN TRANSACTION;\n" + statement)).shapes()


@pytest.mark.parametrize("dump", [shell_dump, python_dump])
def test_it_is_known_by_how_it_begins(tmp_path, dump):
    path = file_of(tmp_path, dump(_made(tmp_path)))
    assert open_dump(path, tmp_path).format == "SQLite .dump"
