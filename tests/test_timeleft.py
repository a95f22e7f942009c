"""The time left of a stage, as a range that can be relied on."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clocks import Clock
from pacslift.timeleft import FEWEST, MOST, Course, in_words


def course_of(rates: list[float], clock: Clock) -> tuple[Course, float]:
    """A course with one interval of a second at each of *rates*, and what is done at its end."""
    course, done = Course(clock), 0.0
    course.seen(0)
    for rate in rates:
        clock.now += 1
        done += rate
        course.seen(done)
    return course, done


def test_nothing_is_said_of_the_time_left_before_enough_was_seen():
    course, _ = course_of([5.0] * (FEWEST - 1), Clock())
    assert course.left(100) is None
    course, _ = course_of([5.0] * FEWEST, Clock())
    assert course.left(100) is not None


def test_a_steady_rate_leaves_no_doubt():
    course, _ = course_of([5.0] * 30, Clock())
    left = course.left(100)
    assert left.least == pytest.approx(20)
    assert left.most == pytest.approx(20)


def test_a_rate_that_falls_is_believed_over_the_mean():
    course, _ = course_of([10.0] * 30 + [1.0] * 10, Clock())
    left = course.left(100)
    assert left.most >= 100  # at one a second, as it is now
    assert left.least <= 100 / 7.75


def test_nothing_left_and_nothing_known_give_no_time():
    course, _ = course_of([5.0] * 30, Clock())
    assert course.left(0) is None
    assert course.left(None) is None


def test_what_never_moved_gives_no_time():
    course, _ = course_of([0.0] * 30, Clock())
    assert course.left(10) is None


def test_large_objects_at_the_end_are_not_forgotten():
    clock = Clock()
    course = Course(clock)
    course.seen(0, 0)
    for n in range(1, 31):
        clock.now += 1
        course.seen(100 * n, 1_000_000 * n)  # small objects first
    left = course.left(100, 900_000_000)
    assert left.least == pytest.approx(1)
    assert left.most == pytest.approx(900)


def test_a_night_in_which_the_window_was_closed_does_not_count_as_slow():
    clock = Clock()
    course, done = course_of([5.0] * 20, clock)
    clock.now += 40_000
    course.skip(40_000)
    for _ in range(10):
        clock.now += 1
        done += 5
        course.seen(done)
    assert course.left(100).most == pytest.approx(20)


def test_a_run_of_days_is_kept_in_few_intervals():
    clock = Clock()
    course = Course(clock)
    for n in range(100_000):
        clock.now += 7.3
        course.seen(n * 3)
    assert len(course._marks) <= MOST + 1
    left = course.left(3_000)
    assert left.least == pytest.approx(7_300, rel=0.02)
    assert left.most == pytest.approx(7_300, rel=0.02)


def test_four_of_five_times_the_end_lies_in_the_range_that_was_said():
    rng = random.Random(7)  # noqa: S311 - no secret
    held = 0
    for _ in range(400):
        rates = [max(0.1, rng.gauss(100, 30)) for _ in range(120)]
        course, done = course_of(rates[:30], Clock())
        left = course.left(sum(rates) - done)
        held += left.least <= 90 <= left.most
    assert held >= 0.8 * 400


@given(st.lists(st.floats(0, 1e6), min_size=FEWEST, max_size=200), st.floats(0.1, 1e9))
def test_a_range_is_positive_and_in_order_whatever_the_rates_were(rates, rest):
    course, _ = course_of(rates, Clock())
    left = course.left(rest)
    assert left is None or 0 < left.least <= left.most


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [
        (0.2, 0.3, "about 1 s"),
        (41, 43, "40 s to 45 s"),
        (100, 130, "100 s to 2 min"),
        (3500, 3700, "58 min to 1 h"),
        (7_800, 10_200, "2 h 10 min to 2 h 50 min"),
        (86_400 * 1.5, 86_400 * 2, "1 d 12 h to 2 d"),
    ],
)
def test_times_are_said_in_round_numbers(least, most, words):
    assert in_words(least, most) == words
