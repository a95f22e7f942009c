import re
import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delimitedtext import WRITERS
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.text.delimited import DelimitedSet
from pacslift.extract.text.describe import describe_delimited
from smalldumps import rows_of

ROWS = [
    ("1", "1.2.840.113619.2.1", "19700131", "MUELLER^HANS", None),
    ("22", "1.2.840.113619.2.2", "19811231", "O'NEIL, JR", "x"),
    ("3", "1.2.840.113619.2.3", None, "D:\\images\\x", None),
]


def draft(folder, content, name="files.txt"):
    (folder / name).write_bytes(content)
    return describe_delimited(folder / name)


def said(text, table="files"):
    return tomllib.loads(text)["table"][table]


@pytest.mark.parametrize("dialect", WRITERS)
def test_a_draft_can_be_kept_as_it_is_where_nothing_is_undecided(tmp_path, dialect):
    text = draft(tmp_path, "".join(map(WRITERS[dialect], ROWS)).encode())
    (tmp_path / "tables.toml").write_text(text, encoding="utf-8")
    assert rows_of(DelimitedSet(tmp_path / "tables.toml"), "files") == ROWS
    assert [kind for _, kind in said(text)["columns"][:4]] == ["int", "uid", "date", "text"]


def test_columns_are_named_by_the_header_or_numbered(tmp_path):
    assert said(draft(tmp_path, b"1,a\n2,b\n"))["columns"] == [["c1", "int"], ["c2", "text"]]
    headed = said(draft(tmp_path, b"PK,Name\n1,a\n2,b\n"))
    assert (headed["header"], headed["columns"][0]) == (True, ["PK", "int"])


@pytest.mark.parametrize(
    ("content", "key", "both"),
    [
        (b"a,b\nx,y\n", "header", ["header = true", "header = false"]),
        (b"1|a\\\\b\n2|c\\\\d\n", "escape", ['escape = "none"', 'escape = "backslash"']),
        (b"1|M\xfcller\n", "charset", ['charset = "cp1252"', 'charset = "cp852"']),
    ],
)
def test_where_two_readings_fit_equally_both_are_said_and_none_is_taken(
    tmp_path, content, key, both
):
    text = draft(tmp_path, content)
    assert said(text)[key] == "undecided"
    assert all(f"#   {reading}" in text for reading in both)
    (tmp_path / "tables.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DumpFormatError, match=f"{key} is 'undecided'|set 'undecided'"):
        DelimitedSet(tmp_path / "tables.toml")


def test_two_delimiters_that_fit_equally_give_two_tables_of_which_none_is_taken(tmp_path):
    text = draft(tmp_path, b"a|b,c\nd|e,f\n")
    assert "2 readings fit equally" in text
    assert re.findall(r'# delimiter = "(.)"', text) == ["|", ","]
    assert "table" not in tomllib.loads(text)


def test_a_long_delimiter_is_not_taken_for_its_parts(tmp_path):
    assert said(draft(tmp_path, b"1|~|a\n2|~|b\n"))["delimiter"] == "|~|"


def test_text_that_shows_its_character_set_is_described_with_it(tmp_path):
    assert said(draft(tmp_path, "1|Müller\n".encode()))["charset"] == "utf-8"
    russian = "1|Иванов Пётр\n2|СМИРНОВА\n3|Щукина\n4|Юлия\n".encode("cp866")
    assert said(draft(tmp_path, russian))["charset"] == "cp866"
    assert said(draft(tmp_path, "1|Müller\n".encode("utf-16")))["charset"] == "utf-16"


def test_what_sqlplus_says_at_the_end_is_taken_as_its_promise(tmp_path):
    text = draft(tmp_path, b'\n"PK","N"\n1,"a"\n2,""\n\n2 rows selected.\n')
    assert (said(text)["dialect"], said(text)["rows"]) == ("sqlplus", 2)
    (tmp_path / "tables.toml").write_text(text, encoding="utf-8")
    assert rows_of(DelimitedSet(tmp_path / "tables.toml"), "files") == [("1", "a"), ("2", None)]


def test_what_is_no_delimited_text_is_said_to_be_none(tmp_path):
    assert "No delimiter gives all its rows" in draft(tmp_path, b"just\nsome, text\n")


def test_a_folder_is_described_whole_without_its_manifest(tmp_path):
    for name in ("b c.txt", "a.txt", "tables.toml"):
        (tmp_path / name).write_bytes(b"1,2\n")
    assert list(tomllib.loads(describe_delimited(tmp_path))["table"]) == ["a", "b c"]


def test_a_folder_of_nothing_is_refused(tmp_path):
    with pytest.raises(DumpFormatError, match="is no text file and no folder"):
        describe_delimited(tmp_path)


def test_no_value_of_the_data_is_printed(tmp_path):
    text = draft(tmp_path, b"1,Secret^Name\n2,Other^One\n")
    assert "Secret" not in text
    assert "Other" not in text


@given(st.text('ab1,|;"\\\n\t ü', max_size=60), st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_any_text_gives_a_draft_that_is_toml(tmp_path_factory, text, codec):
    folder = tmp_path_factory.getbasetemp()
    tomllib.loads(draft(folder, text.encode(codec)))


@given(st.binary(max_size=100))
def test_any_bytes_give_a_draft_that_is_toml(tmp_path_factory, content):
    with suppress(DumpDamagedError):  # what begins as if it were packed
        tomllib.loads(draft(tmp_path_factory.getbasetemp(), content, 'a "b".txt'))
