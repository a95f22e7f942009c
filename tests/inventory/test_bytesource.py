"""The bytes of an object, wherever they are."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import FIRST_BLOCK, FileBytes, FileSpan, MemoryBytes
from storedobjects import file_of

CONTENT = os.urandom(2 * FIRST_BLOCK + 77)
ranges = st.tuples(st.integers(0, len(CONTENT) + 9), st.integers(0, len(CONTENT) + 9))


@pytest.fixture(scope="module", params=["file", "memory"])
def source(request, tmp_path_factory):
    in_memory = request.param == "memory"
    folder = tmp_path_factory.mktemp("source")
    source = MemoryBytes(CONTENT) if in_memory else FileBytes(file_of(folder, CONTENT))
    yield source
    source.close()


@given(place=ranges)
def test_any_range_is_read(source, place):
    offset, length = place
    assert source.size == len(CONTENT)
    assert source.read(offset, length) == CONTENT[offset : offset + length]


@given(place=ranges)
def test_the_pieces_of_any_range_are_its_bytes(source, place):
    start, end = (min(at, len(CONTENT)) for at in sorted(place))
    pieces = source.segments(start, end)
    joined = b"".join(
        os.pread(piece.fd, piece.length, piece.offset) if isinstance(piece, FileSpan) else piece
        for piece in pieces
    )
    assert joined == CONTENT[start:end]
    assert all(piece.length if isinstance(piece, FileSpan) else len(piece) for piece in pieces)


def test_what_is_not_yet_read_stays_in_the_file(tmp_path):
    source = FileBytes(file_of(tmp_path, CONTENT))
    head, tail = source.segments(0, source.size)
    assert (len(head), tail.offset) == (FIRST_BLOCK, FIRST_BLOCK)
    source.close()


def test_a_file_that_shrinks_while_it_is_open_is_truncated(tmp_path):
    source = FileBytes(file_of(tmp_path, CONTENT))
    os.truncate(tmp_path / "object", FIRST_BLOCK + 5)
    with pytest.raises(SetAsideError) as refused:
        source.read(FIRST_BLOCK, 10)
    assert refused.value.cause is Cause.TRUNCATED
    source.close()


def test_a_disk_that_fails_makes_the_file_unreadable(tmp_path):
    source = FileBytes(file_of(tmp_path, CONTENT))
    os.dup2(os.open(tmp_path, os.O_RDONLY), source._fd)  # reading a folder fails
    with pytest.raises(SetAsideError) as refused:
        source.read(FIRST_BLOCK, 10)
    assert refused.value.cause is Cause.UNREADABLE
    source.close()


def test_closing_twice_does_no_harm(tmp_path):
    source = FileBytes(file_of(tmp_path, CONTENT))
    source.close()
    source.close()
