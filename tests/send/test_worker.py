"""A worker from prepared object to delivery, against servers that do what they are told."""

import pickle

import pytest
from small_objects import CT, in_file, in_memory, of_class

import scripted
from pacslift.errors import Cause, SetAsideError, TargetUnreachableError
from pacslift.send.association import PATIENT, Timeouts
from pacslift.send.outcome import Outcome
from pacslift.send.worker import Retries, StoreWorker
from scripted import RawTarget, ScriptedArchive

QUICK = Timeouts(connect=2, association=0.3, response=0.3)
NOW = Retries(busy_waits=(0.0, 0.0), lost_waits=(0.0, 0.0))


def worker_for(target, *planned, timeouts=PATIENT) -> StoreWorker:
    """A worker that does not sleep between its attempts."""
    return StoreWorker.to(target.address, planned or [CT], timeouts, NOW, lambda _: None)


def test_a_stored_object_is_told_with_its_identity_as_sent():
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        outgoing = in_memory("slice")
        delivery = worker.deliver(lambda: outgoing)
        assert (delivery.outcome, delivery.cause, delivery.attempts) == (Outcome.STORED, None, 1)
        assert delivery.sent.sop_instance_uid == outgoing.sop_instance_uid
        assert delivery.answer.bytes == delivery.sent.length == outgoing.length


def test_a_delivery_can_go_to_another_process():
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: in_memory("slice"))
        assert pickle.loads(pickle.dumps(delivery)) == delivery  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("status", "outcome", "cause"),
    [
        (0xB000, Outcome.STORED_CHANGED, Cause.STORED_WITH_WARNING),
        (0xC000, Outcome.REFUSED, Cause.REFUSED_BY_TARGET),
        (0xA900, Outcome.REFUSED, Cause.REFUSED_BY_TARGET),
    ],
)
def test_an_answer_is_told_with_its_cause(status, outcome, cause):
    with ScriptedArchive([CT]).answer(status) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: in_memory("slice"))
        assert (delivery.outcome, delivery.cause) == (outcome, cause)
        assert f"{status:04X}h" in delivery.detail


def test_the_targets_comment_is_kept_apart_since_it_may_name_a_patient():
    archive = ScriptedArchive([CT]).answer_with(0xC001, "DOE^JOHN is no patient", [0x00100010])
    with archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: in_memory("slice"))
        assert delivery.detail == "status C001h, offending elements (0010,0010)"
        assert delivery.answer.error_comment == "DOE^JOHN is no patient"


def test_a_busy_target_gets_the_object_when_it_has_room():
    with ScriptedArchive([CT]).answer(0xA700, 0xA701) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: in_memory("slice"))
        assert (delivery.outcome, delivery.attempts) == (Outcome.STORED, 3)


def test_after_an_abort_the_same_bytes_are_sent_over_a_new_association(tmp_path):
    with ScriptedArchive([CT]).abort() as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: in_file(tmp_path, "slice", 100_000))
        assert (delivery.outcome, delivery.attempts) == (Outcome.STORED, 2)
        first, second = archive.received
        assert first == second
        assert archive.associations == 2


@pytest.mark.parametrize(
    "script",
    [
        scripted.close_in_the_middle,
        scripted.abort_in_the_middle,
        scripted.answer_with_garbage,
        scripted.answer_another_message,
        scripted.never_answer,
        scripted.release_early,
    ],
)
def test_whatever_a_target_does_to_one_object_the_next_is_still_sent(script):
    with (
        RawTarget(script, script, script, scripted.behave) as target,
        worker_for(target, timeouts=QUICK) as worker,
    ):
        delivery = worker.deliver(lambda: in_memory("unlucky"))
        assert (delivery.outcome, delivery.attempts) == (Outcome.NO_ANSWER, 3)
        assert worker.deliver(lambda: in_memory("lucky")).outcome is Outcome.STORED
        worker.close()


def test_a_pair_that_the_target_refuses_is_told_by_name():
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: of_class("1.2.840.10008.5.1.4.1.1.4"))
        assert (delivery.outcome, delivery.cause) == (Outcome.NOT_SENT, Cause.CONTEXT_REFUSED)
        assert "MR Image Storage" in delivery.detail
        assert delivery.attempts == 0
        assert worker.deliver(lambda: in_memory("slice")).outcome is Outcome.STORED


def test_an_object_that_cannot_be_prepared_is_set_aside():
    def failing():
        raise SetAsideError(Cause.NOT_DICOM, "a/b: no DICOM object")

    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(failing)
        assert (delivery.outcome, delivery.cause) == (Outcome.NOT_SENT, Cause.NOT_DICOM)
        assert delivery.sent is None
        assert archive.associations == 0


def test_the_object_is_closed_whatever_happens():
    closed = []
    with ScriptedArchive([CT]).answer(0xC000) as archive, worker_for(archive) as worker:
        for pair in (CT, ("1.2.840.10008.5.1.4.1.1.4", CT[1])):
            outgoing = of_class(*pair)
            object.__setattr__(outgoing.source, "close", lambda: closed.append(1))
            worker.deliver(lambda outgoing=outgoing: outgoing)
    assert closed == [1, 1]


def test_a_target_that_goes_and_does_not_come_back_stops_the_run():
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        worker.deliver(lambda: in_memory("first"))
    with pytest.raises(TargetUnreachableError):
        worker.deliver(lambda: in_memory("second"))
