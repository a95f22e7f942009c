"""The bytes of an object, read in batches from a file that may fail while it is read."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.outgoing import FileSpan
from pacslift.send.pieces import COPIED, batches


@pytest.fixture
def opened(tmp_path):
    """Opens a file of the given content; closed at the end."""
    fds = []

    def opening(content: bytes) -> int:
        path = tmp_path / f"{len(fds)}.dcm"
        path.write_bytes(content)
        fds.append(os.open(path, os.O_RDWR))
        return fds[-1]

    yield opening
    for fd in fds:
        os.close(fd)


def gathered(segments, room: int) -> list[bytes]:
    return [b"".join(batch) for batch in batches(segments, memoryview(bytearray(room)))]


content = bytes(n % 256 for n in range(1000))
spans = st.tuples(st.booleans(), st.integers(0, 999), st.integers(0, 400))


@given(st.lists(spans, max_size=8), st.integers(1, 500))
def test_memory_and_file_come_in_order_whatever_the_buffer(tmp_path_factory, wanted, room):
    path = tmp_path_factory.getbasetemp() / "content"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    segments, expected = [], b""
    for in_file, start, wish in wanted:
        length = min(wish, len(content) - start)
        expected += content[start : start + length]
        view = memoryview(content)[start : start + length]
        segments.append(FileSpan(fd, start, length) if in_file else view)
    assert b"".join(gathered(segments, room)) == expected
    os.close(fd)


def test_a_large_file_never_takes_more_memory_than_the_buffer(opened):
    got = gathered([FileSpan(opened(content), 0, 1000)], room=300)
    assert [len(batch) for batch in got] == [300, 300, 300, 100]


def test_a_file_that_was_cut_meanwhile_is_found_out(opened):
    fd = opened(content)
    stream = batches([FileSpan(fd, 0, 1000)], memoryview(bytearray(600)))
    assert len(b"".join(next(stream))) == 600
    os.ftruncate(fd, 700)
    with pytest.raises(SetAsideError, match=r"ends at byte 700 .* 1000 were there") as caught:
        list(stream)
    assert caught.value.cause is Cause.TRUNCATED


def test_a_disk_that_fails_is_found_out(tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)  # reading a folder fails as a broken disk does
    with pytest.raises(SetAsideError, match="directory") as caught:
        gathered([FileSpan(folder, 0, 10)], room=10)
    os.close(folder)
    assert caught.value.cause is Cause.UNREADABLE


def test_a_header_in_many_pieces_and_what_follows_in_the_file_are_one_piece(opened):
    header = [memoryview(content)[n : n + 10] for n in range(0, 200, 10)]
    batch = next(
        batches([*header, FileSpan(opened(content), 200, 800)], memoryview(bytearray(2000)))
    )
    assert [bytes(piece) for piece in batch] == [content]


def test_what_is_long_and_in_memory_is_not_copied():
    whole = memoryview(bytes(COPIED + 1))
    buffer = memoryview(bytearray(2 * COPIED))
    ((piece,),) = batches([whole], buffer)
    assert piece is whole


@pytest.mark.parametrize("room", [300, 1000, 2000])
def test_before_the_last_batch_is_given_all_that_is_in_the_file_has_been_read(opened, room):
    fd = opened(content)

    def when_read() -> None:
        os.ftruncate(fd, 0)  # who still had to read would miss it

    segments = [memoryview(b"head"), FileSpan(fd, 0, 1000), memoryview(b"tail")]
    stream = batches(segments, memoryview(bytearray(room)), when_read)
    got, sizes = b"", []
    for batch in stream:
        sizes.append(os.fstat(fd).st_size)
        got += b"".join(batch)
    assert got == b"head" + content + b"tail"
    assert sizes[-1] == 0
    assert all(sizes[:-1])


def test_what_is_in_memory_needs_no_look_at_a_file():
    def when_read() -> None:
        raise AssertionError

    assert len(list(batches([memoryview(content)], memoryview(bytearray(50)), when_read))) == 1
