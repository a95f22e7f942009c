"""A file that is written to while it is sent: half old and half new it never comes to the target.

A whole run meets it in tests/faults, where the link is held while the file is written to.
"""

import os
import threading

import pytest
from small_objects import CT, encoded, in_file, in_memory

import scripted
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.watched import Watched
from pacslift.ledger import Candidate, Planned
from pacslift.repair import outgoing
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import Timeouts
from pacslift.send.load import load
from pacslift.send.outcome import Outcome
from pacslift.send.worker import Retries, StoreWorker, Terms
from scripted import Peer, RawTarget, ScriptedArchive

QUICK = Timeouts(connect=2, association=0.5, response=0.5)
ENOUGH_TO_STALL = 16_000_000  # bytes; more than two sockets have room for
BEFORE = 1_700_000_000  # seconds; a time that no write of today leaves


def worker_for(target) -> StoreWorker:
    return StoreWorker.to(target.address, [CT], QUICK, Retries((), (0.0,)), lambda _: None)


def watched_file(folder, pixel_bytes):
    """An object in a file, as load() opens it; and the file."""
    object_ = in_file(folder, "slice", pixel_bytes)
    path = folder / "slice.dcm"
    os.utime(path, (BEFORE, BEFORE))
    object_.watched = (Watched.of(-1, str(path), path.stat()),)
    return object_, path


def overwrite(path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        file.write(b"written by somebody")


def test_an_object_that_is_half_old_and_half_new_never_comes_whole(tmp_path):
    object_, path = watched_file(tmp_path, ENOUGH_TO_STALL)
    whole: list[bytes] = []
    ended = threading.Event()

    def hold_the_link_while_it_is_written_to(peer: Peer) -> None:
        peer.accept()
        peer.read_command()  # the first piece is read by now, and on its way
        overwrite(path, 100_000)
        overwrite(path, -100)
        try:
            whole.append(peer.read_data_set())
        finally:
            ended.set()

    with RawTarget(hold_the_link_while_it_is_written_to) as target, worker_for(target) as worker:
        delivery = worker.deliver(lambda: object_)
        assert ended.wait(scripted.PATIENCE)
    assert (delivery.outcome, delivery.cause) == (Outcome.NOT_SENT, Cause.CHANGED_WHILE_READ)
    assert str(path) in delivery.detail
    assert whole == []


def test_an_object_that_is_read_at_once_and_changed_before_costs_no_association(tmp_path):
    changed, path = watched_file(tmp_path, 100_000)
    overwrite(path, -100)
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        outcomes = [
            worker.deliver(lambda one=one: one).outcome
            for one in (in_memory("first"), changed, in_memory("last"))
        ]
        assert len(archive.received) == 2
        assert archive.associations == 1
    assert outcomes == [Outcome.STORED, Outcome.NOT_SENT, Outcome.STORED]


def test_an_object_that_was_read_whole_goes_out_whatever_becomes_of_its_file(tmp_path):
    object_, path = watched_file(tmp_path, 64)
    overwrite(path, -20)
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        assert worker.deliver(lambda: object_).outcome is Outcome.STORED


def planned_at(path) -> Planned:
    """The instance whose only copy lies at *path*."""
    copy = Candidate(str(path.parent), path.name, None, None, None, None)
    return Planned("1", encoded("slice")[0], None, None, None, None, None, (copy,))


@pytest.mark.parametrize("pixel_bytes", [64, 100_000])
def test_the_copy_that_is_read_is_watched_from_when_it_is_opened(tmp_path, pixel_bytes):
    _, path = watched_file(tmp_path, pixel_bytes)
    object_, _ = load(planned_at(path))
    overwrite(path, -20)
    with object_, pytest.raises(SetAsideError) as caught:
        object_.require_unchanged()
    assert caught.value.cause is Cause.CHANGED_WHILE_READ


def test_a_small_object_that_is_written_to_while_it_is_opened_is_set_aside(tmp_path, monkeypatch):
    _, path = watched_file(tmp_path, 64)

    def prepare(*given) -> Outgoing:
        overwrite(path, -20)
        return outgoing.prepare(*given)

    monkeypatch.setattr("pacslift.send.load.prepare", prepare)
    with pytest.raises(SetAsideError) as caught:
        load(planned_at(path))
    assert caught.value.cause is Cause.CHANGED_WHILE_READ


def test_an_answer_that_came_before_another_object_is_broken_off_counts(tmp_path):
    answered = threading.Event()

    class Changed:
        path = "slice.dcm"

        def require_unchanged(self) -> None:
            assert answered.wait(scripted.PATIENCE)
            raise SetAsideError(Cause.CHANGED_WHILE_READ, self.path)

    def answer_the_first_in_the_middle_of_the_second(peer: Peer) -> None:
        peer.accept(window=3)
        command, _ = peer.read_object()
        peer.answer(command.MessageID)
        command, _ = peer.read_object()
        peer.read_command()
        peer.answer(command.MessageID)
        answered.set()
        peer.wait_for_the_end()

    changed, _ = watched_file(tmp_path, 1_000_000)  # two pieces
    changed.watched = (Changed(),)
    objects = [in_memory("first"), in_memory("second"), changed]
    tasks = [(n, lambda one=one: one, None) for n, one in enumerate(objects)]
    with RawTarget(answer_the_first_in_the_middle_of_the_second) as target:
        retries, terms = Retries((), ()), Terms(3)
        worker = StoreWorker.to(target.address, [CT], QUICK, retries, lambda _: None, terms=terms)
        with worker:
            outcomes = [delivery.outcome for _, delivery in worker.deliver_each(tasks)]
    assert outcomes == [Outcome.STORED, Outcome.STORED, Outcome.NOT_SENT]
