# ruff: noqa: RUF001 - names of many languages
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.extract.charset.mojibake import (
    best_codecs,
    bytes_kept,
    controls_as_cp1252,
    is_plausible,
    latin1_bytes,
    unescaped,
    utf8_once,
)

GERMAN = ["Müller^Jürgen", "JÄGER^ANNEMARIE", "Weiß^Käthe", "GRÜNWALD^ÖZLEM", "Schäfer", "Ärztin"]
FRENCH = [
    "Lefèvre^Hélène",
    "GARÇON^RENÉ",
    "L’Hôpital",
    "Œuvré^Noël",
    "José",
    "À droite",
    "Échographie",
]
CZECH = ["Dvořák^Jiří", "ŘEHOŘ^BOŽENA", "Čížek", "Žofie^Šárka", "Černý"]
RUSSIAN = ["Иванов^Пётр", "СМИРНОВА^АННА", "Щукина Е. В."]
GREEK = ["Παπαδόπουλος^Γιώργος", "ΝΙΚΟΛΑΪΔΗΣ"]
JAPANESE = ["Yamada^Tarou=山田^太郎=やまだ^たろう", "撮影ソフト"]
SPANISH = ["MUÑOZ^ÁNGEL", "¿Qué?", "3.ª planta", "Nº 5"]
NORDIC = ["Åse^Sørensen", "BJÖRK", "Þórður^Ægir"]
TURKISH = ["Şahin^İbrahim", "YILDIRIM^GÖKÇE"]
RIGHT = [*GERMAN, *FRENCH, *CZECH, *RUSSIAN, *GREEK, *JAPANESE, *SPANISH, *NORDIC, *TURKISH]
RIGHT += [
    "plain ASCII",
    "",
    "37,5 °C",
    "5 µm",
    "CT Schädel „nativ“",
    "100 €",
    "Meyer–Schmidt",
    "±2",
]
ODD = ["CAFÉ”", "A™", "£5", "½ Tablette"]


@pytest.mark.parametrize("text", RIGHT + ODD)
def test_what_people_write_is_plausible(text):
    assert is_plausible(text)


@pytest.mark.parametrize("text", RIGHT)
def test_rightly_read_text_is_never_taken_for_utf_8_written_twice(text):
    once = utf8_once(text)
    assert once is None or is_plausible(text)


def twice(text: str) -> str:
    return "".join(
        bytes([b]).decode("cp1252") if bytes([b]).decode("cp1252", "ignore") else chr(b)
        for b in text.encode()
    )


@pytest.mark.parametrize("text", [*GERMAN, *FRENCH, *CZECH, *RUSSIAN, *GREEK, *JAPANESE, *NORDIC])
def test_utf_8_taken_for_latin_1_is_implausible_and_undone(text):
    assert not is_plausible(twice(text))
    assert utf8_once(twice(text)) == text


def test_bytes_that_a_reader_could_not_decode_take_part_in_undoing():
    assert utf8_once(r"DvoÅ™Ã¡k^Å\x81ukasz") == "Dvořák^Łukasz"


@pytest.mark.parametrize("text", ["\x93nativ\x94", "L\x92Hôpital", "Meyer \x96 Sohn"])
def test_windows_text_taken_for_iso_8859_1_has_controls_and_is_undone(text):
    assert not is_plausible(text)
    assert controls_as_cp1252(text) == text.encode("latin1").decode("cp1252")


def test_text_without_controls_is_left():
    assert controls_as_cp1252("L’Hôpital") is None


@pytest.mark.parametrize(
    ("names", "codec", "expected"),
    [
        (GERMAN, "cp850", {"cp850", "cp437", "cp852"}),
        (GERMAN, "cp437", {"cp850", "cp437", "cp852"}),
        (CZECH, "cp852", {"cp852"}),
        (RUSSIAN, "cp866", {"cp866"}),
        (RUSSIAN, "cp1251", {"cp1251"}),
        (RUSSIAN, "koi8-r", {"koi8-r"}),
        (GREEK, "cp737", {"cp737"}),
        (JAPANESE, "cp932", {"cp932"}),
        (FRENCH, "utf-8", {"utf-8"}),
        (["Müller", "José"], "cp1252", {"cp1252", "cp1250"}),
    ],
)
def test_the_codec_of_names_shows_in_the_names(names, codec, expected):
    fit = best_codecs([name.encode(codec, "ignore") for name in names if not name.isascii()])
    assert (set(fit.codecs), fit.alike) == (expected, True)


@pytest.mark.parametrize(
    ("names", "codec", "other"),
    [(CZECH, "cp1250", "cp1252"), (GREEK, "cp1253", "cp1251"), (FRENCH, "cp1252", "cp1250")],
)
def test_two_codecs_that_give_possible_names_are_both_named(names, codec, other):
    fit = best_codecs([name.encode(codec, "ignore") for name in names if not name.isascii()])
    assert (set(fit.codecs), fit.alike) == ({codec, other}, False)


@given(st.binary(max_size=20), st.sampled_from(["utf-8", "cp1252", "cp850"]))
def test_bytes_kept_as_escapes_are_found_again(value, codec):
    text = value.decode(codec, "backslashreplace")
    if b"\\x" not in value:
        assert bytes_kept(text, codec) == value


@given(st.text(max_size=20))
def test_any_text_can_be_judged(text):
    is_plausible(text)
    unescaped(text)
    assert controls_as_cp1252(text) != text
    if (raw := latin1_bytes(text)) is not None:
        assert len(raw) == len(text)
