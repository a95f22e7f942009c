"""The private pixel compression of Conquest servers is undone, and damage to it is noticed."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nkiencoder
from pacslift.errors import Cause, SetAsideError
from pacslift.repair import nki

MODES = sorted(nkiencoder.HEADERS)
smooth = st.lists(st.integers(-100, 100), max_size=300).map(
    lambda steps: [sum(steps[:n]) + 5000 for n in range(len(steps) + 1)]
)
flat = st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(1, 600)), min_size=1, max_size=4).map(
    lambda runs: [sample for sample, count in runs for _ in range(count)]
)
rough = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=300)
images = smooth | flat | rough


def pixels_of(samples):
    return struct.pack(f"<{len(samples)}H", *samples)


def cause_of(value):
    with pytest.raises(SetAsideError) as refused:
        nki.decode(value)
    return refused.value.cause


def decoded_or_none(value):
    """None for a value that is set aside as damaged; no other error may come."""
    try:
        return nki.decode(value)
    except SetAsideError as error:
        if error.cause is not Cause.PIXELS_DAMAGED:
            raise
        return None


@pytest.mark.parametrize("mode", MODES)
@given(samples=images, seed=st.integers(0, 99))
def test_what_was_compressed_comes_back(mode, samples, seed):
    decoded = nki.decode(nkiencoder.encode(samples, mode, seed))
    kept = [sample & 0x1FFF for sample in samples] if mode == nki.LOSSY_MODE else samples
    assert decoded == nki.Decoded(pixels_of(kept), mode)


def test_each_code_means_what_the_product_wrote():
    stream = bytes.fromhex("3412 01 c1 8003 7fabcd bfff 40ff c003 1f70 00")
    value = struct.pack("<II", 12, 3) + stream
    steps = [0x1234, 0x1235, 0x11F6, 0x11F6, 0x11F6, 0x11F6, 0xABCD, 0xABCC, 0xACCB]
    assert nki.decode(value).pixels == pixels_of([*steps, 0xACCC, 0xACCB, 0xACD2])


@pytest.mark.parametrize("mode", [2, 4])
def test_a_changed_byte_is_found_by_the_crc(mode):
    value = bytearray(nkiencoder.encode([100, 101, 140, 90, 90, 91, 4000] * 9, mode))
    value[22] ^= 1
    assert cause_of(bytes(value)) is Cause.PIXELS_DAMAGED


def test_a_changed_crc_of_the_stream_is_found():
    value = bytearray(nkiencoder.encode([1, 2, 3], 2))
    value[16] ^= 1
    assert cause_of(bytes(value)) is Cause.PIXELS_DAMAGED


@pytest.mark.parametrize("mode", MODES)
@given(samples=rough, cut=st.integers(0, 400))
def test_a_stream_that_is_cut_short_is_damaged_or_complete(mode, samples, cut):
    value = nkiencoder.encode(samples, mode)
    cut = 9 + cut % max(len(value) - 9, 1)
    assert decoded_or_none(value[:cut]) in {None, nki.decode(value)}


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_with_too_much_or_too_little_is_damaged(mode):
    value = nkiencoder.encode([1, 500, 2, 900, 60_000], mode)
    for samples in (0, 1, 3, 7, 0xFFFFFFFF):
        assert cause_of(struct.pack("<I", samples) + value[4:]) is Cause.PIXELS_DAMAGED


@pytest.mark.parametrize("code", [b"\x80\xff", b"\xff"])
def test_a_stream_that_promises_little_and_repeats_without_end_gets_no_memory(code):
    mode = 5 if len(code) == 1 else 1
    header = struct.pack("<II", 10, mode) + (
        struct.pack("<III", 2 << 20, 0, 0) if mode == 5 else b""
    )
    started = time.process_time()
    assert cause_of(header + b"\0\0" + code * (2 << 20)) is Cause.PIXELS_DAMAGED
    assert time.process_time() - started < 1


@given(value=st.binary(min_size=9, max_size=80), mode=st.sampled_from(MODES))
def test_random_bytes_are_decoded_or_damaged_and_nothing_else(value, mode):
    value = struct.pack("<II", value[0], mode) + value
    decoded = decoded_or_none(value)
    assert decoded is None or len(decoded.pixels) == 2 * int.from_bytes(value[:4], "little")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        struct.pack("<II", 1, 1),
        b"ACUSON\0\0" + bytes(40),
        b"ELSCINT1" + bytes(40),
        struct.pack("<II", 1, 6) + bytes(40),
        struct.pack("<II", 1, 0) + bytes(40),
    ],
)
def test_another_vendors_element_is_not_taken_for_nki(value):
    assert not nki.looks_like_nki(value)


def test_nki_is_recognised():
    assert all(nki.looks_like_nki(nkiencoder.encode([1, 2], mode)) for mode in MODES)
