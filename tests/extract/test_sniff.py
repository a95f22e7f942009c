import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dbf import dbf

from indexdat import Abi
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.sniff import open_dump
from pgarchive import Archive
from smalldumps import everything, file_of, mysqldump, pg_dump

MYSQL = "CREATE TABLE `t` (\n `a` int\n) ENGINE=InnoDB;\nINSERT INTO `t` VALUES (1);\n"
INDEX = Abi().file([], [Abi().image("/a", "1.2", 0.0, 1, {})])


@pytest.mark.parametrize("name", ["index", "dump.dbf", "dump.sql", "photo.jpg"])
@pytest.mark.parametrize(
    ("content", "form"),
    [
        (mysqldump(MYSQL), "mysqldump"),
        (MYSQL.encode(), "mysqldump"),
        (b"/*M!999999\\- enable the sandbox mode */\n" + MYSQL.encode(), "mysqldump"),
        (pg_dump("CREATE TABLE t (a int);\n"), "pg_dump plain"),
        (b"COPY t (a) FROM stdin;\n\\.\n", "pg_dump plain"),
        (Archive().of([]), "pg_dump custom"),
        (dbf(), "DBF set"),
        (INDEX, "dcmqrscp index.dat"),
    ],
)  # fmt: skip
def test_a_dump_is_known_by_its_content_whatever_its_name(tmp_path, name, content, form):
    assert open_dump(file_of(tmp_path, content, name), tmp_path).format == form


def test_a_sqlite_file_is_known_by_its_content(tmp_path):
    with closing(sqlite3.connect(tmp_path / "index.dat")) as database:
        database.execute("CREATE TABLE t (a)")
    assert open_dump(tmp_path / "index.dat", tmp_path).format == "SQLite"


def test_a_folder_is_a_set_of_dbf_files(tmp_path):
    file_of(tmp_path, dbf(), "a.dbf")
    assert open_dump(tmp_path, tmp_path).format == "DBF set"


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "it is empty"),
        (b"hello", "is in no format that is read"),
        (b"7z\xbc\xaf'\x1c", "is packed with 7-Zip, .*; unpack it"),
        (b"TAPE\0\0", "is a backup of SQL Server; restore it"),
        (bytes(128) + b"DICM", "is a DICOM file, not a dump"),
    ],
)
def test_what_is_no_dump_is_refused_with_what_to_do(tmp_path, content, trouble):
    with pytest.raises(DumpFormatError, match=trouble):
        open_dump(file_of(tmp_path, content), tmp_path)


def test_a_dump_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DumpFormatError, match="cannot be opened: No such file"):
        open_dump(tmp_path / "no", tmp_path)


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(DumpFormatError, match="is a folder without DBF files"):
        open_dump(tmp_path, tmp_path)


BEGINNINGS = [
    b"",
    b"-- MySQL dump 10.13\n",
    b"-- PostgreSQL database dump\n",
    b"PGDMP",
    b"QRDB05",
    b"\x03",
    b"SQLite format 3\0",
]


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_nothing_else(tmp_path_factory, beginning, rest):
    folder = tmp_path_factory.getbasetemp()
    try:
        reader = open_dump(file_of(folder, beginning + rest), folder)
        list(reader.batches(everything(reader)))
    except (DumpDamagedError, DumpFormatError):
        pass


WORDS = [
    "INSERT INTO `t` VALUES ",
    "(1,'a')",
    "(",
    ")",
    ",",
    ";",
    "'",
    "\\",
    "\n",
    "DELIMITER ;;\n",
    "COPY t (a) FROM stdin;\n",
    "\\.\n",
    "\t",
    "/*!",
    "*/",
    "-- ",
    "$$",
    "E'",
    "CREATE TABLE `t` (\n `a` int,\n `b` text);\n",
    "SET NAMES latin1;",
    "USE `x`;",
]


@given(
    st.sampled_from(["-- MySQL dump 10.13\n", "-- PostgreSQL database dump\n", ""]),
    st.lists(st.sampled_from(WORDS), max_size=20),
)
def test_any_script_is_read_or_refused_and_nothing_else(tmp_path_factory, beginning, words):
    folder = tmp_path_factory.getbasetemp()
    try:
        reader = open_dump(file_of(folder, (beginning + "".join(words)).encode()), folder)
        list(reader.batches(everything(reader)))
        reader.row_counts()
    except (DumpDamagedError, DumpFormatError):
        pass
