"""A file like one before it is opened without a walk, and found to be the very same."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacslift.errors import SetAsideError
from pacslift.inventory import dataset as dataset_module
from pacslift.inventory import stored as stored_module
from pacslift.inventory.alike import Alike
from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.header import PIXEL_DATA
from pacslift.inventory.stored import _stored_in
from storedobjects import (
    BIG,
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    INSTANCE,
    JPEG,
    SYNTAX,
    element,
    fragments,
)
from storedobjects import meta as meta_of

JPEG_START = b"\xff\xd8\xff\xc3\0\x0b\x08\0\x04\0\x04\x01\x01\x11\0\xff\xda"
SLICES = [b"%04d" % number for number in range(1, 6)]


def data_set(slice_number, encoding=EXPLICIT, pixels=bytes(64), uid=None):
    return b"".join(
        [
            element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0", encoding),
            element(0x00080018, "UI", uid or INSTANCE.encode() + b".", encoding),
            element(0x00080060, "CS", b"CT", encoding),
            element(0x00200013, "IS", slice_number, encoding),
            element(0x00280010, "US", b"\4\0", encoding),
            element(PIXEL_DATA, "OW", pixels, encoding),
        ]
    )


def part10(slice_number, encoding=EXPLICIT, in_meta=None, **said):
    """A slice whose meta has the UID of its data set, or another."""
    uid = said.get("uid") or INSTANCE.encode() + b"."
    group = meta_of(SYNTAX[encoding]).replace(
        element(0x00020003, "UI", INSTANCE.encode() + b"\0" * (len(INSTANCE) % 2)),
        element(0x00020003, "UI", in_meta or uid),
    )
    return bytes(128) + b"DICM" + group + data_set(slice_number, encoding, **said)


def seen(content):
    """All that opening finds in an object, or why it is refused."""
    try:
        stored = _stored_in(MemoryBytes(content))
    except SetAsideError as error:
        return error.cause, error.detail
    found = {
        field.name: getattr(stored, field.name)
        for field in dataclasses.fields(stored)
        if field.compare and field.name not in {"source", "header"}
    }
    header = {
        field.name: getattr(stored.header, field.name)
        for field in dataclasses.fields(stored.header)
    }
    return found, header, stored.shape


def seen_anew(content):
    """The same by a process that has met nothing."""
    known = stored_module._ALIKE
    stored_module._ALIKE = Alike()
    try:
        return seen(content)
    finally:
        stored_module._ALIKE = known


@pytest.fixture(autouse=True)
def nothing_met(monkeypatch):
    monkeypatch.setattr(stored_module, "_ALIKE", Alike())


@pytest.fixture
def walked(monkeypatch):
    """The objects in which the data set had to be looked for."""
    objects, find = [], stored_module.find_dataset
    monkeypatch.setattr(
        stored_module,
        "find_dataset",
        lambda source, meta: objects.append(source) or find(source, meta),
    )
    return objects


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT, BIG])
def test_the_slices_of_a_series_are_walked_twice_and_then_no_more(walked, encoding):
    for number, text in enumerate(SLICES):
        uid = b"1.2.3.4.%02d" % number
        found, _, _ = seen(part10(text, encoding, uid=uid, pixels=bytes([number]) * 64))
        assert found["meta_sop_instance_uid"] == uid.decode()
    assert len(walked) == 2


@pytest.fixture
def familiar():
    for text in SLICES[:3]:
        seen(part10(text))


@pytest.mark.parametrize(
    "content",
    [
        part10(SLICES[0], in_meta=b"1.2.3.5."),
        part10(SLICES[0], in_meta=b"1.2.3.4\0"),
        part10(SLICES[0], uid=b"1.2.3.9."),
        part10(SLICES[0], pixels=JPEG_START + bytes(64 - len(JPEG_START))),
        part10(SLICES[0], pixels=b"\xff\x4f\xff\x51" + bytes(60)),
        part10(SLICES[0]).replace(b"CT", b"CTX "[:2]).replace(b"IS\4\0", b"IS\2\0"),
        part10(SLICES[0])[:-2],
        part10(SLICES[0])[:-2] + b"\0",
        b"\1" + part10(SLICES[0])[1:],
        part10(SLICES[0]).replace(b"5.1.4.1.1.2\0", b"5.1.4.1.1.4\0", 1),
        part10(SLICES[0]).replace(SYNTAX[EXPLICIT].encode(), JPEG[:19].encode()),
        part10(SLICES[0], BIG),
        part10(SLICES[0], uid=bytes(8)),
    ],
    ids=range(13),
)
def test_one_thing_otherwise_is_seen_though_all_else_is_familiar(familiar, content):
    assert seen(content) == seen_anew(content)


def test_another_uid_in_the_meta_is_noted_though_all_else_is_familiar(familiar):
    found, _, _ = seen(part10(SLICES[0], in_meta=b"1.2.3.5."))
    assert found["envelope"] == ("E11",)
    assert found["meta_sop_instance_uid"] == "1.2.3.5."


@given(st.integers(0, 411), st.integers(0, 255), st.sampled_from([EXPLICIT, IMPLICIT]))
@settings(max_examples=300)
def test_whatever_byte_is_another_one_opening_finds_what_it_would_by_itself(at, byte, encoding):
    for text in SLICES[:3]:
        seen(part10(text, encoding))
    content = bytearray(part10(SLICES[3], encoding))
    content[at % len(content)] = byte
    assert seen(bytes(content)) == seen_anew(bytes(content))


def compressed(slice_number, *parts, end=DELIMITER, **said):
    """A slice in fragments."""
    start = part10(slice_number, **said)[: -(12 + 64)]
    syntax = SYNTAX[EXPLICIT].encode() + b"\0"
    jpeg = JPEG.encode()
    start = start.replace(b"\x10\0UI\x14\0" + syntax, b"\x10\0UI\x16\0" + jpeg)
    return start + fragments(*parts, end=end)


def test_of_compressed_slices_only_the_pixels_are_walked_anew(monkeypatch):
    walks, whole = [], dataset_module.walk
    monkeypatch.setattr(dataset_module, "walk", lambda *where: walks.append(where) or whole(*where))
    for number, text in enumerate(SLICES):
        _, header, _ = seen(compressed(text, JPEG_START + bytes(8 * number), b"ab" * number))
        assert header["items"] == 3
    assert len(walks) == 2


@given(
    st.lists(st.sampled_from([JPEG_START, JPEG_START + b"\0", b"odd", b"", b"\xff\x4f\xff\x51"])),
    st.sampled_from([DELIMITER, b"", DELIMITER[:5], DELIMITER + b"\0" * 6, DELIMITER + b"behind"]),
    st.sampled_from([None, b"\0" * 8, b"1.2.3.9\0"]),
)
@settings(max_examples=200)
def test_whatever_fragments_follow_opening_finds_what_it_would_by_itself(parts, end, uid):
    for text in SLICES[:3]:
        seen(compressed(text, JPEG_START))
    content = compressed(SLICES[3], *parts, end=end, uid=uid)
    assert seen(content) == seen_anew(content)


def test_what_is_kept_of_many_kinds_of_files_is_bounded():
    alike = Alike()
    stored_module._ALIKE = alike
    for size in range(2, 600, 2):
        for text in SLICES[:2]:
            seen(part10(text, pixels=bytes(size)))
    assert sum(map(len, alike._moulds.values())) == alike._kept <= 128
