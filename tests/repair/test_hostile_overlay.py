"""Objects that were damaged, or made to do harm, are overlaid whole or set aside, and in time."""

import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from test_hostile_objects import SECONDS, damaged_objects

from overlaid import SAID, overlaid, person
from pacslift.errors import SetAsideError
from pacslift.inventory.nesting import DEEPEST
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from storedobjects import (
    DELIMITER,
    EXPLICIT,
    PIXELS,
    UNDEFINED,
    element,
    file_of,
    identified,
    image,
    item,
    opened,
    part10,
    sent,
)

CODE = 0x00400555
# A Greek name makes the whole object be read and written again, sequences and all.
GREEK = {
    "00100010": person("\u0394"),
    CODE.to_bytes(4, "big").hex(): {"vr": "SQ", "Value": [{}]},
}
ORDERS = Orders(compile_overlay(GREEK), provenance=SAID)
ITEM = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
MEGABYTE = 1 << 20


@given(content=damaged_objects())
def test_a_damaged_object_that_is_sent_is_sent_the_same_when_prepared_again(
    tmp_path_factory, content
):
    folder = tmp_path_factory.getbasetemp()
    started = time.process_time()
    try:
        with prepare(open_stored(file_of(folder, content)), ORDERS) as outgoing:
            data, syntax = sent(outgoing), outgoing.transfer_syntax_uid
            assert len(data) == outgoing.length
    except SetAsideError:
        return
    with prepare(open_stored(file_of(folder, part10(data, syntax))), ORDERS) as again:
        assert (sent(again), again.changes) == (data, ())
    assert time.process_time() - started < SECONDS


def nested(levels: int) -> bytes:
    """Sequences of undefined length, one in the other."""
    opening = (opened(CODE, "SQ") + ITEM) * levels
    closing = (b"\xfe\xff\x0d\xe0\0\0\0\0" + DELIMITER) * levels
    return opening + closing


def nested_with_lengths(levels: int) -> bytes:
    """Sequences of defined length, one in the other: a walk of the top level sees only one."""
    inner = b""
    for _ in range(levels):
        inner = element(CODE, "SQ", item(inner))
    return inner


def behind(part: bytes) -> bytes:
    return identified() + part + image()[len(identified()) :]


@pytest.mark.parametrize("deep", [nested(10_000), nested_with_lengths(10_000)])
def test_sequences_ten_thousand_deep_are_set_aside_at_once(tmp_path, deep):
    started = time.process_time()
    with pytest.raises(SetAsideError, match="deeper"):
        overlaid(tmp_path, behind(deep), GREEK)
    assert time.process_time() - started < 1


def test_sequences_as_deep_as_any_real_ones_are_rewritten(tmp_path):
    _, data = overlaid(tmp_path, behind(nested_with_lengths(DEEPEST - 2)), GREEK)
    assert "\u0394".encode() in data


@pytest.mark.parametrize(
    "part",
    [
        element(CODE, "SQ", item(b"", 0xFFFFFFF0)),
        element(CODE, "SQ", item(b"\x08\0\x04\x01OB\0\0\xf0\xff\xff\xff")),
        element(CODE, "SQ", item(b"\x08\0\x04\x01LO\xff\xff")),
        element(CODE, "SQ", b"\xfe\xff\x00\xe0"),
        element(CODE, "SQ", b"no items at all."),
        element(CODE, "SQ", item(b"\x08\0\x04\x01??\0\0")),
        element(CODE, "SQ", item(opened(0x00880200, "OB") + item(b"", 0xFFFFFFF0))),
    ],
)
def test_lengths_that_lie_inside_a_sequence_set_the_object_aside(tmp_path, part):
    tracemalloc.start()
    try:
        with pytest.raises(SetAsideError):
            overlaid(tmp_path, behind(part), GREEK)
        assert tracemalloc.get_traced_memory()[1] < 4 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_four_gigabytes_in_a_small_file_are_no_reason_to_ask_for_memory(tmp_path):
    big = element(0x00420011, "OB", b"")[:-4] + (UNDEFINED - 1).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(SetAsideError):
            overlaid(tmp_path, identified() + big, GREEK)
        assert tracemalloc.get_traced_memory()[1] < 4 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_a_deflated_bomb_is_set_aside_before_it_fills_the_memory(tmp_path):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(identified() + element(0x7FE00010, "OW", b"")[:-4] + b"\0\0\0\x10")
    zeros = bytes(MEGABYTE)
    bomb += b"".join(packer.compress(zeros) for _ in range(256)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(SetAsideError):
            prepare(open_stored(file_of(tmp_path, part10(bomb, "1.2.840.10008.1.2.1.99"))), ORDERS)
        assert tracemalloc.get_traced_memory()[1] < 64 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_a_large_object_is_overlaid_without_its_pixels_being_read(tmp_path):
    pixels = 64 * MEGABYTE
    content = image(EXPLICIT, PIXELS)[: -len(PIXELS) - 4] + pixels.to_bytes(4, "little")
    fd = file_of(tmp_path, part10(content))
    with (tmp_path / "object").open("r+b") as file:
        file.truncate((tmp_path / "object").stat().st_size + pixels)
    tracemalloc.start()
    try:
        with prepare(open_stored(fd), ORDERS) as outgoing:
            assert outgoing.length > pixels
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()
