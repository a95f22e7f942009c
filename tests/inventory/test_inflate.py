"""Compressed streams are unpacked in bounded memory, and damaged or lying ones refused."""

import os
import tempfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import inflate as module
from pacslift.inventory.bytesource import FileBytes, MemoryBytes
from pacslift.inventory.inflate import RAW, WRAPPED, inflate


def unpacked(packed, kind=WRAPPED, **limits):
    source = inflate(MemoryBytes(packed), 0, kind, **limits)
    try:
        return source.read(0, source.size)
    finally:
        source.close()


def cause_of(packed, kind=WRAPPED, **limits):
    with pytest.raises(SetAsideError) as refused:
        inflate(MemoryBytes(packed), 0, kind, **limits)
    return refused.value.cause


@given(content=st.binary(max_size=2000), level=st.integers(0, 9), repeat=st.integers(1, 500))
def test_what_was_packed_comes_back(content, level, repeat):
    packed = zlib.compress(content * repeat, level)
    assert unpacked(packed) == content * repeat
    assert unpacked(packed[2:-4], RAW) == content * repeat


@given(content=st.binary(min_size=1, max_size=500), cut=st.integers(0, 500))
def test_a_stream_that_is_cut_short_is_damaged(content, cut):
    packed = zlib.compress(content)
    assert cause_of(packed[: cut % len(packed)]) is Cause.CONTAINER_DAMAGED


@given(noise=st.binary(max_size=300))
def test_noise_is_damaged_or_a_stream_and_nothing_else(noise):
    for kind in (RAW, WRAPPED):
        try:
            unpacked(noise, kind)
        except SetAsideError as error:
            if error.cause is not Cause.CONTAINER_DAMAGED:
                raise


def test_more_than_was_promised_is_damaged():
    assert cause_of(zlib.compress(bytes(101)), most=100) is Cause.CONTAINER_DAMAGED
    assert unpacked(zlib.compress(bytes(100)), most=100) == bytes(100)


def test_a_large_result_goes_to_a_file_without_a_name(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = os.urandom(3000) * 300
    source = inflate(MemoryBytes(zlib.compress(content)), 0, WRAPPED)
    assert isinstance(source, FileBytes)
    assert list(tmp_path.iterdir()) == []
    assert source.read(0, source.size) == content
    source.close()


def test_a_full_temporary_folder_is_told_apart_from_damage(monkeypatch):
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(module, "_nameless_file", lambda: os.open("/dev/full", os.O_RDWR))
    assert cause_of(zlib.compress(bytes(9000))) is Cause.UNREADABLE
