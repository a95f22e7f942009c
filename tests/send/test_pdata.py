"""P-DATA-TF: what we cut is put together again by pynetdicom, and nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import P_DATA_TF

from pacslift.send.faults import MalformedCommandError, MalformedPduError, UnexpectedMessageError
from pacslift.send.pdata import COMMAND, CommandAssembler, Framer, longest_value, parse_values
from scripted import data_pdu

HEAD = 6


def framed(content: bytes, cuts: list[int], max_pdu: int, control: int = 0) -> list[bytes]:
    """*content*, handed over in pieces, as whole PDUs."""
    framer = Framer(7, control, len(content), longest_value(max_pdu))
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    pieces = [content[a:b] for a, b in pairwise(edges)]
    wire = b"".join(b"".join(framer.frame([memoryview(piece)])) for piece in pieces)
    assert framer.missing == 0
    pdus = []
    while wire:
        length = HEAD + int.from_bytes(wire[2:HEAD])
        pdus.append(wire[:length])
        wire = wire[length:]
    return pdus


def values(whole: bytes) -> list[tuple[int, int, bytes]]:
    """Context, control and fragment of each value, as pynetdicom sees them."""
    message = P_DATA_TF()
    message.decode(whole)
    items = message.presentation_data_value_items
    return [(item.context_id, item.data[0], item.data[1:]) for item in items]


contents = st.binary(min_size=2, max_size=300).filter(lambda content: len(content) % 2 == 0)
cuts = st.lists(st.integers(1, 300), max_size=6)
max_pdus = st.integers(8, 320)


@given(contents, cuts, max_pdus)
def test_what_is_cut_is_whole_again_at_the_other_end(content, cuts, max_pdu):
    read = [value for whole in framed(content, cuts, max_pdu) for value in values(whole)]
    assert b"".join(fragment for _, _, fragment in read) == content
    assert {context_id for context_id, _, _ in read} == {7}


@given(contents, cuts, max_pdus)
def test_where_the_content_is_cut_beforehand_does_not_matter(content, cuts, max_pdu):
    assert framed(content, cuts, max_pdu) == framed(content, [], max_pdu)


@given(contents, max_pdus)
def test_no_pdu_is_longer_than_the_target_takes_and_no_value_is_odd(content, max_pdu):
    for whole in framed(content, [], max_pdu):
        assert len(whole) - HEAD <= max_pdu
        assert all(len(fragment) % 2 == 0 and fragment for _, _, fragment in values(whole))


@given(contents, max_pdus)
def test_only_the_last_value_says_so(content, max_pdu):
    controls = [values(whole)[0][1] for whole in framed(content, [], max_pdu, COMMAND)]
    assert controls == [1] * (len(controls) - 1) + [3]


def test_more_bytes_than_announced_are_not_sent():
    with pytest.raises(ValueError, match="more than announced"):
        Framer(1, 0, 4, 100).frame([memoryview(b"12"), memoryview(b"345678")])


def test_a_target_without_a_limit_gets_pdus_of_a_mebibyte():
    assert longest_value(0) == longest_value(0xFFFFFFFF) == 0x100000 - 6
    assert longest_value(16382) == 16376
    assert longest_value(16383) == 16376


@pytest.mark.parametrize("limit", [1, 6, 7])
def test_a_limit_that_leaves_no_room_for_data_is_named(limit):
    with pytest.raises(MalformedPduError, match=f"at most {limit} bytes"):
        longest_value(limit)


def test_several_values_in_one_pdu_are_read():
    two = data_pdu(1, b"ab", 1)[HEAD:] + data_pdu(1, b"cd", 3)[HEAD:]
    read = list(parse_values(two))
    assert [(v.fragment, v.is_last) for v in read] == [(b"ab", False), (b"cd", True)]


@given(st.binary(max_size=64))
def test_noise_in_a_p_data_is_read_or_refused_with_a_named_error(noise):
    try:
        read = list(parse_values(noise))
    except MalformedPduError:
        return
    assert sum(len(value.fragment) + 6 for value in read) == len(noise)


def test_an_answer_may_come_in_fragments():
    assembler = CommandAssembler()
    first, second = parse_values(data_pdu(1, b"ab", 1)[HEAD:] + data_pdu(1, b"cd", 3)[HEAD:])
    assert assembler.add(first) is None
    assert assembler.add(second) == b"abcd"


def test_a_target_that_mixes_two_answers_is_found_out():
    assembler = CommandAssembler()
    first, second = parse_values(data_pdu(1, b"ab", 1)[HEAD:] + data_pdu(3, b"cd", 3)[HEAD:])
    assembler.add(first)
    with pytest.raises(MalformedCommandError, match="begun on presentation context 1"):
        assembler.add(second)


def test_a_target_that_sends_an_image_back_is_found_out():
    (value,) = parse_values(data_pdu(1, b"ab", 2)[HEAD:])
    with pytest.raises(UnexpectedMessageError, match="data set"):
        CommandAssembler().add(value)


def test_an_answer_without_end_is_given_up():
    (value,) = parse_values(data_pdu(1, b"x" * 0x8000, 1)[HEAD:])
    assembler = CommandAssembler()
    assembler.add(value)
    assembler.add(value)
    with pytest.raises(MalformedCommandError, match="65536"):
        assembler.add(value)
