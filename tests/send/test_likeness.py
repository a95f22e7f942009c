"""Answers that are like one before: told the same as by reading them element by element."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.send.dimse import StoreResponse, parse_store_response
from pacslift.send.likeness import MOST, Likeness
from pacslift.send.pdata import HEADS
from scripted import data_pdu, store_response


def answer(message_id: int, uid: str = "1.2.3", status: int = 0, **more: str) -> bytes:
    return data_pdu(1, store_response(message_id, status, AffectedSOPInstanceUID=uid, **more))


def read_in_full(pdu: bytes) -> StoreResponse:
    return parse_store_response(pdu[HEADS:])


def having_learnt(*pdus: bytes) -> Likeness:
    likeness = Likeness()
    for pdu in pdus:
        likeness.learn(pdu, pdu[HEADS:], read_in_full(pdu))
    return likeness


uids = st.lists(st.integers(1, 10**6), min_size=1, max_size=9).map(
    lambda parts: ".".join(map(str, parts))
)


@given(st.integers(0, 0xFFFF), uids, st.integers(0, 0xFFFF), uids)
def test_what_is_read_by_likeness_is_what_is_read_in_full(known_id, known_uid, message_id, uid):
    pdu = answer(message_id, uid)
    read = having_learnt(answer(known_id, known_uid)).read(pdu)
    assert read in (None, read_in_full(pdu))
    if -(-len(uid) // 2) == -(-len(known_uid) // 2):  # values are padded to an even length
        assert read is not None


@pytest.mark.parametrize(
    "other",
    [
        answer(8, status=0xB000),
        answer(8, status=0xA700),
        answer(8, "1.2.345"),  # another length
        data_pdu(3, answer(8)[HEADS:]),  # another presentation context
        data_pdu(1, answer(8)[HEADS:], control=1),  # not the last part
        answer(8)[:-1],
    ],
)
def test_an_answer_that_differs_in_anything_else_is_read_in_full(other):
    assert having_learnt(answer(7)).read(other) is None


@given(st.binary(max_size=200))
def test_no_noise_is_taken_for_an_answer(noise):
    assert having_learnt(answer(7)).read(noise) is None


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_byte_that_is_changed_is_found_unless_it_is_of_a_value_that_may_differ(at, byte):
    pdu = bytearray(answer(7))
    pdu[at % len(pdu)] = byte
    read = having_learnt(answer(7)).read(bytes(pdu))
    assert read is None or read == read_in_full(bytes(pdu))


def test_a_target_that_leaves_the_uid_out_is_understood():
    pdu = data_pdu(1, store_response(9))
    read = having_learnt(data_pdu(1, store_response(7))).read(pdu)
    assert read == read_in_full(pdu)


def test_a_target_that_never_says_the_same_costs_bounded_memory():
    answers = [answer(7, OffendingElement=[0x00100010] * n) for n in range(2 * MOST)]
    assert len(having_learnt(*answers)._known) == MOST
