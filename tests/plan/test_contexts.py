"""Presentation contexts: every pair is proposed once, the most frequent first."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pacslift.plan.contexts import can_be_proposed, group_contexts, number

pairs = st.tuples(
    st.integers(1, 300).map(lambda n: f"1.2.840.10008.5.1.4.1.1.{n}"),
    st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"]),
)
counted = st.dictionaries(pairs, st.integers(1, 1000), max_size=400)


def many(count: int) -> dict[tuple[str, str], int]:
    return {(f"1.2.{n}", "1.2.840.10008.1.2"): n for n in range(1, count + 1)}


@given(counted)
def test_every_pair_gets_exactly_one_context(counts):
    proposed = [context.pair for group in group_contexts(counts) for context in group]
    assert sorted(proposed) == sorted(counts)


@given(counted)
def test_an_association_proposes_no_more_than_the_standard_allows(counts):
    for group in group_contexts(counts):
        assert 1 <= len(group) <= 128
        assert [context.context_id for context in group] == list(range(1, 2 * len(group), 2))


@given(counted)
def test_what_the_archive_has_most_of_comes_first(counts):
    proposed = [counts[context.pair] for group in group_contexts(counts) for context in group]
    assert proposed == sorted(proposed, reverse=True)


@given(counted, st.randoms())
def test_the_order_in_which_the_pairs_were_met_does_not_matter(counts, chance: random.Random):
    shuffled = list(counts.items())
    chance.shuffle(shuffled)
    assert group_contexts(dict(shuffled)) == group_contexts(counts)


def test_129_pairs_take_two_associations_and_the_rarest_goes_into_the_second():
    first, second = group_contexts(many(129))
    assert len(first) == 128
    assert [context.pair[0] for context in second] == ["1.2.1"]


def test_what_cannot_be_a_uid_is_not_proposed():
    good = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2")
    assert can_be_proposed(good)
    for bad in ("", "1.2\0", "CT", "1.2.840 ", "1" * 65, "\uff11.2"):
        assert not can_be_proposed((bad, good[1]))
        assert not can_be_proposed((good[0], bad))
    assert group_contexts({("", ""): 5, good: 1}) == (number([good]),)


def test_a_pair_that_is_named_twice_is_numbered_once():
    first, second = ("1.2.3", "1.2.840.10008.1.2"), ("1.2.4", "1.2.840.10008.1.2")
    assert [c.pair for c in number([second, first, second])] == [second, first]
