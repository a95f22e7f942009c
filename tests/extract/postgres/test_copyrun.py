import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError
from pacslift.extract.postgres.copyfields import fast_fields, unescaped
from pacslift.extract.postgres.pgplain import read_pgplain
from smalldumps import file_of, pg_dump, rows_of


@pytest.mark.parametrize("lines", ["a\nb\tc\td\n", "a\tb\tc\nd\n"])
def test_a_missing_and_a_surplus_value_do_not_make_up_for_each_other(tmp_path, lines):
    dump = pg_dump("CREATE TABLE t (a text, b text);\n", f"COPY t (a, b) FROM stdin;\n{lines}\\.\n")
    with pytest.raises(DumpDamagedError, match=r"table t, row 1 has . values, the table has 2"):
        rows_of(read_pgplain(file_of(tmp_path, dump)), "t")


@pytest.mark.parametrize(
    "lines",
    ["1\t2\t3\t4\t\n1\t2\t3\n", "1\t2\t3\n1\t2\t3\t4\t\n", "1\t2\t3\t4\t5\n1\t2\t3\n"],
)
def test_they_do_not_where_one_column_is_asked_for(tmp_path, lines):
    columns = "(a, b, c, d)"
    table = f"CREATE TABLE t {columns.replace(',', ' text,').replace(')', ' text)')};\n"
    dump = pg_dump(table, f"COPY t {columns} FROM stdin;\n1\t2\t3\t4\n{lines}\\.\n")
    reader = read_pgplain(file_of(tmp_path, dump))
    with pytest.raises(DumpDamagedError, match=r"table t, row [23] has [35] values, the table has"):
        list(reader.batches({"t": ["b"]}))


def test_one_column_of_many_is_read_where_the_last_is_empty_text(tmp_path):
    dump = pg_dump(
        "CREATE TABLE t (a text, b text, c text, d text);\n",
        "COPY t (a, b, c, d) FROM stdin;\n1\t2\t3\t\n4\t\\N\t6\t\\N\n7\t\t9\t\n\\.\n",
    )
    (batch,) = read_pgplain(file_of(tmp_path, dump)).batches({"t": ["d", "b"]})
    assert batch.frame.rows() == [("", "2", 1), (None, None, 2), ("", "", 3)]


@pytest.mark.parametrize("asked", [[0], [1, 2], [0, 1, 2, 3, 4, 5]])
def test_a_few_columns_of_many_are_read_as_fast_as_all(asked):
    lines = b"1\t2\t3\t4\t5\t6\n7\t8\t9\t10\t11\t12\n"
    fields = fast_fields(lines, 2, 6, asked, "utf-8")
    assert fields is not None, "rows would be taken apart one by one"
    assert fields[str(asked[0])].to_list() == [str(1 + asked[0]), str(7 + asked[0])]


ESCAPES = [r"\\", r"\n", r"\t", r"\b", r"\v", r"\f", r"\r", r"\101", r"\x41", r"\.", r"\q", r"\8"]


@given(st.lists(st.sampled_from([*ESCAPES, "n", "x", "1", "N", ".", "é"]), min_size=1).map("".join))
def test_escapes_undone_at_once_are_those_undone_one_by_one(tmp_path_factory, value):
    dump = pg_dump(f"CREATE TABLE t (a text);\nCOPY t (a) FROM stdin;\nx\nv{value}\n\\N\n\\.\n")
    rows = rows_of(read_pgplain(file_of(tmp_path_factory.getbasetemp(), dump)), "t")
    assert rows == [("x",), (unescaped(f"v{value}".encode()).decode(),), (None,)]


@pytest.mark.parametrize("value", [r"\\x0", r"\\x0g", r"\\x80é"])
def test_a_bytea_that_is_none_names_table_row_and_column(tmp_path, value):
    dump = pg_dump(f"CREATE TABLE t (b bytea);\nCOPY t (b) FROM stdin;\n\\\\x00\n{value}\n\\.\n")
    with pytest.raises(DumpDamagedError, match=r"table t, row 2: column b is bytea"):
        rows_of(read_pgplain(file_of(tmp_path, dump)), "t")


@pytest.mark.parametrize("begins", ["x^", "x\x01"])
def test_rows_that_begin_like_a_compressed_stream_are_rows(begins, tmp_path):
    """Polars takes bytes that begin so for zlib's (RFC 1950 2.2); `x^` may begin a name."""
    lines = f"{begins}a\tb\n" * 3
    dump = pg_dump("CREATE TABLE t (a text, b text);\n", f"COPY t (a, b) FROM stdin;\n{lines}\\.\n")
    expected = [(f"{begins}a", "b")] * 3
    assert rows_of(read_pgplain(file_of(tmp_path, dump)), "t") == expected
