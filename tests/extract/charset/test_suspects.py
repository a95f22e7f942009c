# ruff: noqa: RUF001 - names of many languages
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dbf import FIELDS, dbf

from pacslift.errors import DumpFormatError, JobFileError
from pacslift.extract.charset.suspects import Mender, Suspects, accident, undone
from pacslift.extract.shapes import Batch, Undecodable, numbered
from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Charsets, Recoding, Terms
from smalldumps import file_of, frames_of, mysqldump, pg_dump

TWICE, WINDOWS = Recoding.UTF8_TWICE, Recoding.LATIN1_IS_CP1252
NAMES = ["Müller^Jürgen", "LEFÈVRE^HÉLÈNE", "Dvořák^Jiří", "Иванов^Пётр", "plain", ""]


def twice(text):
    return text.encode().decode("latin1")


def batch(values, undecodable=()):
    return Batch("t", numbered([pl.Series("c", values)], range(1, len(values) + 1)), undecodable)


def said(values, undecodable=()):
    suspects = Suspects()
    suspects.look(batch(values, undecodable))
    return list(suspects.findings())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_right_is_not_suspected(name):
    assert accident(name) is None


@pytest.mark.parametrize("name", NAMES[:4])
def test_utf_8_written_twice_is_seen_and_undone_however_often(name):
    for text in (twice(name), twice(twice(name))):
        assert accident(text) is TWICE
        assert undone(text, TWICE) == name


def test_a_finding_counts_and_names_rows_and_the_line_but_never_the_text():
    (finding,) = said(["plain", *map(twice, NAMES), "Jäger", None])
    assert finding == (
        "table t, column c: 4 of 5 sampled texts beyond ASCII look like UTF-8 that was taken for "
        'Latin-1 (rows 2, 3, 4, 5). If so, mend them with the line "t.c" = "utf-8-twice" under '
        "[charset] in job.toml"
    )


def test_windows_text_read_as_iso_8859_1_is_found():
    (finding,) = said(["L\x92Hôpital", "CT \x84nativ\x93"])
    assert "2 of 2 sampled texts beyond ASCII look like Windows-1252" in finding
    assert '"t.c" = "latin1-is-cp1252"' in finding


def test_right_text_gives_no_finding():
    assert said([*NAMES, "37,5 °C", "„nativ“", "Meyer–Schmidt", None]) == []


def test_text_in_no_character_set_of_the_dump_is_told_where_it_would_fit():
    values = [
        n.encode("cp850").decode("utf-8", "backslashreplace") for n in ("Müller", "JÄGER", "Weiß")
    ]
    (finding,) = said(values, [Undecodable("t", "c", 3, 1)])
    assert (
        "3 of them would be plausible in cp850 (or cp437, cp852, alike) (rows 1, 2, 3)" in finding
    )
    assert '"t" = "cp850"' in finding


def test_only_the_accident_is_mended_and_what_is_left_is_counted():
    mender = Mender(Charsets.of({"t.c": "utf-8-twice"}))
    mended = mender.mended(batch([twice("Müller"), "Jäger", "plain", None]))
    assert mended.frame["c"].to_list() == ["Müller", "Jäger", "plain", None]
    (finding,) = mender.findings()
    assert '1 texts were mended by "utf-8-twice"' in finding
    assert "1 beyond ASCII are not of that kind and were left, the first in row 2" in finding


@given(st.lists(st.none() | st.text(max_size=8), max_size=8))
def test_any_text_can_be_looked_at_and_mended(values):
    said(values, [Undecodable("t", "c", 1, 1)])
    frame = Mender(Charsets.of({"*": "utf-8-twice"})).mended(batch(values)).frame
    assert frame.height == len(values)


def test_the_narrowest_line_counts():
    charsets = Charsets.of({"*": "cp850", "T": "cp1252", "t.C": "utf-8-twice", "u.c": "cp437"})
    assert [charsets.codec("t", "c"), charsets.codec("x", "c"), charsets.codec("U", "C")] == [
        "cp1252",
        "cp850",
        "cp437",
    ]
    assert charsets.recoding("t", "c") is TWICE
    assert Charsets.of({"t": "utf-8-twice", "t.c": "cp1252"}).recoding("t", "c") is None


def test_a_line_for_a_column_that_no_dump_has_is_refused():
    tables = {"t": ("c",)}
    Charsets.of({"*": "cp1252", "T": "cp850", "t.C": "utf-8-twice"}).check(tables)
    with pytest.raises(JobFileError, match=r"names 't\.d', which the dump does not have"):
        Charsets.of({"t.d": "cp1252"}).check(tables)
    with pytest.raises(DumpFormatError, match="'utf8-twice' is not known"):
        Charsets.of({"t.d": "utf8-twice"})


MYSQL = mysqldump(
    "CREATE TABLE `t` (`a` text, `b` text);\n",
    b"INSERT INTO `t` VALUES ('M\x81ller','M\xfcller'),('x','y');\n",
)
POSTGRES = pg_dump(
    "CREATE TABLE t (a text, b text);\n",
    b"COPY t (a, b) FROM stdin;\nM\x81ller\tM\xfcller\nx\ty\n\\.\n",
)


@pytest.mark.parametrize("dump", [MYSQL, POSTGRES])
def test_a_table_and_a_column_can_be_in_other_character_sets_than_the_dump(tmp_path, dump):
    terms = Terms(Charsets.of({"t": "cp1252", "t.a": "cp850"}))
    frame = frames_of(open_dump(file_of(tmp_path, dump), tmp_path, terms))["t"]
    assert frame["a"].to_list() == ["Müller", "x"]
    assert frame["b"].to_list() == ["Müller", "y"]


def test_a_column_of_a_dbf_can_be_in_another_character_set(tmp_path):
    path = file_of(tmp_path, dbf(FIELDS[:1], [(b" ", b"M\x81ller")], mark=0x03), "t.dbf")
    terms = Terms(Charsets.of({"t.name": "cp850"}))
    assert frames_of(open_dump(path, tmp_path, terms))["t"]["name"].to_list() == ["Müller"]
    assert WINDOWS == "latin1-is-cp1252"
