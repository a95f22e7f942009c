"""Ctrl-C and SIGTERM while objects are sent."""

import signal
import threading

import pytest
from small_objects import CT, ledger_of
from test_team import planned, sending_to

from pacslift.errors import LedgerLostError
from pacslift.send.crew import Crew
from pacslift.send.deliver import deliver
from pacslift.send.hands import Result
from pacslift.send.interrupts import INTERRUPTS, held_back
from pacslift.send.patient import PatientWithServer
from scripted import ScriptedArchive


class InterruptedCrew(Crew):
    """Workers whose first answer comes in the moment in which somebody presses Ctrl-C."""

    interrupted = False

    def get(self, patience: float) -> Result | None:
        result = super().get(patience)
        if result and not self.interrupted:
            self.interrupted = True
            signal.raise_signal(signal.SIGINT)
        return result


def test_an_answer_that_comes_together_with_ctrl_c_is_put_on_record(tmp_path):
    given = planned(tmp_path, 60)
    ledger = ledger_of(tmp_path, given, [None] * len(given))
    with ScriptedArchive([CT]) as archive:
        with pytest.raises(KeyboardInterrupt):
            deliver(ledger, InterruptedCrew(sending_to(archive.address), 1), lambda _: None)
        states, _ = ledger.states_and_causes()
        assert 1 <= states["stored"] == len(archive.received) < len(given)
    ledger.close()


@pytest.mark.parametrize("number", INTERRUPTS)
def test_an_interrupt_is_met_where_it_is_asked_for(number, interrupting):
    with pytest.raises(InterruptedError), held_back() as meet:
        meet()
        signal.raise_signal(number)
        went_on = True
        meet()
        went_on = False
    assert went_on


@pytest.mark.parametrize("number", INTERRUPTS)
def test_an_interrupt_that_nobody_asks_for_is_met_at_the_end(number, interrupting):
    went_on = False
    with pytest.raises(InterruptedError), held_back():
        signal.raise_signal(number)
        went_on = True
    assert went_on


def test_whoever_interrupts_twice_does_not_wait(interrupting):
    with pytest.raises(InterruptedError), held_back():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")


def test_whoever_waits_for_the_ledger_s_server_is_not_kept_by_it(interrupting):
    asked = []

    def away():
        asked.append(1)
        signal.raise_signal(signal.SIGINT)
        raise LedgerLostError

    patient = PatientWithServer(lambda _: None)
    with pytest.raises(InterruptedError), held_back():
        patient.do(away)
    assert asked == [1]
    with pytest.raises(LedgerLostError):  # what is to be put on record at the end has no time
        patient.do(away_at_once)


def away_at_once():
    raise LedgerLostError


def test_another_error_is_not_hidden_by_an_interrupt(interrupting):
    with pytest.raises(ZeroDivisionError), held_back():
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError


def test_handlers_are_as_before_afterwards_and_untouched_outside_the_main_thread(interrupting):
    before = [signal.getsignal(number) for number in INTERRUPTS]
    inside = []

    def look() -> None:
        with held_back():
            inside.extend(signal.getsignal(number) for number in INTERRUPTS)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    with held_back():
        pass
    assert inside == before == [signal.getsignal(number) for number in INTERRUPTS]


@pytest.fixture
def interrupting():
    """Handlers that raise InterruptedError."""

    def interrupt(number, frame):
        raise InterruptedError

    before = {number: signal.signal(number, interrupt) for number in INTERRUPTS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
