"""Command sets: ours read by pynetdicom, pynetdicom's read by us."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dsutils import decode

from pacslift.send.dimse import encode_store_request, parse_store_response
from pacslift.send.faults import MalformedCommandError, UnexpectedMessageError
from scripted import store_response

uids = st.from_regex(r"[12](\.[1-9][0-9]{0,5}){1,8}", fullmatch=True)


@given(st.integers(1, 0xFFFF), uids, uids)
def test_another_implementation_reads_in_our_request_what_we_wrote(message_id, sop_class, uid):
    command = decode(BytesIO(encode_store_request(message_id, sop_class, uid)), True, True)
    assert command.CommandField == 0x0001
    assert command.MessageID == message_id
    assert command.Priority == 0
    assert command.CommandDataSetType != 0x0101
    assert command.AffectedSOPClassUID == sop_class
    assert command.AffectedSOPInstanceUID == uid


@given(st.integers(1, 0xFFFF), uids, uids)
def test_the_group_length_counts_the_bytes_behind_it(message_id, sop_class, uid):
    encoded = encode_store_request(message_id, sop_class, uid)
    assert decode(BytesIO(encoded), True, True).CommandGroupLength == len(encoded) - 12


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_status_and_message_id_are_read_as_the_target_wrote_them(message_id, status):
    response = parse_store_response(store_response(message_id, status))
    assert (response.message_id, response.status) == (message_id, status)


def test_a_message_id_that_looks_like_a_tag_is_not_taken_for_the_status():
    """0x0209 and its neighbours hold the bytes of (0000,0900) across two elements."""
    for message_id in (0x0009, 0x0209, 0x0900, 0x0902):
        assert parse_store_response(store_response(message_id, 0xC001)).status == 0xC001


def test_the_reasons_a_target_gives_are_kept():
    response = parse_store_response(
        store_response(
            1,
            0xC123,
            OffendingElement=[0x00100020, 0x0020000D],
            ErrorComment="cannot understand",
            AffectedSOPInstanceUID="1.2.345",
        )
    )
    assert response.offending_elements == ("(0010,0020)", "(0020,000D)")
    assert response.error_comment == "cannot understand"
    assert response.sop_instance_uid == "1.2.345"


def test_a_message_that_is_no_answer_to_a_store_is_named():
    with pytest.raises(UnexpectedMessageError, match="0001h"):
        parse_store_response(encode_store_request(1, "1.2", "1.2.3"))


def test_an_answer_that_announces_a_data_set_is_refused():
    with pytest.raises(UnexpectedMessageError, match="data set"):
        parse_store_response(store_response(1, CommandDataSetType=1))


@pytest.mark.parametrize("element", ["00002001", "00000009"], ids=["message id", "status"])
def test_an_answer_without_message_id_or_status_is_refused(element):
    whole = store_response(1)
    tag = bytes.fromhex(element)
    at = whole.index(tag)
    with pytest.raises(MalformedCommandError, match="missing"):
        parse_store_response(whole[:at] + whole[at + 10 :])


@given(st.binary(max_size=80), st.integers(0, 80), st.integers(0, 80))
def test_whatever_a_target_sends_is_read_or_refused_with_a_named_error(noise, start, end):
    whole = store_response(1, ErrorComment="no")
    for command in (noise, whole[:start] + noise + whole[end:]):
        try:
            parse_store_response(command)
        except (MalformedCommandError, UnexpectedMessageError):
            continue
