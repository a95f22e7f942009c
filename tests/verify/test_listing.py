"""Whatever a target's habits, what it holds is found and what it lacks is not."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pacslift.verify.listing import LIST_LENGTH, Answers, find_study
from pacslift.verify.match import Expected, Sign, match_study
from pacslift.verify.query import Row

STUDY = "1.1"


@dataclass
class Archive:
    """A target in memory: what it holds, as (study, series, instance), and its habits."""

    held: frozenset[tuple[str, str, str]]
    most_rows: int | None = None  # answers that it gives to a query without saying there are more
    knows_lists: bool = True
    relational: bool = True
    repeats: bool = False
    questions: int = 0

    def ask(self, level: str, keys: Mapping[str, str], *, optional: bool = False) -> Answers:
        self.questions += 1
        if not self.relational and not keys["StudyInstanceUID"]:
            return Answers((), "not supported")
        wanted = [keys.get(f"{name}InstanceUID", "") for name in ("Study", "Series", "SOP")]
        depth = ["STUDY", "SERIES", "IMAGE"].index(level) + 1
        found = sorted({one[:depth] for one in self.held if self.fits(one, wanted)})
        found = found[: self.most_rows] * (2 if self.repeats else 1)
        return Answers(tuple(row_of(one) for one in found))

    def fits(self, one: tuple[str, str, str], wanted: list[str]) -> bool:
        def meets(value: str, key: str) -> bool:
            return not key or value in (key.split("\\") if self.knows_lists else [key])

        return all(meets(value, key) for value, key in zip(one, wanted, strict=True))


def row_of(path: tuple[str, ...]) -> Row:
    study, series, sop = (*path, None, None)[:3]
    return Row(study, series, sop, "P1", None)


def an_instance(study: str, series: str, sop: str) -> Expected:
    return Expected(f"{study}/{series}/{sop}", sop, study, series, "P1")


paths = st.tuples(
    st.sampled_from([STUDY, "1.9"]), st.sampled_from(["2.1", "2.2"]), st.sampled_from("abcdef")
)
archives = st.builds(
    Archive,
    st.frozensets(paths),
    st.none() | st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
expectations = st.lists(paths.map(lambda path: an_instance(STUDY, *path[1:])), unique=True)


@given(archives, expectations)
def test_nothing_is_verified_that_the_target_does_not_hold_as_sent(archive, expected):
    """Even if it cuts its lists short, gives rows twice or knows no lists of UIDs."""
    found = find_study(archive.ask, STUDY, expected)
    for verdict, one in zip(match_study(expected, found).verdicts, expected, strict=True):
        there = (STUDY, one.series_instance_uid, one.sop_instance_uid) in archive.held
        assert there or verdict.sign is not Sign.EQUAL


@given(st.frozensets(paths), expectations, st.booleans(), st.booleans())
def test_what_a_target_holds_as_sent_is_always_found(held, expected, knows_lists, repeats):
    archive = Archive(held, knows_lists=knows_lists, repeats=repeats)
    found = find_study(archive.ask, STUDY, expected)
    for verdict, one in zip(match_study(expected, found).verdicts, expected, strict=True):
        there = (STUDY, one.series_instance_uid, one.sop_instance_uid) in held
        assert (verdict.sign is Sign.EQUAL) == there
        assert verdict.sign is not Sign.UNKNOWN


def many(count: int) -> list[tuple[str, str, str]]:
    return [(STUDY, "2.1", f"3.{n:04}") for n in range(count)]


def test_a_target_that_gives_100_rows_at_most_is_asked_for_the_rest_by_name():
    held = many(230)
    archive = Archive(frozenset(held), most_rows=100)
    expected = [an_instance(*one) for one in held]
    found = find_study(archive.ask, STUDY, expected)
    assert len(found.instances) == 230
    assert archive.questions == 3 + -(-130 // LIST_LENGTH)


def test_a_target_that_knows_neither_lists_nor_long_answers_is_asked_one_by_one():
    held = many(120)
    archive = Archive(frozenset(held), most_rows=100, knows_lists=False)
    expected = [an_instance(*one) for one in held]
    assert len(find_study(archive.ask, STUDY, expected).instances) == 120


def test_a_lost_study_costs_few_questions():
    expected = [an_instance(*one) for one in many(500)]
    archive = Archive(frozenset())
    assert find_study(archive.ask, STUDY, expected).instances == frozenset()
    assert archive.questions <= 2 + 4 * 500 / LIST_LENGTH


def test_a_target_that_cannot_search_everywhere_still_tells_what_is_missing():
    archive = Archive(frozenset({("1.9", "2.1", "a")}), relational=False)
    found = find_study(archive.ask, STUDY, [an_instance(STUDY, "2.1", "a")])
    assert (found.instances, found.doubts) == (frozenset(), {})
