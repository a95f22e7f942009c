"""One verdict for each instance, and no instance forgotten."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause
from pacslift.ledger import InstanceState
from pacslift.verify.match import Expected, FoundInstance, FoundStudy, Sign, match_study

SENT = Expected("row 7", "1.3", "1.1", "1.2", "P1")
THERE = FoundInstance("1.3", "1.2", "1.1", "P1")


def verdict(found: FoundInstance | None, expected: Expected = SENT, **doubts: str):
    instances = frozenset() if found is None else frozenset({found})
    (one,) = match_study([expected], FoundStudy("1.1", instances, doubts)).verdicts
    return one


def test_an_instance_found_as_it_was_sent_is_verified():
    one = verdict(THERE)
    assert (one.instance_key, one.sop_instance_uid) == ("row 7", "1.3")
    assert (one.sign, one.state, one.cause) == (Sign.EQUAL, InstanceState.VERIFIED, None)


def test_an_instance_that_is_not_listed_is_missing():
    one = verdict(None)
    assert one.state is InstanceState.MISSING_AT_TARGET
    assert one.cause is Cause.NOT_AT_TARGET
    assert one.detail.startswith("+ ")


@pytest.mark.parametrize(
    ("keyword", "field"),
    [
        ("PatientID", "patient_id"),
        ("StudyInstanceUID", "study_instance_uid"),
        ("SeriesInstanceUID", "series_instance_uid"),
    ],
)
def test_an_instance_found_elsewhere_differs_and_the_attribute_is_named(keyword, field):
    one = verdict(replace(THERE, **{field: "other"}))
    assert one.state is InstanceState.DIFFERS_AT_TARGET
    assert one.cause is Cause.DIFFERS_AT_TARGET
    assert one.detail.startswith("* ")
    assert one.detail.endswith(f"differs in {keyword}")


def test_a_patient_id_is_never_told():
    one = verdict(replace(THERE, patient_id="OTHER"))
    assert "P1" not in one.detail
    assert "OTHER" not in one.detail


def test_what_the_target_does_not_say_cannot_be_verified():
    one = verdict(replace(THERE, patient_id=None))
    assert (one.sign, one.state, one.cause) == (Sign.UNKNOWN, None, None)
    assert one.detail == "! the target does not say PatientID"


def test_what_was_not_recorded_as_sent_is_not_compared():
    assert verdict(THERE, replace(SENT, patient_id=None)).sign is Sign.EQUAL


def test_an_empty_patient_id_is_a_value_like_any_other():
    nobody = replace(SENT, patient_id="")
    assert verdict(replace(THERE, patient_id=""), nobody).sign is Sign.EQUAL
    assert verdict(THERE, nobody).sign is Sign.DIFFERS


def test_padding_is_no_difference():
    assert verdict(THERE, replace(SENT, patient_id="P1 ")).sign is Sign.EQUAL


def test_a_doubt_about_an_instance_is_told_and_it_is_not_called_missing():
    one = verdict(None, **{"1.3": "no answer"})
    assert (one.sign, one.state, one.detail) == (Sign.UNKNOWN, None, "! no answer")


def test_a_doubt_about_an_instance_that_is_there_is_forgotten():
    assert verdict(THERE, **{"1.3": "no answer"}).sign is Sign.EQUAL


def test_of_several_copies_the_one_as_sent_counts_and_the_others_are_extra():
    copy = replace(THERE, patient_id="P2")
    matched = match_study([SENT], FoundStudy("1.1", frozenset({copy, THERE})))
    assert [one.sign for one in matched.verdicts] == [Sign.EQUAL]
    assert matched.extra == (copy,)


def test_what_nobody_sent_is_extra():
    stranger = replace(THERE, sop_instance_uid="1.9")
    matched = match_study([SENT], FoundStudy("1.1", frozenset({THERE, stranger})))
    assert matched.extra == (stranger,)
    assert matched.verified == 1


def test_a_copy_in_another_study_is_not_extra_to_this_one():
    elsewhere = replace(THERE, study_instance_uid="1.8")
    matched = match_study([SENT], FoundStudy("1.1", frozenset({THERE, elsewhere})))
    assert matched.extra == ()


uids = st.sampled_from(["1.1", "1.2", "1.3", "x"])
maybe = st.none() | uids
expected_instances = st.lists(st.builds(Expected, uids, uids, st.just("1.1"), uids, maybe))
found_studies = st.builds(
    FoundStudy,
    st.just("1.1"),
    st.frozensets(st.builds(FoundInstance, uids, maybe, maybe, maybe)),
    st.dictionaries(uids, st.just("no answer")),
)


@given(expected_instances, found_studies)
def test_every_expected_instance_gets_exactly_one_verdict_in_its_order(expected, found):
    matched = match_study(expected, found)
    assert [v.instance_key for v in matched.verdicts] == [e.instance_key for e in expected]


@given(expected_instances, found_studies)
def test_verified_is_only_what_the_target_lists_with_every_value_as_sent(expected, found):
    for one, sent in zip(match_study(expected, found).verdicts, expected, strict=True):
        as_sent = any(
            (held.sop_instance_uid, held.study_instance_uid, held.series_instance_uid)
            == (sent.sop_instance_uid, sent.study_instance_uid, sent.series_instance_uid)
            and sent.patient_id in {None, held.patient_id}
            for held in found.instances
        )
        assert (one.state is InstanceState.VERIFIED) == as_sent


@given(expected_instances, found_studies)
def test_the_detail_begins_with_the_sign_and_the_state_follows_from_it(expected, found):
    for one in match_study(expected, found).verdicts:
        assert one.detail.startswith(f"{one.sign} ")
        assert (one.state is None) == (one.sign is Sign.UNKNOWN)
