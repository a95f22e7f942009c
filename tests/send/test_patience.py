"""When to stop believing in a target."""

import pytest
from small_objects import in_memory

from pacslift.errors import (
    Cause,
    SetAsideError,
    TargetBusyError,
    TargetLostError,
    TargetStatusError,
)
from pacslift.send.association import StoreAnswer
from pacslift.send.delivery import Delivery, Sent
from pacslift.send.outcome import policy_of
from pacslift.send.patience import Patience


def told(name: str, status: int | None) -> Delivery:
    """What became of the object *name*; no status: no answer."""
    delivery = (
        Delivery.unanswered("the target closed the connection", 3)
        if status is None
        else Delivery.answered(StoreAnswer(status))
    )
    return delivery.about(Sent.of(in_memory(name), None))


def judge(*story: tuple[str, int | None]) -> None:
    patience = Patience()
    for name, status in story:
        patience.judge(told(name, status))


def test_three_objects_lost_in_a_row_stop_the_run():
    judge(("a", None), ("b", None))
    with pytest.raises(TargetLostError, match=r"3 objects in a row .* closed the connection"):
        judge(("a", None), ("b", None), ("c", None))


def test_three_objects_in_a_row_that_the_target_had_no_room_for_stop_the_run():
    judge(("a", 0xA700), ("b", 0xA700))
    with pytest.raises(TargetBusyError, match=r"3 objects in a row \(status A700h\)"):
        judge(("a", 0xA700), ("b", 0xA700), ("c", 0xA700))


def test_one_object_that_kills_the_target_again_and_again_does_not_stop_the_run():
    judge(*[("a", None)] * 10)


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xC000])
def test_any_proper_answer_between_shows_that_the_target_works(status):
    judge(("a", None), ("b", None), ("good", status), ("c", None), ("d", None))
    judge(("a", 0xA700), ("b", 0xA700), ("good", status), ("c", 0xA700), ("d", 0xA700))


def test_objects_set_aside_between_say_nothing_about_the_target():
    patience = Patience()
    aside = Delivery.set_aside(SetAsideError(Cause.MISSING_FILE, "no file"))
    for name in "ab":
        patience.judge(told(name, None))
        patience.judge(aside)
    with pytest.raises(TargetLostError):
        patience.judge(told("c", None))


def test_one_answer_that_the_job_calls_a_reason_to_stop_is_enough():
    answered = Delivery.answered(StoreAnswer(0xA701), policy_of("", {"A701": "stop"}))
    with pytest.raises(TargetStatusError, match=r"status A701h, at which job\.toml says to stop"):
        Patience().judge(answered.about(Sent.of(in_memory("slice"), None)))
