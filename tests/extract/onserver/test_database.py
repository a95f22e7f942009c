"""Tables read over ODBC are what the dump of the same database says, and nothing is left behind."""

import sqlite3
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jobs import snapshot
from livecases import (
    driver,
    restored_mysql,
    restored_postgres,
    sqlite_named,
    table_rows,
)
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.onserver import database as database_module
from pacslift.extract.onserver import live
from pacslift.extract.onserver.database import LiveDatabase
from pacslift.extract.onserver.live import RefusedError
from pacslift.extract.sniff import open_dump
from servers import free_port

MYSQL = r"""
    CREATE TABLE Kinds (
      Id INT PRIMARY KEY, Tiny TINYINT(1), Filled INT(6) ZEROFILL, Big BIGINT UNSIGNED,
      Fl FLOAT, Db DOUBLE, De DECIMAL(20,5), Bits BIT(9), Yr YEAR,
      D DATE, T TIME(3), Dt DATETIME, Ts TIMESTAMP NULL DEFAULT NULL, En ENUM('a','ü'),
      St SET('x','y'), Ch CHAR(5), Vc VARCHAR(30), L1 VARCHAR(30) CHARACTER SET latin1,
      Tx LONGTEXT, Bin BINARY(4), Vb VARBINARY(9), Bl LONGBLOB
    );
    SET sql_mode = '', time_zone = '+02:00';
    INSERT INTO Kinds VALUES
    (1, 1, 42, 18446744073709551615, 1.1, 1e20, 1.5, b'101', 2020, '2020-02-29', '23:59:59.125',
     '2020-02-29 01:02:03', '2020-02-29 01:02:03', 'ü', 'x,y', 'ab', 'a\\b''c"d\ne\tf;', 'é€',
     REPEAT('ü', 70000), x'00ff', x'', x'000102ff5c27'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL),
    (3, -1, 0, 0, -0.00001, 0.1, -0.5, b'0', 0, '0000-00-00', '-838:59:59', '0000-00-00 00:00:00',
     '2020-07-01 12:00:00', '', '', '', '', '', 'NULL', x'', x'ff', ''),
    (4, 0, 1, 1, 123456789, 1e-7, 0, b'111111111', 1999, '0001-01-01', '00:00:00', '9999-12-31',
     NULL, 'a', 'y', '  x ', ' nul\0 tail  ', 'NULL', '😀 日本 {d ?}', x'20', x'2000', x'00')
"""
POSTGRES = r"""
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE "Kinds" (
      "Id" INT PRIMARY KEY, b BOOLEAN, big BIGINT, re REAL, db DOUBLE PRECISION, nu NUMERIC(20,5),
      d DATE, t TIME(3), ts TIMESTAMP, tz TIMESTAMPTZ, iv INTERVAL, c CHAR(5), v VARCHAR(30),
      tx TEXT, bl BYTEA, u UUID, j JSONB, a INT[], m mood, bi BIT(3), o OID, one "char"
    );
    INSERT INTO "Kinds" VALUES
    (1, true, -1, 1.1, 1e20, 1.5, '2020-02-29', '23:59:59.125', '2020-02-29 01:02:03.5',
     '2020-02-29 01:02:03+02', '1 day 2 hours', 'ab', E'a\\b''c"d\ne\tf;', repeat('ü', 70000),
     '\x000102ff5c27', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"k": [1]}', '{1,2}', 'ok',
     '101', 17, 'x'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL),
    (3, false, 0, 'NaN', 0.1, 0, 'infinity', '00:00', '0044-03-15 BC', 'epoch', '-1 mon', '', '',
     'NULL', '', NULL, '{}', '{}', 'sad', '000', 0, ''),
    (4, true, 9223372036854775807, 3.4e38, 1e-7, -0.5, '0001-01-01', '12:00', '9999-12-31',
     NULL, NULL, '  x ', ' x  ', '😀 日本 {d ?}', '\x00', NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
SQLITE = """
    CREATE TABLE Kinds (Id INTEGER PRIMARY KEY, t TEXT, v VARCHAR(9), i INTEGER, r REAL, n NUMERIC,
      b BLOB, x);
    INSERT INTO Kinds VALUES (1, 'ü😀', 'ab', 42, 0.1, 1.5, x'00ff', 7);
    INSERT INTO Kinds VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO Kinds VALUES (3, '', '', 0, 1e20, '007', '', 2.5);
    INSERT INTO Kinds VALUES (4, CAST(x'e96e' AS TEXT), 'a' || char(0) || 'b', 'no number', -0.0,
      9007199254740993, 'text in a blob', CAST(x'80' AS TEXT));
    INSERT INTO Kinds VALUES (5, x'ff41', 3, 2.5, 1.0 / 3, 1e-7, x'', 'x');
"""


def from_dump(path: Path, table: str) -> list[dict]:
    with TemporaryDirectory() as place:
        reader = open_dump(path, Path(place))
        try:
            shape = next(s for s in reader.shapes() if s.name.lower() == table)
            wanted = {table: [column.name for column in shape.columns]}
            return [row for batch in reader.batches(wanted) for row in batch.frame.to_dicts()]
        finally:
            reader.close()


def in_order(rows: list[dict]) -> list[dict]:
    assert len(rows) > 3
    return sorted(({k: v for k, v in row.items() if k != "origin_row"} for row in rows),
                  key=lambda row: row["id"])  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--hex-blob", "--skip-extended-insert")])
def test_every_type_of_mariadb_is_what_mariadb_dump_writes(mariadb, tmp_path, options):
    with restored_mysql(mariadb, MYSQL.encode(), "kinds") as database:
        (tmp_path / "dump.sql").write_bytes(mariadb.dump(*options, "kinds"))
        assert in_order(table_rows(database, "kinds")) == in_order(
            from_dump(tmp_path / "dump.sql", "kinds")
        )


@pytest.mark.parametrize("form", ["--format=plain", "--format=custom"])
def test_every_type_of_postgresql_is_what_pg_dump_writes(postgres, tmp_path, form):
    with restored_postgres(postgres, POSTGRES.encode(), "kinds") as database:
        (tmp_path / "dump").write_bytes(postgres.dump(form, "kinds"))
        assert in_order(table_rows(database, "kinds")) == in_order(
            from_dump(tmp_path / "dump", "kinds")
        )


def test_every_value_of_sqlite_is_what_its_file_holds(tmp_path):
    path = tmp_path / "old pacs#1.db"
    made = sqlite3.connect(path)
    made.executescript(SQLITE)
    made.close()
    before = snapshot(tmp_path)
    assert in_order(table_rows(sqlite_named(path), "kinds")) == in_order(from_dump(path, "kinds"))
    assert snapshot(tmp_path) == before


def test_names_that_differ_from_the_adapters_in_case_only_are_found(postgres):
    with restored_postgres(postgres, POSTGRES.encode(), "spelt") as text, ExitStack() as stack:
        database = stack.enter_context(closing(LiveDatabase(text)))
        assert [s.name for s in database.shapes()] == ["Kinds"]
        assert database.row_counts() == {"Kinds": 4}
        assert database.server.startswith("PostgreSQL 1")


@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_the_snapshot_does_not_move_and_cannot_be_written(server, request):
    running = request.getfixturevalue(server)
    restored = restored_mysql if server == "mariadb" else restored_postgres
    script = b"CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)"
    with restored(running, script, "moving") as text, ExitStack() as stack:
        database = stack.enter_context(closing(LiveDatabase(text)))
        running.run("INSERT INTO t VALUES (2)", "moving")
        assert database.row_counts() == {"t": 1}
        with pytest.raises(RefusedError):
            database.link.run("INSERT INTO t VALUES (3)")
        assert running.run("SELECT COUNT(*) FROM t", "moving").strip() == b"2"


def test_a_sqlite_file_cannot_be_written(tmp_path):
    with closing(sqlite3.connect(tmp_path / "file")) as made:
        made.executescript(SQLITE)
    before = snapshot(tmp_path)
    with (
        closing(LiveDatabase(sqlite_named(tmp_path / "file"))) as database,
        pytest.raises(RefusedError),
    ):
        database.link.run("DELETE FROM Kinds")
    assert snapshot(tmp_path) == before


def test_a_sqlite_file_with_its_log_beside_it_is_to_be_given_as_a_file(tmp_path):
    with closing(sqlite3.connect(tmp_path / "file")) as made:
        made.executescript("PRAGMA journal_mode = WAL;" + SQLITE)
        before = snapshot(tmp_path)
        with pytest.raises(DumpFormatError, match=r"file-wal beside it; give the file itself"):
            LiveDatabase(sqlite_named(tmp_path / "file"))
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_sqlite_file_is_neither_opened_nor_made(tmp_path, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DumpFormatError):
        LiveDatabase(sqlite_named(path))
    assert path.exists() == (content is not None)


@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_a_server_that_goes_away_while_it_is_read_stops_the_run(server, request, monkeypatch):
    running = request.getfixturevalue(server)
    monkeypatch.setattr(live, "FETCHED", 100)
    monkeypatch.setattr(live, "_streams", lambda *_: server != "mariadb")
    monkeypatch.setattr(database_module, "_SHARE", 20_000)
    numbers = {
        "mariadb": "SELECT seq AS id, REPEAT('x', 50) AS v FROM seq_1_to_30000",
        "postgres": "SELECT id, repeat('x', 50) AS v FROM generate_series(1, 30000) id",
    }
    kill = {"mariadb": "SELECT CONCAT('KILL ', id) FROM information_schema.PROCESSLIST "
                       "WHERE user = 'reader'",
            "postgres": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE usename = 'reader'"}  # fmt: skip
    restored = restored_mysql if server == "mariadb" else restored_postgres
    with (
        restored(running, f"CREATE TABLE t AS {numbers[server]}".encode(), "going") as text,
        ExitStack() as stack,
    ):
        database = stack.enter_context(closing(LiveDatabase(text)))
        batches = database.batches({"t": ["id", "v"]})
        next(batches)
        killing = running.run(kill[server])
        if server == "mariadb":
            running.run(killing.replace(b"\n", b";"))
        with pytest.raises(DumpDamagedError, match=r"table t cannot be read after row \d+:"):
            list(batches)


@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_a_table_that_the_user_may_not_read_stops_the_run(server, request):
    running = request.getfixturevalue(server)
    restored = restored_mysql if server == "mariadb" else restored_postgres
    script = b"CREATE TABLE t (id INT, secret INT); INSERT INTO t VALUES (1, 2)"
    user = "reader@localhost" if server == "mariadb" else "reader"
    table = "closed.t" if server == "mariadb" else "t"
    everything = "SELECT ON closed.*" if server == "mariadb" else "pg_read_all_data"
    grant = f"GRANT SELECT (id, secret) ON {table} TO {user}"
    forbid = f"REVOKE SELECT (secret) ON {table} FROM {user}"
    with restored(running, script, "closed") as text, ExitStack() as stack:
        running.run(f"REVOKE {everything} FROM {user}; {grant}", "closed")
        database = stack.enter_context(closing(LiveDatabase(text)))
        assert len(list(database.batches({"t": ["id", "secret"]}))) == 1
        running.run(forbid, "closed")
        assert len(list(database.batches({"t": ["id"]}))) == 1
        with pytest.raises(DumpFormatError, match="needs the right to SELECT"):
            list(database.batches({"t": ["secret"]}))


def test_a_wrong_password_is_refused_and_never_shown(mariadb):
    with restored_mysql(mariadb, b"CREATE TABLE t (id INT)", "locked") as text:
        wrong = text.replace("s3cret", "hunter2")
        with pytest.raises(DumpFormatError, match="check server, database, user and") as refused:
            LiveDatabase(wrong)
        assert "hunter2" not in str(refused.value)
        assert "hunter2" not in repr(refused.value.__cause__)
        assert "PWD=***" in str(refused.value)


def test_a_driver_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(DumpFormatError, match=r"drivers registered in odbcinst.ini are: .*SQLite3"):
        LiveDatabase(f"odbc:Driver=Nosuch;Database={tmp_path}")


def test_a_server_that_nobody_runs_is_told(tmp_path):
    with pytest.raises(DumpFormatError, match="cannot be connected"):
        LiveDatabase(f"odbc:{driver('PostgreSQL Unicode')};Server=127.0.0.1;Port={free_port()};"
                     "Database=x;UID=x;PWD=hunter2")  # fmt: skip


def test_without_pyodbc_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    with pytest.raises(DumpFormatError, match="Install the package pyodbc"):
        LiveDatabase("odbc:Driver=SQLite3;Database=/nowhere")
