"""What a stored object really is, whatever its name and the database say."""

import gzip
import os
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import PIXEL_DATA
from pacslift.inventory.probe import identity
from pacslift.inventory.stored import open_stored
from storedobjects import (
    BIG,
    CT,
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    INSTANCE,
    JPEG,
    PIXELS,
    SYNTAX,
    element,
    file_of,
    fragments,
    identified,
    image,
    meta,
    opened,
    part10,
    uid,
)

IMPLICIT_META = element(0x00020010, "UI", uid(SYNTAX[EXPLICIT]), IMPLICIT)
DEFLATED = "1.2.840.10008.1.2.1.99"
PADDING = element(0xFFFCFFFC, "OB", bytes(10))


@pytest.fixture
def stored(tmp_path):
    """Open bytes as a stored object; all are closed at the end."""
    still_open = []

    def open_bytes(content, container=None):
        found = open_stored(file_of(tmp_path, content), container)
        still_open.append(found)
        return found

    yield open_bytes
    for found in still_open:
        found.close()


@pytest.fixture
def cause(tmp_path):
    """Give the cause for which bytes are set aside, and see that nothing is left open."""

    def cause_of(content, container=None):
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(SetAsideError) as refused:
            open_stored(file_of(tmp_path, content), container)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        return refused.value.cause

    return cause_of


def dataset(found):
    return found.source.read(found.dataset_start, found.dataset_end - found.dataset_start)


@pytest.mark.parametrize("encoding", SYNTAX)
def test_a_part_10_file_is_taken_by_its_meta(stored, encoding):
    found = stored(part10(image(encoding), SYNTAX[encoding]))
    assert (found.transfer_syntax_uid, found.envelope) == (SYNTAX[encoding], ())
    assert (found.meta_sop_class_uid, found.meta_sop_instance_uid) == (CT, INSTANCE)
    assert dataset(found) == image(encoding)
    assert found.value(PIXEL_DATA) == PIXELS


def test_a_private_transfer_syntax_is_passed_on_as_declared(stored):
    found = stored(part10(image(), "1.3.46.670589.33.1.4.1"))
    assert found.transfer_syntax_uid == "1.3.46.670589.33.1.4.1"


@pytest.mark.parametrize(
    ("content", "envelope"),
    [
        (b"DICM" + meta(SYNTAX[EXPLICIT]) + image(), ("E03",)),
        (meta(SYNTAX[EXPLICIT]) + image(), ("E04",)),
        (
            IMPLICIT_META + image(),
            ("E04", "E08", "E09"),
        ),
        (bytes(128) + b"DICM" + image(), ("E05",)),
        (image(), ("E05",)),
        (b"II*\0" + bytes(124) + b"DICM" + meta(SYNTAX[EXPLICIT]) + image(), ("E07",)),
        (part10(image(), sop_class="1.2.840.10008.5.1.4.1.1.4"), ("E11",)),
        (part10(image(), length=4711), ("E09",)),
        (part10(image(), None), ("E10",)),
        (part10(part10(image())), ("E12",)),
        (part10(meta(SYNTAX[IMPLICIT]) + image()), ("E12",)),
        (part10(element(0x00000100, "US", b"\1\0", IMPLICIT) + image()), ("E13",)),
        (part10(image() + bytes(300)), ("E15",)),
        (part10(image() + b"\xff" * 7), ("E15",)),
        (part10(image() + b"next record, whatever it is"), ("E15",)),
        (part10(image() + PADDING + b"\0"), ("E15",)),
        (part10(image(), SYNTAX[IMPLICIT]), ("E18",)),
        (part10(image(), SYNTAX[BIG]), ("E18",)),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, tuple) else None,
)
def test_a_fault_of_the_envelope_is_healed_and_named(stored, content, envelope):
    found = stored(content)
    assert found.envelope == envelope
    assert dataset(found).startswith(image())
    assert found.transfer_syntax_uid == SYNTAX[EXPLICIT]


@pytest.mark.parametrize("encoding", [IMPLICIT, BIG])
def test_a_bare_data_set_tells_its_encoding_itself(stored, encoding):
    found = stored(image(encoding), "bare")
    assert (found.transfer_syntax_uid, found.envelope) == (SYNTAX[encoding], ("E05",))


def test_the_letters_dicm_inside_a_value_are_no_magic(stored):
    start = element(0x00080005, "CS", b"ISO_IR 100")
    comment = element(0x00080008, "CS", bytes(128 - len(start) - 8) + b"DICM" + bytes(40))
    content = start + comment + image()[len(start) :]
    assert content[128:132] == b"DICM"
    found = stored(content)
    assert (found.envelope, found.dataset_start) == (("E06",), 0)


def test_elements_behind_pixel_data_belong_to_the_object(stored):
    assert dataset(stored(part10(image() + PADDING))) == image() + PADDING


def test_an_element_behind_pixel_data_that_is_cut_short_is_no_garbage(cause):
    assert cause(part10(image() + PADDING[:-4])) is Cause.TRUNCATED


def test_a_deflated_data_set_is_inflated(stored):
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(image()) + packer.flush()
    for content in (packed, packed + b"\0", zlib.compress(image())):
        found = stored(part10(content, DEFLATED))
        assert (found.transfer_syntax_uid, found.envelope) == (SYNTAX[EXPLICIT], ("E17",))
        assert dataset(found) == image()


@pytest.mark.parametrize("container", [None, "orthanc-zlib"])
def test_an_object_that_orthanc_compressed_is_unpacked(stored, container):
    content = part10(image())
    found = stored(struct.pack("<Q", len(content)) + zlib.compress(content), container)
    assert (dataset(found), found.envelope) == (image(), ())


def test_a_large_object_that_orthanc_compressed_is_unpacked_to_disk(stored):
    pixels = os.urandom(1 << 20) * 40
    content = part10(image(pixels=pixels))
    found = stored(struct.pack("<Q", len(content)) + zlib.compress(content, 1))
    assert found.value(PIXEL_DATA) == pixels


PACKED = zlib.compress(part10(image()))
LENGTH = struct.pack("<Q", len(part10(image())))


@pytest.mark.parametrize(
    "content",
    [
        LENGTH + PACKED[:-1],
        LENGTH + PACKED[:20],
        LENGTH[:5],
        LENGTH + b"no zlib at all",
        struct.pack("<Q", len(part10(image())) + 1) + PACKED,
        struct.pack("<Q", len(part10(image())) - 1) + PACKED,
        struct.pack("<Q", 0) + PACKED,
        struct.pack("<Q", 1 << 60) + PACKED,
    ],
)
def test_a_container_that_does_not_keep_its_promise_is_damaged(cause, content):
    assert cause(content, "orthanc-zlib") is Cause.CONTAINER_DAMAGED


def test_a_stream_that_unpacks_without_end_is_refused_early(cause):
    packer = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    assert cause(part10(bomb, DEFLATED)) is Cause.CONTAINER_DAMAGED


def test_a_container_without_a_reader_is_named(cause):
    assert cause(part10(image()), "arj") is Cause.CONTAINER_UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        b"2009-11-30 12:00:00 server started\n" * 40,
        b'{"0008,0018": {"Name": "SOPInstanceUID"}}',
        b"%PDF-1.4\n%",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"\0" * 5000,
        b"\xff" * 5000,
        b"\0",
        b"\x08\x00",
        bytes(range(256)) * 20,
        struct.pack("<Q", 20) + zlib.compress(b'{"Tag": "Value     "}'[:20]),
    ],
)
def test_what_is_no_dicom_object_is_said_to_be_none(cause, content):
    assert cause(content) is Cause.NOT_DICOM


def test_a_dicomdir_is_no_object(cause):
    directory = element(0x00041130, "CS", b"DISK") + opened(0x00041220, "SQ") + DELIMITER
    assert cause(part10(directory, sop_class="1.2.840.10008.1.3.10")) is Cause.NOT_DICOM
    assert cause(part10(directory + image())) is Cause.NOT_DICOM


def test_an_empty_file_has_its_own_cause(cause):
    assert cause(b"") is Cause.EMPTY_FILE


@pytest.mark.parametrize(
    "content",
    [
        part10(image())[:-1],
        part10(image())[: -len(PIXELS)],
        part10(identified() + fragments(PIXELS), JPEG)[:-12],
        part10(identified())[:-1],
        part10(b""),
        part10(image())[:140],
        part10(identified() + bytes(5000)),
        part10(identified(IMPLICIT)[:-1], SYNTAX[IMPLICIT]),
        image()[:-1],
    ],
)
def test_an_object_that_is_cut_short_is_truncated(cause, content):
    assert cause(content) is Cause.TRUNCATED


@pytest.mark.parametrize(
    "content",
    [
        part10(element(0x00080016, "UI", uid(CT)) + b"\x08\0\x18\0zz\4\0" + b"1.2\0" * 9),
        part10(identified() + b"garbage without any end"),
    ],
)
def test_an_object_whose_elements_cannot_be_told_apart_is_damaged(cause, content):
    assert cause(content) is Cause.HEADER_DAMAGED


def test_the_last_delimiter_of_pixel_data_may_be_missing_if_all_frames_are_there(stored, cause):
    two = element(0x00280008, "IS", b"2 ")
    whole = part10(identified() + two + fragments(PIXELS, PIXELS, end=b""), JPEG)
    assert stored(whole).envelope == ("S08",)
    assert stored(whole + bytes(8)).envelope == ("S08",)
    assert cause(part10(identified() + two + fragments(PIXELS, end=b""), JPEG)) is Cause.TRUNCATED
    assert cause(whole + b"more") is Cause.TRUNCATED


@pytest.mark.parametrize(
    ("content", "syntax"),
    [(identified() + fragments(PIXELS), SYNTAX[EXPLICIT]), (image(), JPEG)],
    ids=["fragments under a native syntax", "no fragments under a compressed one"],
)
def test_pixel_data_that_contradicts_its_syntax_is_set_aside(cause, content, syntax):
    assert cause(part10(content, syntax)) is Cause.PIXELS_DAMAGED


KINDS = st.sampled_from(
    [
        part10(image()),
        part10(image(IMPLICIT), SYNTAX[IMPLICIT]),
        part10(image(BIG), SYNTAX[BIG]),
        part10(identified() + fragments(PIXELS, PIXELS), JPEG),
        part10(zlib.compress(image())[2:-4], DEFLATED),
        image(IMPLICIT),
        LENGTH + PACKED,
        IMPLICIT_META + image(),
    ]
)
BYTES = st.tuples(st.integers(0, 1000), st.sampled_from([0, 1, 2, 8, 0x20, 0x7F, 0x80, 0xFE, 0xFF]))


def opens_or_is_set_aside(folder, content):
    started = time.process_time()
    try:
        found = open_stored(file_of(folder, content))
    except SetAsideError:
        found = None
    if found is not None:
        with suppress(SetAsideError):
            identity(found)
        found.close()
    assert time.process_time() - started < 5


@given(content=st.binary(max_size=600), at=st.integers(0, 200))
def test_random_bytes_are_set_aside_or_opened_and_nothing_else(tmp_path_factory, content, at):
    folder = tmp_path_factory.getbasetemp()
    for bytes_ in (content, bytes(128) + b"DICM" + content, image()[:at] + content):
        opens_or_is_set_aside(folder, bytes_)


@given(content=KINDS, changes=st.lists(BYTES, max_size=6), cut=st.integers(0, 1000))
def test_a_damaged_object_is_set_aside_or_opened_and_nothing_else(
    tmp_path_factory, content, changes, cut
):
    damaged = bytearray(content)
    for at, byte in changes:
        damaged[at % len(damaged)] = byte
    folder = tmp_path_factory.getbasetemp()
    opens_or_is_set_aside(folder, bytes(damaged))
    opens_or_is_set_aside(folder, bytes(damaged[: cut % (len(damaged) + 1)]))


def p_data(*fragments):
    """P-DATA-TF PDUs, each with one value: control header and fragment."""
    return b"".join(
        struct.pack(">BxIIBB", 4, len(data) + 6, len(data) + 2, 1, control) + data
        for control, data in fragments
    )


def test_the_framing_of_a_recorded_connection_is_taken_off(stored):
    half = len(image()) // 2
    command = element(0x00000100, "US", b"\1\0", IMPLICIT)
    found = stored(p_data((3, command), (0, image()[:half]), (2, image()[half:])))
    assert (dataset(found), found.envelope) == (image(), ("E14", "E05"))


@pytest.mark.parametrize(
    "content",
    [
        p_data((0, image())),
        p_data((2, image()), (2, image())),
        p_data((2, image()))[:-3],
        p_data((2, image())) + b"more",
    ],
)
def test_a_recording_without_exactly_one_whole_data_set_is_no_object(cause, content):
    assert cause(content) is Cause.NOT_DICOM


def test_an_object_packed_with_gzip_is_unpacked(stored, cause):
    found = stored(gzip.compress(part10(image())))
    assert (dataset(found), found.envelope) == (image(), ("E32",))
    assert cause(gzip.compress(gzip.compress(part10(image())))) is Cause.NOT_DICOM
    assert cause(gzip.compress(part10(image()))[:-20]) is Cause.CONTAINER_DAMAGED
    assert cause(gzip.compress(b"a log file")) is Cause.NOT_DICOM


ACR = element(0x00080001, "UL", b"\0\1\0\0", IMPLICIT)
ACR += element(0x00080010, "SH", b"ACR-NEMA 2.0", IMPLICIT)
ROWS = element(0x00280010, "US", b"\4\0", IMPLICIT)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (ACR + ROWS, "E26"),
        (element(0x00080000, "UL", b"\x1a\0\0\0", IMPLICIT) + ACR + ROWS, "E26"),
        (b"\0\x08\0\0\0\0\0\4\0\0\0\x1a", "E27"),
        (b"\0\x08\0\0\0\4\0\0\0\0\x1a\0", "E27"),
        (ACR + element(0x00090010, "LO", b"SPI RELEASE 1 ", IMPLICIT) + ROWS, "E28"),
        (part10(image(), "1.2.840.10008.1.20"), "E29"),
    ],
)
def test_a_format_from_before_dicom_is_told_by_its_name(tmp_path, content, fault):
    with pytest.raises(SetAsideError, match=fault) as refused:
        open_stored(file_of(tmp_path, content))
    assert refused.value.cause is Cause.RETIRED_FORMAT
