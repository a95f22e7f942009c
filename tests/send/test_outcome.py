"""Every status that a target can answer has a meaning."""

import pytest
from pynetdicom.status import code_to_category

from pacslift.errors import JobFileError
from pacslift.send.association import StoreAnswer
from pacslift.send.delivery import Delivery
from pacslift.send.outcome import AS_COMMON, CLASSES, PROFILES, Outcome, policy_of

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
        assert AS_COMMON.outcome_of(code) in EXPECTED[code_to_category(code)], hex(code)


def test_silence_is_not_taken_for_refusal():
    assert AS_COMMON.outcome_of(None) is Outcome.NO_ANSWER


@pytest.mark.parametrize("status", [0xA700, 0xA701, 0xA7FF, 0x0213, 0xA77A])
def test_a_target_out_of_resources_may_be_asked_again(status):
    assert AS_COMMON.outcome_of(status) is Outcome.BUSY


@pytest.mark.parametrize("status", [0xA770, 0xA771, 0xA777, 0xA778, 0xA779, 0xA77B])
def test_what_dcm4chee_refuses_for_good_is_not_asked_again(status):
    assert AS_COMMON.outcome_of(status) is Outcome.REFUSED


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_takes_for_stored_what_the_standard_calls_a_failure(profile):
    policy = policy_of(profile, {})
    for code in range(0x10000):
        assert policy.outcome_of(code) in EXPECTED[code_to_category(code)], hex(code)


def test_the_profile_of_dcm4chee_says_what_it_means_by_its_statuses():
    delivery = Delivery.answered(StoreAnswer(0xA777), policy_of("dcm4chee-arc", {}))
    assert (delivery.outcome, delivery.detail) == (Outcome.REFUSED, "status A777h, no Patient ID")


@pytest.mark.parametrize("name", ["back off", "set aside", "stop"])
def test_a_job_says_what_a_status_of_its_target_comes_to(name):
    policy = policy_of("dcm4chee-arc", {"C000-C0FF": name, "A777": name})
    assert {policy.outcome_of(code) for code in (0xC000, 0xC0FF, 0xA777)} == {CLASSES[name]}
    assert policy.outcome_of(0xC100) is Outcome.REFUSED


def test_of_several_lines_for_a_status_the_last_counts():
    policy = policy_of("", {"C000-CFFF": "back off", "C123": "stop"})
    assert policy.outcome_of(0xC123) is Outcome.STOP


def test_a_warning_may_count_as_stored_where_a_person_says_so():
    assert policy_of("", {"B007": "stored"}).outcome_of(0xB007) is Outcome.STORED


@pytest.mark.parametrize(
    ("profile", "statuses", "said"),
    [
        ("dcm4che", {}, "there are dcm4chee-arc"),
        ("", {"A7": "stop"}, "four hexadecimal digits"),
        ("", {"A7FF-A700": "stop"}, "four hexadecimal digits"),
        ("", {"C000": "ignore"}, "must be one of stored"),
        ("", {"C000": "stored"}, "has not stored"),
        ("", {"AFFF-B000": "stored with warning"}, "has not stored"),
        ("", {"0000": "back off"}, "0000 is stored, and nothing else"),
    ],
)
def test_a_policy_that_cannot_be_is_named(profile, statuses, said):
    with pytest.raises(JobFileError, match=said):
        policy_of(profile, statuses)
