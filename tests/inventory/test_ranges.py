"""A table worked on in ranges of its key is the whole table, in the key's order."""

from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory.ranges import in_ranges, scratch_folder

KEYS = st.lists(st.text(st.characters(codec="utf-8"), max_size=3), max_size=40)


@given(KEYS, KEYS, st.integers(1, 7))
def test_every_row_is_in_the_one_range_of_its_key_and_ranges_are_in_order(first, second, size):
    tables = {
        name: pl.LazyFrame({"key": keys}, schema={"key": pl.String()}).with_row_index()
        for name, keys in (("first", first), ("second", second))
    }
    with scratch_folder(None) as scratch:
        parts = list(in_ranges(tables, "key", scratch, size))
    for name, rows in tables.items():
        assert pl.concat([part[name] for part in parts]).sort("index").equals(rows.collect())
    both = [set(part["first"]["key"]) | set(part["second"]["key"]) for part in parts]
    held = [keys for keys in both if keys]
    assert all(max(one) < min(other) for one, other in pairwise(held))


def test_rows_of_one_key_stay_in_their_order():
    rows = pl.LazyFrame({"key": ["a", "b"] * 9, "nth": range(18)})
    with scratch_folder(None) as scratch:
        parts = list(in_ranges({"rows": rows}, "key", scratch, 2))
    assert len(parts) > 1
    assert all(part["rows"]["nth"].is_sorted() for part in parts)


def test_what_a_killed_run_left_behind_is_removed(tmp_path):
    left = tmp_path / "scratch" / "0.ipc"
    left.parent.mkdir()
    left.write_bytes(b"of a run that was killed")
    with scratch_folder(tmp_path) as scratch:
        assert not left.exists()
        assert scratch.stat().st_mode & 0o077 == 0
    assert not scratch.exists()
