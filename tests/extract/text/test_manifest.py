import pytest
from hypothesis import given
from hypothesis import strategies as st

from delimitedtext import delimited_set
from pacslift.errors import DumpFormatError
from pacslift.extract.terms import Charsets
from pacslift.extract.text.manifest import is_manifest, manifest_of, read_manifest


def read(path):
    return read_manifest(path, Charsets())


def test_what_is_not_said_is_as_the_product_writes_it(tmp_path):
    (table,) = read(delimited_set(tmp_path, b"", dialect="informix"))
    assert (table.form.delimiter, table.form.terminator) == (b"|", b"|\n")
    (file,) = table.files
    assert (table.name, file.path, table.rows) == ("t", tmp_path / "t.txt", None)


def test_the_job_overrides_the_character_set(tmp_path):
    path = delimited_set(tmp_path, b"")
    assert read_manifest(path, Charsets.of({"T": "latin1"}))[0].codec == "iso8859-1"


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("dialect = 'excel'", r"\[table.t\] dialect is 'excel'; it must be one of bcp, informix"),
        ("delimeter = ';'", "delimeter is no key; keys are "),
        ("charset = ''", "charset is missing; say it"),
        ("charset = 'klingon'", "the character set 'klingon' is not known"),
        ("columns = []", "columns are missing, and no header"),
        ("columns = ['a']", "columns must be a list of pairs"),
        ("columns = [['a'], ['A']]", "columns has 'a' twice"),
        ("files = []", "files must list"),
        ("files = ['../t.txt']", "files must lie in the manifest's folder"),
        ("files = ['gone.txt']", "files names gone.txt, which is not there"),
        ("rows = 'many'", "rows is 'many'; it must be of type int"),
        ("header = 1", "header is 1; it must be of type bool"),
        ("rows = true", "rows is True; it must be of type int"),
        ("quote = '<<'", "quote must be one ASCII character"),
        ("delimiter = ''", "delimiter and row_terminator must be two different texts"),
        ("delimiter = '\"'", "must be free of quote and backslash"),
        ("escape = 'percent'", "escape is 'percent'; it must be one of none, doubled"),
        ("null = [1]", "null is 1; it must be text"),
    ],
)
def test_a_manifest_that_is_wrong_is_told_what_would_be_right(tmp_path, line, trouble):
    with pytest.raises(DumpFormatError, match=trouble):
        read(delimited_set(tmp_path, b"", line))


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("delimited = 2\n[table.t]\n", "must have `delimited = 1`"),
        ("delimited = 1\ntables = 1\n", "must have `delimited = 1`, and beside it only"),
        ("delimited = 1\n", "describes no table"),
        ("delimited = 1\n[table]\nt = 1\n", "t must be a table"),
        ("delimited = 1\n[table.t]\n[table.T]\n", "differ only in case"),
        ("delimited =\n", "mend the line"),
    ],
)
def test_what_is_no_manifest_is_told_so(tmp_path, text, trouble):
    (tmp_path / "tables.toml").write_text(text)
    with pytest.raises(DumpFormatError, match=trouble):
        read(tmp_path / "tables.toml")


def test_a_folder_with_two_manifests_is_not_guessed(tmp_path):
    delimited_set(tmp_path, b"")
    manifest = manifest_of(tmp_path)
    assert manifest is not None
    assert manifest.path == tmp_path / "tables.toml"
    (tmp_path / "x.manifest.toml").write_text("")
    with pytest.raises(DumpFormatError, match=r"tables.toml and x.manifest.toml; name one"):
        manifest_of(tmp_path)


def test_a_manifest_is_known_by_its_content():
    assert is_manifest(b"# drafted\ndelimited = 1\n\n[table.t]\n")
    assert not is_manifest(b"[table.t]\n")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "tables.toml"
    path.write_text(f"delimited = 1\n[table.t]\n{text}", encoding="utf-8")
    with pytest.raises(DumpFormatError):
        read(path)
