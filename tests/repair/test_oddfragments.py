"""Fragments of odd length are padded where they stand."""

import struct
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_frames, parse_basic_offsets

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.outgoing import prepare
from storedobjects import (
    DELIMITER,
    JPEG,
    element,
    file_of,
    fragments,
    identified,
    item,
    opened,
    part10,
    sent,
)

parts = st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6)


def with_table(offsets, pieces):
    """Pixel Data in fragments behind an offset table."""
    table = item(struct.pack(f"<{len(offsets)}I", *offsets))
    return opened(0x7FE00010, "OB") + table + b"".join(map(item, pieces)) + DELIMITER


def outgoing_bytes(folder, content):
    with prepare(open_stored(file_of(folder, part10(content, JPEG)))) as outgoing:
        return sent(outgoing), outgoing.envelope


@given(pieces=parts)
def test_each_odd_fragment_gets_a_zero_byte_and_even_ones_stay(tmp_path_factory, pieces):
    data, envelope = outgoing_bytes(
        tmp_path_factory.getbasetemp(), identified() + fragments(*pieces)
    )
    even = [piece + b"\0" * (len(piece) % 2) for piece in pieces]
    assert data == identified() + fragments(*even)
    assert envelope == (("P11",) if even != pieces else ())


@given(pieces=parts)
def test_the_offset_table_still_finds_every_frame(tmp_path_factory, pieces):
    offsets = [sum(len(piece) + 8 for piece in pieces[:number]) for number in range(len(pieces))]
    data, _ = outgoing_bytes(
        tmp_path_factory.getbasetemp(), identified() + with_table(offsets, pieces)
    )
    pixels = data[len(identified()) + 12 :]
    even = [piece + b"\0" * (len(piece) % 2) for piece in pieces]
    assert len(parse_basic_offsets(pixels)) == len(pieces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert list(generate_frames(pixels, number_of_frames=len(pieces))) == even


def test_an_offset_table_that_was_wrong_is_emptied(tmp_path):
    data, _ = outgoing_bytes(tmp_path, identified() + with_table([0, 7], [b"abc", b"defg"]))
    assert data == identified() + fragments(b"abc\0", b"defg")


def test_an_extended_offset_table_forbids_padding(tmp_path):
    table = element(0x7FE00001, "OV", bytes(8)) + element(0x7FE00002, "OV", bytes(8))
    with pytest.raises(SetAsideError) as refused:
        outgoing_bytes(tmp_path, identified() + table + fragments(b"abc"))
    assert refused.value.cause is Cause.PIXELS_DAMAGED


def test_a_missing_delimiter_is_written_behind_a_padded_fragment(tmp_path):
    data, envelope = outgoing_bytes(tmp_path, identified() + fragments(b"abc", end=b""))
    assert data == identified() + fragments(b"abc\0")
    assert set(envelope) == {"S08", "P11"}
