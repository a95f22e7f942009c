"""Several processes that send: every instance comes back once, and whatever ends one is told."""

import os
import signal
import socket
import time

import pytest
from small_objects import CT, in_file

from pacslift.errors import Cause, SenderDiedError, TargetRejectedError, TargetUnreachableError
from pacslift.job import TargetAddress
from pacslift.ledger import Candidate, Planned
from pacslift.send.association import Timeouts
from pacslift.send.crew import Crew, Sending
from pacslift.send.deliver import results_of
from pacslift.send.faults import AssociationRejectedError
from pacslift.send.member import gather, portable
from pacslift.send.outcome import Outcome
from pacslift.send.pace import Pacer
from pacslift.send.team import Team
from pacslift.send.worker import Retries
from scripted import ScriptedArchive

QUICK = Timeouts(connect=2, association=2, response=5)


def sending_to(address: TargetAddress) -> Sending:
    return Sending(address, (CT,), QUICK, Retries((0.0,), (0.0,)))


def until(true, seconds: float = 20.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def planned(folder, count: int) -> list[Planned]:
    """Instances whose files lie in *folder*."""
    found = []
    for number in range(count):
        name = f"slice{number}"
        with in_file(folder, name) as outgoing:
            uid = outgoing.sop_instance_uid
        copy = Candidate(str(folder), f"{name}.dcm", None, None, None, None)
        found.append(Planned(name, uid, CT[0], None, None, CT[1], None, (copy,)))
    return found


def all_of(hands, given) -> list:
    try:
        return [result for result in results_of(hands, iter(given), Pacer()) if result]
    finally:
        hands.stop()


def all_from(team: Team, given, more: int = 0) -> list:
    """What comes of all that is *given*, and of so many *more* that were given before."""
    for one in given:
        team.give(one)
    return [result for _ in range(len(given) + more) if (result := team.get(20.0))]


def test_every_instance_comes_back_once_from_two_processes_and_arrived_once(tmp_path):
    given = planned(tmp_path, 40)
    with ScriptedArchive([CT]) as archive:
        results = all_of(Team(sending_to(archive.address), [2, 2]), given)
        assert archive.times_received() == {one.sop_instance_uid: 1 for one in given}
        assert 2 <= archive.associations <= 4
    assert sorted(result.planned.instance_key for result in results) == sorted(
        one.instance_key for one in given
    )
    assert {result.delivery.outcome for result in results} == {Outcome.STORED}


def test_processes_and_threads_give_the_same_results(tmp_path):
    given = planned(tmp_path, 3)
    given.append(Planned("lost", "1.2.3", CT[0], None, None, CT[1], None, ()))
    with ScriptedArchive([CT]) as archive:
        sending = sending_to(archive.address)
        crews = [all_of(hands, given) for hands in (Crew(sending, 1), Team(sending, [1, 1]))]
    told = [
        {r.planned.instance_key: (r.state, r.delivery.cause, r.delivery.sent) for r in results}
        for results in crews
    ]
    assert told[0] == told[1]
    assert told[1]["lost"][1] is Cause.MISSING_FILE


def test_a_target_that_is_not_there_ends_the_run_as_it_does_with_threads(tmp_path):
    with ScriptedArchive([CT]) as archive:
        gone = archive.address
    with pytest.raises(TargetUnreachableError, match=r"127\.0\.0\.1"):
        all_of(Team(sending_to(gone), [1, 1]), planned(tmp_path, 4))


def test_a_process_that_dies_ends_the_run_and_is_named():
    team = Team(sending_to(TargetAddress("NOBODY", "127.0.0.1", 1)), [1, 1])
    team.start()
    try:
        os.kill(team._others[0].process.pid, signal.SIGKILL)
        with pytest.raises(SenderDiedError, match=r"send-1 .* exit code -9"):
            team.get(10)
    finally:
        assert team.stop() == []


def test_no_process_outlives_the_one_that_has_the_ledger():
    team = Team(sending_to(TargetAddress("NOBODY", "127.0.0.1", 1)), [1, 1])
    team.start()
    (member,) = team._others
    with socket.socket(fileno=os.dup(member._pipe.fileno())) as pipe:
        pipe.shutdown(socket.SHUT_RDWR)  # as the system does when that process is killed
    member.process.join(20)
    assert member.process.exitcode is not None


def test_a_process_that_is_added_sends_too_and_one_that_ends_loses_nothing(tmp_path):
    given = planned(tmp_path, 200)
    with ScriptedArchive([CT]) as archive:
        team = Team(sending_to(archive.address), [1])
        team.start()
        team.add_process(2)
        assert (team.processes, team.associations) == (2, 3)
        results = all_from(team, given[:40])  # more than the first process is given at once
        assert until(lambda: team.get(0.1) is None and not team.lacking)
        for one in given[40:150]:
            team.give(one)
        results += [result for _ in range(20) if (result := team.get(20.0))]
        team.end_process()
        assert (team.processes, team.associations) == (1, 1)
        results += all_from(team, given[150:], more=90)
        assert team.stop() == []
        assert archive.times_received() == {one.sop_instance_uid: 1 for one in given}
    assert {result.worker for result in results} >= {"send-0.0", "send-1.0", "send-1.1"}
    assert {result.delivery.outcome for result in results} == {Outcome.STORED}
    assert len(results) == 200
    assert not team._leaving[0].process.is_alive()


def test_an_error_goes_through_a_pipe_with_its_kind_and_words():
    refused = portable(AssociationRejectedError("not known there", transient=True))
    assert type(refused) is TargetRejectedError
    assert str(refused) == "not known there"


def test_an_error_that_nobody_foresaw_is_told_by_its_place_since_its_text_may_name_a_patient():
    class LocalError(Exception):
        pass

    told = portable(LocalError("DOE^JOHN"))
    assert "LocalError" in str(told)
    assert "DOE" not in str(told)


class EndingCrew:
    """Has results, and then what ended a worker."""

    def __init__(self, *said) -> None:
        self.said = list(said)

    def get(self, patience):
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def test_results_that_came_before_a_worker_was_ended_are_told(tmp_path):
    results = []
    crew = EndingCrew("first", "second", TargetUnreachableError("gone"))
    with pytest.raises(TargetUnreachableError):
        gather(crew, results)
    assert results == ["first", "second"]
