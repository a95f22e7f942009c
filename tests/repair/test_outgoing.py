"""A stored object as it goes over the wire."""

import hashlib
from pathlib import Path

import pytest

import nkiencoder
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.outgoing import prepare
from storedobjects import (
    BIG,
    CT,
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    INSTANCE,
    JPEG,
    PIXELS,
    SERIES,
    STUDY,
    SYNTAX,
    element,
    file_of,
    fragments,
    identified,
    image,
    item_until_delimiter,
    opened,
    part10,
    sent,
    uid,
)

PRIVATE = 0x7FDF0010
SAMPLES = [100, 101, 400, 60_000, 60_000, 60_000, 7, 8]
RAW = b"".join(sample.to_bytes(2, "little") for sample in SAMPLES)


@pytest.fixture
def prepared(tmp_path):
    """Prepare bytes; all are closed at the end."""
    ready = []

    def prepare_bytes(content):
        outgoing = prepare(open_stored(file_of(tmp_path, content)))
        ready.append(outgoing)
        assert outgoing.length == len(sent(outgoing))
        assert outgoing.length % 2 == 0
        return outgoing

    yield prepare_bytes
    for outgoing in ready:
        outgoing.close()


def refusal(folder, content):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(SetAsideError) as refused:
        prepare(open_stored(file_of(folder, content)))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    return refused.value


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_a_whole_object_is_sent_byte_for_byte_without_its_meta(prepared, encoding):
    outgoing = prepared(part10(image(encoding), SYNTAX[encoding]))
    assert sent(outgoing) == image(encoding)
    assert (outgoing.envelope, outgoing.changes) == ((), ())


def test_a_big_endian_object_is_sent_in_little_endian_with_its_values_as_they_were(prepared):
    outgoing = prepared(part10(image(BIG), SYNTAX[BIG]))
    swapped = b"".join(PIXELS[at : at + 2][::-1] for at in range(0, len(PIXELS), 2))
    assert sent(outgoing) == image(EXPLICIT, swapped)
    assert (outgoing.transfer_syntax_uid, outgoing.envelope) == (SYNTAX[EXPLICIT], ("E20",))


def test_the_identity_is_read_from_the_data_set(prepared):
    outgoing = prepared(part10(image()))
    assert outgoing.sop_class_uid == CT
    assert outgoing.sop_instance_uid == INSTANCE
    assert (outgoing.study_instance_uid, outgoing.series_instance_uid) == (STUDY, SERIES)
    assert (outgoing.patient_id, outgoing.transfer_syntax_uid) == ("Müller", SYNTAX[EXPLICIT])


def test_an_object_without_identity_cannot_be_sent(tmp_path):
    content = element(0x00080016, "UI", uid(CT)) + element(0x00100020, "LO", b"1 ")
    assert refusal(tmp_path, part10(content)).cause is Cause.IDENTITY_MISSING


def test_what_stands_behind_the_data_set_is_not_sent(prepared):
    outgoing = prepared(part10(image() + bytes(77)))
    assert (sent(outgoing), outgoing.envelope) == (image(), ("E15",))


def test_groups_of_messages_and_files_inside_the_data_set_are_not_sent(prepared):
    stray = element(0x00000002, "UI", uid(CT)) + element(0x00020010, "UI", uid(JPEG))
    outgoing = prepared(part10(identified() + stray + image()[len(identified()) :]))
    assert sent(outgoing) == image()
    assert set(outgoing.envelope) == {"S02", "E13"}


@pytest.mark.parametrize("end", [b"", bytes(8)])
def test_a_missing_last_delimiter_is_written(prepared, end):
    outgoing = prepared(part10(identified() + fragments(PIXELS, end=end), JPEG))
    assert sent(outgoing) == identified() + fragments(PIXELS)
    assert outgoing.envelope == ("S08",)


def test_elements_out_of_order_are_sorted(prepared):
    first, second = element(0x00100010, "PN", b"A "), element(0x00080060, "CS", b"CT")
    outgoing = prepared(part10(first + second + image()))
    assert sent(outgoing).index(second) < sent(outgoing).index(first)
    assert (outgoing.length, outgoing.envelope) == (len(first + second + image()), ("S02",))


def test_an_element_that_is_there_twice_is_sent_once_if_both_are_equal(prepared, tmp_path):
    again, other = element(0x00080060, "CS", b"CT"), element(0x00080060, "CS", b"MR")
    outgoing = prepared(part10(again + again + image()))
    assert (sent(outgoing).count(again), outgoing.envelope) == (1, ("S03",))
    refused = refusal(tmp_path, part10(again + other + image()))
    assert refused.cause is Cause.HEADER_DAMAGED
    assert "(0008,0060)" in refused.detail


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    ("tag", "vr", "value", "pad"),
    [
        (0x00100010, "PN", b"A^B", b" "),
        (0x00200052, "UI", b"1.2", b"\0"),
        (0x00420011, "OB", b"%PD", b"\0"),
    ],
)
def test_a_value_of_odd_length_is_padded(prepared, encoding, tag, vr, value, pad):
    content = part10(identified(encoding) + element(tag, vr, value, encoding), SYNTAX[encoding])
    outgoing = prepared(content)
    assert outgoing.envelope in {("S01",), ("S02", "S01")}
    assert element(tag, vr, value + pad, encoding) in sent(outgoing)


def test_an_odd_length_that_no_pad_can_heal_is_set_aside(tmp_path):
    inside = item_until_delimiter(element(0x00100010, "PN", b"ABC"))
    sequence = opened(0x00400555, "SQ") + inside + DELIMITER
    assert refusal(tmp_path, part10(identified() + sequence)).cause is Cause.HEADER_DAMAGED


@pytest.mark.parametrize("mode", nkiencoder.HEADERS)
@pytest.mark.parametrize("encoding", [IMPLICIT, EXPLICIT])
def test_nki_pixels_are_decoded_into_pixel_data(prepared, encoding, mode):
    value = nkiencoder.encode(SAMPLES, mode)
    padding = element(0xFFFCFFFC, "OB", b"\0\0", encoding)
    content = identified(encoding) + element(PRIVATE, "OW", value, encoding) + padding
    outgoing = prepared(part10(content, SYNTAX[encoding]))
    pixels = RAW
    if mode == 5:
        pixels = b"".join((sample & 0x1FFF).to_bytes(2, "little") for sample in SAMPLES)
    assert sent(outgoing) == image(encoding, pixels) + padding
    (change,) = outgoing.changes
    assert (change.rule, change.keyword) == ("NKI", "PixelData")
    assert f"mode {mode}" in change.before
    assert ("lossy" in change.before) is (mode == 5)


def test_group_lengths_that_decoding_makes_wrong_are_left_out(prepared):
    content = identified() + element(0x7FDF0000, "UL", bytes(4))
    content += element(PRIVATE, "OW", nkiencoder.encode(SAMPLES, 4))
    assert sent(prepared(part10(content))) == image(pixels=RAW)


def test_damaged_nki_pixels_are_set_aside(tmp_path):
    value = nkiencoder.encode(SAMPLES, 4)[:-2] + b"\1\1"
    refused = refusal(tmp_path, part10(identified() + element(PRIVATE, "OW", value)))
    assert refused.cause is Cause.PIXELS_DAMAGED


@pytest.mark.parametrize(
    "private",
    [
        element(PRIVATE, "OB", b"ACUSON v" + bytes(30)),
        element(PRIVATE, "LO", b"ACME IMG"),
        element(PRIVATE, "OW", nkiencoder.encode(SAMPLES, 4)) + element(0x7FE00010, "OW", PIXELS),
    ],
)
def test_another_vendors_use_of_the_tag_is_passed_on(prepared, private):
    outgoing = prepared(part10(identified() + private))
    assert (sent(outgoing), outgoing.changes) == (identified() + private, ())


def test_preparing_twice_gives_the_same_bytes(prepared):
    content = part10(identified() + element(PRIVATE, "OW", nkiencoder.encode(SAMPLES, 4)))
    digests = {hashlib.sha256(sent(prepared(content))).digest() for _ in range(2)}
    assert len(digests) == 1


def test_closing_gives_the_file_back(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with prepare(open_stored(file_of(tmp_path, part10(image())))):
        assert len(list(Path("/proc/self/fd").iterdir())) == before + 1
    assert len(list(Path("/proc/self/fd").iterdir())) == before
