"""How sending goes, told of each machine while several work on one job."""

from datetime import timedelta

from pacslift import ledger_reading
from pacslift.cli_pace import goings_words
from pacslift.events import PaceChanged
from pacslift.send.going import FRESH, Going, OnRecord, goings

FREE, SLOWED = PaceChanged("free"), PaceChanged("slowed", allowed=2, room=8, reason="")


def test_every_machine_that_shares_a_job_says_how_it_goes_and_a_lone_one_for_itself(ledger):
    for told in (FREE, SLOWED):
        OnRecord(ledger).put(told, 10.0, 5.0)
    states = sorted(one.told.state for one in goings(ledger))
    assert states == (["free", "slowed"] if ledger.is_shared else ["slowed"])


def test_a_machine_that_ends_takes_away_its_own_words_alone(ledger):
    first, second = OnRecord(ledger), OnRecord(ledger)
    first.put(SLOWED, 1.0, 1.0)
    second.put(FREE, 2.0, 2.0)
    second.forget()
    assert [one.told for one in goings(ledger)] == ([SLOWED] if ledger.is_shared else [])


def test_a_machine_that_was_killed_is_not_shown_and_is_forgotten_by_the_next(ledger, monkeypatch):
    OnRecord(ledger).put(FREE, 10.0, 5.0)
    later = ledger.clock() + timedelta(seconds=FRESH + 1)
    monkeypatch.setattr(ledger, "clock", lambda: later)
    assert goings(ledger) == ()
    OnRecord(ledger).forget()
    monkeypatch.undo()
    assert goings(ledger) == ()


def test_a_machine_whose_clock_is_slow_is_shown_as_the_clock_of_the_server_counts(
    ledger, monkeypatch
):
    class Slow(ledger_reading.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - timedelta(hours=5)

    monkeypatch.setattr(ledger_reading, "datetime", Slow)
    OnRecord(ledger).put(FREE, 10.0, 5.0)
    monkeypatch.undo()
    assert [one.told for one in goings(ledger)] == ([FREE] if ledger.is_shared else [])


def test_several_machines_are_shown_together_and_each_for_itself():
    one, two = Going("ward", SLOWED, 3.0, 1.5), Going("vault", FREE, 20.5, 4.0)
    assert list(goings_words([one, two])) == [
        "2 machines send   (23.5/s, 5.5 MB/s)",
        "ward: slowed to 2 of 8 objects at once, as the target is in trouble:    (3.0/s, 1.5 MB/s)",
        "vault: goes on   (20.5/s, 4.0 MB/s)",
    ]
    assert list(goings_words([two])) == ["goes on   (20.5/s, 4.0 MB/s)"]
