"""One association against servers that behave, and against servers that do not."""

import errno
import os
import re
import threading
from dataclasses import replace
from time import monotonic

import pytest
from small_objects import CT, carrying, encoded, in_file, in_memory, of_class, wire_bytes

import scripted
from pacslift.errors import (
    Cause,
    NoContextError,
    SetAsideError,
    TargetRejectedError,
    TargetUnreachableError,
)
from pacslift.job import TargetAddress
from pacslift.plan.contexts import number
from pacslift.repair.outgoing import FileSpan
from pacslift.send.association import PATIENT, StoreAssociation, Timeouts
from pacslift.send.faults import AssociationLostError, AssociationRejectedError
from pacslift.send.pieces import BUFFER_LENGTH
from scripted import RawTarget, ScriptedArchive
from servers import free_port

QUICK = Timeouts(connect=2, association=0.3, response=0.3)
LARGE = 8 << 20  # bytes: more than the system's buffers take between two processes


def opened(target, *pairs, timeouts=PATIENT) -> StoreAssociation:
    return StoreAssociation.open(target.address, number(pairs or [CT]), timeouts)


# storing


@pytest.mark.parametrize("max_pdu", [0, 256, 4096, 16383, 131072])
def test_an_object_arrives_byte_for_byte_whatever_pdu_the_target_takes(tmp_path, max_pdu):
    with ScriptedArchive([CT], max_pdu) as archive, opened(archive) as association:
        outgoing = in_file(tmp_path, "slice", pixel_bytes=300_000)
        answer = association.store(outgoing)
        assert answer.status == 0
        assert answer.bytes == outgoing.length
        assert archive.received == [(outgoing.sop_instance_uid, wire_bytes(outgoing))]
        outgoing.close()


def test_many_objects_go_over_one_association():
    with ScriptedArchive([CT]) as archive, opened(archive) as association:
        for n in range(20):
            assert association.store(in_memory(f"slice {n}")).status == 0
        assert archive.associations == 1
        assert len(archive.times_received()) == 20


@pytest.mark.parametrize("status", [0xA700, 0xC000, 0xB000, 0x0122])
def test_any_status_is_handed_on_and_the_next_object_is_stored(status):
    with ScriptedArchive([CT]).answer(status) as archive, opened(archive) as association:
        assert association.store(in_memory("first")).status == status
        assert association.store(in_memory("second")).status == 0


def test_what_the_target_complains_of_is_handed_on():
    archive = ScriptedArchive([CT]).answer_with(0xA900, "no such class", [0x00080016])
    with archive, opened(archive) as association:
        answer = association.store(in_memory("slice"))
        assert answer.error_comment == "no such class"
        assert answer.offending_elements == ("(0008,0016)",)


def test_each_object_goes_over_the_context_of_its_own_class_and_syntax():
    implicit, rle = (CT[0], "1.2.840.10008.1.2"), (CT[0], "1.2.840.10008.1.2.5")
    with ScriptedArchive([CT, rle]) as archive, opened(archive, CT, implicit, rle) as association:
        assert association.accepted == {CT: 1, rle: 5}
        assert association.refused == {implicit}
        with pytest.raises(SetAsideError, match=r"Implicit VR Little Endian") as caught:
            association.store(of_class(*implicit))
        assert caught.value.cause is Cause.CONTEXT_REFUSED
        assert association.store(of_class(*rle)).status == 0


# not getting an association


def test_a_target_that_is_not_there_is_named_with_what_to_check():
    address = TargetAddress("ARCHIVE", "127.0.0.1", free_port())
    with pytest.raises(TargetUnreachableError, match=rf"{address}: Connection refused.*runs"):
        StoreAssociation.open(address, number([CT]))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_a_host_without_address_is_named(host):
    address = TargetAddress("ARCHIVE", host, 104)
    with pytest.raises(TargetUnreachableError, match=f"check the host name {re.escape(host)}"):
        StoreAssociation.open(address, number([CT]))


def test_a_rejected_called_ae_title_is_said_in_the_words_of_the_standard():
    with ScriptedArchive([CT]).refuse_ae_title() as archive:
        with pytest.raises(AssociationRejectedError) as caught:
            opened(archive)
        message = str(caught.value)
        assert "from PACSLIFT to ARCHIVE at 127.0.0.1" in message
        assert "permanent: called AE title not recognized; check the AE title" in message
        assert not caught.value.transient


def test_a_rejected_calling_ae_title_is_told_apart():
    met = "calling AE title not recognized; enter our"
    archive = ScriptedArchive([CT]).refuse_our_ae_title()
    with archive, pytest.raises(TargetRejectedError, match=met):
        opened(archive)


def test_a_target_with_too_many_associations_asks_for_patience():
    with ScriptedArchive([CT]).take_associations(1) as archive, opened(archive):
        with pytest.raises(AssociationRejectedError, match="local limit exceeded") as caught:
            opened(archive)
        assert caught.value.transient


def test_a_target_that_accepts_no_context_is_told_what_was_proposed():
    met = r"none of the 1 .*CT Image Storage .* in Explicit"
    archive = ScriptedArchive([]).accept_nothing()
    with archive, pytest.raises(NoContextError, match=met):
        opened(archive)


def test_an_abort_instead_of_an_answer_counts_as_a_rejection():
    target = RawTarget(scripted.abort_at_once)
    with target, pytest.raises(TargetRejectedError, match="answered with an abort"):
        opened(target)


@pytest.mark.parametrize(
    ("script", "met"),
    [
        (scripted.say_nothing, "gave no answer for 0.3 s"),
        (scripted.talk_garbage, "type 53h"),
        (scripted.hang_up, "closed the connection|broke the connection"),
    ],
)
def test_what_does_not_speak_dicom_is_no_target(script, met):
    with RawTarget(script) as target, pytest.raises(TargetUnreachableError, match=met):
        opened(target, timeouts=QUICK)


# losing an association


@pytest.mark.parametrize(
    ("script", "met"),
    [
        (scripted.abort_in_the_middle, "aborted the association.*invalid PDU parameter value"),
        (scripted.close_in_the_middle, "closed the connection|broke the connection"),
        (scripted.stop_reading_in_the_middle, "took no byte for 0.3 s"),
    ],
)
def test_a_large_object_is_not_sent_on_into_nowhere(tmp_path, script, met):
    outgoing = in_file(tmp_path, "large", LARGE)
    with RawTarget(script) as target:
        association = opened(target, timeouts=QUICK)
        began = monotonic()
        with pytest.raises(AssociationLostError, match=met) as caught:
            association.store(outgoing)
        assert monotonic() - began < scripted.PATIENCE / 2
        assert f"no answer yet for {outgoing.sop_instance_uid}" in str(caught.value)
        assert not association.is_open
    outgoing.close()


@pytest.mark.parametrize(
    ("script", "met"),
    [
        (scripted.answer_with_garbage, "broke the protocol: .* type FFh"),
        (scripted.answer_another_message, "broke the protocol: .* answered message 8"),
        (scripted.release_early, "released the association"),
        (scripted.never_answer, "gave no answer for 0.3 s"),
    ],
)
def test_an_answer_that_cannot_be_believed_is_no_answer(script, met):
    with RawTarget(script) as target:
        association = opened(target, timeouts=QUICK)
        with pytest.raises(AssociationLostError, match=met):
            association.store(in_memory("slice"))
        assert not association.is_open


def test_a_second_answer_is_not_taken_for_the_next_objects():
    with RawTarget(scripted.answer_twice) as target:
        association = opened(target, timeouts=QUICK)
        assert association.store(in_memory("first")).status == 0
        with pytest.raises(AssociationLostError, match="answered message 1"):
            association.store(in_memory("second"))


def test_a_hanging_target_is_given_up_after_the_response_timeout():
    with ScriptedArchive([CT]).hang() as archive:
        association = opened(archive, timeouts=replace(QUICK, association=5))
        with pytest.raises(AssociationLostError, match=r"gave no answer for 0\.3 s"):
            association.store(in_memory("slice"))


def test_a_target_that_aborts_over_an_object_is_told_from_one_that_hangs():
    with ScriptedArchive([CT]).abort() as archive:
        association = opened(archive)
        with pytest.raises(AssociationLostError, match="aborted the association"):
            association.store(in_memory("slice"))


class BreakingLink:
    """Breaks as the object is sent, with the target's last words still unread."""

    def __init__(self, words: bytes) -> None:
        self._words = words
        self._unread = b""

    def send(self, buffers) -> int:
        self._unread = self._words
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def receive(self) -> bytes | None:
        return self._unread or None

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("words", "met"),
    [
        (scripted.abort(reason=6), "aborted the association.*invalid PDU parameter value"),
        (b"", r"broke the connection \(Broken pipe\)"),
    ],
)
def test_why_a_target_broke_the_connection_is_read_before_it_is_given_up(words, met):
    with RawTarget(scripted.behave) as target:
        association = opened(target)
        association._link.close()
        association._link = BreakingLink(words)
        with pytest.raises(AssociationLostError, match=met):
            association.store(in_memory("slice"))


def test_a_release_that_both_ask_for_at_once_is_not_waited_out():
    with RawTarget(scripted.ask_for_release_too) as target:
        association = opened(target, timeouts=Timeouts(association=scripted.PATIENCE))
        began = monotonic()
        association.release()
        assert monotonic() - began < scripted.PATIENCE / 2


def test_releasing_a_lost_association_is_no_error():
    with RawTarget(scripted.close_in_the_middle) as target:
        association = opened(target)
        with pytest.raises(AssociationLostError):
            association.store(in_memory("slice"))
        association.release()
        association.abort()


# the object's own faults


def test_an_object_whose_file_fails_at_once_costs_no_association(tmp_path):
    uid, data_set = encoded("short")
    path = tmp_path / "short"
    path.write_bytes(data_set[:-10])
    fd = os.open(path, os.O_RDONLY)
    with ScriptedArchive([CT]) as archive, opened(archive) as association:
        with pytest.raises(SetAsideError) as caught:
            association.store(carrying(uid, FileSpan(fd, 0, len(data_set))))
        assert caught.value.cause is Cause.TRUNCATED
        assert association.store(in_memory("next")).status == 0
        assert uid not in archive.times_received()
    os.close(fd)


@pytest.mark.parametrize("missing", [2, 10, 4096])
def test_an_object_whose_file_was_cut_while_it_was_sent_is_never_stored(tmp_path, missing):
    """10 bytes is the length of an A-ABORT, which must not complete the object."""
    path = tmp_path / "cut"
    path.write_bytes(bytes(2 * BUFFER_LENGTH))  # all of it is sent before the end is missed
    fd = os.open(path, os.O_RDONLY)
    ended = threading.Event()
    stored: list[bytes] = []

    def store_what_is_whole(peer: scripted.Peer) -> None:
        peer.accept()
        try:
            stored.append(peer.read_object()[1])
        finally:
            ended.set()

    with RawTarget(store_what_is_whole) as target:
        association = opened(target)
        with pytest.raises(SetAsideError) as caught:
            association.store(carrying("1.2.3", FileSpan(fd, 0, 2 * BUFFER_LENGTH + missing)))
        assert caught.value.cause is Cause.TRUNCATED
        assert not association.is_open
        assert ended.wait(scripted.PATIENCE)
    os.close(fd)
    assert stored == []


@pytest.mark.parametrize("uid", ["", "1.2.é"])
def test_an_object_without_a_usable_uid_is_set_aside(uid):
    with ScriptedArchive([CT]) as archive, opened(archive) as association:
        with pytest.raises(SetAsideError) as caught:
            association.store(carrying(uid, memoryview(b"ab")))
        assert caught.value.cause is Cause.IDENTITY_MISSING


# an operations window


def test_with_a_window_objects_are_posted_before_the_answers_come():
    with RawTarget(scripted.answer_in_reverse) as target:
        address, contexts = target.address, number([CT])
        with StoreAssociation.open(address, contexts, window=3) as association:
            posted = [association.post(in_memory(f"slice {n}")) for n in range(3)]
            assert not association.has_room
            assert [association.collect()[0] for _ in posted] == posted[::-1]


def answer_three_at_once_and_close(peer: scripted.Peer) -> None:
    """Grant a window of three; give the answers to three objects together, and hang up."""
    peer.accept(window=3)
    commands = [peer.read_object()[0] for _ in range(3)]
    answers = [scripted.store_response(command.MessageID) for command in commands]
    peer.send(b"".join(scripted.data_pdu(peer.context_id, answer) for answer in answers))


def test_answers_that_came_together_count_also_if_the_target_has_closed_since():
    with RawTarget(answer_three_at_once_and_close) as target:
        association = StoreAssociation.open(target.address, number([CT]), window=3)
        posted = [association.post(in_memory(f"slice {n}")) for n in range(3)]
        assert association.collect()[0] == posted[0]
        association._link.wait_to_receive(monotonic() + 5)  # until the close is here, too
        with pytest.raises(AssociationLostError, match="closed the connection"):
            association.post(in_memory("slice 3"))
        assert association.has_answers
        assert [association.collect()[0] for _ in posted[1:]] == posted[1:]
