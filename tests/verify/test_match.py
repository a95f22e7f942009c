"""One verdict for each instance, and no instance forgotten."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause
from pacslift.ledger import InstanceState
from pacslift.verify.identity import Difference, Said, StudyIdentity
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
    assert (one.sign, one.state, one.cause) == (Sign.UNKNOWN, None, Cause.COULD_NOT_TELL)
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


# ---------------------------------------------------------------------------------------------
# The study itself

GERDA = StudyIdentity("Verborgen^Gerda", "19610203", "A7", "20140310")


def judged(said: StudyIdentity, *sent: StudyIdentity, encodings=(), patient_id="P1"):
    """Verdicts on instances that were sent so, where the target says *said* of their study."""
    expected = [
        replace(SENT, sop_instance_uid=f"1.3.{nth}", identity=one)
        for nth, one in enumerate(sent or [GERDA])
    ]
    there = frozenset(replace(THERE, sop_instance_uid=e.sop_instance_uid) for e in expected)
    said = Said(patient_id, said, encodings)
    return match_study(expected, FoundStudy("1.1", there, said=(said,)))


@pytest.mark.parametrize(
    ("keyword", "field", "value"),
    [
        ("PatientName", "patient_name", "Verborgen^Greta"),
        ("PatientName", "patient_name", "Gerda^Verborgen"),
        ("PatientName", "patient_name", ""),
        ("PatientBirthDate", "patient_birth_date", "19610302"),
        ("AccessionNumber", "accession_number", ""),
        ("AccessionNumber", "accession_number", "a7"),
        ("StudyDate", "study_date", "20140311"),
    ],
)
def test_a_study_that_the_target_lists_otherwise_differs_and_only_the_attribute_is_named(
    keyword, field, value
):
    matched = judged(replace(GERDA, **{field: value}), GERDA, GERDA)
    for one in matched.verdicts:
        assert one.state is InstanceState.DIFFERS_AT_TARGET
        assert one.detail.endswith(f"differs in {keyword}")
        assert getattr(GERDA, field) not in one.detail
    assert matched.differences == (Difference(keyword, getattr(GERDA, field), value),)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("Verborgen^Gerda", "VERBORGEN^GERDA^^^"),
        ("Verborgen^Gerda^^Dr.", "Verborgen ^ Gerda^^Dr.^ "),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("Yamada^Tarou==", "Yamada^Tarou"),
        ("Mu\N{COMBINING DIAERESIS}ller", "Müller"),
        ("", "^"),
    ],
)
def test_padding_delimiters_at_the_end_and_case_are_no_difference_of_names(sent, said):
    matched = judged(StudyIdentity(said), StudyIdentity(sent), encodings=("utf_8",))
    assert (matched.verified, matched.differences) == (1, ())


def test_a_date_with_points_is_the_same_date():
    assert judged(replace(GERDA, study_date="2014.03.10")).verified == 1


@pytest.mark.parametrize("birth_date", [None, ""])
def test_a_birth_date_that_the_target_does_not_give_is_not_compared(birth_date):
    assert judged(replace(GERDA, patient_birth_date=birth_date)).verified == 1


def test_what_was_sent_before_such_things_were_recorded_is_not_compared():
    assert judged(GERDA, StudyIdentity()).verified == 1


def test_a_study_whose_objects_came_with_several_names_may_be_listed_under_any_of_them():
    greta = replace(GERDA, patient_name="Verborgen^Greta")
    assert judged(GERDA, GERDA, greta).verified == 2
    assert judged(greta, GERDA, greta).verified == 2
    assert judged(replace(GERDA, patient_name="Heimlich"), GERDA, greta).verified == 0


def test_a_name_that_the_answers_character_set_cannot_hold_is_not_compared():
    tarou = StudyIdentity("山田^太郎")
    assert judged(StudyIdentity("??^??"), tarou, encodings=("latin_1",)).verified == 1
    assert judged(StudyIdentity("??^??"), tarou).verified == 1
    assert judged(StudyIdentity("??^??"), tarou, encodings=("utf_8",)).verified == 0


def test_a_name_with_bytes_that_were_no_characters_is_not_compared():
    assert (
        judged(
            GERDA, replace(GERDA, patient_name="Verborgen^Gerd\N{REPLACEMENT CHARACTER}")
        ).verified
        == 1
    )


def test_what_the_target_says_of_the_study_under_another_patient_is_of_no_concern():
    other = StudyIdentity("Heimlich^Otto", "19480521", "A7", "20140310")
    assert judged(other, patient_id="P2").verified == 1


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
