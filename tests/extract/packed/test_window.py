import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError
from pacslift.extract.packed import window as window_module
from pacslift.extract.packed.window import Window
from smalldumps import in_turn, pieces_of

WORD = re.compile(rb"[a-z]*+")


@given(
    st.lists(st.text("ab", min_size=1, max_size=9), max_size=9),
    st.lists(st.integers(1, 5), min_size=1),
)
def test_how_the_input_is_cut_does_not_matter(words, sizes):
    data = " ".join(words).encode()
    with pieces_of(1):
        window = Window(in_turn(data, sizes), "dump")
        found = []
        while window.hold(1):
            match = window.match(WORD)
            assert match is not None
            found.append(match.group())
            window.at = match.end() + 1
    assert found == [word.encode() for word in words]


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=3), st.integers(1, 4))
def test_what_is_searched_for_is_found_where_it_first_is(data, needle, size):
    with pieces_of(1):
        window = Window(in_turn(data, [size]), "dump")
        assert window.find(needle) is (needle in data)
        if needle in data:
            assert window.offset == data.index(needle)


def test_the_place_in_the_dump_is_known_however_much_was_forgotten():
    with pieces_of(2):
        window = Window(in_turn(b"abcdefgh", [2]), "dump", start=100)
        window.hold(2)
        window.at += 2
        window.hold(4)
        assert (window.offset, window.data[window.at :]) == (102, b"cdef")


def test_what_has_no_end_is_damage_and_not_read_for_ever(monkeypatch):
    monkeypatch.setattr(window_module, "OPEN_LIMIT", 1000)
    with pieces_of(100):
        window = Window(lambda most: b"a" * most, "the dump")
        with pytest.raises(DumpDamagedError, match="the dump: what begins at byte 0 has no end"):
            window.match(WORD)


def test_a_thing_read_in_small_pieces_is_not_scanned_from_its_start_for_each():
    scanned = []

    class Counted(Window):
        def grow(self) -> bool:
            scanned.append(len(self.data) - self.at)
            return super().grow()

    with pieces_of(1):
        window = Counted(in_turn(b"a" * 100_000, [1]), "dump")
        window.match(WORD)
    assert sum(scanned) < 3 * 100_000
