"""Where each element of a data set begins and ends, also of one that is made to hurt."""

import os
import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement

from pacslift.errors import SetAsideError
from pacslift.inventory.bytesource import FIRST_BLOCK, MemoryBytes
from pacslift.inventory.header import PIXEL_DATA, Element, Encoding, Fault, walk
from pacslift.inventory.nesting import DEEPEST
from pacslift.inventory.stored import open_stored
from storedobjects import (
    BIG,
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    PIXELS,
    UNDEFINED,
    element,
    fragments,
    identified,
    image,
    item,
    item_until_delimiter,
    opened,
)

PIXELS_AT_END = element(PIXEL_DATA, "OW", PIXELS)
SEQUENCE = 0x00081140
TEST_FILES = Path(pydicom.__file__).parent / "data"


def walked(data, encoding=EXPLICIT):
    return walk(MemoryBytes(data), 0, len(data), encoding)


def tags(header):
    return list(header.places)


@pytest.mark.parametrize("encoding", Encoding)
def test_each_element_is_found_with_its_place(encoding):
    data = image(encoding)
    header = walked(data, encoding)
    pixels = header.find(PIXEL_DATA)
    assert (header.fault, header.stop, header.ascending, header.odd) == (
        None,
        len(data),
        True,
        False,
    )
    assert data[pixels.value : pixels.end] == PIXELS
    assert pixels.vr == (b"" if encoding is IMPLICIT else b"OW")
    assert [found.start for found in header.elements()][1:] == [
        found.end for found in header.elements()
    ][:-1]


def test_an_empty_data_set_has_no_fault():
    assert walked(b"").fault is None


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        item(b""),
        item(element(0x00080016, "UI", b"1.2\0")) * 3,
        item_until_delimiter(b""),
    ],
    ids=["empty", "empty item", "items with length", "item with delimiter"],
)
def test_a_sequence_of_undefined_length_is_walked_past(encoding, content):
    sequence = opened(SEQUENCE, "SQ", encoding) + content + DELIMITER
    header = walked(sequence + element(PIXEL_DATA, "OW", PIXELS, encoding), encoding)
    assert header.fault is None
    assert tags(header) == [SEQUENCE, PIXEL_DATA]
    assert header.find(SEQUENCE)[2:] == (
        0,
        len(sequence) - len(content) - 8,
        UNDEFINED,
        len(sequence),
    )


def test_sequences_in_items_of_undefined_length_are_walked_past():
    inner = (
        opened(0x00081199, "SQ")
        + item_until_delimiter(element(0x00100020, "LO", b"1 "))
        + DELIMITER
    )
    outer = opened(SEQUENCE, "SQ") + item_until_delimiter(inner * 2) + DELIMITER
    assert walked(outer + PIXELS_AT_END).fault is None


def test_unknown_of_undefined_length_holds_implicit_elements_whatever_the_syntax():
    inside = element(0x00100020, "LO", b"1 ", IMPLICIT) + opened(SEQUENCE, "SQ", IMPLICIT)
    inside += item_until_delimiter(element(0x00100020, "LO", b"1 ", IMPLICIT)) + DELIMITER
    unknown = opened(0x00091010, "UN") + item_until_delimiter(inside) + DELIMITER
    assert walked(unknown + PIXELS_AT_END).fault is None
    in_big = opened(0x00091010, "UN", BIG) + item_until_delimiter(inside) + DELIMITER
    assert walked(in_big, BIG).fault is None


def test_pixel_data_inside_a_sequence_may_be_in_fragments():
    icon = opened(0x00880200, "SQ") + item_until_delimiter(fragments(PIXELS)) + DELIMITER
    assert walked(icon + PIXELS_AT_END).fault is None


def test_fragments_are_counted_and_jumped_over():
    data = identified() + fragments(PIXELS, PIXELS) + element(0xFFFCFFFC, "OB", b"\0\0")
    header = walked(data)
    assert (header.fault, header.items, header.stop) == (None, 3, len(data))


def test_pixel_data_without_its_delimiter_is_found_and_the_fault_told():
    for tail in (b"", bytes(8)):
        header = walked(identified() + fragments(PIXELS, end=tail))
        assert header.fault is Fault.NO_DELIMITER
        assert (
            header.find(PIXEL_DATA).end == header.stop == len(identified() + fragments(PIXELS)) - 8
        )


def test_another_sequence_without_its_delimiter_may_have_lost_items():
    header = walked(identified() + opened(0x00400555, "SQ") + item(b""))
    assert (header.fault, header.stop) == (Fault.OVERRUN, len(identified()))


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        (b"\0" * 8, Fault.NO_ELEMENT),
        (b"\0" * 3, Fault.NO_ELEMENT),
        (b"\xff" * 20, Fault.NO_ELEMENT),
        (element(0x00400010, "ZZ", b""), Fault.NO_ELEMENT),
        (element(0x00400010, "SH", b"abcd")[:-1], Fault.OVERRUN),
        (element(0x00400010, "UT", b"")[:-5] + b"\xf0\xff\xff\xff", Fault.OVERRUN),
        (opened(0x00400010, "UT"), Fault.BAD_UNDEFINED),
        (opened(0x00400010, "SQ") + b"abcdefgh" + DELIMITER, Fault.NO_ITEM),
        (opened(0x00400010, "SQ") + item(b"", 0xFFFFFFF0), Fault.OVERRUN),
        (opened(0x00400010, "SQ") + item_until_delimiter(b"abcdefghijkl"), Fault.NO_ELEMENT),
        (DELIMITER, Fault.NO_ELEMENT),
    ],
)
def test_the_walk_stops_where_the_damage_begins(tail, fault):
    header = walked(identified() + tail)
    assert (header.fault, header.stop) == (fault, len(identified()))
    assert len(header.places) == 6


def test_zero_bytes_are_no_elements_of_implicit_data_either():
    assert walked(identified(IMPLICIT) + bytes(80), IMPLICIT).fault is Fault.NO_ELEMENT
    assert walked(identified(IMPLICIT) + DELIMITER, IMPLICIT).fault is Fault.NO_ELEMENT


def test_a_tag_met_twice_and_one_out_of_order_are_told():
    first, second = element(0x00100010, "PN", b"A "), element(0x00080016, "UI", b"1.2\0")
    header = walked(first + second + first)
    assert (header.ascending, tags(header)) == (False, [0x00100010, 0x00080016])
    assert header.repeats == [Element(0x00100010, b"PN", 22, 30, 2, 32)]


def test_an_odd_length_is_told():
    assert walked(element(0x00100010, "PN", b"A") + element(0x00100020, "LO", b"B")).odd


@pytest.mark.parametrize("depth", [DEEPEST - 1, DEEPEST, 10_000])
def test_deep_nesting_ends_the_walk_not_the_program(depth):
    level = opened(SEQUENCE, "SQ") + item(b"", UNDEFINED)
    close = b"\xfe\xff\x0d\xe0\0\0\0\0" + DELIMITER
    header = walked(level * depth + close * depth)
    assert header.fault is (None if depth <= DEEPEST else Fault.TOO_DEEP)


def test_a_header_longer_than_any_window_is_walked():
    parts = [element(0x00090000 + number, "UN", bytes(200)) for number in range(0x1000, 0x2000)]
    frames = (
        opened(0x52009230, "SQ") + item_until_delimiter(element(0x00100020, "LO", b"1 ")) * 30_000
    )
    data = b"".join(parts) + frames + DELIMITER + PIXELS_AT_END
    assert len(data) > 3 * FIRST_BLOCK
    header = walked(data)
    assert (header.fault, header.stop, len(header.places)) == (None, len(data), len(parts) + 2)


def test_a_huge_value_is_never_read():
    class Sparse(MemoryBytes):
        """A terabyte of pixels of which only the header exists."""

        def __init__(self, head):
            super().__init__(head)
            self.size = len(head) + 0xFFFFFFF0
            self.read_bytes = 0

        def read(self, offset, length):
            self.read_bytes += length
            return super().read(offset, length).ljust(min(length, self.size - offset), b"\0")

    source = Sparse(identified() + struct.pack("<HH2sxxI", 0x7FE0, 0x10, b"OW", 0xFFFFFFF0))
    header = walk(source, 0, source.size, EXPLICIT)
    assert (header.fault, header.stop) == (None, source.size)
    assert source.read_bytes <= FIRST_BLOCK


def test_too_many_elements_end_the_walk():
    many = b"".join(struct.pack("<HHI", 9 + n // 65536, n % 65536, 0) for n in range(200_000))
    header = walked(many, IMPLICIT)
    assert header.fault is Fault.TOO_MANY
    assert len(header.places) < 140_000


def by_pydicom(path):
    """Tag to where its value lies and how long it is; only the tag where pydicom parsed it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
    raw = {int(tag): dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - not parsed
    return {
        tag: (found.value_tell, found.length) if isinstance(found, RawDataElement) else ()
        for tag, found in raw.items()
    }


@pytest.mark.parametrize(
    "path",
    sorted(
        path for path in TEST_FILES.rglob("*") if path.suffix in {".dcm", ""} and path.is_file()
    ),
    ids=lambda path: path.name,
)
def test_every_file_that_pydicom_ships_has_the_elements_that_pydicom_finds(path):
    try:
        stored = open_stored(os.open(path, os.O_RDONLY))
    except SetAsideError:
        return
    stored.close()
    theirs = by_pydicom(path)
    ours = {
        tag: (found.value, found.length)
        for tag in theirs
        if (found := stored.header.find(tag)) is not None
    }
    assert set(stored.header.places) == set(theirs)
    twice = {again.tag for again in stored.header.repeats}  # pydicom gives the last one
    comparable = {tag for tag in theirs if theirs[tag]} - twice
    copied = {"E17", "P08"}.intersection(stored.envelope)  # offsets differ in a copy
    if not copied:
        assert {tag: ours[tag] for tag in comparable} == {tag: theirs[tag] for tag in comparable}
