"""The protocol machine: fed bytes, no network. The target's bytes are made by pynetdicom."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RP, A_RELEASE_RQ

from pacslift.plan.contexts import number
from pacslift.send.dimse import StoreResponse
from pacslift.send.faults import (
    MalformedPduError,
    PduTooLongError,
    ProtocolError,
    UnexpectedMessageError,
    UnexpectedPduError,
    UnknownContextError,
    UnknownMessageIdError,
    UnknownPduError,
)
from pacslift.send.machine import Machine, NotAllowedNowError, Released, State
from pacslift.send.negotiation import Acceptance, Proposal, Rejection
from scripted import acceptance, data_pdu, store_response

PAIR = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
OTHER = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.2.1")
UID = "1.2.3.4"

RELEASE_ASKED = A_RELEASE_RQ().encode()
RELEASE_ANSWERED = A_RELEASE_RP().encode()


def abort_pdu(source: int = 2, reason: int = 6) -> bytes:
    aborted = A_ABORT_RQ()
    aborted.source, aborted.reason_diagnostic = source, reason
    return aborted.encode()


def rejection_pdu() -> bytes:
    rejected = A_ASSOCIATE_RJ()
    rejected.result, rejected.source, rejected.reason_diagnostic = 1, 1, 7
    return rejected.encode()


def answer(message_id: int, status: int = 0, **more: object) -> bytes:
    return data_pdu(1, store_response(message_id, status, **more))


def requested(window: int = 1) -> tuple[Machine, bytes]:
    """A machine in Sta5, and the acceptance that would open it."""
    machine = Machine(Proposal("ARCHIVE", "PACSLIFT", number([PAIR, OTHER]), window))
    request = A_ASSOCIATE_RQ()
    request.decode(machine.associate())
    return machine, acceptance(request, window=window if window != 1 else None)


def opened(window: int = 1) -> Machine:
    machine, accepted = requested(window)
    machine.feed(accepted)
    assert isinstance(machine.next_event(), Acceptance)
    return machine


def releasing() -> Machine:
    machine = opened()
    machine.release()
    return machine


def collided() -> Machine:
    machine = releasing()
    machine.feed(RELEASE_ASKED)
    assert machine.next_event() is None
    assert machine.owed() == RELEASE_ANSWERED
    return machine


def ended() -> Machine:
    machine = opened()
    machine.abort()
    return machine


def heard(machine: Machine, chunks: list[bytes]) -> list[object]:
    """Everything that the machine makes of *chunks*; an error is the last entry."""
    events: list[object] = []
    for chunk in chunks:
        machine.feed(chunk)
        try:
            while (event := machine.next_event()) is not None:
                events.append(event)
        except ProtocolError as error:
            return [*events, (type(error), str(error))]
    return events


# what a whole association looks like


def test_an_association_is_opened_used_and_released():
    machine = opened()
    assert machine.accepted == {PAIR: 1, OTHER: 3}
    request = machine.store(PAIR, UID, 2)
    machine.feed(answer(request.message_id))
    assert machine.next_event() == StoreResponse(request.message_id, 0, "", (), None)
    machine.release()
    machine.feed(RELEASE_ANSWERED)
    assert machine.next_event() == Released(by_target=False)
    assert machine.state is State.ENDED


def test_a_rejection_ends_it():
    machine, _ = requested()
    machine.feed(rejection_pdu())
    assert machine.next_event() == Rejection(1, 1, 7)
    assert machine.state is State.ENDED


def test_the_target_may_ask_for_release_and_gets_its_answer():
    machine = opened()
    machine.feed(RELEASE_ASKED)
    assert machine.next_event() == Released(by_target=True)
    assert machine.owed() == RELEASE_ANSWERED
    assert machine.owed() == b""


def test_both_may_ask_for_release_at_once():
    machine = collided()
    machine.feed(RELEASE_ANSWERED)
    assert machine.next_event() == Released(by_target=False)


def test_an_answer_that_comes_after_we_asked_for_release_still_counts():
    machine = opened(window=2)
    request = machine.store(PAIR, UID, 2)
    machine.release()
    machine.feed(answer(request.message_id, 0xB000) + RELEASE_ANSWERED)
    first, second = machine.next_event(), machine.next_event()
    assert isinstance(first, StoreResponse)
    assert first.status == 0xB000
    assert second == Released(by_target=False)


# every PDU in every state


def connected() -> Machine:
    return Machine(Proposal("ARCHIVE", "PACSLIFT", number([PAIR])))


def one_of_each() -> dict[int, bytes]:
    machine = Machine(Proposal("ARCHIVE", "PACSLIFT", number([PAIR, OTHER])))
    asked = machine.associate()
    request = A_ASSOCIATE_RQ()
    request.decode(asked)
    return {
        1: asked,
        2: acceptance(request),
        3: rejection_pdu(),
        4: answer(1),
        5: RELEASE_ASKED,
        6: RELEASE_ANSWERED,
        7: abort_pdu(),
    }


LEGAL = [
    (connected, set()),
    (lambda: requested()[0], {2, 3, 7}),
    (opened, {4, 5, 7}),
    (releasing, {4, 5, 6, 7}),
    (collided, {6, 7}),
]


@pytest.mark.parametrize(("start", "legal"), LEGAL, ids=["Sta4", "Sta5", "Sta6", "Sta7", "Sta11"])
def test_only_what_ps3_8_allows_in_a_state_is_taken(start, legal):
    for number_, whole in one_of_each().items():
        last = heard(start(), [whole])[-1:]
        refused = bool(last) and isinstance(last[0], tuple) and last[0][0] is UnexpectedPduError
        assert refused is (number_ not in legal), (number_, last)


def test_after_the_end_everything_is_ignored():
    for whole in (*one_of_each().values(), b"\xff" * 100):
        assert heard(ended(), [whole]) == []


# faults of the target, each by its name


def test_an_unknown_pdu_is_named():
    machine = opened()
    machine.feed(b"\x08\0\0\0\0\4abcd")
    with pytest.raises(UnknownPduError, match="08h"):
        machine.next_event()
    assert machine.state is State.ENDED
    assert machine.owed() == abort_pdu(2, 1)


def test_a_pdu_bomb_is_refused_before_its_body_is_there():
    machine = opened()
    machine.feed(b"\x04\0\xff\xff\xff\xff")
    with pytest.raises(PduTooLongError, match="4294967295"):
        machine.next_event()


def test_an_unexpected_pdu_is_answered_with_the_abort_the_standard_asks_for():
    machine = opened()
    machine.feed(RELEASE_ANSWERED)
    with pytest.raises(UnexpectedPduError, match="A-RELEASE-RP in Sta6"):
        machine.next_event()
    assert machine.owed() == abort_pdu(2, 2)


def test_an_answer_to_a_message_never_sent_counts_for_nothing():
    machine = opened()
    sent = machine.store(PAIR, UID, 2).message_id
    machine.feed(answer(sent + 1))
    with pytest.raises(
        UnknownMessageIdError, match=rf"message {sent + 1}; outstanding are \[{sent}"
    ):
        machine.next_event()


def test_a_second_answer_to_the_same_message_counts_for_nothing():
    machine = opened()
    sent = machine.store(PAIR, UID, 2).message_id
    machine.feed(answer(sent) * 2)
    assert isinstance(machine.next_event(), StoreResponse)
    with pytest.raises(UnknownMessageIdError, match="outstanding are none"):
        machine.next_event()


def test_an_answer_about_another_object_counts_for_nothing():
    machine = opened()
    sent = machine.store(PAIR, UID, 2).message_id
    machine.feed(answer(sent, AffectedSOPInstanceUID="9.9.9"))
    with pytest.raises(UnknownMessageIdError, match=r"1\.2\.3\.4.*9\.9\.9"):
        machine.next_event()


def test_data_on_a_context_that_was_not_accepted_is_named():
    machine = opened()
    machine.feed(data_pdu(99, store_response(1)))
    with pytest.raises(UnknownContextError, match="context 99"):
        machine.next_event()


def test_a_target_that_accepts_what_was_not_proposed_is_named():
    _, accepted = requested()
    machine = Machine(Proposal("ARCHIVE", "PACSLIFT", number([PAIR])))
    machine.associate()
    machine.feed(accepted)
    with pytest.raises(UnknownContextError, match=r"\[3\]"):
        machine.next_event()


def test_a_context_accepted_in_another_syntax_is_not_used():
    other_syntax = Machine(Proposal("A", "B", number([(PAIR[0], "1.2.840.10008.1.2")])))
    request = A_ASSOCIATE_RQ()
    request.decode(other_syntax.associate())
    machine, _ = requested()
    machine.feed(acceptance(request))
    assert isinstance(machine.next_event(), Acceptance)
    assert machine.accepted == {}


def test_a_data_set_from_the_target_is_named():
    machine = opened()
    machine.feed(data_pdu(1, b"ab", 2))
    with pytest.raises(UnexpectedMessageError):
        machine.next_event()


def test_a_release_of_the_wrong_length_is_named():
    machine = opened()
    machine.feed(b"\x05\0\0\0\0\2ab")
    with pytest.raises(MalformedPduError, match="A-RELEASE-RQ of 2 bytes"):
        machine.next_event()


def test_after_an_error_nothing_that_came_with_it_is_believed():
    machine = opened()
    sent = machine.store(PAIR, UID, 2).message_id
    body = answer(sent)[6:] + data_pdu(1, b"ab", 2)[6:]
    machine.feed(b"\x04\0" + len(body).to_bytes(4) + body + abort_pdu())
    with pytest.raises(UnexpectedMessageError):
        machine.next_event()
    assert machine.next_event() is None


# cutting and noise


@given(st.lists(st.integers(0, 400), max_size=8), st.sampled_from(range(6)))
def test_where_the_targets_bytes_are_cut_does_not_matter(cuts, ending):
    _, accepted = requested(window=0)
    endings = [RELEASE_ASKED, abort_pdu(), answer(9), b"\xff" * 9, RELEASE_ANSWERED, b"\4\0\1"]
    later = answer(1) + answer(2, 0xA700) + endings[ending]

    def story(cut_at: list[int]) -> list[object]:
        machine, _ = requested(window=0)
        first = heard(machine, [accepted])
        machine.store(PAIR, UID, 2)
        machine.store(PAIR, UID, 2)
        edges = sorted({0, len(later), *(cut for cut in cut_at if cut < len(later))})
        chunks = [later[a:b] for a, b in pairwise(edges)]
        return first + heard(machine, chunks)

    whole = story([])
    assert len(whole) >= 3
    assert story(cuts) == whole
    assert story(list(range(len(later)))) == whole


@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from(range(len(LEGAL))))
def test_noise_ends_in_events_or_one_named_error(chunks, start):
    heard(LEGAL[start][0](), chunks)


@given(st.integers(1, 7), st.binary(max_size=120), st.sampled_from(range(len(LEGAL))))
def test_noise_in_a_well_made_frame_ends_in_events_or_one_named_error(kind, body, start):
    heard(LEGAL[start][0](), [bytes([kind, 0]) + len(body).to_bytes(4) + body])


# what we may not do


def test_nothing_is_stored_before_the_association_is_open():
    with pytest.raises(NotAllowedNowError):
        connected().store(PAIR, UID, 2)
    with pytest.raises(NotAllowedNowError):
        ended().store(PAIR, UID, 2)


def test_only_as_many_objects_are_outstanding_as_were_negotiated():
    machine = opened()
    request = machine.store(PAIR, UID, 2)
    assert not machine.room
    with pytest.raises(NotAllowedNowError):
        machine.store(PAIR, UID, 2)
    machine.feed(answer(request.message_id))
    machine.next_event()
    assert machine.room


def test_a_window_lets_objects_overlap_and_answers_may_come_in_any_order():
    machine = opened(window=3)
    sent = [machine.store(PAIR, f"1.2.{n}", 2).message_id for n in range(3)]
    assert not machine.room
    machine.feed(b"".join(answer(message_id) for message_id in reversed(sent)))
    got = [machine.next_event().message_id for _ in sent]
    assert got == sent[::-1]


def test_a_target_cannot_raise_the_window():
    machine = Machine(Proposal("ARCHIVE", "PACSLIFT", number([PAIR]), window=2))
    request = A_ASSOCIATE_RQ()
    request.decode(machine.associate())
    machine.feed(acceptance(request, window=50))
    machine.next_event()
    machine.store(PAIR, UID, 2)
    machine.store(PAIR, UID, 2)
    assert not machine.room


def test_message_ids_start_again_and_pass_over_those_outstanding():
    machine = opened(window=2)
    assert machine.store(PAIR, "1.2.3", 2).message_id == 1
    machine._last_message_id = 0xFFFD
    used = []
    for _ in range(4):
        used.append(machine.store(PAIR, UID, 2).message_id)
        machine.feed(answer(used[-1]))
        machine.next_event()
    assert used == [0xFFFE, 0xFFFF, 2, 3]
