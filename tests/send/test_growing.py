"""How many associations send, found while sending: the controller alone, and real targets."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_objects import CT
from test_team import planned

from pacslift.events import AssociationsChanged, Event
from pacslift.job import TargetAddress
from pacslift.send.association import Timeouts
from pacslift.send.crew import Crew, Sending, room_of_one
from pacslift.send.deliver import results_of
from pacslift.send.finding import Bounds, Finding, Found
from pacslift.send.growing import LONGEST_REST, MOST, PER_OBJECT, REST, Growing, Step
from pacslift.send.pace import Pacer
from pacslift.send.team import Team
from pacslift.send.worker import Retries
from scripted import ScriptedArchive

Rate = Callable[[int], float]  # objects in a second, by the number of associations


def simulated(growing: Growing, rate: Rate, seconds: float, start: float = 0.0) -> list[int]:
    """Send for *seconds* to a target that bears *rate*; the number at each tenth of a second."""
    seen, now, owed = [], start, 0.0
    while now < start + seconds:
        number = growing.number
        owed += rate(number) / 10
        answer = number / rate(number)  # Little's law
        while owed >= 1:
            owed -= 1
            growing.count(now, PER_OBJECT, answer)
        growing.step(now)
        seen.append(growing.number)
        now += 0.1
    return seen


def up_to(knee: int, each: float = 50.0) -> Rate:
    """A target that grows evenly up to *knee* associations, and no further."""
    return lambda number: each * min(number, knee)


@pytest.mark.parametrize("knee", [1, 2, 3, 5, 8, 15])
def test_the_number_grows_as_far_as_it_brings_something_and_stays_there(knee):
    seen = simulated(Growing(1, 0.0), up_to(knee), 4.5 * (knee + 2) + 20)
    assert max(seen) == min(knee + 1, MOST)
    assert seen[-1] == knee


def test_it_never_grows_beyond_its_bound():
    assert max(simulated(Growing(1, 0.0), up_to(99), 400)) == MOST
    assert max(simulated(Growing(1, 0.0, most=3), up_to(99), 400)) == 3


def test_a_target_that_becomes_slower_with_each_association_keeps_one():
    seen = simulated(Growing(1, 0.0), lambda number: 100 / number, 55)
    assert max(seen) == 2
    assert seen[-1] == 1


def test_more_throughput_is_not_bought_with_answers_that_come_much_later():
    seen = simulated(Growing(1, 0.0), lambda number: 50 * (1 + 0.1 * (number - 1)), 50)
    assert seen[-1] == 1


def test_after_a_rest_it_tries_again_and_finds_that_the_target_bears_more():
    growing = Growing(1, 0.0)
    assert simulated(growing, up_to(2), 60)[-1] == 2
    assert simulated(growing, up_to(6), 3 * REST, start=60)[-1] == 6


def test_where_nothing_changes_it_tries_less_and_less_often():
    seen = simulated(Growing(1, 0.0), up_to(2), 8 * LONGEST_REST / 4)
    assert sum(after > before for before, after in pairwise(seen)) < 12


def test_the_number_at_which_a_target_refuses_is_never_passed_again():
    growing = Growing(1, 0.0)
    simulated(growing, up_to(99), 20)
    growing.refused(20.0)
    limit = growing.number
    assert max(simulated(growing, up_to(99), 400, start=20)) == limit


def test_nothing_is_decided_from_too_few_answers():
    assert simulated(Growing(1, 0.0), lambda _: 0.5, 30)[-1] == 1


def test_a_number_of_an_earlier_run_is_kept_where_the_target_bears_no_more_and_no_less():
    seen = simulated(Growing(5, 0.0, proven=False), up_to(5), 55)
    assert seen[-1] == 5
    assert {4, 6} <= set(seen)  # both were tried


def test_a_number_of_an_earlier_run_falls_as_far_as_nothing_is_lost_by_it():
    assert simulated(Growing(8, 0.0, proven=False), up_to(3), 60)[-1] == 3


def test_a_number_of_an_earlier_run_grows_where_the_target_bears_more_now():
    assert simulated(Growing(2, 0.0, proven=False), up_to(6), 60)[-1] == 6


def test_where_the_first_way_to_grow_brings_nothing_the_other_is_tried_before_it_rests():
    growing, now, tried = Growing(1, 0.0), 0.0, []
    while now < 50:
        for _ in range(10):
            growing.count(now, 0, 0.1)
        if growing.step(now, ways=2) is Step.GROW:
            tried.append(growing.failed)
        now += 0.1
    assert tried == [0, 1]


def test_nothing_grows_while_there_is_no_way_to():
    growing, now = Growing(1, 0.0), 0.0
    while now < 50:
        growing.count(now, 0, 0.1)
        assert growing.step(now, ways=0) is Step.STAY
        now += 0.01
    assert simulated(growing, up_to(2), 20, start=50)[-1] == 2  # nor does it rest for that


@given(
    st.lists(st.tuples(st.floats(0.01, 20), st.integers(0, 1 << 28), st.floats(0, 90))),
    st.integers(1, 4),
    st.integers(1, 16),
    st.booleans(),
    st.data(),
)
def test_whatever_comes_the_number_stays_between_its_bounds(answers, least, more, proven, data):
    unit, most = data.draw(st.integers(1, 3)), least + more
    growing = Growing(least + more // 2, 0.0, least=least, most=most, unit=unit, proven=proven)
    now, last, refused = 0.0, 0, False
    for passed, size, seconds in answers:
        now += passed
        for _ in range(data.draw(st.integers(0, 60))):
            growing.count(now, size, seconds)
        before = growing.number
        step = growing.step(now, data.draw(st.integers(0, 2)))
        moved = {Step.GROW: unit, Step.SHRINK: -unit, Step.UNDO: -last, Step.STAY: 0}[step]
        last = moved if step in (Step.GROW, Step.SHRINK) else last
        assert growing.number - before == moved
        if data.draw(st.booleans()):
            growing.refused(now)
            refused = True
        assert (1 if refused else least) <= growing.number <= most


# crews


def sending_to(address: TargetAddress, timeouts: Timeouts | None = None) -> Sending:
    return Sending(address, (CT,), timeouts or Timeouts(), Retries((), ()))


def test_workers_come_and_go_and_every_object_arrives_once(tmp_path):
    given = planned(tmp_path, 60)
    with ScriptedArchive([CT]) as archive:
        crew = Crew(sending_to(archive.address), 1)
        crew.start()
        for count, one in enumerate(given):
            crew.give(one)
            if count in (10, 20):
                crew.grow()
            if count in (40, 50, 55):
                crew.shrink()
        results = [result for _ in given if (result := crew.get(20.0))]
        results += crew.stop()
        assert len(results) == 60
        assert set(archive.times_received().values()) == {1}
        assert crew.refusals() == 0


@pytest.mark.parametrize("processes", [1, 2])
def test_an_association_that_the_target_refuses_is_the_limit_and_no_error(tmp_path, processes):
    given = planned(tmp_path, 80)
    with ScriptedArchive([CT]).take_associations(3) as archive:
        sending = sending_to(archive.address)
        hands = Team(sending, [1] * processes)
        hands.start()
        results, refusals = [], 0
        for some, more in ((given[:40], 4), (given[40:], 0)):
            for one in some:
                hands.give(one)
            until = len(results) + 40
            while len(results) < until:
                result = hands.get(20.0)
                results += [result] if result else []
                refusals += hands.refusals()
            for _ in range(more):
                hands.grow()
        results += hands.stop()
        refusals += hands.refusals()
        assert {result.state for result in results} == {"stored"}
        assert archive.times_received() == {one.sop_instance_uid: 1 for one in given}
        assert refusals >= 4 - (3 - processes)  # or more, as those it is about to refuse count, too
        assert hands.room == (processes + 4 - refusals) * room_of_one(sending)


class Recorded(Team):
    """A team that notes what it is asked to do."""

    def __init__(self, sending: Sending) -> None:
        super().__init__(sending, [1])
        self.orders: list[str] = []

    def grow(self) -> None:
        self.orders.append("grow")
        super().grow()

    def shrink(self) -> None:
        self.orders.append("shrink")
        super().shrink()


def test_a_team_follows_the_number_that_is_found_and_every_change_is_told(tmp_path):
    """The clock runs a second an answer, so the rate is the same whatever the number."""
    told: list[Event] = []
    now = iter(range(10_000))
    with ScriptedArchive([CT]) as archive:
        team = Recorded(sending_to(archive.address))
        bounds = Bounds(Found(1, 1), most_processes=1, most=16, finds_associations=True)
        hands = Finding(team, bounds, told.append, clock=lambda: float(next(now)))
        results = [
            result for result in results_of(hands, iter(planned(tmp_path, 120)), Pacer()) if result
        ]
        results += hands.stop()
        assert len(results) == 120
        assert team.orders[:2] == ["grow", "shrink"]
        assert told[:3] == [
            AssociationsChanged(1, "begin"),
            AssociationsChanged(2, "grow"),
            AssociationsChanged(1, "shrink"),
        ]
