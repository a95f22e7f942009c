"""The closed loop, against targets that have so much power and no more."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.send.backoff import IN_TROUBLE, QUICK, SLOW_ANSWERS, Backoff

ROOM = 24


class Target:
    """Serves *lanes* objects at a time, each in *service* seconds; the others wait their turn."""

    def __init__(self, lanes: int, service: float) -> None:
        self.lanes, self.service = lanes, service
        self.bears = ROOM  # with more at once it is out of resources
        self.now = 0.0
        self.backoff = Backoff(0.0)
        self.done = 0
        self.levels: list[int] = []
        self._free = [0.0] * lanes
        self._underway: list[tuple[float, float, bool]] = []  # when it ends, began; refused

    def run(self, seconds: float) -> float:
        """Send for so long; gives the objects stored a second."""
        until, before = self.now + seconds, self.done
        while self.now < until:
            while len(self._underway) < self.backoff.allowed(ROOM):
                self._give()
            self.backoff.used_up()
            self.now, began, refused = heapq.heappop(self._underway)
            self.done += not refused
            self.backoff.came(
                self.now, None if refused else self.now - began, 500_000, troubled=refused,
                in_hand=len(self._underway), room=ROOM,
            )  # fmt: skip
            self.levels.append(self.backoff.allowed(ROOM))
        return (self.done - before) / seconds

    def _give(self) -> None:
        if len(self._underway) >= self.bears:
            heapq.heappush(self._underway, (self.now + 1.0, self.now, True))
            return
        lane = min(range(len(self._free)), key=self._free.__getitem__)
        ends = max(self.now, self._free[lane]) + self.service
        self._free[lane] = ends
        heapq.heappush(self._underway, (ends, self.now, False))


@given(st.integers(1, 30), st.floats(0.05, 5))
def test_a_healthy_target_loses_nothing(lanes, service):
    target = Target(lanes, service)
    full = min(lanes, ROOM) / service
    target.run(20 * service + 5)
    assert target.run(100 * service + 30) >= 0.9 * full


@pytest.mark.parametrize("service", [0.002, 0.01, 0.03])
def test_a_quick_target_is_never_slowed(service):
    target = Target(4, service)
    target.run(30)
    assert set(target.levels) == {ROOM}


def test_when_answers_become_slow_less_is_sent_at_once_and_it_recovers_with_the_target():
    target = Target(ROOM, 0.2)
    target.run(60)
    assert target.backoff.level is None
    target.service = 4.0
    target.run(60)
    assert target.backoff.allowed(ROOM) <= 3
    assert target.backoff.reason == SLOW_ANSWERS
    target.service = 0.2
    target.run(60)
    assert target.backoff.level is None
    assert target.backoff.reason == ""


def test_a_target_that_stays_slower_is_slowed_for_a_time_and_not_for_ever():
    target = Target(ROOM, 0.2)
    target.run(60)
    target.service = 1.0
    target.run(30)
    assert target.backoff.level is not None
    target.run(3600)
    assert target.backoff.level is None


def test_a_target_out_of_resources_gets_half_at_once_and_the_limit_is_found():
    target = Target(ROOM, 0.05)
    target.bears = 6
    target.run(120)
    assert target.backoff.allowed(ROOM) <= 7
    assert target.run(300) >= 0.75 * 6 / 0.05


def test_what_was_in_hand_when_it_slowed_down_does_not_count_again():
    backoff = Backoff(0.0)
    backoff.came(1.0, None, 1, troubled=True, in_hand=ROOM - 1, room=ROOM)
    assert backoff.allowed(ROOM) == ROOM // 2
    for _ in range(ROOM - 1):
        backoff.came(1.1, None, 1, troubled=True, in_hand=ROOM // 2, room=ROOM)
    assert backoff.allowed(ROOM) == ROOM // 2
    backoff.came(1.2, None, 1, troubled=True, in_hand=ROOM // 2, room=ROOM)
    assert backoff.allowed(ROOM) == ROOM // 4
    assert backoff.reason == IN_TROUBLE


def test_large_objects_take_longer_and_are_not_taken_for_trouble():
    backoff, now = Backoff(0.0), 0.0
    for nth in range(2000):
        size, seconds = (10**9, 20.0) if nth % 500 >= 400 else (10**5, 0.1)
        now += seconds
        backoff.came(now, seconds, size, troubled=False, in_hand=1, room=ROOM)
    assert backoff.level is None


def test_a_limit_on_answers_holds_whatever_is_usual():
    backoff = Backoff(0.0, answer_seconds=0.05)
    for nth in range(100):
        backoff.came(nth / 10, QUICK, 1000, troubled=False, in_hand=0, room=ROOM)
    assert backoff.allowed(ROOM) == 1


Answers = st.lists(
    st.tuples(
        st.floats(0, 100), st.none() | st.floats(0, 1000), st.integers(0, 2**40), st.booleans(),
        st.integers(0, 100), st.integers(1, 100),
    ), max_size=200,
)  # fmt: skip


@given(Answers)
def test_whatever_comes_at_least_one_may_be_sent_and_never_more_than_there_is_room_for(answers):
    backoff, now = Backoff(0.0), 0.0
    for passed, seconds, size, troubled, in_hand, room in answers:
        now += passed
        backoff.used_up()
        backoff.came(now, seconds, size, troubled=troubled, in_hand=in_hand, room=room)
        assert 1 <= backoff.allowed(room) <= room


@given(Answers)
def test_after_any_trouble_a_target_that_is_well_again_gets_all(answers):
    backoff, now = Backoff(0.0), 0.0
    for passed, seconds, size, troubled, in_hand, room in answers:
        now += passed
        backoff.came(now, seconds, size, troubled=troubled, in_hand=in_hand, room=room)
    for _ in range(400):
        now += 0.4
        backoff.used_up()
        backoff.came(now, 0.1, 1000, troubled=False, in_hand=ROOM, room=ROOM)
    assert backoff.allowed(ROOM) == ROOM


def test_after_a_pause_of_weeks_it_goes_on_with_what_it_knew_of_the_targets_power():
    target = Target(ROOM, 0.5)
    target.run(30)
    target.now += 30 * 86_400
    target.backoff.rested(target.now)
    target._free = [target.now] * ROOM
    target.run(30)
    assert target.backoff.allowed(ROOM) == ROOM
    target.backoff.came(target.now, None, 1, troubled=True, in_hand=3, room=ROOM)
    assert target.backoff.allowed(ROOM) > 1
