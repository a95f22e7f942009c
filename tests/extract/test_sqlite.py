import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from pacslift.errors import DumpDamagedError
from pacslift.extract.shapes import Column, TableShape, Undecodable
from pacslift.extract.sqlite import SqliteFile
from smalldumps import everything, frames_of, rows_of

SQL = """
CREATE TABLE Files (pk INTEGER PRIMARY KEY, path TEXT, attrs BLOB, n, "Odd ""Name" REAL);
CREATE INDEX backwards ON Files (path DESC);
CREATE VIEW v AS SELECT pk FROM Files;
CREATE TRIGGER tr AFTER INSERT ON Files BEGIN SELECT no_such_function(new.pk); END;
"""
ROWS = [
    (1, "z", b"\0\xff", None, 0.1),
    (2, None, None, 2**62, 1e300),
    (5, "", b"", "text", -2.0),
    (7, "Müller\0\n'", "text", b"blob", None),
]
READ = [
    ("1", "z", b"\0\xff", None, "0.1"),
    ("2", None, None, str(2**62), "1e+300"),
    ("5", "", b"", "text", "-2.0"),
    ("7", "Müller\0\n'", b"text", "blob", None),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "archive" / "index"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.create_function("no_such_function", 1, lambda _: 0)
        database.executescript(SQL)
        database.executemany("INSERT INTO Files VALUES (?, ?, ?, ?, ?)", ROWS)
        database.commit()
    return path


def beside(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_a_file_is_read_with_its_tables_types_rows_and_version(file, tmp_path):
    reader = SqliteFile(file, tmp_path / "work")
    kinds = (
        ("pk", "INTEGER"),
        ("path", "TEXT"),
        ("attrs", "BLOB"),
        ("n", ""),
        ('Odd "Name', "REAL"),
    )
    assert reader.shapes() == [TableShape("Files", tuple(Column(*kind) for kind in kinds))]
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"Files": 4}
    assert reader.server == f"SQLite {sqlite3.sqlite_version}"


def test_nothing_is_written_beside_the_file_or_into_the_working_folder(file, tmp_path):
    before = file.read_bytes(), file.stat().st_mtime_ns
    reader = SqliteFile(file, tmp_path / "work")
    frames_of(reader)
    assert beside(file) == ["index"]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert not (tmp_path / "work").exists()


def test_rows_come_in_the_order_of_the_file_whatever_columns_are_asked_for(file, tmp_path):
    (batch,) = SqliteFile(file, tmp_path).batches({"files": ["PATH"]})
    assert batch.frame["path"].to_list() == ["z", None, "", "Müller\0\n'"]


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_what_waits_in_a_log_beside_the_file_is_read_with_it(file, tmp_path, mode):
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute("PRAGMA cache_size = 1")
        database.create_function("no_such_function", 1, lambda _: 0)
        database.execute("UPDATE Files SET path = zeroblob(5000)")
        if mode == "WAL":
            database.execute("UPDATE Files SET path = 'new'")
            database.commit()
        copied = tmp_path / "copied"
        shutil.copytree(file.parent, copied)  # as a site copies a server that still runs
    names = beside(copied / "index")
    assert ("index-wal" if mode == "WAL" else "index-journal") in names
    reader = SqliteFile(copied / "index", tmp_path / "work")
    expected = "new" if mode == "WAL" else "z"
    assert rows_of(reader, "files")[0][1] == expected
    assert beside(copied / "index") == names
    (private,) = (tmp_path / "work").iterdir()
    assert private.stat().st_mode & 0o777 == 0o700
    reader.close()
    reader.close()
    assert list((tmp_path / "work").iterdir()) == []


def test_the_private_copy_goes_when_the_reader_does(file, tmp_path):
    (file.parent / "index-wal").write_bytes(b"no log, and so of no effect")
    reader = SqliteFile(file, tmp_path / "work")
    assert rows_of(reader, "files") == READ
    del reader
    assert list((tmp_path / "work").iterdir()) == []


def test_an_empty_log_is_no_reason_for_a_copy(file, tmp_path):
    (file.parent / "index-wal").touch()
    SqliteFile(file, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_a_link_to_the_file_is_followed_to_its_log(file, tmp_path):
    (file.parent / "index-wal").write_bytes(b"x")
    link = tmp_path / "link"
    link.symlink_to(file)
    reader = SqliteFile(link, tmp_path / "work")
    assert len(list((tmp_path / "work").iterdir())) == 1
    reader.close()


def test_a_path_with_signs_that_a_uri_gives_a_meaning_is_opened(file, tmp_path):
    odd = file.rename(file.parent / "100% ?a=b#c")
    assert rows_of(SqliteFile(odd, tmp_path), "files") == READ


def test_a_cut_file_is_refused(file, tmp_path):
    whole = file.read_bytes()
    cuts = [*range(16, 100, 7), 100, 101, len(whole) // 2, len(whole) - 4096, len(whole) - 1]
    for cut in cuts:
        file.write_bytes(whole[:cut])
        with pytest.raises(DumpDamagedError, match=r"index .* Copy the file again"):
            SqliteFile(file, tmp_path)


def test_a_damaged_page_is_damage_and_no_crash(file, tmp_path):
    whole = bytearray(file.read_bytes())
    whole[4096:] = b"\xff" * (len(whole) - 4096)
    file.write_bytes(whole)
    reader = SqliteFile(file, tmp_path)
    with pytest.raises(DumpDamagedError, match="table Files cannot be read after row 0"):
        list(reader.batches(everything(reader)))


def test_what_is_no_text_is_kept_counted_and_located_or_read_as_the_job_says(tmp_path):
    path = tmp_path / "index"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a TEXT)")
        database.execute("INSERT INTO t VALUES ('a'), (CAST(x'e9' AS TEXT))")
        database.commit()
    (batch,) = SqliteFile(path, tmp_path).batches({"t": ["a"]})
    assert batch.frame["a"].to_list() == ["a", r"\xe9"]
    assert batch.undecodable == (Undecodable("t", "a", 1, 2),)
    assert rows_of(SqliteFile(path, tmp_path, "latin1"), "t") == [("a",), ("é",)]


def test_a_schema_whose_damage_is_no_text_is_damage_and_no_crash(tmp_path):
    """SQLite quotes what it does not understand, and the driver decodes that as UTF-8."""
    path = tmp_path / "index"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (a TEXT)")
    path.write_bytes(path.read_bytes().replace(b"TABLE t (a", b"TABLE t \xbba"))
    with pytest.raises(DumpDamagedError, match="is a damaged SQLite file"):
        SqliteFile(path, tmp_path).shapes()


def test_a_database_in_utf16_gives_the_same_text(tmp_path):
    path = tmp_path / "index"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA encoding = 'UTF-16le'")
        database.execute("CREATE TABLE t (a TEXT)")
        database.execute("INSERT INTO t VALUES ('Müller')")
        database.commit()
    assert rows_of(SqliteFile(path, tmp_path), "t") == [("Müller",)]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_read_only_folder_is_enough(file, tmp_path):
    file.parent.chmod(0o500)
    assert rows_of(SqliteFile(file, tmp_path), "files") == READ
