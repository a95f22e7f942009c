import gc
import gzip
import hashlib
import threading
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError
from pacslift.extract.packed import packing
from pacslift.extract.packed import unpacked as unpacking
from pacslift.extract.packed.bytesfrom import Parts, Stretch, head_of, taken
from pacslift.extract.packed.packing import packing_of
from pacslift.extract.packed.pump import Pump
from pacslift.extract.packed.unpacked import Shelf, Unpacked
from smalldumps import file_of

CONTENT = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(3200))
KIND = packing_of(gzip.compress(b""))


@pytest.fixture
def passes(monkeypatch):
    """How often data was unpacked from its beginning."""
    begun = []
    original = unpacking.Unpacking

    def counted(*arguments):
        begun.append(1)
        return original(*arguments)

    monkeypatch.setattr(unpacking, "Unpacking", counted)
    return begun


def unpacked(folder, content=CONTENT, shelf=None, name="packed"):
    assert KIND is not None
    path = file_of(folder, gzip.compress(content), name)
    return Unpacked(Parts([path]), KIND, str(path), shelf or Shelf())


def read_at(source, place, size):
    with source.reading(place) as read:
        return taken(read, size)


@given(
    moves=st.lists(st.tuples(st.integers(0, 110_000), st.integers(0, 30_000)), max_size=8),
    piece=st.integers(100, 20_000),
    kept=st.integers(0, 20_000),
)
def test_any_place_of_packed_data_is_read_in_any_order(tmp_path_factory, moves, piece, kept):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "PIECE", piece)
        patch.setattr(unpacking, "_KEPT", kept)
        shelf = Shelf()
        source = unpacked(tmp_path_factory.getbasetemp(), shelf=shelf)
        for place, size in moves:
            assert read_at(source, place, size) == CONTENT[place : place + size]
            assert head_of(Stretch(source, place, size), size) == CONTENT[place : place + size]
        assert source.size == len(CONTENT)
        shelf.close()


def test_tables_in_the_dumps_order_cost_one_pass(tmp_path, passes, monkeypatch):
    monkeypatch.setattr(packing, "PIECE", 1000)
    monkeypatch.setattr(unpacking, "_KEPT", 4000)
    shelf = Shelf()
    source = unpacked(tmp_path, shelf=shelf)
    for place in range(0, len(CONTENT), 2000):
        assert read_at(source, place, 3000) == CONTENT[place : place + 3000]
    assert len(passes) == 1
    read_at(source, 0, 10)
    assert len(passes) == 2
    shelf.close()


def test_only_the_last_pass_is_kept_however_many_files_there_are(tmp_path):
    shelf = Shelf()
    before = set(threading.enumerate())
    files = [unpacked(tmp_path, bytes(40 << 20), shelf, f"packed{i}") for i in range(5)]
    for source in files:
        assert read_at(source, 0, 10) == bytes(10)
    assert len(set(threading.enumerate()) - before) == 1
    shelf.close()
    assert set(threading.enumerate()) <= before


def test_a_pass_that_nobody_closes_leaves_no_thread(tmp_path):
    before = set(threading.enumerate())
    source = unpacked(tmp_path, bytes(40 << 20))
    read_at(source, 0, 10)
    (thread,) = set(threading.enumerate()) - before
    del source
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_a_pass_that_nobody_closes_leaves_no_file_open(tmp_path):
    source = unpacked(tmp_path, bytes(40 << 20))
    read_at(source, 0, 10)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del source
        gc.collect()
    assert not told


def test_what_is_packed_in_what_is_packed_goes_on_where_it_was(tmp_path, passes):
    assert KIND is not None
    members = [gzip.compress(CONTENT[i::2]) for i in range(2)]
    shelf = Shelf()
    outer = unpacked(tmp_path, b"".join(members), shelf)
    places = [0, len(members[0])]
    inner = [
        Unpacked(Stretch(outer, place, len(m)), KIND, "inner", shelf)
        for place, m in zip(places, members, strict=True)
    ]
    assert [read_at(one, 0, 1 << 20) for one in inner] == [CONTENT[::2], CONTENT[1::2]]
    assert len(passes) == 3
    shelf.close()


def test_what_is_raised_while_unpacking_is_raised_while_reading():
    def pieces():
        yield b"one"
        raise DumpDamagedError("broken")

    pump = Pump(pieces())
    assert pump.next() == b"one"
    for _ in range(2):
        with pytest.raises(DumpDamagedError, match="broken"):
            pump.next()
    pump.close()


def test_a_pump_runs_only_some_pieces_ahead():
    drawn = []

    def pieces():
        for i in range(100):
            drawn.append(i)
            yield b"x"

    pump = Pump(pieces())
    assert [pump.next() for _ in range(50)] == [b"x"] * 50
    pump.close()
    assert len(drawn) <= 56
