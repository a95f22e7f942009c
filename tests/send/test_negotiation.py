"""Asking for an association and understanding the answer, against pynetdicom's own reading."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ASSOCIATE_RJ, A_ASSOCIATE_RQ

from pacslift.plan.contexts import number
from pacslift.send.faults import MalformedPduError
from pacslift.send.negotiation import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    Abort,
    Proposal,
    Rejection,
    decode_abort,
    decode_acceptance,
    decode_rejection,
    encode_abort,
    encode_request,
)
from scripted import acceptance

PRIVATE_GE = "1.2.840.113619.5.2"
PAIRS = [("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"), ("1.3.46.670589.5", PRIVATE_GE)]


def read_back(proposal: Proposal) -> A_ASSOCIATE_RQ:
    request = A_ASSOCIATE_RQ()
    request.decode(encode_request(proposal))
    return request


def item(kind: int, value: bytes) -> bytes:
    return bytes([kind, 0]) + len(value).to_bytes(2) + value


def with_items(whole: bytes, more: bytes) -> bytes:
    """An association PDU with further items at its end."""
    body = whole[6:] + more
    return whole[:2] + len(body).to_bytes(4) + body


def test_a_request_names_both_ae_titles_and_every_pair_with_one_syntax_each():
    request = read_back(Proposal("ARCHIVE", "PACSLIFT", number(PAIRS)))
    assert (request.called_ae_title, request.calling_ae_title) == ("ARCHIVE", "PACSLIFT")
    read = [
        (c.context_id, c.abstract_syntax, c.transfer_syntax) for c in request.presentation_context
    ]
    assert read == [(1, PAIRS[0][0], [PAIRS[0][1]]), (3, PAIRS[1][0], [PRIVATE_GE])]


def test_128_contexts_fit_into_one_request():
    contexts = number((f"1.2.{n}", "1.2.840.10008.1.2") for n in range(128))
    read = read_back(Proposal("A", "B", contexts)).presentation_context
    assert [c.context_id for c in read] == list(range(1, 256, 2))


def test_we_say_who_we_are():
    user = read_back(Proposal("A", "B", number(PAIRS))).user_information
    derived = uuid.uuid5(uuid.NAMESPACE_DNS, "implementation-class.pacslift").int
    assert user.implementation_class_uid == IMPLEMENTATION_CLASS_UID == f"2.25.{derived}"
    assert user.implementation_version_name == IMPLEMENTATION_VERSION_NAME
    assert IMPLEMENTATION_VERSION_NAME.startswith("PACSLIFT_")
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16


def test_an_operations_window_is_asked_for_only_when_wanted():
    assert read_back(Proposal("A", "B", number(PAIRS))).user_information.async_ops_window is None
    window = read_back(Proposal("A", "B", number(PAIRS), 8)).user_information.async_ops_window
    assert (window.max_operations_invoked, window.max_operations_performed) == (8, 1)


def test_what_the_target_grants_is_read():
    request = read_back(Proposal("A", "B", number(PAIRS)))
    granted = decode_acceptance(acceptance(request, max_pdu=131072, window=4))
    assert granted.transfer_syntaxes == {1: PAIRS[0][1], 3: PRIVATE_GE}
    assert (granted.max_pdu_length, granted.window) == (131072, 4)


def test_refused_contexts_are_not_taken_for_accepted():
    request = read_back(Proposal("A", "B", number(PAIRS)))
    assert decode_acceptance(acceptance(request, result=4)).transfer_syntaxes == {}


def test_a_target_with_odd_items_still_gets_its_images():
    """An item type of the future, a version name of 40 bytes that is not even ASCII."""
    whole = acceptance(read_back(Proposal("A", "B", number(PAIRS))))
    odd = item(0x77, b"future") + item(0x50, item(0x5A, b"?") + item(0x55, b"\xfcber" * 10))
    granted = decode_acceptance(with_items(whole, odd))
    assert granted.transfer_syntaxes.keys() == {1, 3}
    assert granted.version_name.endswith("ber")


@pytest.mark.parametrize("cut", [0, 10, 73, 75, 77, 100])
def test_a_cut_acceptance_is_refused(cut):
    whole = acceptance(read_back(Proposal("A", "B", number(PAIRS))))
    with pytest.raises(MalformedPduError):
        decode_acceptance(whole[:cut])


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")  # pydicom says so besides
@given(st.data())
def test_a_damaged_acceptance_is_read_or_refused_with_a_named_error(data):
    whole = bytearray(acceptance(read_back(Proposal("A", "B", number(PAIRS)))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_acceptance(bytes(whole))
    except MalformedPduError:
        return


def test_a_rejection_is_read():
    rejected = A_ASSOCIATE_RJ()
    rejected.result, rejected.source, rejected.reason_diagnostic = 1, 3, 2
    assert decode_rejection(rejected.encode()) == Rejection(1, 3, 2)


def test_an_abort_is_read_as_it_was_written():
    assert decode_abort(encode_abort(Abort(2, 6))) == Abort(2, 6)
