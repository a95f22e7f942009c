"""Sending ahead: what is digested, prepared and kept while answers are awaited."""

import os
import threading
from dataclasses import replace
from functools import partial

import pytest
from small_objects import CT, carrying, encoded, in_file, in_memory, of_class

import scripted
from pacslift.digest import digest_over
from pacslift.errors import Cause
from pacslift.repair.outgoing import FileSpan, Outgoing
from pacslift.send.association import StoreAssociation, Timeouts
from pacslift.send.outcome import Outcome
from pacslift.send.pieces import BUFFER_LENGTH
from pacslift.send.posting import Posting
from pacslift.send.switchboard import Switchboard
from pacslift.send.worker import Retries, StoreWorker, Terms, digest_of
from scripted import Peer, RawTarget, ScriptedArchive

QUICK = Timeouts(connect=2, association=0.5, response=0.5)
MR = ("1.2.840.10008.5.1.4.1.1.4", CT[1])
LARGE = 3_000_000  # bytes; more than is read at once
MORE_THAN_THE_NETWORK_HOLDS = 64_000_000
ENOUGH_TO_STALL = 16_000_000  # more than two sockets have room for


def worker_for(target, *planned, window=1, sleep=lambda _: None) -> StoreWorker:
    retries = Retries(busy_waits=(0.0,), lost_waits=(0.0, 0.0))
    terms = Terms(window)
    return StoreWorker.to(target.address, planned or [CT], QUICK, retries, sleep, terms=terms)


def given(*outgoings: Outgoing):
    return [(n, lambda one=one: one, None) for n, one in enumerate(outgoings)]


def first_then(script, window=3):
    """Answer one object, which opens the association, and go on with *script*."""

    def run(peer: Peer) -> None:
        peer.accept(window=window)
        command, _ = peer.read_object()
        peer.answer(command.MessageID)
        script(peer)

    return run


# the digest


@pytest.mark.parametrize("pixel_bytes", [64, LARGE])
def test_the_digest_on_record_is_that_of_the_bytes_that_arrived(tmp_path, pixel_bytes):
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        delivery = worker.deliver(lambda: in_file(tmp_path, "slice", pixel_bytes))
    ((_, data_set),) = archive.received
    assert delivery.sent.digest == digest_over([data_set])


def test_an_object_that_broke_off_on_its_way_has_the_digest_of_all_its_bytes(tmp_path):
    whole = in_file(tmp_path, "slice", MORE_THAN_THE_NETWORK_HOLDS)
    digest = whole.digest()
    with RawTarget(scripted.close_in_the_middle) as target, worker_for(target) as worker:
        delivery = worker.deliver(lambda: whole)
    assert (delivery.outcome, delivery.sent.digest) == (Outcome.NO_ANSWER, digest)


def test_an_object_that_broke_off_and_cannot_be_read_has_no_digest_and_says_so(tmp_path):
    uid, _ = encoded("slice")
    path = tmp_path / "slice"
    path.touch()
    fd = os.open(path, os.O_RDWR)
    os.truncate(fd, MORE_THAN_THE_NETWORK_HOLDS)

    def cut_and_close(peer: Peer) -> None:
        peer.accept()
        peer.read_pdu()
        os.truncate(fd, 10)

    with RawTarget(cut_and_close) as target, worker_for(target) as worker:
        whole = FileSpan(fd, 0, MORE_THAN_THE_NETWORK_HOLDS)
        delivery = worker.deliver(lambda: carrying(uid, whole))
    os.close(fd)
    assert delivery.sent.digest is None
    assert delivery.cause is Cause.TRUNCATED


def test_why_there_is_no_digest_is_told(tmp_path):
    path = tmp_path / "slice"
    path.write_bytes(b"ab")
    fd = os.open(path, os.O_RDONLY)
    digest, why = digest_of(carrying("1.2.3", FileSpan(fd, 0, 4)))
    os.close(fd)
    assert digest is None
    assert "no digest of it is on record: the file ends at byte 2" in why


def test_a_file_that_changes_between_two_attempts_is_not_sent_with_its_other_bytes(tmp_path):
    path = tmp_path / "slice.dcm"
    outgoing = in_file(tmp_path, "slice", 500_000)
    digest = outgoing.digest()

    def change(_: float) -> None:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b"!")

    with ScriptedArchive([CT]).answer(0xA700) as archive:
        with worker_for(archive, sleep=change) as worker:
            delivery = worker.deliver(lambda: outgoing)
        assert len(archive.received) == 1
    assert (delivery.outcome, delivery.cause) == (Outcome.NOT_SENT, Cause.CHANGED_SINCE_SENT)
    assert delivery.sent.digest == digest


def test_an_object_that_the_target_never_got_has_no_digest():
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        assert worker.deliver(lambda: of_class(*MR)).sent.digest is None


# ahead


def test_the_next_object_is_prepared_while_the_answer_is_awaited():
    opened = threading.Event()

    def answer_when_the_next_is_open(peer: Peer) -> None:
        command, _ = peer.read_object()
        peer.answer(command.MessageID, 0 if opened.wait(0.4) else 0xC000)
        scripted.serve(peer)

    def third() -> Outgoing:
        opened.set()
        return in_memory("third")

    tasks = [*given(in_memory("first"), in_memory("second")), (2, third, None)]
    target = RawTarget(first_then(answer_when_the_next_is_open, window=1))
    with target, worker_for(target) as worker:
        outcomes = [delivery.outcome for _, delivery in worker.deliver_each(tasks)]
    assert outcomes == [Outcome.STORED] * 3


def test_the_next_object_is_sent_before_the_one_that_was_stored_is_told():
    third_came = threading.Event()

    def watch(peer: Peer) -> None:
        for event in (threading.Event(), third_came):
            command, _ = peer.read_object()
            event.set()
            peer.answer(command.MessageID)
        scripted.serve(peer)

    objects = [in_memory(name) for name in ("first", "second", "third")]
    with RawTarget(first_then(watch, window=1)) as target, worker_for(target) as worker:
        told = worker.deliver_each(given(*objects))
        assert [next(told)[0], next(told)[0]] == [0, 1]
        assert third_came.wait(5)
        assert next(told)[0] == 2


def test_an_answer_other_than_stored_is_told_before_more_is_sent():
    refusing = ScriptedArchive([CT]).answer(0xC000).answer(0xC000).answer(0xC000)
    with refusing as archive, worker_for(archive) as worker:
        for number, (_, delivery) in enumerate(worker.deliver_each(given(*names(3))), 1):
            assert delivery.answer.status == 0xC000
            assert len(archive.received) == number


def test_what_is_underway_is_brought_to_its_end_when_nothing_follows_for_the_moment():
    told = []

    def tasks():
        yield from given(in_memory("first"), in_memory("second"))
        yield None
        assert [number for number, _ in told] == [0, 1]

    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        for result in worker.deliver_each(tasks()):
            told.append(result)  # noqa: PERF402 - seen by tasks() meanwhile
    assert len(told) == 2


def test_an_object_that_cannot_be_prepared_is_told_in_its_turn_among_the_others():
    def failing() -> Outgoing:
        raise KeyError("slice")

    tasks = [*given(in_memory("a"), in_memory("b")), (2, failing, None), *given(in_memory("c"))]
    with ScriptedArchive([CT]) as archive, worker_for(archive) as worker:
        told = [(known, one.cause) for known, one in worker.deliver_each(tasks)]
    assert told == [(0, None), (1, None), (2, Cause.INTERNAL_FAULT), (0, None)]


def test_an_association_is_left_for_another_only_when_all_on_it_is_answered(tmp_path):
    objects = [in_memory("a"), in_memory("b"), of_class(*MR), in_memory("c"), of_class(*MR)]
    with ScriptedArchive([CT, MR]) as archive, worker_for(archive) as worker:
        outcomes = [one.outcome for _, one in worker.deliver_each(given(*objects))]
    assert outcomes == [Outcome.STORED] * 5
    assert [uid for uid, _ in archive.received] == [one.sop_instance_uid for one in objects]


# a window


def names(count: int) -> list[Outgoing]:
    return [in_memory(f"slice {n}") for n in range(count)]


def test_answers_out_of_order_are_told_for_the_objects_they_are_about():
    def reversed_with_a_refusal(peer: Peer) -> None:
        commands = [peer.read_object()[0] for _ in range(3)]
        for command, status in zip(reversed(commands), (0xC001, 0xB000, 0), strict=True):
            peer.answer(command.MessageID, status)
        scripted.serve(peer)

    with (
        RawTarget(first_then(reversed_with_a_refusal)) as target,
        worker_for(target, window=3) as worker,
    ):
        told = [(n, one.answer.status) for n, one in worker.deliver_each(given(*names(5)))]
    assert told == [(0, 0), (1, 0), (2, 0xB000), (3, 0xC001), (4, 0)]


def test_no_more_objects_are_outstanding_than_the_target_grants():
    most: list[int] = []

    def two_at_most(peer: Peer) -> None:
        for _ in range(2):
            commands = [peer.read_object()[0] for _ in range(2)]
            peer.socket.settimeout(0.3)
            try:
                peer.read_pdu()
                most.append(3)
            except TimeoutError:
                most.append(2)
            for command in commands:
                peer.answer(command.MessageID)
        peer.socket.settimeout(5)
        scripted.serve(peer)

    with (
        RawTarget(first_then(two_at_most, window=2)) as target,
        worker_for(target, window=8) as worker,
    ):
        outcomes = [one.outcome for _, one in worker.deliver_each(given(*names(5)))]
    assert outcomes == [Outcome.STORED] * 5
    assert most == [2, 2]


@pytest.mark.parametrize("wrong", ["twice", "another"])
def test_an_answer_that_fits_nothing_costs_the_association_and_no_object(wrong):
    def misanswer(peer: Peer) -> None:
        commands = [peer.read_object()[0] for _ in range(3)]
        peer.answer(commands[0].MessageID)
        peer.answer(commands[0].MessageID + (0 if wrong == "twice" else 77))
        peer.wait_for_the_end()

    with (
        RawTarget(first_then(misanswer), scripted.behave) as target,
        worker_for(target, window=3) as worker,
    ):
        told = [(one.outcome, one.attempts) for _, one in worker.deliver_each(given(*names(5)))]
        assert target.connections == 2
    assert [outcome for outcome, _ in told] == [Outcome.STORED] * 5
    assert [attempts for _, attempts in told][:4] == [1, 1, 2, 2]


def test_objects_outstanding_when_the_association_is_lost_are_sent_again_with_the_same_bytes():
    first: list[bytes] = []
    again: list[bytes] = []

    def take_three_and_close(peer: Peer) -> None:
        first.extend(peer.read_object()[1] for _ in range(3))

    def behave(peer: Peer) -> None:
        peer.accept()
        for _ in range(3):
            command, data_set = peer.read_object()
            again.append(data_set)
            peer.answer(command.MessageID)
        scripted.serve(peer)

    with (
        RawTarget(first_then(take_three_and_close), behave) as target,
        worker_for(target, window=3) as worker,
    ):
        outcomes = [one.outcome for _, one in worker.deliver_each(given(*names(4)))]
    assert outcomes == [Outcome.STORED] * 4
    assert first == again


def test_a_busy_answer_to_one_object_of_a_window_is_asked_again_and_the_others_keep_theirs():
    def busy_once(peer: Peer) -> None:
        commands = [peer.read_object()[0] for _ in range(3)]
        for command, status in zip(commands, (0, 0xA700, 0), strict=True):
            peer.answer(command.MessageID, status)
        scripted.serve(peer)

    with RawTarget(first_then(busy_once)) as target, worker_for(target, window=3) as worker:
        told = [(one.outcome, one.attempts) for _, one in worker.deliver_each(given(*names(4)))]
    assert told == [(Outcome.STORED, n) for n in (1, 1, 2, 1)]


@pytest.mark.parametrize("status", [0, 0xA700])
def test_what_is_said_of_an_object_that_never_went_whole_does_not_count(tmp_path, status):
    large = in_file(tmp_path, "large", ENOUGH_TO_STALL)

    def answer_too_early_and_close(peer: Peer) -> None:
        peer.read_object()
        peer.answer(peer.read_command().MessageID, status)
        peer.read_pdu()

    with (
        RawTarget(first_then(answer_too_early_and_close), scripted.behave) as target,
        worker_for(target, window=3) as worker,
    ):
        objects = [in_memory("first"), in_memory("second"), large, in_memory("last")]
        told = [(one.outcome, one.attempts) for _, one in worker.deliver_each(given(*objects))]
    assert told == [(Outcome.STORED, n) for n in (1, 2, 2, 1)]


def test_an_object_that_is_said_to_be_stored_before_it_has_gone_whole_is_sent_again(tmp_path):
    large = in_file(tmp_path, "large", ENOUGH_TO_STALL)

    def answer_too_early(peer: Peer) -> None:
        peer.answer(peer.read_command().MessageID)
        while peer.read_pdu():
            pass

    with (
        RawTarget(first_then(answer_too_early), scripted.behave) as target,
        worker_for(target, window=3) as worker,
    ):
        told = [
            (one.outcome, one.attempts)
            for _, one in worker.deliver_each(given(in_memory("first"), large))
        ]
    assert told == [(Outcome.STORED, 1), (Outcome.STORED, 2)]


def test_a_refusal_counts_that_comes_while_the_object_is_on_its_way(tmp_path):
    large = in_file(tmp_path, "large", LARGE)

    def refuse_early(peer: Peer) -> None:
        peer.answer(peer.read_command().MessageID, 0xA777)
        peer.read_data_set()
        scripted.serve(peer)

    with (
        RawTarget(first_then(refuse_early)) as target,
        worker_for(target, window=3) as worker,
    ):
        objects = given(in_memory("first"), large, in_memory("last"))
        told = [(one.answer.status, one.attempts) for _, one in worker.deliver_each(objects)]
    assert told == [(0, 1), (0xA777, 1), (0, 1)]


def test_when_a_file_fails_on_its_way_the_others_that_are_outstanding_are_sent_again(tmp_path):
    uid, _ = encoded("cut")
    path = tmp_path / "cut"
    path.write_bytes(bytes(2 * BUFFER_LENGTH))  # two batches are there, the third is not
    fd = os.open(path, os.O_RDONLY)
    bad = carrying(uid, FileSpan(fd, 0, LARGE))

    def wait(peer: Peer) -> None:
        peer.read_object()
        while peer.read_pdu():
            pass

    with (
        RawTarget(first_then(wait), scripted.behave) as target,
        worker_for(target, window=3) as worker,
    ):
        objects = [in_memory("first"), in_memory("second"), bad, in_memory("last")]
        told = [(one.outcome, one.cause) for _, one in worker.deliver_each(given(*objects))]
    os.close(fd)
    assert told == [
        (Outcome.STORED, None),
        (Outcome.STORED, None),
        (Outcome.NOT_SENT, Cause.TRUNCATED),
        (Outcome.STORED, None),
    ]


def test_an_object_that_the_program_failed_over_leaves_nothing_behind_for_another():
    broken = replace(in_memory("broken"), segments=("no bytes",))
    with ScriptedArchive([CT]) as archive:
        posting = Posting(Switchboard(partial(StoreAssociation.open, archive.address), [CT]))
        assert posting.send(in_memory("good")).outcome is Outcome.STORED
        with pytest.raises(AttributeError):
            posting.post(broken)
        with pytest.raises(AttributeError):  # asked for once more it is sent anew, not waited for
            posting.send(broken)
        posting.close()
