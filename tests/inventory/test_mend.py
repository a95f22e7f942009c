"""Data sets whose elements do not follow each other are written anew, value by value."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.mend import mend
from pacslift.inventory.stored import open_stored
from storedobjects import (
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    PIXELS,
    SYNTAX,
    UNDEFINED,
    element,
    file_of,
    identified,
    image,
    item,
    item_until_delimiter,
    opened,
    part10,
    uid,
)

ITEM_DELIMITER = b"\xfe\xff\x0d\xe0\0\0\0\0"
START, PIXEL_ELEMENT = identified(), element(0x7FE00010, "OW", PIXELS)
CUT = START.index(element(0x00100020, "LO", b"M\xfcller"))
FRONT, BACK = START[:CUT], START[CUT:]
INNER = element(0x00081155, "UI", uid("1.2.9"))
SEQUENCE = 0x00400275
WHOLE = opened(SEQUENCE, "SQ") + item_until_delimiter(INNER) + DELIMITER
TWO_ITEMS = opened(SEQUENCE, "SQ") + item_until_delimiter(INNER) * 2 + DELIMITER
LONG_TEXT = b"long " * 20_000


def raw(tag, letters, value, length=None):
    """An element with a header that no standard knows."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + letters
    return head + struct.pack("<H", len(value) if length is None else length) + value


def long_un(tag, value):
    return element(tag, "UN", value)


@pytest.mark.parametrize(
    ("fault", "broken", "right"),
    [
        ("S06", opened(SEQUENCE, "SQ") + item_until_delimiter(INNER), WHOLE),
        ("S06", opened(SEQUENCE, "SQ") + item(INNER), WHOLE),
        ("S06", opened(SEQUENCE, "SQ") + item(INNER, UNDEFINED) + DELIMITER + DELIMITER, WHOLE),
        ("S06", opened(SEQUENCE, "SQ") + item(INNER, UNDEFINED) + DELIMITER, WHOLE),
        (
            "S06",
            opened(SEQUENCE, "SQ") + item(INNER, UNDEFINED) * 2 + ITEM_DELIMITER + DELIMITER,
            TWO_ITEMS,
        ),
        ("S06", opened(SEQUENCE, "SQ") + item_until_delimiter(INNER) + ITEM_DELIMITER, WHOLE),
        ("S07", element(SEQUENCE, "SQ", item(INNER)) + DELIMITER, WHOLE),
        (
            "S09",
            opened(SEQUENCE, "SQ") + item(INNER, len(INNER) + 6) + ITEM_DELIMITER + DELIMITER,
            WHOLE,
        ),
        ("S16", raw(0x00080060, b"??", b"CT"), element(0x00080060, "CS", b"CT")),
        ("S16", raw(0x00080060, b"ZZ", b"CT"), element(0x00080060, "CS", b"CT")),
        ("S16", raw(0x00091010, b"OX", b"12"), long_un(0x00091010, b"12")),
        ("S19", raw(0x00091010, b"UN", b"12"), long_un(0x00091010, b"12")),
        ("E18", element(0x00080060, "CS", b"CT", IMPLICIT), element(0x00080060, "CS", b"CT")),
        (
            "S15",
            raw(0x00080070, b"LO", b"0123456789", 13),
            element(0x00080070, "LO", b"0123456789"),
        ),
        ("S15", raw(0x00091020, b"UL", b"abcd", 6), element(0x00091020, "UL", b"abcd")),
        (
            "S13",
            struct.pack("<HH2sH", 0x0009, 0x1010, b"LO", len(LONG_TEXT) % 65536) + LONG_TEXT,
            long_un(0x00091010, LONG_TEXT),
        ),
    ],
)
def test_a_fault_inside_the_data_set_is_mended_and_named(tmp_path, fault, broken, right):
    front, back = (FRONT, BACK) if broken[0] < 0x10 else (START, b"")
    stored = open_stored(file_of(tmp_path, part10(front + broken + back + PIXEL_ELEMENT)))
    assert stored.envelope == (fault,)
    assert stored.header.fault is None
    data = stored.source.read(stored.dataset_start, stored.dataset_end - stored.dataset_start)
    assert data == front + right + back + PIXEL_ELEMENT
    stored.close()


def test_one_data_set_in_two_vr_forms_is_written_in_one(tmp_path):
    half = element(0x00200010, "SH", b"A^B ") + element(0x7FE00010, "OW", PIXELS)
    content = identified(IMPLICIT) + half
    stored = open_stored(file_of(tmp_path, part10(content, SYNTAX[IMPLICIT])))
    assert (stored.transfer_syntax_uid, stored.envelope) == (SYNTAX[EXPLICIT], ("E18",))
    assert stored.value(0x00200010) == b"A^B "
    assert stored.value(0x7FE00010) == PIXELS
    stored.close()


@pytest.mark.parametrize("cut", [1, 9, 20, 40])
def test_an_object_that_is_cut_short_is_not_mended(tmp_path, cut):
    content = part10(image(pixels=bytes(range(256)) * 40)[:-cut])
    with pytest.raises(SetAsideError) as refused:
        open_stored(file_of(tmp_path, content))
    assert refused.value.cause is Cause.TRUNCATED


def test_items_that_no_delimiter_ends_before_the_file_does_are_not_mended(tmp_path):
    content = part10(START + opened(SEQUENCE, "SQ") + item(INNER, UNDEFINED))
    with pytest.raises(SetAsideError):
        open_stored(file_of(tmp_path, content))


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_bytes_are_mended_or_refused(data, implicit, explicit_out):
    anew = mend(data, implicit=implicit, explicit_out=explicit_out)
    if anew is not None:
        again = mend(anew.data, implicit=anew.implicit)
        assert again is not None
        assert again.data == anew.data


@given(st.data())
def test_a_sound_data_set_with_bytes_changed_never_fails_in_another_way(data):
    content = bytearray(image() + element(0x00400275, "SQ", item(INNER)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    mend(bytes(content), implicit=False)


def test_a_deep_nesting_is_refused():
    deep = b"".join(opened(SEQUENCE, "SQ") + item(b"", UNDEFINED) for _ in range(500))
    assert mend(deep, implicit=False) is None
