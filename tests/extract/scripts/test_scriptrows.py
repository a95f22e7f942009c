"""What holds for the scripts of every product: own errors only, and time in proportion to size."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, PacsliftError
from pacslift.extract.mysql.mysqltab import read_mysqltab
from pacslift.extract.scripts.hsqldb import read_hsqldb
from pacslift.extract.scripts.oracle import read_oracle
from pacslift.extract.scripts.sqlitedump import read_sqlitedump
from pacslift.extract.scripts.tsql import read_tsql
from scripttext import cut_into, terms
from smalldumps import file_of, frames_of, rows_of

READERS = [read_hsqldb, read_oracle, read_sqlitedump, read_tsql]
reused_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = st.sampled_from(
    ["INSERT INTO t VALUES", "INSERT [t] (", "Insert into T (A,B) values ", "(1,", "'a')", ");",
     ",", "\n", "GO\n", "/\n", "'", "''", "N'", "q'[", "]'", "0x0", "X'0g'", "NULL", "CAST(",
     " AS Date)", "CREATE TABLE t(a, b);", "CREATE MEMORY TABLE T(A INT)\n", "SET SCHEMA X\n",
     "to_date('1','J')", "--", "/*", "*/", "||", "chr(", "char(99999999)", "replace(", "[", "]",
     "hextoraw('g')", "\\u00", "\ud800", "\0", "ARRAY[", "BEGIN TRANSACTION;", "COMMIT;",
     "SET IDENTITY_INSERT [t] ON\n"]
)  # fmt: skip


def read_all(read, path):
    try:
        reader = read(path)
        frames_of(reader)
        return dict(reader.row_counts())
    except PacsliftError as error:
        return str(error)


@reused_folder
@given(parts=st.lists(PIECES | st.text(max_size=4), max_size=30), piece=st.integers(1, 30))
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_script_makes_a_reader_fail_but_in_its_own_words(tmp_path, read, encoding, parts, piece):
    path = file_of(tmp_path, "".join(parts).encode(encoding, "surrogatepass"))
    whole = read_all(read, path)
    with cut_into(piece):
        cut = read_all(read, path)
    assert isinstance(cut, str) == isinstance(whole, str)
    assert cut == whole or isinstance(whole, str)


@reused_folder
@given(rows=st.binary(max_size=60))
def test_no_rows_make_a_folder_fail_but_in_its_own_words(tmp_path, rows):
    file_of(tmp_path, b"-- MariaDB dump 10.19\nCREATE TABLE `t` (\n `a` int,\n `b` bit(8),\n"
            b" `c` blob\n);\n-- Dump completed\n", "t.sql")  # fmt: skip
    file_of(tmp_path, rows, "t.txt")
    read_all(read_mysqltab, tmp_path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "unit",
    ["(", "'", "((1)", "('a' ", "q'[", "/*", "--", "CAST(", ",(1", "'a',", "\nGO\n", "x||", "[",
     "\n/", ";", "(1)\n", "replace('a',", "\\u"],
)  # fmt: skip
def test_time_grows_no_faster_than_the_script(tmp_path, read, unit):
    def seconds(size):
        text = "CREATE TABLE t(a);\nINSERT INTO t VALUES (1" + unit * (size // len(unit))
        path = file_of(tmp_path, text.encode())
        begin = time.process_time()
        read_all(read, path)
        return time.process_time() - begin

    assert seconds(1_600_000) < 30 * seconds(100_000) + 0.5


WRITTEN = {
    read_hsqldb: ("CREATE SCHEMA PUBLIC AUTHORIZATION DBA\nCREATE TABLE T(A INT,B INT)\n",
                  "INSERT INTO T VALUES({},1)\n"),
    read_oracle: ("CREATE TABLE T (A NUMBER(9), B NUMBER(9));\n",
                  "Insert into T (A,B) values ({},1);\n"),
    read_sqlitedump: ("BEGIN TRANSACTION;\nCREATE TABLE t(a, b);\n",
                      "INSERT INTO t VALUES({},1);\n"),
    read_tsql: ("CREATE TABLE [t]([A] [int], [b] [int])\nGO\nSET IDENTITY_INSERT [t] ON\n",
                "INSERT [t] ([a], [b]) VALUES ({}, 1)\n"),
}  # fmt: skip


@pytest.mark.parametrize("read", READERS)
def test_an_early_end_can_be_accepted_and_is_then_in_the_report(tmp_path, read):
    head, row = WRITTEN[read]
    whole = head + row.format(10) + row.format(20) + row.format(30)
    for cut in range(whole.index("20") - 9, whole.index("30") + 1):
        reader = read(file_of(tmp_path, whole[:cut].encode()))
        with pytest.raises(DumpDamagedError, match="accept_truncated = true"):
            reader.row_counts() if whole[cut - 1] not in ";\n" else _refused(reader)
        reader = read(file_of(tmp_path, whole[:cut].encode()))
        reader.terms = terms({}, accepted=True)
        good = 1 + (cut > whole.index("20") + len(row) - 3 - row.index("{}"))
        found = [a for a, _ in rows_of(reader, "t")]
        assert found[:1] == ["10"]
        assert found == ["10", "20"][: len(found)]
        assert abs(len(found) - good) <= 1
        if whole[cut - 1] not in ";\n":
            assert {seen.last_row for seen in reader.terms.truncation.cuts} == {len(found)}


def _refused(reader):
    """Between two lines only some products' dumps show that they are cut."""
    reader.row_counts()
    raise DumpDamagedError("accept_truncated = true")
