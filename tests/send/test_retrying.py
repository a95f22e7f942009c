"""Trying again: what for, how often, and after which waits."""

import pytest
from small_objects import in_memory

from pacslift.errors import Cause, TargetUnreachableError
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import StoreAnswer
from pacslift.send.delivery import Delivery
from pacslift.send.faults import AssociationLostError, TargetAwayError
from pacslift.send.outcome import Outcome
from pacslift.send.retrying import AskingAgain, Reconnecting

STORED, BUSY, REFUSED = 0x0000, 0xA700, 0xC000
LOST = AssociationLostError("the target closed the connection")
UNREACHABLE = TargetUnreachableError("no connection")
AWAY = TargetAwayError(UNREACHABLE)


class Scripted:
    """A sender that answers, or raises, what it was told to, in order."""

    def __init__(self, *script: int | Exception) -> None:
        self._script = iter(script)
        self.seen: list[Outgoing] = []

    def send(self, outgoing: Outgoing) -> Delivery:
        self.seen.append(outgoing)
        step = next(self._script)
        if isinstance(step, Exception):
            raise step
        return Delivery.answered(StoreAnswer(step))


def asked(*script: int, waits=(1.0, 5.0)) -> tuple[Delivery, list[float]]:
    slept: list[float] = []
    return AskingAgain(Scripted(*script), waits, slept.append).send(in_memory("slice")), slept


def reconnected(*script: int | Exception, waits=(0.0, 2.0)) -> tuple[Delivery, list[float]]:
    slept: list[float] = []
    return Reconnecting(Scripted(*script), waits, slept.append).send(in_memory("slice")), slept


def test_a_busy_target_is_asked_again_after_the_waits_given():
    delivery, slept = asked(BUSY, BUSY, STORED)
    assert delivery.outcome is Outcome.STORED
    assert delivery.cause is None
    assert (slept, delivery.attempts) == ([1.0, 5.0], 3)


def test_a_target_that_stays_busy_is_let_be():
    delivery, slept = asked(BUSY, BUSY, BUSY)
    assert (delivery.outcome, delivery.cause) == (Outcome.BUSY, Cause.OUT_OF_RESOURCES)
    assert (slept, delivery.attempts) == ([1.0, 5.0], 3)


def test_a_refusal_is_not_asked_again():
    delivery, slept = asked(REFUSED)
    assert (delivery.outcome, delivery.cause) == (Outcome.REFUSED, Cause.REFUSED_BY_TARGET)
    assert slept == []


def test_after_a_lost_association_the_same_object_is_sent_again():
    sender = Scripted(LOST, STORED)
    outgoing = in_memory("slice")
    delivery = Reconnecting(sender, (0.0,), lambda _: None).send(outgoing)
    assert (delivery.outcome, delivery.attempts) == (Outcome.STORED, 2)
    assert sender.seen == [outgoing, outgoing]


def test_an_object_that_never_gets_an_answer_is_neither_stored_nor_refused():
    delivery, slept = reconnected(LOST, LOST, LOST)
    assert (delivery.outcome, delivery.cause) == (Outcome.NO_ANSWER, Cause.NO_ANSWER)
    assert delivery.detail == "the target closed the connection"
    assert (slept, delivery.attempts) == ([0.0, 2.0], 3)


def test_a_target_that_comes_back_in_time_gets_the_object():
    delivery, slept = reconnected(LOST, AWAY, STORED)
    assert delivery.outcome is Outcome.STORED
    assert (slept, delivery.attempts) == ([0.0, 2.0], 2)


def test_a_target_that_does_not_come_back_stops_the_run():
    with pytest.raises(TargetUnreachableError, match="no connection"):
        reconnected(LOST, AWAY, AWAY)


def test_without_waits_nothing_is_tried_again():
    assert reconnected(LOST, waits=())[0].attempts == 1
    assert asked(BUSY, waits=())[0].attempts == 1


def test_a_busy_target_that_is_lost_meanwhile_is_handled_by_both():
    slept: list[float] = []
    inner = Reconnecting(Scripted(BUSY, LOST, STORED), (0.5,), slept.append)
    delivery = AskingAgain(inner, (1.0,), slept.append).send(in_memory("slice"))
    assert delivery.outcome is Outcome.STORED
    assert (slept, delivery.attempts) == ([1.0, 0.5], 3)
