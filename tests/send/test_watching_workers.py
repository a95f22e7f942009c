"""What somebody sees of the workers while a run goes on."""

from small_objects import CT, ledger_of
from test_team import planned, sending_to, until

from pacslift.events import InstanceSent, WorkersSeen
from pacslift.plan.contexts import number
from pacslift.send.association import StoreAssociation
from pacslift.send.crew import NOTHING, OPENING, SENDING, WAITING, Crew, Sending
from pacslift.send.deliver import Watch, deliver, results_of
from pacslift.send.pace import Pacer
from pacslift.send.team import Team
from pacslift.send.worker import Retries
from scripted import Peer, RawTarget, ScriptedArchive, behave


def test_every_result_names_the_worker_that_did_it(tmp_path):
    given = planned(tmp_path, 40)
    with ScriptedArchive([CT]) as archive:
        for hands, names in (
            (Crew(sending_to(archive.address), 2), {"send-0", "send-1"}),
            (Team(sending_to(archive.address), [1, 1]), {"send-0.0", "send-1.0"}),
        ):
            results = [one for one in results_of(hands, iter(given), Pacer()) if one]
            hands.stop()
            assert {one.worker for one in results} <= names


def test_a_worker_without_work_is_idle_and_one_whose_target_is_full_waits(tmp_path):
    (given,) = planned(tmp_path, 1)
    with ScriptedArchive([CT]).answer(0xA700) as archive:
        sending = Sending(archive.address, (CT,), retries=Retries((60.0,), ()))
        crew = Crew(sending, 1)
        crew.start()
        assert until(lambda: crew.doing() == {"send-0": NOTHING})
        crew.give(given)
        assert until(lambda: crew.doing() == {"send-0": WAITING})
        crew.stop()
    assert crew.doing() == {}


def say_nothing(peer: Peer) -> None:
    """Take the connection and the request, and answer neither."""
    peer.read_request()
    peer.wait_for_the_end()


def test_a_worker_is_opening_its_association_until_the_target_has_answered(tmp_path):
    (given,) = planned(tmp_path, 1)
    with RawTarget(say_nothing) as target:
        crew = Crew(sending_to(target.address), 1)
        crew.start()
        crew.give(given)
        assert until(lambda: crew.doing() == {"send-0": OPENING})
        crew.stop()


def test_an_association_that_the_target_does_not_answer_keeps_no_object_from_the_others(tmp_path):
    given = planned(tmp_path, 30)
    with RawTarget(behave, say_nothing) as target:
        crew = Crew(Sending(target.address, (CT,)), 3)  # patient: half a minute for each
        crew.start()
        for one in given:
            crew.give(one)
        results = [result for _ in given if (result := crew.get(10.0))]
        assert len({result.planned.instance_key for result in results}) == 30
        assert len({result.worker for result in results}) == 1
        assert until(lambda: sorted(crew.doing().values()) == [NOTHING, OPENING, OPENING])
        assert crew.takers == 1
        assert crew.stop() == []


def test_workers_without_an_association_go_and_the_last_one_stays(tmp_path):
    given = planned(tmp_path, 10)
    with ScriptedArchive([CT]).take_associations(1) as archive:
        with StoreAssociation.open(archive.address, number([CT])):
            crew = Crew(Sending(archive.address, (CT,), retries=Retries((), (0.1,) * 100)), 3)
            crew.start()
            for one in given:
                crew.give(one)
            assert until(lambda: crew.associations == 1)
            assert until(lambda: list(crew.doing().values()) == [WAITING])
        assert len([result for _ in given if (result := crew.get(20.0))]) == 10
        assert crew.refusals() == 2
        crew.stop()


def test_what_workers_do_is_told_when_it_changes_and_not_again_and_again():
    class Hands:
        def __init__(self) -> None:
            self.now = {"send-0": SENDING}

        def doing(self) -> dict[str, str]:
            return self.now

    told, hands = [], Hands()
    watch = Watch(hands, told.append)
    for _ in range(3):
        watch.look()
    assert told == [WorkersSeen({"send-0": SENDING})]
    hands.now, watch._next = {"send-0": WAITING}, 0.0
    watch.look()
    watch.look()
    assert told[1:] == [WorkersSeen({"send-0": WAITING})]


def test_a_run_tells_of_its_workers_and_of_how_many_bytes_are_to_come(tmp_path):
    given = planned(tmp_path, 6)
    ledger = ledger_of(tmp_path, given, [1000, 1000, 1000, 1000, None, None])
    assert ledger.bytes_planned() == 6000  # where the size is not known, the mean of the others
    told = []
    with ScriptedArchive([CT]) as archive:
        deliver(ledger, Crew(sending_to(archive.address), 1), told.append)
    assert ledger.bytes_planned() is None
    assert {one.worker for one in told if isinstance(one, InstanceSent)} == {"send-0"}
    assert any(isinstance(one, WorkersSeen) for one in told)
    ledger.close()
