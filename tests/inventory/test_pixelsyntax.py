"""Pixel Data that contradicts its transfer syntax is believed where its bit stream is clear."""

import struct

import pytest

from bitstreams import COLUMNS, ROWS, jpeg, jpeg2000
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bitstream import stream_of
from pacslift.inventory.stored import open_stored
from storedobjects import (
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    SYNTAX,
    element,
    file_of,
    fragments,
    identified,
    item,
    opened,
    part10,
)

GE_BIG_PIXELS = "1.2.840.113619.5.2"
BASE = "1.2.840.10008.1.2.4."


RLE = struct.pack("<16I", 1, 64, *[0] * 14) + b"\xff\x00" * 4
CAP = b"\xff\x50" + struct.pack(">HIH", 8, 0x20000, 0)
STREAMS = [
    (jpeg(), "50"),
    (jpeg(0xC1), "51"),
    (jpeg(0xC3, 1), "70"),
    (jpeg(0xC3, 4), "57"),
    (jpeg(0xF7, 0), "80"),
    (jpeg(0xF7, 3), "81"),
    (jpeg2000(), "90"),
    (jpeg2000(0), "91"),
    (jpeg2000(1, CAP), "201"),
    (jpeg2000(0, CAP), "203"),
]


def shape(encoding=EXPLICIT, allocated=8):
    def word(value):
        return struct.pack("<H", value)

    return b"".join(
        [
            element(0x00280002, "US", word(1), encoding),
            element(0x00280010, "US", word(ROWS), encoding),
            element(0x00280011, "US", word(COLUMNS), encoding),
            element(0x00280100, "US", word(allocated), encoding),
        ]
    )


@pytest.fixture
def read(tmp_path):
    still_open = []

    def read_bytes(dataset, syntax):
        still_open.append(open_stored(file_of(tmp_path, part10(dataset, syntax))))
        return still_open[-1]

    yield read_bytes
    for found in still_open:
        found.close()


@pytest.mark.parametrize(("stream", "ending"), STREAMS)
def test_a_stream_says_its_own_transfer_syntax(stream, ending):
    found = stream_of(stream)
    assert found.transfer_syntax_uid == BASE + ending
    assert (found.rows, found.columns) == (ROWS, COLUMNS)


def test_rle_is_known_by_its_header():
    assert stream_of(RLE).transfer_syntax_uid == "1.2.840.10008.1.2.5"


@pytest.mark.parametrize("stream", [stream for stream, _ in STREAMS])
def test_a_stream_that_ends_early_says_nothing(stream):
    for cut in range(len(stream) - 12):
        stream_of(stream[:cut])
    assert stream_of(stream[:40]) is None


@pytest.mark.parametrize("native", [SYNTAX[EXPLICIT], SYNTAX[IMPLICIT]])
def test_fragments_under_a_native_syntax_get_the_syntax_of_their_stream(read, native):
    encoding = IMPLICIT if native == SYNTAX[IMPLICIT] else EXPLICIT
    pixels = opened(0x7FE00010, "OB", encoding) + item(b"") + item(jpeg()) + DELIMITER
    stored = read(identified(encoding) + shape(encoding) + pixels, native)
    assert (stored.transfer_syntax_uid, stored.envelope) == (JPEG, ("P08",))
    assert stored.header.encoding is EXPLICIT
    assert stored.value(0x7FE00010) == item(b"") + item(jpeg()) + DELIMITER


@pytest.mark.parametrize("declared", [SYNTAX[EXPLICIT], SYNTAX[IMPLICIT], JPEG])
def test_a_stream_without_fragments_is_put_into_one(read, declared):
    encoding = IMPLICIT if declared == SYNTAX[IMPLICIT] else EXPLICIT
    dataset = identified(encoding) + shape(encoding)
    stored = read(dataset + element(0x7FE00010, "OB", jpeg(), encoding), declared)
    assert (stored.transfer_syntax_uid, stored.envelope) == (JPEG, ("P08",))
    assert len(jpeg()) % 2 == 1
    assert stored.value(0x7FE00010) == item(b"") + item(jpeg() + b"\0") + DELIMITER


def test_native_pixels_under_a_compressed_syntax_are_explicit_little_endian(read):
    pixels = bytes(range(ROWS * COLUMNS))
    stored = read(identified() + shape() + element(0x7FE00010, "OB", pixels), JPEG)
    assert (stored.transfer_syntax_uid, stored.envelope) == (SYNTAX[EXPLICIT], ("P09",))


def test_native_pixels_that_begin_like_a_jpeg_stay_native(read):
    pixels = b"\xff\xd8\xff".ljust(ROWS * COLUMNS, b"\0")
    stored = read(identified() + shape() + element(0x7FE00010, "OB", pixels), SYNTAX[EXPLICIT])
    assert (stored.transfer_syntax_uid, stored.envelope) == (SYNTAX[EXPLICIT], ())


@pytest.mark.parametrize(
    ("declared", "stream", "right"),
    [
        ("50", jpeg(0xC3, 1), "70"),
        ("70", jpeg(0xC3, 6), "57"),
        ("70", jpeg(), "50"),
        ("90", jpeg2000(0), "91"),
        ("90", jpeg(0xF7), "80"),
        ("91", jpeg2000(0, CAP), "203"),
    ],
)
def test_another_compression_than_declared_is_named_rightly(read, declared, stream, right):
    stored = read(identified() + shape() + fragments(stream), BASE + declared)
    assert (stored.transfer_syntax_uid, stored.envelope) == (BASE + right, ("P10",))


@pytest.mark.parametrize(
    ("declared", "stream"),
    [
        (BASE + "57", jpeg(0xC3, 1)),
        (BASE + "91", jpeg2000()),
        (BASE + "51", jpeg()),
        (BASE + "100", b"\0\0\1\xb3mpeg"),
        (JPEG, b"no stream at all"),
        ("1.2.840.10008.1.2.5", RLE),
    ],
)
def test_a_syntax_that_holds_the_stream_stays_as_declared(read, declared, stream):
    stored = read(identified() + shape() + fragments(stream), declared)
    assert (stored.transfer_syntax_uid, stored.envelope) == (declared, ())


def test_fragments_that_nobody_knows_under_a_native_syntax_are_set_aside(read):
    with pytest.raises(SetAsideError) as refused:
        read(identified() + shape() + fragments(b"what is this"), SYNTAX[EXPLICIT])
    assert refused.value.cause is Cause.PIXELS_DAMAGED


def test_pixels_in_one_piece_that_are_neither_are_set_aside(read):
    with pytest.raises(SetAsideError) as refused:
        read(identified() + shape() + element(0x7FE00010, "OB", bytes(10)), JPEG)
    assert refused.value.cause is Cause.PIXELS_DAMAGED


def test_the_big_endian_words_of_ge_are_swapped(read):
    words = bytes(range(ROWS * COLUMNS * 2))
    dataset = identified(IMPLICIT) + shape(IMPLICIT, 16)
    stored = read(dataset + element(0x7FE00010, "OW", words, IMPLICIT), GE_BIG_PIXELS)
    assert (stored.transfer_syntax_uid, stored.envelope) == (SYNTAX[IMPLICIT], ("E22",))
    pixels = stored.value(0x7FE00010)
    assert pixels[0::2] + pixels[1::2] == words[1::2] + words[0::2]
