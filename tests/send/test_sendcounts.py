"""The sentence at the end of sending says what was told on the way."""

from pacslift.events import Elsewhere, Finding, InstanceSent, PaceChanged
from pacslift.send.sendcounts import SendCounts

STORED = InstanceSent("1.2.3", "stored", None, 1_000_000, 0.1)
CORRECTED = InstanceSent("1.2.4", "stored", None, 1_000_000, 0.1, changes=3)
WARNED = InstanceSent("1.2.5", "stored_changed", "stored_with_warning", 1_000_000, 0.1)
REFUSED = InstanceSent("1.2.6", "failed", "refused_by_target", 1_000_000, 0.1, changes=2)


def told(*events):
    passed_on = []
    counts = SendCounts(passed_on.append)
    for event in events:
        counts(event)
    assert passed_on == list(events)
    return counts.sentence(2.0)


def test_stored_corrected_and_left_out_are_counted_apart():
    said = told(STORED, CORRECTED, Finding("send", "a finding"), WARNED, REFUSED)
    assert said == "3 stored (1 corrected), 1 not; 2/s, 1.5 MB/s"


def test_what_did_not_happen_is_not_said():
    assert told(STORED) == "1 stored; 0/s, 0.5 MB/s"


def test_a_night_of_waiting_does_not_lower_the_rate_and_is_said():
    held = [PaceChanged("free", held_seconds=seconds) for seconds in (50_000.0, 400.0)]
    said = told(STORED, *held, STORED)
    assert said == "2 stored; 1/s, 1.0 MB/s while sending; held for 14 h 00 min"
    assert told(STORED, PaceChanged("free", held_seconds=5.2)).endswith("; held for 5 s")


def test_what_other_machines_sent_meanwhile_is_said_apart():
    said = told(STORED, Elsewhere(2, 40, 1), Elsewhere(3, 2, 1))
    assert said == "1 stored; 0/s, 0.5 MB/s; 42 sent by other machines"
