import pytest
from dumptext import file_of, pg_dump, rows_of

from pacslift.errors import DumpDamagedError
from pacslift.extract.pgplain import read_pgplain


@pytest.mark.parametrize("lines", ["a\nb\tc\td\n", "a\tb\tc\nd\n"])
def test_a_missing_and_a_surplus_value_do_not_make_up_for_each_other(tmp_path, lines):
    dump = pg_dump("CREATE TABLE t (a text, b text);\n", f"COPY t (a, b) FROM stdin;\n{lines}\\.\n")
    with pytest.raises(DumpDamagedError, match=r"table t, row 1 has . values, the table has 2"):
        rows_of(read_pgplain(file_of(tmp_path, dump)), "t")


@pytest.mark.parametrize("begins", ["x^", "x\x01"])
def test_rows_that_begin_like_a_compressed_stream_are_rows(begins, tmp_path):
    """Polars takes bytes that begin so for zlib's (RFC 1950 2.2); `x^` may begin a name."""
    lines = f"{begins}a\tb\n" * 3
    dump = pg_dump("CREATE TABLE t (a text, b text);\n", f"COPY t (a, b) FROM stdin;\n{lines}\\.\n")
    expected = [(f"{begins}a", "b")] * 3
    assert rows_of(read_pgplain(file_of(tmp_path, dump)), "t") == expected
