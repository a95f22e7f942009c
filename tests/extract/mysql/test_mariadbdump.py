"""What the real mariadb-dump writes, with each of its options, comes back cell by cell."""

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from databases import MariaDB
from pacslift.errors import DumpFormatError
from pacslift.extract.inserts.rowgrid import GridPath
from pacslift.extract.mysql.mysqldump import read_mysqldump
from pacslift.extract.mysql.mysqltab import read_mysqltab
from pacslift.extract.scripts.script import ScriptReader
from pacslift.extract.terms import Terms
from smalldumps import file_of, frames_of, pieces_of

EXAMPLES = 60 if os.environ.get("CI") == "true" else 15
real_server = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NASTY = ["", "NULL", "null", "'", "''", '"', "\\", "\\'", "\\\\", "a\nb", "\r\n", "\0", "\x1a",
         "\t", "),(", "),\n(", ");\nINSERT INTO `t` VALUES (1", "-- ", "/*", "`", "0x41", "b'1'",
         "_binary '", "%", "\\%", "\\_", "\x7f", "é", "ß"]  # fmt: skip
texts = st.sampled_from(NASTY) | st.lists(st.sampled_from(NASTY), max_size=4).map("".join)
latin = texts | st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=9)
wide = texts | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
blobs = (
    st.sampled_from([bytes(range(256)), b"", b"\0", b"NULL", b"\\", b"'", b"\xff'", b"0x41"])
    | st.binary(max_size=20)
    | wide.map(str.encode)
)


def number(low: int, high: int) -> st.SearchStrategy:
    return st.integers(low, high).map(str)


def either(*values: str) -> st.SearchStrategy:
    return st.sampled_from(values).map(lambda value: f"'{value}'")


# A type, how a value of it is put in, and how the server is asked for its text as hexadecimal.
AS_TEXT = "HEX(CONVERT(CAST({0} AS CHAR) USING utf8mb4))"
AS_IT_IS = "HEX(CONVERT({0} USING utf8mb4))"
AS_BYTES = "HEX({0})"
AS_NUMBER = "HEX(CAST({0}+0 AS CHAR))"
COLUMNS = [
    ("TINYINT", number(-128, 127), AS_TEXT),
    ("BIGINT UNSIGNED", number(0, 2**64 - 1), AS_TEXT),
    ("DECIMAL(30,9)", st.integers(-(10**25), 10**25).map(lambda n: f"{n}e-9"), AS_TEXT),
    ("DOUBLE", st.sampled_from(["0", "-1.5", "1e300", "2.5e-30", "12345678"]), AS_TEXT),
    ("BIT(1)", number(0, 1), AS_NUMBER),
    ("BIT(9)", number(0, 511), AS_NUMBER),
    ("BIT(64)", number(0, 2**64 - 1), AS_NUMBER),
    ("DATE", either("2026-11-22", "1000-01-01", "9999-12-31"), AS_TEXT),
    ("DATETIME(6)", either("2026-11-22 23:59:59.123456", "2000-02-29 00:00:00"), AS_TEXT),
    ("TIMESTAMP NULL", either("2026-11-22 23:59:59", "1980-01-01 00:00:01"), AS_TEXT),
    ("TIME(3)", either("-838:59:59", "00:00:00.001"), AS_TEXT),
    ("YEAR", number(1901, 2155), AS_TEXT),
    ("CHAR(60) CHARACTER SET latin1", latin, AS_IT_IS),
    ("VARCHAR(99) CHARACTER SET utf8mb4", wide, AS_IT_IS),
    ("LONGTEXT CHARACTER SET utf8mb4", wide, AS_IT_IS),
    ("TINYTEXT CHARACTER SET latin1", latin, AS_IT_IS),
    ("BINARY(7)", blobs.map(lambda b: b[:7]), AS_BYTES),
    ("VARBINARY(300)", blobs, AS_BYTES),
    ("LONGBLOB", blobs, AS_BYTES),
    ("ENUM('a','it''s','NULL','\\\\','),(')", st.integers(1, 5).map(str), AS_IT_IS),
    ("SET('x','y z')", either("", "x", "x,y z"), AS_IT_IS),
]
BINARY = [i for i, (_, _, how) in enumerate(COLUMNS) if how == AS_BYTES]
rows_of_tables = st.lists(
    st.tuples(*[st.none() | values for _, values, _ in COLUMNS]), min_size=1, max_size=6
)
OPTIONS = [
    ["--skip-extended-insert"],
    ["--complete-insert", "--net-buffer-length=4096"],
    ["--hex-blob"],
    ["--default-character-set=utf8mb4", "--skip-extended-insert", "--complete-insert"],
    ["--default-character-set=binary"],
    ["--skip-quote-names", "--hex-blob", "--skip-extended-insert"],
    ["--replace", "--skip-opt", "--set-charset", "--insert-ignore"],
]

TRIGGER = r"""
DELIMITER //
CREATE TRIGGER `it's` BEFORE INSERT ON t FOR EACH ROW BEGIN
  -- it's a comment; with a quote
  INSERT INTO log VALUES ('),('), ('it''s \'; INSERT INTO t VALUES (1);');
  SET @x = 'INSERT INTO `t` VALUES (1);';
END//
DELIMITER ;
"""


def written(value: str | bytes | None, kind: str) -> str:
    if value is None or not kind.startswith(("CHAR", "VARCHAR", "LONGTEXT", "TINYTEXT")):
        return "NULL" if value is None else f"x'{value.hex()}'" if type(value) is bytes else value
    return f"CONVERT(_utf8mb4 x'{value.encode().hex()}' USING utf8mb4)" if value else "''"


def fill(server: MariaDB, database: str, rows: list) -> list[tuple]:
    """Put *rows* into table t of *database*; gives what the server then says they are."""
    columns = ", ".join(f"c{i} {kind} DEFAULT NULL" for i, (kind, *_) in enumerate(COLUMNS))
    values = ", ".join(
        f"({n}, {', '.join(written(v, k) for v, (k, *_) in zip(row, COLUMNS, strict=True))})"
        for n, row in enumerate(rows)
    )
    asked = ", ".join(how.format(f"c{i}") for i, (*_, how) in enumerate(COLUMNS))
    server.run(
        f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; USE {database};"
        "SET time_zone = '+00:00', sql_mode = 'NO_BACKSLASH_ESCAPES'; SET sql_mode = '';"
        f"CREATE TABLE t (n int PRIMARY KEY, {columns}); CREATE TABLE log (a text, b text);"
        f"INSERT INTO t VALUES {values};\n{TRIGGER}"
    )
    said = server.run(f"SET time_zone='+00:00'; SELECT {asked} FROM t ORDER BY n", database)
    return [tuple(map(meant, range(99), line.split(b"\t"))) for line in said.splitlines()]


def meant(place: int, field: bytes) -> str | bytes | None:
    if field == b"NULL":
        return None
    plain = bytes.fromhex(field.decode())
    return plain if place in BINARY else plain.decode()


def cells(reader: ScriptReader) -> list[tuple]:
    """The rows of table t without their number and origin."""
    frame = frames_of(reader)["t"]
    return frame.select([f"c{i}" for i in range(len(COLUMNS))]).rows()


@real_server
@given(rows_of_tables, st.sampled_from([100, 5000, 1 << 20]))
@example([(None,) * len(COLUMNS)] * 3, 100)
def test_every_cell_comes_back_whatever_the_dump_was_made_with(mariadb, tmp_path, rows, piece):
    expected = fill(mariadb, "cells", rows)
    for options in ([], OPTIONS[len(rows) % len(OPTIONS)], OPTIONS[piece % len(OPTIONS)]):
        path = file_of(tmp_path, mariadb.dump(*options, "cells"))
        with pieces_of(piece):
            reader = read_mysqldump(path)
            assert cells(reader) == expected, options
            assert reader.row_counts()["t"] == len(rows)


@pytest.mark.parametrize("options", [[], *OPTIONS], ids=" ".join)
def test_each_option_is_read_and_by_the_quick_way(mariadb, tmp_path, options, monkeypatch):
    every = [bytes(range(256)) if how == AS_BYTES else None for _, _, how in COLUMNS]
    every[16] = b"\0'\\\n)\xff,"
    every[12:16] = ["Müller", "),(\\'", "\n".join(NASTY), "it's"]
    rows = [tuple(every), (None,) * len(COLUMNS), tuple(every)]
    expected = fill(mariadb, "cells", rows)
    grids = []
    quick = GridPath.__call__
    monkeypatch.setattr(GridPath, "__call__", lambda *a: grids.append(quick(*a)) or grids[-1])
    path = file_of(tmp_path, mariadb.dump(*options, "cells"))
    assert cells(read_mysqldump(path)) == expected
    assert sum(grid.rows for grid in grids if grid) == 3


@settings(parent=real_server, max_examples=EXAMPLES // 4)
@given(st.lists(latin, min_size=1, max_size=5))
def test_a_dump_in_latin1_is_read_as_such(mariadb, tmp_path, texts):
    rows = [(*[None] * 12, text[:60], text, text, text, *[None] * 5) for text in texts]
    expected = fill(mariadb, "latin", rows)
    path = file_of(tmp_path, mariadb.dump("--default-character-set=latin1", "latin"))
    assert cells(read_mysqldump(path)) == expected


def test_a_tab_folder_and_the_dump_of_one_database_hold_the_same(mariadb, tmp_path):
    rows = [(*[None] * 12, "é", text, text, "ü", b"\0\t\n", text.encode(), b"\\N", *[None] * 2)
            for text in NASTY]  # fmt: skip
    expected = fill(mariadb, "cells", rows)
    folder = tmp_path / "tab"
    folder.mkdir()
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o777)
    mariadb.dump(f"--tab={folder}", "cells")
    assert cells(read_mysqltab(folder)) == expected


def test_of_two_databases_in_one_dump_each_can_be_read_alone(mariadb, tmp_path):
    wanted = fill(mariadb, "ward", [(*[None] * 13, text, *[None] * 7) for text in NASTY])
    other = fill(mariadb, "attic", [(None,) * len(COLUMNS)] * 2)
    path = file_of(tmp_path, mariadb.dump("--routines", "--databases", "ward", "attic"))
    with pytest.raises(DumpFormatError, match=r"ward\.(t|log) and attic\.\1"):
        cells(read_mysqldump(path))
    for database, expected in (("ward", wanted), ("attic", other)):
        reader = read_mysqldump(path)
        reader.terms = Terms(schema=database)
        assert cells(reader) == expected
