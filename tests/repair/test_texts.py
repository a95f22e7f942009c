"""Text in an object's character set: what fits goes there and back, what does not is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.texts import codecs_of, decode, encode

SETS = [
    b"",
    b"ISO_IR 13",
    b"ISO_IR 100",
    b"ISO_IR 101 ",
    b"ISO_IR 144",
    b"ISO_IR 166",
    b"ISO_IR 192",
    b"GB18030",
    b"GBK",
    b"\\ISO 2022 IR 87",
    b"\\ISO 2022 IR 149",
    b"\\ISO 2022 IR 58",
    b"ISO 2022 IR 100\\ISO 2022 IR 144",
    b"ISO 2022 IR 13\\ISO 2022 IR 87",
]
LETTERS = "AZ az\u00e4\u00d6\u010d\u0394\u042f\u0e01\u30e4\uff94\u5c71\ud64d\u738b^=\\"


@given(text=st.text(LETTERS, max_size=20), character_set=st.sampled_from(SETS))
def test_what_is_written_in_a_character_set_reads_as_it_was(text, character_set):
    codecs = codecs_of(character_set)
    raw = encode(text, codecs)
    if raw is not None:
        assert decode(raw, codecs) == text.rstrip(" ")


@given(raw=st.binary(max_size=24), character_set=st.sampled_from(SETS))
def test_any_bytes_are_read_or_refused_by_name(raw, character_set):
    with suppress(SetAsideError):
        assert isinstance(decode(raw, codecs_of(character_set)), str)


# The names of PS3.5 H, I, J as pydicom ships them.
SHIPPED = [
    (b"ISO_IR 144", b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3"),
    (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"),
    (
        b"ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
    ),
    (b"\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7"),
    (b"GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"),
    (b"ISO_IR 192", "Wang^XiaoDong=\u738b^\u5c0f\u6771".encode()),
]


@pytest.mark.parametrize(("character_set", "raw"), SHIPPED)
def test_the_names_of_the_standard_read_as_in_pydicom_and_are_written_alike(character_set, raw):
    terms = character_set.decode().split("\\")
    delimiters = PN_DELIMS | TEXT_VR_DELIMS
    theirs = decode_bytes(raw, convert_encodings(terms), delimiters)
    codecs = codecs_of(character_set)
    assert decode(raw, codecs) == theirs
    assert decode(encode(theirs, codecs), codecs) == theirs


@pytest.mark.parametrize(
    ("character_set", "text"),
    [(b"", "\xfc"), (b"ISO_IR 100", "\u0394"), (b"ISO_IR 13", "\u5c71"), (b"NO SUCH", "\xfc")],
)
def test_a_letter_that_a_character_set_lacks_is_never_written_as_another(character_set, text):
    assert encode(text, codecs_of(character_set)) is None


@pytest.mark.parametrize(
    ("character_set", "raw"),
    [
        (b"", b"M\xfcller"),
        (b"ISO_IR 192", b"M\xfcller"),
        (b"ISO_IR 100", b"\x1b$B;3\x1b(B"),
        (b"\\ISO 2022 IR 87", b"\x1b$)C\xfb\xf3"),
        (b"LATIN9", b"M\xfcller"),
    ],
)
def test_bytes_that_a_character_set_does_not_explain_are_refused(character_set, raw):
    with pytest.raises(SetAsideError) as refused:
        decode(raw, codecs_of(character_set))
    assert refused.value.cause is Cause.TEXT_UNREADABLE
