"""How fast is sent: limits that hold over any time, windows, pauses, and never a standstill."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.job_pace import Pace
from pacslift.send.pace import MEGA, Came, Pacer

ROOM = 8
STORED = {"seconds": 0.01, "attempts": 1, "troubled": False}


class Clock:
    """Time that passes when the test says so; the clock on the wall goes with it."""

    def __init__(self, wall: str = "2026-11-23 12:00") -> None:
        self.now = 0.0
        self.began = datetime.fromisoformat(wall).replace(tzinfo=UTC)

    def __call__(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return self.began + timedelta(seconds=self.now)


class Sending:
    """Hands out objects as the pacer has it; each comes back at once."""

    def __init__(self, pace: Pace, wall: str = "2026-11-23 12:00") -> None:
        self.clock = Clock(wall)
        self.pacer = Pacer(pace, self.clock, self.clock.wall)
        self.step = 1e-9  # seconds that it waits at least
        self.sent: list[tuple[float, int]] = []  # when, and how many bytes

    def send(self, size: int, known: int | None = None, attempts: int = 1) -> None:
        """One object of *size* bytes, of which the catalog says *known*, when that may be."""
        while wait := self.pacer.wait(known, ROOM):
            assert wait < float("inf")
            self.clock.now += max(wait, self.step)
        key = str(len(self.sent))
        self.pacer.gave(key, known)
        self.sent.append((self.clock.now, size * attempts))
        came = STORED | {"size": size, "attempts": attempts}
        self.pacer.came(key, Came(**came))

    def most_in(self, seconds: float) -> tuple[int, int]:
        """The most objects, and bytes, that were sent within *seconds*."""
        some = [
            [size for at, size in self.sent[nth:] if at <= begin + seconds]
            for nth, (begin, _) in enumerate(self.sent)
        ]
        return max(map(len, some)), max(map(sum, some))


@given(
    st.floats(0.1, 500), st.lists(st.integers(1, 10**8), min_size=2, max_size=40),
    st.floats(0.01, 100),
)  # fmt: skip
def test_over_any_time_no_more_instances_are_sent_than_the_limit_allows(rate, sizes, seconds):
    sending = Sending(Pace(instances_per_second=rate))
    for size in sizes:
        sending.send(size, size)
    objects, _ = sending.most_in(seconds)
    assert objects <= rate * seconds + max(1, rate / 4) + 1e-6


@given(
    st.floats(0.01, 500), st.lists(st.integers(1, 10**8), min_size=2, max_size=40),
    st.floats(0.01, 100),
)  # fmt: skip
def test_over_any_time_no_more_megabytes_are_sent_than_the_limit_allows(rate, sizes, seconds):
    sending = Sending(Pace(megabytes_per_second=rate))
    for size in sizes:
        sending.send(size, size)
    _, size = sending.most_in(seconds)
    assert size <= (rate * seconds + max(rate / 4, max(sizes) / MEGA)) * MEGA * (1 + 1e-6) + 1


@given(st.lists(st.tuples(st.integers(1, 10**7), st.none() | st.integers(1, 10**7),
                          st.integers(1, 3)), min_size=60, max_size=60))  # fmt: skip
def test_what_the_catalog_says_wrongly_of_sizes_is_made_good_once_it_was_sent(objects):
    sending = Sending(Pace(megabytes_per_second=1))
    for size, known, attempts in objects:
        sending.send(size, known, attempts)
    sending.send(1, 1)  # not before what was sent until now is paid for
    paid = sum(size for _, size in sending.sent[:-1])
    assert sending.sent[-1][0] >= paid / MEGA - 0.25 - 1e-6


def test_a_limit_is_reached_and_not_only_kept():
    sending = Sending(Pace(instances_per_second=10))
    for _ in range(101):
        sending.send(1000, 1000)
    assert sending.clock.now == pytest.approx(10.1)


def test_what_was_never_sent_does_not_count_against_a_limit():
    sending = Sending(Pace(instances_per_second=10, megabytes_per_second=1))
    for _ in range(100):
        sending.send(1000, 1000, attempts=0)
    assert sending.clock.now < 0.2


def test_without_a_limit_nothing_waits():
    sending = Sending(Pace())
    for _ in range(100):
        sending.send(10**9, 10**9)
    assert sending.clock.now == 0


def test_a_machine_with_half_the_share_sends_half_as_much_and_one_without_sends_nothing():
    sending = Sending(Pace(instances_per_second=10))
    sending.pacer.share = 0.5
    for _ in range(51):
        sending.send(1, 1)
    assert sending.clock.now == pytest.approx(10.2)
    sending.pacer.share = 0
    sending.clock.now += 1000
    assert sending.pacer.wait(1, ROOM) == float("inf")
    sending.pacer.share = 1
    sending.send(1, 1)
    with pytest.raises(ValueError, match=r"1\.5"):
        sending.pacer.share = 1.5


def test_a_share_of_no_limit_is_no_limit():
    sending = Sending(Pace())
    sending.pacer.share = 0.1
    assert sending.pacer.wait(10**9, ROOM) == 0


def test_while_it_is_paused_nothing_is_handed_out_and_then_it_goes_on():
    sending = Sending(Pace(paused=True))
    sending.clock.now += 100_000
    assert sending.pacer.wait(1, ROOM) > 0
    assert sending.pacer.going().state == "paused"
    sending.pacer.pace = Pace()
    assert sending.pacer.wait(1, ROOM) == 0
    assert sending.pacer.going().state == "free"


def test_outside_of_its_windows_it_waits_until_one_opens_and_says_when():
    nights = Pace(windows=("Mon-Fri 19:00-06:00",), time_zone="Europe/Berlin")
    sending = Sending(nights, wall="2026-11-23 12:00")  # UTC: a Monday, 13:00 in Berlin
    going = sending.pacer.going()
    assert (going.state, going.until) == ("closed", "2026-11-23T19:00:00+01:00")
    sending.step = 60
    sending.send(1, 1)
    assert sending.clock.now == pytest.approx(6 * 3600, abs=60)
    sending.clock.now = 17 * 3600 - 1
    assert sending.pacer.wait(1, ROOM) == 0
    sending.clock.now += 1
    assert sending.pacer.wait(1, ROOM) > 0


def test_a_new_limit_holds_at_once():
    sending = Sending(Pace(instances_per_second=0.001))
    assert sending.pacer.wait(1, ROOM) == pytest.approx(1000)
    sending.pacer.pace = Pace(instances_per_second=1000)
    assert sending.pacer.wait(1, ROOM) <= 0.001


def test_no_more_are_in_hand_than_there_is_room_for():
    sending = Sending(Pace())
    for nth in range(ROOM):
        assert sending.pacer.wait(1, ROOM) == 0
        sending.pacer.gave(str(nth), 1)
    assert sending.pacer.wait(1, ROOM) == float("inf")
    assert sending.pacer.wait(1, ROOM + 1) == 0


def test_a_target_in_trouble_gets_less_at_once_unless_that_was_forbidden():
    for adaptive, state in ((True, "slowed"), (False, "free")):
        sending = Sending(Pace(adaptive=adaptive))
        for nth in range(ROOM):
            sending.pacer.wait(1, ROOM)
            sending.pacer.gave(str(nth), 1)
        sending.pacer.came("0", Came(None, 1, 4, troubled=True))
        assert sending.pacer.going().state == state


def test_a_person_who_switches_the_loop_off_gets_all_back():
    sending = Sending(Pace())
    sending.pacer.gave("0", 1)
    sending.pacer.room = ROOM
    sending.pacer.came("0", Came(None, 1, 4, troubled=True))
    sending.pacer.pace = Pace(adaptive=False)
    assert sending.pacer.going().allowed == ROOM
