"""A header that was met before is walked faster, and found to be the very same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory import header as header_module
from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.familiar import Familiar
from pacslift.inventory.header import Encoding, walk
from storedobjects import BIG, EXPLICIT, IMPLICIT, element

TAGS = [0x00080000 + 16 * n for n in range(1, 40)]


@pytest.fixture
def nothing_known(monkeypatch):
    monkeypatch.setattr(header_module, "_FAMILIAR", {encoding: Familiar() for encoding in Encoding})
    return header_module._FAMILIAR


def header_of(values, encoding=EXPLICIT):
    pairs = zip(TAGS, values, strict=False)
    return b"".join(element(tag, "LO", value, encoding) for tag, value in pairs)


def walked(data, encoding=EXPLICIT, start=0):
    found = walk(MemoryBytes(bytes(start) + data), start, start + len(data), encoding)
    return (
        list(found.places.items()),
        found.fault,
        found.stop,
        found.ascending,
        found.odd,
        found.repeats,
        found.ends,
    )


def walked_anew(data, encoding=EXPLICIT, start=0):
    """What a process that has met nothing finds."""
    known = header_module._FAMILIAR
    header_module._FAMILIAR = {one: Familiar() for one in Encoding}
    try:
        return walked(data, encoding, start)
    finally:
        header_module._FAMILIAR = known


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT, BIG])
def test_headers_that_differ_in_one_value_share_the_runs_around_it(nothing_known, encoding):
    for number in range(3):
        values = [b"same"] * 20 + [b"%04d" % number] + [b"same"] * 18
        walked(header_of(values, encoding), encoding)
    (runs,) = [familiar.runs for familiar in nothing_known.values() if familiar.runs]
    assert sorted(len(run.places) for known in runs.values() for run in known) == [18, 20]


values = st.sampled_from([b"", b"ab", b"abcd", b"odd"])


@given(
    headers=st.lists(st.lists(values, min_size=16, max_size=39), min_size=2, max_size=5),
    again=st.integers(1, 3),
    encoding=st.sampled_from([EXPLICIT, IMPLICIT, BIG]),
    start=st.sampled_from([0, 8]),
)
def test_what_is_found_is_the_same_whatever_was_met_before(headers, again, encoding, start):
    for given_values in headers * again:
        data = header_of(given_values, encoding)
        assert walked(data, encoding, start) == walked_anew(data, encoding, start)


@given(
    at=st.integers(0, 600), new=st.binary(max_size=16), cut=st.integers(0, 600), odd=st.booleans()
)
def test_damage_is_found_where_it_is_though_the_rest_was_met_before(at, new, cut, odd):
    whole = header_of([b"same"] * 39)
    for _ in range(3):
        walked(whole)
    damaged = bytearray(whole)
    damaged[at : at + len(new)] = new
    for data in (bytes(damaged), whole[:cut], whole[:cut] + whole[cut + odd :]):
        assert walked(data) == walked_anew(data)


def test_a_run_is_not_taken_behind_a_higher_tag(nothing_known):
    """Elements out of order must be noticed, though each stretch of them is well known."""
    low = b"".join(element(tag, "LO", b"same") for tag in TAGS[:20])
    high = b"".join(element(tag + 0x10000, "LO", b"same") for tag in TAGS[:20])
    for _ in range(3):
        walked(low + high)
        walked(high + low)
    assert walked(high + low) == walked_anew(high + low)
    assert not walk(MemoryBytes(high + low), 0, len(high + low), EXPLICIT).ascending


def test_what_is_remembered_is_bounded(nothing_known, monkeypatch):
    monkeypatch.setattr("pacslift.inventory.familiar._MOST_BYTES", 10_000)
    familiar = nothing_known[EXPLICIT]
    for number in range(60):
        for _ in range(2):
            walked(header_of([b"%08d" % number] * 39))
    held = sum(len(run.data) for known in familiar.runs.values() for run in known)
    assert 0 < held <= 10_000
