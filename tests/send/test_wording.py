"""What the operator reads when an association does not come about."""

import socket

import pytest

from pacslift.job import TargetAddress
from pacslift.plan.contexts import number
from pacslift.send import faults, wording
from pacslift.send.negotiation import Abort, Rejection

TARGET = TargetAddress("ARCHIVE", "pacs.example.org", 11112)

LISTED = [(1, 1), (1, 2), (1, 3), (1, 7), (2, 1), (2, 2), (3, 1), (3, 2)]  # PS3.8 Table 9-21


@pytest.mark.parametrize(("source", "reason"), LISTED)
def test_every_reason_of_the_standard_has_words_and_an_advice(source, reason):
    said = wording.rejected(TARGET, Rejection(1, source, reason))
    assert "from PACSLIFT to ARCHIVE at pacs.example.org:11112" in said
    assert "does not list" not in said
    words, advice = said.split(": ", 1)[1].split("; ", 1)
    assert words
    assert advice


def test_no_two_reasons_read_the_same():
    assert len({wording.rejected(TARGET, Rejection(1, *codes)) for codes in LISTED}) == len(LISTED)


def test_a_reason_outside_the_standard_is_named_by_its_number():
    said = wording.rejected(TARGET, Rejection(1, 9, 77))
    assert "unknown source 9" in said
    assert "reason 77, which PS3.8 does not list" in said


def test_transient_and_permanent_are_told_apart():
    assert "transient" in wording.rejected(TARGET, Rejection(2, 3, 1))
    assert "permanent" in wording.rejected(TARGET, Rejection(1, 3, 1))


@pytest.mark.parametrize("reason", [0, 1, 2, 4, 5, 6])
def test_an_abort_by_the_provider_is_told_with_its_reason(reason):
    said = wording.abort_words(Abort(2, reason))
    assert said.startswith("by its service-provider: ")
    assert "unlisted" not in said


def test_an_abort_with_an_unlisted_reason_is_named_by_its_number():
    assert wording.abort_words(Abort(2, 3)) == "by its service-provider: unlisted reason 3"


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (socket.gaierror(-2, "Name or service not known"), "check the host name pacs.example.org"),
        (ConnectionRefusedError(111, "Connection refused"), "listens on port 11112"),
        (TimeoutError("timed out"), "no answer in time; check host pacs.example.org, port 11112"),
        (OSError(113, "No route to host"), "No route to host; check host"),
    ],
)
def test_a_target_out_of_reach_is_told_with_what_to_check(fault, advice):
    said = wording.unreachable(TARGET, fault)
    assert "ARCHIVE@pacs.example.org:11112" in said
    assert advice in said


def test_contexts_that_were_refused_are_listed_by_name_ten_at_most():
    pairs = [("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"), ("1.3.9.9", "1.2.840.10008.1.2")]
    said = wording.no_context(TARGET, number(pairs))
    assert "CT Image Storage (1.2.840.10008.5.1.4.1.1.2) in Explicit VR Little Endian" in said
    assert "1.3.9.9 in Implicit VR Little Endian" in said
    many = wording.no_context(TARGET, number((f"1.3.{n}", pairs[0][1]) for n in range(13)))
    assert "none of the 13" in many
    assert "; and 3 more;" in many


def test_every_fault_is_drawn_in_the_tree_at_the_top():
    drawn = faults.__doc__
    names = [name for name, kind in vars(faults).items() if isinstance(kind, type)]
    assert all(name in drawn for name in names if name != "StopError")
