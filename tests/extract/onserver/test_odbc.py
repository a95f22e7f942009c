import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpFormatError
from pacslift.extract.onserver.odbc import ConnectionString, parse_connection, redacted

VALUES = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), min_size=1)


def test_a_connection_string_is_read_in_its_parts():
    read = parse_connection("odbc:Driver={MariaDB Unicode};Server=10.0.0.5; PWD={a;b}}c};")
    assert read.parts == (("Driver", "MariaDB Unicode"), ("Server", "10.0.0.5"), ("PWD", "a;b}c"))
    assert read.value("server") == "10.0.0.5"
    assert read.opened()[0] == "Driver=MariaDB Unicode;Server=10.0.0.5;PWD={a;b}}c};"


@given(VALUES, VALUES)
def test_a_value_with_any_sign_comes_back_as_it_was(name, secret):
    made = ConnectionString((("Driver", name), ("PWD", secret)))
    plain, secrets = made.opened() if not secret.startswith(("env:", "file:")) else ("", ())
    if plain:
        assert parse_connection(f"odbc:{plain}").parts == made.parts
        assert secrets == (secret,)


@pytest.mark.parametrize("key", ["PWD", "Password", "pwd", "SSLKeyPassword", "AccessToken"])
def test_a_password_is_not_shown(key):
    text = f"odbc:DSN=pacs;UID=reader;{key}={{hunter2;x}};Database=old"
    for shown in (redacted(text), repr(parse_connection(text)), str(parse_connection(text))):
        assert "hunter2" not in shown
        assert "***" in shown
        assert "reader" in shown


def test_a_password_may_stand_in_the_environment_or_in_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("PACS_PWD", "from;env")
    (tmp_path / "pwd").write_text("from file\n")
    for said, secret in (("env:PACS_PWD", "from;env"), (f"file:{tmp_path / 'pwd'}", "from file")):
        read = parse_connection(f"odbc:DSN=pacs;PWD={said}")
        assert said in str(read)  # where it stands is no secret
        assert read.opened()[1] == (secret,)


@pytest.mark.parametrize("said", ["env:PACSLIFT_NOT_SET", "file:/nowhere/pwd"])
def test_a_password_that_is_not_where_it_should_be_stops_the_run(said):
    with pytest.raises(DumpFormatError, match="PWD="):
        parse_connection(f"odbc:DSN=pacs;PWD={said}").opened()


@pytest.mark.parametrize(
    "text",
    [
        "odbc:",
        "odbc:PWD=hunter2",
        "odbc:Driver=x;PWD={hunter2",
        "odbc:Driver=x;hunter2",
        "odbc:Driver=x;PWD={a}hunter2",
    ],
)
def test_what_is_no_connection_string_is_refused_without_showing_it(text):
    with pytest.raises(DumpFormatError) as refused:
        parse_connection(text)
    assert "hunter2" not in str(refused.value)
    assert "env:PACS_PWD" in str(refused.value)
