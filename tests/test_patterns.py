"""Patterns with possessive groups, which Python before 3.11.5 gets wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.patterns import FAULTY, compiled, mended

SOURCES = Path(__file__).resolve().parents[1] / "src" / "pacslift"
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")


@pytest.mark.parametrize(
    ("pattern", "becomes"),
    [
        ("(?:ab?c)*+", "(?:ab?c|(?!))*+"),
        ("(?:a(b)?+|c){1,2}+d", "(?:a(b|(?!))?+|c|(?!)){1,2}+d"),
        ("(?:ab)* [a)*+]*+ \\)*+ \\\\(?:a)++", "(?:ab)* [a)*+]*+ \\)*+ \\\\(?:a|(?!))++"),
        ("[])*+]*+([^])*+]*+)", "[])*+]*+([^])*+]*+)"),
        (b"(?:[^*]++|\\*(?!/))*+\xff", b"(?:[^*]++|\\*(?!/)|(?!))*+\xff"),
    ],
)
def test_only_possessive_groups_get_an_alternative_that_never_matches(pattern, becomes):
    assert mended(pattern) == becomes


def test_a_comment_ends_where_it_ends_whatever_python_reads_the_dump():
    comment = compiled(rb"/\*(?:[^*]++|\*(?!/))*+\*/")
    assert comment.match(b"/* a * b */ x").end() == 11
    assert compiled("(?:ab?c)*+").match("aca").end() == 2
    assert compiled("(?:(\\w++)\\.)?+(\\w++)").match("a.b").groups() == ("a", "b")


PIECES = st.recursive(
    st.sampled_from(["a", "b", "ab?", "[ab]", ".", "b++", "(?!b)", "a(?=b)", "\\Z"]),
    lambda inner: st.one_of(
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*+", "++", "?+", "{1,2}+", "?"])),
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
    ),
    max_leaves=6,
)


@pytest.mark.skipif(FAULTY, reason="this Python has nothing to compare with")
@given(PIECES, st.text("abc", max_size=8))
def test_the_alternative_changes_nothing_where_python_is_right(pattern, text):
    before, after = re.match(pattern, text), re.match(mended(pattern), text)
    assert (before and before.span()) == (after and after.span())


def test_whoever_has_possessive_groups_has_them_compiled_rightly():
    for path in SOURCES.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        alone = path.name != "patterns.py" and "re.compile(" in text
        assert not (alone and POSSESSIVE_GROUP.search(text)), path
        assert not (alone and "extract" in path.parts), path
