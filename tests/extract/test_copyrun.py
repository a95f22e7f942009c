import pytest
from dumptext import file_of, pg_dump, rows_of

from pacslift.errors import DumpDamagedError
from pacslift.extract.pgplain import read_pgplain


@pytest.mark.parametrize("lines", ["a\nb\tc\td\n", "a\tb\tc\nd\n"])
def test_a_missing_and_a_surplus_value_do_not_make_up_for_each_other(tmp_path, lines):
    dump = pg_dump("CREATE TABLE t (a text, b text);\n", f"COPY t (a, b) FROM stdin;\n{lines}\\.\n")
    with pytest.raises(DumpDamagedError, match=r"table t, row 1 has . values, the table has 2"):
        rows_of(read_pgplain(file_of(tmp_path, dump)), "t")
