"""Handing out: in the order of the plan, as the pacer has it, and told as it goes."""

import json
from collections import deque
from dataclasses import replace

import pytest
from small_objects import CT
from test_team import planned, sending_to

from clocks import Clock
from pacslift.errors import LedgerError
from pacslift.events import PaceChanged
from pacslift.job_pace import SAID, Pace
from pacslift.ledger import Ledger, Planned
from pacslift.send import crew
from pacslift.send.crew import Crew
from pacslift.send.deliver import results_of
from pacslift.send.delivery import Delivery
from pacslift.send.going import goings
from pacslift.send.hands import Result
from pacslift.send.outcome import Outcome
from pacslift.send.pace import LOOK_EVERY, Came, Pacer
from pacslift.send.steering import WRITE_EVERY, Steering
from scripted import ScriptedArchive


class FakeHands:
    """Hands that do nothing; asked for a result, they let time pass or give the oldest back."""

    def __init__(self, clock: Clock, room: int = 4) -> None:
        self.clock, self.room = clock, room
        self.given: list[str] = []
        self.most = 0
        self._in_hand: deque[Planned] = deque()

    def start(self) -> None: ...

    def give(self, planned: Planned) -> None:
        self.given.append(planned.instance_key)
        self._in_hand.append(planned)
        self.most = max(self.most, len(self._in_hand))

    def get(self, patience: float) -> Result | None:
        if self._in_hand:
            return Result(self._in_hand.popleft(), Delivery(Outcome.NOT_SENT), None)
        self.clock.now += patience
        return None

    def doing(self) -> dict[str, str]:
        return {}

    def stop(self) -> list[Result]:
        return []


def instances(count: int) -> list[Planned]:
    return [Planned(f"k{n}", f"1.{n}", None, None, None, None, None, ()) for n in range(count)]


def test_everything_is_handed_out_once_in_its_order_and_never_more_than_there_is_room_for():
    hands = FakeHands(Clock())
    some = instances(20)
    results = [one for one in results_of(hands, iter(some), Pacer(clock=hands.clock)) if one]
    assert hands.given == [one.instance_key for one in some]
    assert [result.planned for result in results] == some
    assert hands.most == hands.room


def test_while_it_is_held_whoever_collects_is_asked_again_and_again_and_nothing_is_handed_out():
    hands = FakeHands(Clock())
    pacer = Pacer(Pace(paused=True), hands.clock)
    results = results_of(hands, iter(instances(3)), pacer)
    assert [next(results) for _ in range(20)] == [None] * 20
    assert hands.given == []
    pacer.pace = Pace()
    assert len([one for one in results if one]) == 3


def test_in_a_long_pause_associations_are_given_back_and_opened_again_after_it(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(crew, "IDLE", 0.1)
    given = planned(tmp_path, 2)
    with ScriptedArchive([CT]) as archive:
        hands = Crew(sending_to(archive.address), 1)
        hands.start()
        try:
            for number, one in enumerate(given, 1):
                hands.give(one)
                result = hands.get(10)
                assert result is not None
                assert result.delivery.outcome is Outcome.STORED
                assert archive.associations == number
                archive.wait_for_a_release()
        finally:
            hands.stop()


# the steering between pacer and ledger


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.close()


def steered(ledger: Ledger, pace: Pace) -> tuple[Steering, Pacer, Clock, list[PaceChanged]]:
    clock, told = Clock(), []
    pacer = Pacer(pace, clock)
    return Steering(ledger, pacer, told.append, clock), pacer, clock, told


def test_what_a_person_says_holds_within_a_second_and_job_toml_again_once_it_is_cleared(ledger):
    pace = Pace(instances_per_second=5)
    steering, pacer, clock, told = steered(ledger, pace)
    ledger.put(SAID, json.dumps({"instances_per_second": None, "paused": True}))
    clock.now += LOOK_EVERY
    steering.look()
    assert pacer.pace == Pace(paused=True)
    assert [one.state for one in told] == ["paused"]
    clock.now += 60
    ledger.forget(SAID)
    steering.look()
    assert pacer.pace == pace
    assert (told[-1].state, told[-1].held_seconds) == ("free", 60)


def test_a_job_that_was_paused_before_it_began_hands_out_nothing(ledger):
    ledger.put(SAID, json.dumps({"paused": True}))
    _, pacer, _, told = steered(ledger, Pace())
    assert pacer.wait(1, 4) > 0
    assert [one.state for one in told] == ["paused"]


def test_how_the_run_goes_is_on_record_with_its_rates_until_it_ends(ledger):
    steering, _, clock, _ = steered(ledger, Pace())
    for _ in range(10):
        steering.count(500_000)
    clock.now += WRITE_EVERY
    steering.look()
    (said,) = goings(ledger)
    assert said.instances_per_second == 10 / WRITE_EVERY
    assert said.megabytes_per_second == 5 / WRITE_EVERY
    assert said.told.state == "free"
    steering.end()
    assert goings(ledger) == ()


def test_that_the_target_is_in_trouble_is_told_at_once_and_is_on_record_before_it_is_told(ledger):
    steering, pacer, _, told = steered(ledger, Pace())
    pacer.wait(1, 24)
    pacer.gave("k", 1)
    pacer.came("k", Came(None, 1, 4, troubled=True))
    steering.look()
    assert told == [replace(pacer.going(), held_seconds=0.0)]
    assert [one.told.state for one in goings(ledger)] == ["slowed"]


def test_when_a_run_ends_while_it_is_held_the_time_of_that_is_told(ledger):
    steering, _, clock, told = steered(ledger, Pace(paused=True))
    clock.now += 7
    steering.end()
    assert (told[-1].state, told[-1].held_seconds) == ("free", 7)


def test_a_pace_in_the_ledger_that_nobody_can_read_stops_the_run_and_says_what_to_do(ledger):
    ledger.put(SAID, '{"speed": 5}')
    with pytest.raises(LedgerError, match="--clear"):
        steered(ledger, Pace())
