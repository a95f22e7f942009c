import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.extract.packed.window import Window
from pacslift.extract.postgres.copyend import find_end, pass_block
from smalldumps import in_turn

pieces = st.sampled_from([b"\\", b".", b"\n", b"\n\\.", b"\\\\", b"a" * 600, b"\t", b"x" * 70_000])


@given(st.lists(pieces, max_size=30).map(b"".join), st.integers(0, 5))
def test_the_end_is_where_a_plain_search_finds_it(data, start):
    assert find_end(data, start) == data.find(b"\n\\.", start)


@given(
    st.lists(pieces, max_size=20).map(b"".join),
    st.lists(st.sampled_from([1, 2, 3, 600, 65_537]), min_size=1, max_size=4),
)
def test_the_end_is_found_however_the_dump_comes_in(data, sizes):
    window = Window(in_turn(data, sizes), "dump")
    found = data.find(b"\n\\.")
    at = 0 if data.startswith(b"\\.") else found + 1 if found >= 0 else None
    assert pass_block(window) == (at is not None)
    assert window.offset == (len(data) if at is None else at)


@pytest.mark.parametrize(
    "line",
    [b"a" * 511 + b"\\", b"a" * 513 + b"\\", b"\n\\\\", b"\n\\", b"\n" * 64 + b"\\" * 64],
    ids=["seldom", "more seldom", "line beginnings", "nearly an end", "many of each"],
)
def test_twice_the_bytes_take_twice_the_time(line):
    def seconds(size: int) -> float:
        data = line * (size // len(line))
        took = []
        for _ in range(5):
            window = Window(io.BytesIO(data).read, "dump")
            began = time.process_time()
            assert not pass_block(window)
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(16 << 20) < 4 * seconds(8 << 20)
