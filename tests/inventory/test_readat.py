"""Reading at an offset where the system has no call for it gives what pread gives elsewhere."""

import os
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory.readat import fill_at, read_at, seek_and_fill, seek_and_read

CONTENT = bytes(range(256)) * 1024
RECORD = 1024


@pytest.fixture(scope="module")
def fd(tmp_path_factory):
    path = tmp_path_factory.mktemp("readat") / "file"
    path.write_bytes(CONTENT)
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


def test_on_this_system_its_own_calls_are_taken():
    assert (read_at, fill_at) == (os.pread, os.preadv)


@given(
    length=st.integers(0, len(CONTENT) + 9), offset=st.integers(0, len(CONTENT) + 9)
)  # also over the end and behind it
def test_going_there_and_reading_gives_what_pread_gives(fd, length, offset):
    assert seek_and_read(fd, length, offset) == os.pread(fd, length, offset)


@given(
    lengths=st.lists(st.integers(0, 70_000), min_size=1, max_size=4),
    offset=st.integers(0, len(CONTENT) + 9),
)
def test_going_there_and_filling_gives_what_preadv_gives(fd, lengths, offset):
    ours, theirs = ([memoryview(bytearray(n)) for n in lengths] for _ in range(2))
    assert seek_and_fill(fd, ours, offset) == os.preadv(fd, theirs, offset)
    assert ours == theirs


def test_a_read_that_the_system_cuts_short_fills_no_more_than_came(fd, monkeypatch):
    read = os.read
    monkeypatch.setattr(os, "read", lambda fd, length: read(fd, min(length, 100)))
    into = memoryview(bytearray(300))
    assert seek_and_fill(fd, [into[:200], into[200:]], 7) == 100
    assert into == CONTENT[7:107] + bytes(200)


def test_workers_that_read_one_file_at_different_places_get_their_own_bytes(fd, tmp_path):
    path = tmp_path / "numbered"
    path.write_bytes(b"".join(bytes([n]) * RECORD for n in range(200)))
    shared = os.open(path, os.O_RDONLY)
    wrong: Counter[int] = Counter()

    def read_again_and_again(first: int) -> None:
        into = memoryview(bytearray(RECORD))
        for n in [*range(first, 200, 4)] * 40:
            wrong[first] += seek_and_read(shared, RECORD, n * RECORD) != bytes([n]) * RECORD
            wrong[first] += seek_and_fill(shared, [into], n * RECORD) != RECORD
            wrong[first] += into != bytes([n]) * RECORD

    threads = [threading.Thread(target=read_again_and_again, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(shared)
    assert set(wrong) == {0, 1, 2, 3}
    assert not sum(wrong.values())


@pytest.mark.parametrize("read", [read_at, seek_and_read])
def test_a_closed_file_is_an_error_of_the_system(read, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    closed = os.open(tmp_path / "file", os.O_RDONLY)
    os.close(closed)
    with pytest.raises(OSError, match="descriptor"):
        read(closed, 1, 0)
