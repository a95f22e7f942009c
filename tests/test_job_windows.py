"""Windows of the week, on the clock on the wall, also on the days on which it is changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import JobFileError
from pacslift.job_windows import DAYS, week_of, window_of

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = ("Mon-Fri 19:00-06:00", "Sat,Sun 00:00-24:00")
MINUTE = timedelta(minutes=1)
# Spring and autumn, north and south, one zone that changes by half an hour, one never.
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Tokyo"]
)
MOMENTS = st.integers(1_767_225_600, 1_830_297_600).map(lambda s: datetime.fromtimestamp(s, UTC))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def allowed(text: str, at: datetime) -> bool:
    return week_of([text], "Europe/Berlin").closed_until(at) is None


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-23 18:59:59", "2026-11-23 19:00"),  # a Monday
        ("2026-11-23 19:00", None),
        ("2026-11-24 05:59:59", None),
        ("2026-11-24 06:00", "2026-11-24 19:00"),
        ("2026-11-28 06:30", None),  # a Saturday
        ("2026-11-30 00:00", "2026-11-30 19:00"),  # Sunday's window ends, Monday's begins at 19
    ],
)
def test_nights_and_weekends_are_open_and_working_hours_are_not(at, opens):
    found = week_of(NIGHTS, "Europe/Berlin").closed_until(berlin(at))
    assert found == (berlin(opens) if opens else None)


@pytest.mark.parametrize("texts", [["Mon-Sun 00:00-24:00"], []])
def test_a_week_that_is_always_open_never_closes_and_no_windows_stand_for_always(texts):
    assert week_of(texts, "Europe/Berlin").closed_until(berlin("2026-11-23 12:00")) is None


def test_days_may_go_over_the_weekend_and_be_written_in_any_case():
    assert window_of("fri-MON 08:00-09:00").days == {4, 5, 6, 0}
    assert window_of("Wed,Fri-Sat 08:00-09:00").days == {2, 4, 5}


def test_a_closing_time_that_the_clock_skips_is_the_moment_it_is_put_forward():
    assert allowed("Sat 22:00-02:30", berlin("2026-03-29 01:59"))
    assert not allowed("Sat 22:00-02:30", berlin("2026-03-29 03:00"))  # 01:59 and a minute


def test_a_closing_time_that_comes_twice_closes_the_first_time():
    window = "Sat 22:00-02:30"
    first = datetime(2026, 10, 25, 0, 29, tzinfo=UTC)  # 02:29, summer time
    assert allowed(window, first)
    assert not allowed(window, first + MINUTE)
    assert not allowed(window, first + 46 * MINUTE)  # 02:15 again, after 02:30


def test_a_window_that_the_clock_skips_whole_opens_a_week_later():
    week = week_of(["Sun 02:10-02:40"], "Europe/Berlin")
    found = week.closed_until(berlin("2026-03-22 02:50"))
    assert found == berlin("2026-04-05 02:10")


@st.composite
def windows(draw) -> tuple[str, set[int], int, int]:
    """A window as text, and its days and minutes."""
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    opens, closes = draw(st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(
        lambda pair: pair[0] != pair[1]
    ))  # fmt: skip
    named = ",".join(DAYS[day] for day in sorted(days))
    text = f"{named} {opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
    return text, days, opens, closes


def on_the_wall(days: set[int], opens: int, closes: int, wall: datetime) -> bool:
    """Whether a person who looks at the clock would say that the window is open."""
    minute, today = wall.hour * 60 + wall.minute, wall.weekday()
    if opens < closes:
        return today in days and opens <= minute < closes
    return (today in days and minute >= opens) or ((today - 1) % 7 in days and minute < closes)


@given(windows(), ZONES, MOMENTS)
def test_a_window_is_open_when_the_clock_on_the_wall_says_so(window, zone, at):
    text, days, opens, closes = window
    wall = at.astimezone(ZoneInfo(zone))
    offsets = {(at + n * MINUTE).astimezone(ZoneInfo(zone)).utcoffset() for n in (-1500, 0, 1500)}
    found = week_of([text], zone).closed_until(at) is None
    if len(offsets) == 1:
        assert found == on_the_wall(days, opens, closes, wall)
    elif found:  # around a change of the clocks it may be shorter, never longer
        assert on_the_wall(days, opens, closes, wall)


@given(st.lists(windows(), min_size=1, max_size=3), ZONES, MOMENTS)
def test_when_the_next_window_opens_is_told_to_the_minute(drawn, zone, at):
    week = week_of([text for text, *_ in drawn], zone)
    until = week.closed_until(at)
    if until is not None:
        assert until > at
        assert week.closed_until(until) is None
        assert week.closed_until(until - timedelta(seconds=1)) == until


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("19:00-06:00", "written like"),
        ("Mon 7-9", "written like"),
        ("Mo-Fr 19:00-06:00", "'Mo' where a day belongs"),
        ("Mon- 19:00-06:00", "'' where a day belongs"),
        ("Mon 25:00-06:00", "no clock shows"),
        ("Mon 19:60-20:00", "no clock shows"),
        ("Mon 19:00-24:01", "no clock shows"),
        ("Mon 08:00-08:00", "a whole day is 00:00-24:00"),
    ],
)
def test_a_window_that_is_none_is_told_with_how_to_write_one(text, met):
    with pytest.raises(JobFileError, match=met):
        window_of(text)


@pytest.mark.parametrize("name", ["Middle/Earth", "../etc/passwd", "/etc/localtime", "Europe", ""])
def test_windows_need_a_time_zone_that_there_is(name):
    with pytest.raises(JobFileError, match="time_zone"):
        week_of(NIGHTS, name)
