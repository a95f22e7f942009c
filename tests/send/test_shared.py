"""Studies are one machine's at a time, and what was taken from it is not its to record any more."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from ledgers import database_on, schema_at
from pacslift.errors import LedgerLostError, PlannedAnewError
from pacslift.events import Elsewhere, silence
from pacslift.ledger import CHANGES, INSTANCES, Ledger, Planned
from pacslift.ledger_kept import numbers_of
from pacslift.ledger_tables import REVISIONS
from pacslift.send import others
from pacslift.send.patient import PatientWithServer
from pacslift.send.shared import Shared
from pacslift.send.studies import any_left, count_live, hand_out, revoke

DEAD_AFTER = 2.0  # seconds


@pytest.fixture(scope="module")
def database(ledger_server) -> str:
    return database_on(ledger_server)


@pytest.fixture
def ledger(ledger_server, database) -> Iterator[Ledger]:
    opened = Ledger(schema_at(ledger_server, database))
    yield opened
    opened.close()


def planned(ledger: Ledger, *studies: str | None) -> None:
    """One instance of each of these studies, in this order, handed out."""
    rows = [
        {"instance_key": f"k{n}", "sop_instance_uid": f"1.2.{n}", "position": n,
         "state": "planned", "study_instance_uid": study}
        for n, study in enumerate(studies)
    ]  # fmt: skip
    copies = [
        {"instance_key": f"k{n}", "rank": 0, "mount": "/first", "relative": f"{n}.dcm"}
        for n, _ in enumerate(studies)
    ]
    ledger.replan([rows], [copies], [], {"instances": len(rows)})
    ledger.put("revision", "r1")
    hand_out(ledger, "r1")


@contextmanager
def machine(ledger: Ledger, tell: Callable = silence, most: int = 1, **moved: str):
    """A machine at work that takes so many studies at a time."""
    shared = Shared(ledger, DEAD_AFTER, tell, moved)
    take = shared._studies.take
    shared._studies.take = lambda instances, _, known: take(instances, most, known)
    try:
        yield shared
    finally:
        shared.close()


def dies(shared: Shared, ledger: Ledger) -> None:
    """It gives no sign of life any more, and has given none for an hour."""
    shared._pulse.stop()
    hour = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour' WHERE id = "
    with ledger.writing() as connection:
        connection.exec_driver_sql(f"{hour}{shared._studies.worker}")


def next_of(given: Iterator[Planned | None]) -> Planned:
    """The next instance, waited for."""
    deadline = time.monotonic() + 30
    while not (one := next(given)):
        assert time.monotonic() < deadline
    return one


def stored(*given: Planned, **others: object) -> list[dict]:
    return [{"instance_key": one.instance_key, "state": "stored", **others} for one in given]


def states(ledger: Ledger) -> dict[str, str]:
    return {row["instance_key"]: row["state"] for row in ledger.rows(sa.select(INSTANCES))}


def test_each_study_goes_to_one_machine_in_the_order_of_the_plan(ledger):
    planned(ledger, "1.1", "1.2", "1.1", None, "1.3")
    with machine(ledger) as one, machine(ledger) as other:
        first, second = one.planned(), other.planned()
        assert [next(first).instance_key, next(first).instance_key] == ["k0", "k2"]
        assert next(second).instance_key == "k1"
        assert next(first).instance_key == "k3"
        assert next(second).instance_key == "k4"
        assert next(first) is None  # for the moment: the other may give something back


def test_it_is_over_when_every_result_is_on_record_wherever(ledger):
    planned(ledger, "1.1", "1.2")
    with machine(ledger) as one, machine(ledger) as other:
        first, second = one.planned(), other.planned()
        mine, theirs = next(first), next(second)
        assert one.record(stored(mine), []) == {"k0"}
        assert next(first) is None
        other.record(stored(theirs), [])
        assert [given for given in second if given] == []
        assert [given for given in first if given] == []
    assert not any_left(ledger)
    assert states(ledger) == {"k0": "stored", "k1": "stored"}


def test_what_a_machine_that_goes_home_has_left_is_sent_by_another_at_once(ledger):
    planned(ledger, "1.1", "1.1")
    with machine(ledger) as one:
        given = one.planned()
        one.record(stored(next(given)), [])
    with machine(ledger) as other:
        assert next(other.planned()).instance_key == "k1"


def test_the_studies_of_a_dead_machine_go_to_another(ledger):
    planned(ledger, "1.1", "1.1")
    with machine(ledger) as one:
        given = one.planned()
        one.record(stored(next(given)), [])
        dies(one, ledger)
        with machine(ledger) as other:
            assert next_of(other.planned()).instance_key == "k1"


@pytest.mark.parametrize("recorded", [True, False])
def test_a_machine_that_was_cut_off_and_comes_back_writes_nothing_over_the_others(ledger, recorded):
    planned(ledger, "1.1", "1.1")
    with machine(ledger) as one, machine(ledger) as other:
        given = one.planned()
        mine = [next(given), next(given)]
        dies(one, ledger)
        theirs = next_of(other.planned())
        if recorded:
            other.record(stored(theirs, digest="by the other"), [])
        change = {"instance_key": "k0", "rule": "T01", "keyword": "PatientName"}
        late = [{**row, "state": "failed"} for row in stored(*mine, digest="late")]
        assert one.record(late, [{**change, "before": None, "after": None}]) == set()
        assert states(ledger) == {"k0": "stored" if recorded else "planned", "k1": "planned"}
        assert {row["digest"] for row in ledger.rows(sa.select(INSTANCES))} <= {
            None,
            "by the other",
        }


def test_after_it_lost_a_study_a_machine_goes_on_with_others(ledger):
    planned(ledger, "1.1", "1.2")
    with machine(ledger) as one, machine(ledger) as other:
        given, theirs = one.planned(), other.planned()
        lost = next(given)
        dies(one, ledger)
        held = next_of(theirs)
        while held.instance_key != lost.instance_key:  # until it is heard that nobody is heard
            assert other.record(stored(held), [])
            held = next_of(theirs)
        other._pulse.stop()  # so that it takes nothing back a second time
        planned(ledger, "1.1", "1.2", "1.3")
        assert one.record(stored(lost), []) == set()
        more = next_of(given)
        assert one.record(stored(more), []) == {more.instance_key}


def test_nobody_is_taken_for_dead_while_the_server_itself_was_away(ledger, ledger_server):
    """The server has been up for less than the time in which a machine must be heard."""
    planned(ledger, "1.1")
    up = float(ledger_server.run("SELECT extract(epoch FROM now() - pg_postmaster_start_time())"))
    with machine(ledger) as one:
        next(one.planned())
        dies(one, ledger)
        other = Shared(ledger, up + 3600, silence, {})
        assert next(other.planned()) is None
        other.close()


def test_a_result_that_is_there_already_stays(ledger):
    planned(ledger, "1.1")
    with machine(ledger) as one:
        mine = next(one.planned())
        ledger.record(stored(mine, digest="first"))
        assert one.record([{**stored(mine)[0], "state": "failed"}], []) == set()
    assert states(ledger) == {"k0": "stored"}


def test_studies_planned_anew_are_refused_by_who_was_told_of_the_plan_before(ledger):
    planned(ledger, "1.1")
    with machine(ledger) as one:
        given = one.planned()
        mine = next(given)
        revoke(ledger)
        hand_out(ledger, "r2")
        assert one.record(stored(mine), []) == set()
        with pytest.raises(PlannedAnewError, match="planned anew"):
            next_of(given)
    with machine(ledger) as other:
        other._revision = "r2"
        assert next(other.planned()).instance_key == "k0"


def test_what_was_planned_again_meanwhile_is_handed_out_once_more(ledger):
    planned(ledger, "1.1", "1.1")
    with machine(ledger) as one:
        given = one.planned()
        first, second = next(given), next(given)
        one.record([{"instance_key": first.instance_key, "state": "failed", "cause": "x"}], [])
        assert ledger.reopen("x") == 1
        hand_out(ledger, "r1")
        hand_out(ledger, "r1")  # waits already
        one.record(stored(second), [])
        assert next_of(given).instance_key == first.instance_key


def test_a_study_that_was_handed_out_once_more_can_be_taken_back_too(ledger):
    planned(ledger, "1.1", "1.1")
    with machine(ledger) as one, machine(ledger) as other:
        given = one.planned()
        one.record(
            [{"instance_key": next(given).instance_key, "state": "failed", "cause": "x"}], []
        )
        ledger.reopen("x")
        hand_out(ledger, "r1")
        dies(one, ledger)
        theirs = other.planned()
        assert {next_of(theirs).instance_key, next_of(theirs).instance_key} == {"k0", "k1"}


def test_copies_are_read_where_the_storage_is_mounted_on_this_machine(ledger):
    planned(ledger, "1.1")
    with machine(ledger, **{"/first": "/second"}) as one:
        assert [copy.mount for copy in next(one.planned()).candidates] == ["/second"]


def test_machines_that_are_at_work_are_counted_as_long_as_they_are_heard(ledger):
    planned(ledger, "1.1")
    assert count_live(ledger, DEAD_AFTER) == 0
    with machine(ledger) as one, machine(ledger):
        assert count_live(ledger, DEAD_AFTER) == 2
        dies(one, ledger)
        assert count_live(ledger, DEAD_AFTER) == 1
    assert count_live(ledger, DEAD_AFTER) == 0


def test_a_machine_hears_what_the_others_are_through_with(ledger):
    planned(ledger, "1.1", "1.2")
    told: list[Elsewhere] = []
    with machine(ledger, told.append) as one, machine(ledger) as other:
        theirs = next(other.planned())
        other.record(stored(theirs, bytes=70, stored_at="2026-01-01T00:00:00+00:00"), [])
        one.others.look(at_once=True)
        one.others.look(at_once=True)
        assert told == [Elsewhere(2, 1, 70)]


def test_a_task_whose_fetching_was_never_answered_is_not_forgotten(ledger):
    planned(ledger, "1.1")
    with machine(ledger) as one:
        one._studies.take(1, 1, ())  # the server did it, and the machine never heard so
        assert next(one.planned()).instance_key == "k0"


def test_a_server_that_stays_away_ends_the_run_and_one_that_comes_back_does_not():
    told: list = []
    answers = iter([LedgerLostError("away"), None])

    def asked() -> str:
        if fault := next(answers):
            raise fault
        return "here"

    assert PatientWithServer(told.append).do(asked) == "here"
    assert len(told) == 1

    def never() -> None:
        raise LedgerLostError("away")

    with pytest.raises(LedgerLostError):
        PatientWithServer(silence, most=0.0).do(never)


def test_a_new_machine_takes_no_part_of_the_limits_until_the_others_know_of_it(ledger, monkeypatch):
    monkeypatch.setattr(others, "LOOK_EVERY", 0.0)
    with machine(ledger) as one:
        assert one.share == 1
        one._known_at = time.monotonic()
        with machine(ledger) as other:
            assert (one.share, other.share) == (1 / 2, 0)
            other._known_at = time.monotonic()
            assert other.share == 1 / 2
            with machine(ledger):
                assert (one.share, other.share) == (1 / 3, 1 / 3)
            assert (one.share, other.share) == (1 / 2, 1 / 2)
            dies(other, ledger)
            assert one.share == 1


def test_machines_whose_results_have_the_same_in_common_neither_lose_nor_block_each_other(
    ledger_server, database
):
    count = 300
    place = schema_at(ledger_server, database)
    ledgers = [Ledger(place) for _ in range(2)]
    planned(ledgers[0], *["1.1"] * count, *["1.2"] * count)
    begin = threading.Barrier(2)

    def work(nth: int) -> None:
        for turn in range(4):
            numbers = range(count) if nth else reversed(range(count))
            rows, changes = [], []
            for at, number in zip(range(nth * count, (nth + 1) * count), numbers, strict=True):
                said = {"instance_key": f"k{at}", "patient_id": f"P{turn}.{number}"}
                rows.append({**said, "state": "stored", "sent_under": f"r{turn}.{number}"})
                line = {"rule": "U01", "keyword": "PatientID", "before": None}
                changes.append({**line, "instance_key": f"k{at}", "after": f"{turn}.{number}"})
            begin.wait(30)
            # changes are written first, and who waits there meets nobody in the tables after
            ledgers[nth].record(rows, changes if turn == 3 else [])

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(2)))
    said = {r["instance_key"]: r for r in ledgers[0].rows(sa.select(INSTANCES))}
    changed = {r["instance_key"]: r["after"] for r in ledgers[0].rows(sa.select(CHANGES))}
    for nth, opened in enumerate(ledgers):
        opened.close()
        for at in range(count):
            number = at if nth else count - 1 - at
            row = said[f"k{nth * count + at}"]
            assert (row["patient_id"], row["sent_under"]) == (f"P3.{number}", f"r3.{number}")
            assert changed[row["instance_key"]] == f"3.{number}"


def test_two_machines_that_meet_the_same_new_values_in_opposite_order_do_not_wait_for_each_other(
    ledger,
):
    first, second = {"key": "a"}, {"key": "b"}

    def the_other() -> dict[str, int]:
        with ledger.writing() as connection:
            return numbers_of(connection, REVISIONS, [second, first])

    with ThreadPoolExecutor() as pool:
        with ledger.writing() as connection:
            mine = numbers_of(connection, REVISIONS, [first])
            theirs = pool.submit(the_other)
            until_somebody_waits(ledger)
            mine |= numbers_of(connection, REVISIONS, [second])
        assert theirs.result(30) == mine


def until_somebody_waits(ledger: Ledger) -> None:
    """Until a transaction waits for the end of another."""
    deadline = time.monotonic() + 30
    query = sa.text("SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
    while not list(ledger.rows(query)):
        assert time.monotonic() < deadline


def test_a_machine_that_was_not_heard_for_long_asks_before_it_sends_what_is_others_by_now(ledger):
    planned(ledger, "1.1", "1.1", "1.1")
    with machine(ledger) as one, machine(ledger) as other:
        given = one.planned()
        assert next(given).instance_key == "k0"
        dies(one, ledger)
        theirs = other.planned()
        assert next_of(theirs).instance_key == "k0"
        one._pulse.heard -= 3600
        assert next(given) is None  # not k1, which the other has


def test_a_machine_that_was_not_heard_for_long_goes_on_with_what_it_still_holds(ledger):
    planned(ledger, "1.1", "1.1")
    with machine(ledger) as one:
        given = one.planned()
        assert next(given).instance_key == "k0"
        one._pulse.heard -= 3600
        assert next(given).instance_key == "k1"
        assert one._pulse.heard > time.monotonic() - DEAD_AFTER


def test_a_machine_that_falls_silent_in_the_middle_of_a_write_keeps_nobody_waiting(ledger):
    planned(ledger, "1.1")
    with machine(ledger) as one, machine(ledger) as other:
        given = one.planned()
        mine = next(given)
        with pytest.raises(LedgerLostError), one._studies.writing() as connection:
            one._studies.still_held(connection, one._in_hand)
            dies(one, ledger)
            assert next_of(other.planned()).instance_key == mine.instance_key
            one._studies.count(connection, 1, 1)
