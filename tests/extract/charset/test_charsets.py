import codecs

import pytest

from pacslift.errors import DumpFormatError
from pacslift.extract.charset import charsets
from pacslift.extract.charset.charsets import decoded, job_codec, mysql_codec, postgresql_codec


@pytest.mark.parametrize("names", [charsets._MYSQL, charsets._POSTGRESQL, charsets._DBF])
def test_every_character_set_has_a_codec_in_which_ascii_is_ascii(names):
    for codec in names.values():
        ascii_ = bytes(range(32, 127)).decode("ascii")
        assert codecs.decode(ascii_.encode(), codec) == ascii_ or codec in {"cp932", "cp949"}


@pytest.mark.parametrize(
    ("name", "codec"), [("latin1", "cp1252"), ("utf8", "utf-8"), ("UTF8MB4", "utf-8")]
)
def test_mysql_names_are_known(name, codec):
    assert mysql_codec(name) == codec


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("LATIN1", "iso8859-1"),
        ("SQL_ASCII", "utf-8"),
        ("WIN1252", "cp1252"),
        ("ISO-8859-5", "iso8859-5"),
        ("EUC_JP", "euc_jp"),
    ],
)
def test_postgresql_names_are_known(name, codec):
    assert postgresql_codec(name) == codec


def test_a_name_that_is_not_known_is_refused_with_the_remedy():
    with pytest.raises(
        DumpFormatError, match="klingon is not known; dump again with --default-char"
    ):
        mysql_codec("klingon")
    with pytest.raises(
        DumpFormatError, match="SJIS cannot be read; dump again with --encoding=UTF8"
    ):
        postgresql_codec("SJIS")
    with pytest.raises(DumpFormatError, match="'klingon' is not known; name it as Python does"):
        job_codec("klingon")


def test_what_is_no_text_stays_readable():
    assert decoded(b"a\xff", "utf-8") == (r"a\xff", False)
    assert decoded(b"a\x81", "cp1252") == (r"a\x81", False)
    assert decoded("é".encode(), "utf-8") == ("é", True)
