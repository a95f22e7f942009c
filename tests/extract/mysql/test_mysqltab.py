"""Folders of mysqldump --tab, and what MariaDB itself writes with every option."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.mysql import mysqltab
from pacslift.extract.mysql.mysqldump import read_mysqldump
from pacslift.extract.mysql.mysqltab import read_mysqltab
from pacslift.extract.packed import window
from pacslift.extract.sniff import open_dump
from scripttext import TEXTS
from smalldumps import file_of, mysqldump, rows_of

CREATE = (
    "CREATE TABLE `t` (\n `a` int(11),\n `b` varchar(99),\n `c` longblob,\n `d` bit(9),\n"
    " `e` varchar(99) CHARACTER SET latin1\n) DEFAULT CHARSET=utf8mb4;\n"
)
LATIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=9)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**31), 2**31 - 1),
        st.none() | TEXTS.map(lambda text: text[:90]),
        st.none() | st.binary(max_size=40),
        st.none() | st.integers(0, 511),
        st.none() | LATIN | st.sampled_from(["NULL", "\\N", "a\tb", "\r\n", '"x"']),
    ),
    min_size=1,
    max_size=6,
)
real_server = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


def expected(rows):
    return [
        (None if a is None else str(a), b, c, None if d is None else str(d), e)
        for a, b, c, d, e in rows
    ]


def filled(server, rows):
    """Put *rows* into the database `tabs` of the real server."""

    def written(value, charset):
        if isinstance(value, int) or value is None:
            return "NULL" if value is None else str(value)
        data = value if isinstance(value, bytes) else value.encode(charset)
        return (
            f"x'{data.hex()}'" if isinstance(value, bytes) else f"_{NAMES[charset]} x'{data.hex()}'"
        )

    values = ",".join(
        "("
        + ",".join(written(v, "latin-1" if i == 4 else "utf-8") for i, v in enumerate(row))
        + ")"
        for row in rows
    )
    server.run("DROP DATABASE IF EXISTS tabs; CREATE DATABASE tabs")
    server.run(f"{CREATE}\nCREATE VIEW v AS SELECT 1; INSERT INTO t VALUES {values};", "tabs")


NAMES = {"utf-8": "utf8mb4", "latin-1": "latin1"}


@real_server
@given(rows=ROWS, binary=st.booleans(), piece=st.integers(1, 99))
def test_a_folder_that_mariadb_writes_is_read_cell_by_cell(mariadb, rows, binary, piece):
    filled(mariadb, rows)
    with tempfile.TemporaryDirectory(dir="/tmp") as name, pytest.MonkeyPatch.context() as patch:
        Path(name).chmod(0o777)
        mariadb.dump(f"--tab={name}", *["--default-character-set=binary"] * binary, "tabs")
        patch.setattr(window, "PIECE", piece)
        patch.setattr(mysqltab, "_STRETCH", piece)
        reader = open_dump(Path(name), Path(name))
        assert reader.format == "mysqldump --tab"
        assert rows_of(reader, "t") == expected(rows)
        assert dict(reader.row_counts()) == {"t": len(rows)}


@real_server
@given(
    rows=ROWS,
    options=st.sets(
        st.sampled_from(["--hex-blob", "--skip-extended-insert", "--complete-insert",
                         "--default-character-set=binary", "--skip-opt", "--order-by-primary",
                         "--skip-quote-names", "--replace", "--insert-ignore"])
    ),
)  # fmt: skip
def test_a_dump_that_mariadb_writes_is_read_cell_by_cell(mariadb, tmp_path, rows, options):
    if "--skip-opt" in options:  # leaves out in which character set the dump is
        options -= {"--default-character-set=binary"}
    filled(mariadb, rows)
    path = file_of(tmp_path, mariadb.dump(*sorted(options), "tabs"))
    assert rows_of(read_mysqldump(path), "t") == expected(rows)


def test_several_databases_in_one_dump_are_told_apart(mariadb, tmp_path):
    filled(mariadb, [(1, "é", b"", 0, "é")])
    mariadb.run(
        "DROP DATABASE IF EXISTS tabs2; CREATE DATABASE tabs2; CREATE TABLE tabs2.u (a int)"
    )
    mariadb.run("INSERT INTO tabs2.u VALUES (5)")
    path = file_of(tmp_path, mariadb.dump("--databases", "tabs", "tabs2"))
    assert rows_of(read_mysqldump(path), "u") == [("5",)]
    mariadb.run("CREATE TABLE tabs2.t (a int); INSERT INTO tabs2.t VALUES (7)")
    path = file_of(tmp_path, mariadb.dump("--databases", "tabs", "tabs2"))
    with pytest.raises(DumpFormatError, match=r"tabs\.t and tabs2\.t are different tables of one"):
        rows_of(read_mysqldump(path), "t")


@pytest.mark.parametrize(
    "option",
    ["--fields-terminated-by=;", '--fields-enclosed-by="', '--fields-optionally-enclosed-by="',
     "--lines-terminated-by=\r\n", "--lines-terminated-by=|"],
)  # fmt: skip
def test_other_separators_are_refused_with_what_to_do(mariadb, option):
    filled(mariadb, [(None, "é", b"x", 0, "é"), (None, "y", b"x", 0, "z")] * 4)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o777)
        mariadb.dump(f"--tab={name}", option, "tabs")
        with pytest.raises(DumpFormatError, match="Dump again with --tab and no --fields-"):
            rows_of(read_mysqltab(Path(name)), "t")


def folder(tmp_path, rows, create=CREATE, names="utf8mb4"):
    description = mysqldump(create).replace(b"SET NAMES utf8mb4", f"SET NAMES {names}".encode())
    file_of(tmp_path, description, "t.sql")
    file_of(tmp_path, rows, "t.txt")
    return tmp_path


TWO = "CREATE TABLE `t` (\n `a` int,\n `b` text\n) DEFAULT CHARSET=utf8mb4;\n"


@given(cut=st.integers(0, 20))
def test_rows_cut_inside_a_line_are_refused(tmp_path_factory, cut):
    text = b"1\ta\\\nb\n2\t\\\\\n3\t\\N\n"[: cut + 1]
    path = folder(tmp_path_factory.mktemp("tab"), text, TWO)
    ends = [7, 12, 17]
    if len(text) in ends:
        assert len(rows_of(read_mysqltab(path), "t")) == ends.index(len(text)) + 1
        return
    with pytest.raises((DumpDamagedError, DumpFormatError), match=r"table t, row \d at byte"):
        rows_of(read_mysqltab(path), "t")


def test_damage_between_rows_names_the_last_good_one(tmp_path):
    path = folder(tmp_path, b"1\ta\n2\tb\tc\n3\td\n", TWO)
    with pytest.raises(DumpDamagedError, match=r"table t, row 2 at byte 4 .* last good row is 1\."):
        rows_of(read_mysqltab(path), "t")


def test_a_table_without_its_rows_is_damage(tmp_path):
    folder(tmp_path, b"1\ta\n", TWO)
    file_of(tmp_path, mysqldump("CREATE TABLE `u` (\n `a` int\n);\n"), "u.sql")
    with pytest.raises(DumpDamagedError, match=r"creates table u, but u\.txt is not beside it"):
        read_mysqltab(tmp_path).shapes()


def test_rows_without_their_table_are_refused(tmp_path):
    folder(tmp_path, b"1\ta\n", TWO)
    file_of(tmp_path, b"1\n", "u.txt")
    with pytest.raises(DumpFormatError, match=r"u\.txt has no \.sql of mysqldump beside it"):
        read_mysqltab(tmp_path).shapes()


def test_a_description_that_is_cut_is_damage(tmp_path):
    path = folder(tmp_path, b"1\ta\n", TWO)
    file_of(path, (path / "t.sql").read_bytes().partition(b"-- Dump completed")[0], "t.sql")
    with pytest.raises(DumpDamagedError, match="Dump completed"):
        read_mysqltab(path).shapes()


@pytest.mark.parametrize(
    ("names", "row", "value"),
    [
        ("utf8mb4", b"\xe9", "é"),
        ("binary", b"\xe9", "é"),
        ("latin1", b"\xe9", "é"),
        ("latin2", b"\xe8", "č"),
    ],
)
def test_text_is_read_in_the_set_of_its_column_unless_another_one_was_asked_for(
    tmp_path, names, row, value
):
    create = "CREATE TABLE `t` (\n `a` text\n) DEFAULT CHARSET=latin1;\n"
    reader = read_mysqltab(folder(tmp_path, row + b"\n", create, names))
    assert rows_of(reader, "t") == [(value,)]
    doubts = [finding for finding in reader.findings if "--default-character-set" in finding]
    assert len(doubts) == (names == "utf8mb4")


def test_nothing_proves_that_the_rows_are_complete(tmp_path):
    reader = read_mysqltab(folder(tmp_path, b"1\ta\n", TWO))
    assert "nothing in the .txt files" in reader.findings[0]
