"""Every status that a target can answer has a meaning."""

import pytest
from pynetdicom.status import code_to_category

from pacslift.send.outcome import Outcome, outcome_of

EXPECTED = {
    "Success": {Outcome.STORED},
    "Warning": {Outcome.STORED_CHANGED},
    "Failure": {Outcome.BUSY, Outcome.REFUSED},
    "Cancel": {Outcome.REFUSED},
    "Pending": {Outcome.REFUSED},
    "Unknown": {Outcome.REFUSED},
}


def test_every_possible_status_has_an_outcome_that_agrees_with_the_library():
    for code in range(0x10000):
        assert outcome_of(code) in EXPECTED[code_to_category(code)], hex(code)


def test_silence_is_not_taken_for_refusal():
    assert outcome_of(None) is Outcome.NO_ANSWER


@pytest.mark.parametrize("status", [0xA700, 0xA701, 0xA7FF, 0x0213, 0xA77A])
def test_a_target_out_of_resources_may_be_asked_again(status):
    assert outcome_of(status) is Outcome.BUSY


@pytest.mark.parametrize("status", [0xA770, 0xA771, 0xA777, 0xA778, 0xA779, 0xA77B])
def test_what_dcm4chee_refuses_for_good_is_not_asked_again(status):
    assert outcome_of(status) is Outcome.REFUSED
