r"""Bits say of every byte what the statement's own pattern for quoted text says."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.extract.inserts.quoting import Quoting, bits_of, count_before, places_of, shifted
from pacslift.extract.scripts.statements import BACKSLASHED

TEXT = re.compile(BACKSLASHED, re.DOTALL)


def by_pattern(script: bytes) -> list[bool]:
    """For each byte whether it is outside of text; a closing quote is."""
    outside = [True] * len(script)
    at = 0
    while (at := script.find(b"'", at)) >= 0:
        found = TEXT.match(script, at)
        ends_inside = found.end() == len(script) and not is_closed(found.group())
        last = found.end() if ends_inside else found.end() - 1
        outside[at:last] = [False] * (last - at)
        at = found.end()
    return outside


def is_closed(text: bytes) -> bool:
    return re.fullmatch(rb"'(?:[^'\\]|\\.|'')*+'", text, re.DOTALL) is not None


def by_bits(script: bytes, sizes: list[int]) -> list[bool]:
    quoting, outside, at = Quoting(), [], 0
    while at < len(script):
        piece = np.frombuffer(script[at : at + 64 * sizes[at % len(sizes)]], np.uint8)
        quotes = quoting.take(piece)
        assert quotes.void is None
        inside = np.unpackbits(quotes.inside.view(np.uint8), bitorder="little")[: len(piece)]
        outside += [not bit for bit in inside.tolist()]
        at += len(piece)
    return outside


texts = st.lists(
    st.sampled_from([b"a", b"\\\\", b"\\'", b"''", b"\\n", b"x" * 31, b"\\\\" * 40, b"\\\\" * 64]),
    max_size=12,
).map(b"".join)
scripts = st.lists(st.tuples(st.sampled_from([b",", b"(", b"1," * 40, b")"]), texts)).map(
    lambda parts: b"".join(outside + b"'" + text + b"'" for outside, text in parts)
)


@given(scripts, st.lists(st.integers(1, 3), min_size=1), st.integers(0, 99))
def test_text_is_found_however_its_quotes_and_backslashes_stand(script, sizes, cut):
    script = script[: max(0, len(script) - cut)]
    got, expected = by_bits(script, sizes), by_pattern(script)
    doubled = {i for i in range(len(script) - 1) if script[i : i + 2] == b"''"}
    differ = {i for i, (a, b) in enumerate(zip(got, expected, strict=True)) if a != b}
    assert differ <= doubled  # between two quotes lies nothing


@pytest.mark.parametrize("before", [0, 1, 62, 63, 64, 65, 127, 128, 200])
def test_backslashes_in_front_of_a_quote_count_across_words(before):
    script = b"'" + b"\\" * before + b"'," + b"'"
    assert by_bits(script, [1])[-2] is (before % 2 == 0)


def test_a_quote_escaped_outside_of_text_makes_all_that_follows_void():
    script = b"('a'," + b"1," * 60 + b"\\'b')"
    assert Quoting().take(np.frombuffer(script, np.uint8)).void == script.index(b"'b")


@given(st.lists(st.booleans(), min_size=1, max_size=400), st.integers(0, 400))
def test_bits_are_counted_found_and_moved(flags, end):
    bits = bits_of(np.array(flags))
    places = [i for i, flag in enumerate(flags) if flag]
    assert places_of(bits).tolist() == places
    assert count_before(min(end, len(flags)), bits) == sum(flags[:end])
    moved = [p + 1 for p in places if p + 1 < len(bits) * 64]
    assert places_of(shifted(bits)).tolist() == moved
