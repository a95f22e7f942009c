"""What is ordered for each object follows from the plan and the job, and from nothing else."""

import json
from dataclasses import replace

import pytest

from pacslift.errors import Cause, JobFileError, SetAsideError
from pacslift.ledger import Candidate, Overlay, OverlayKind, Planned
from pacslift.send.orders import OrderBook, compiled, provenance_of, rule_settings

COPY = Candidate("/old", "a/1", None, 526, None, None)


def overlay(kind: str, **said: object) -> Overlay:
    return Overlay(OverlayKind(kind), json.dumps(said))


def planned(*overlays: Overlay) -> Planned:
    return Planned("k", "1.2.3", None, None, None, "1.2.840.10008.1.2", None, (COPY,), 0,
                   overlays=overlays)  # fmt: skip


def sex(value: str) -> dict:
    return {"vr": "CS", "Value": [value]}


def test_the_mapping_is_laid_over_the_database_and_named_as_such():
    orders = OrderBook().of(
        planned(
            overlay("DB", **{"00100020": {"vr": "LO", "Value": ["1"]}, "00100040": sex("F")}),
            overlay("DB", **{"00100040": sex("M")}),
            overlay("MAP", **{"00100020": {"vr": "LO", "Value": ["2"]}}),
        ),
        COPY,
    )
    said = {tag: (one["Value"], one.get("rule")) for _, tag, one in orders.overlay.attributes}
    assert said == {"00100020": (["2"], "MAP"), "00100040": (["M"], None)}


def test_a_rule_may_ask_what_the_database_says_of_the_object():
    orders = OrderBook().of(planned(overlay("FACTS", patient_name="Müller")), COPY)
    assert dict(orders.facts) == {
        "size": 526,
        "transfer_syntax_uid": "1.2.840.10008.1.2",
        "sop_instance_uid": "1.2.3",
        "patient_name": "Müller",
    }
    assert not orders.overlay


def test_an_object_in_a_compressed_syntax_was_stored_with_pixels():
    jpeg = replace(planned(), transfer_syntax_uid="1.2.840.10008.1.2.4.50")
    assert OrderBook().of(jpeg, COPY).facts["pixels"] is True
    assert "pixels" not in OrderBook().of(planned(), COPY).facts


def test_uids_that_a_rule_replaces_are_facts_as_objects_have_them_then():
    book = OrderBook(rule_settings({}, {"1.02": "2.25.1"}))
    one = replace(planned(), study_instance_uid="1.02", series_instance_uid="1.3")
    facts = book.of(one, COPY).facts
    assert (facts["study_instance_uid"], facts["series_instance_uid"]) == ("2.25.1", "1.3")


def test_all_texts_of_the_database_beyond_ascii_judge_and_those_of_a_mapping_do_not():
    said = {"00081030": {"vr": "LO", "Value": ["Schädel", "x"]}, "00080060": sex("CT")}
    name = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Neu^Jörg"}]}}
    orders = OrderBook().of(
        planned(
            overlay("FACTS", patient_name="Müller", texts={"0008103E": "Fuß", "00081030": "?"}),
            overlay("DB", **said, **{"00101001": {"vr": "PN", "Value": [{"Alphabetic": "DOE"}]}}),
            overlay("MAP", **name),
        ),
        COPY,
    )
    assert orders.facts["texts"] == {0x0008103E: "Fuß", 0x00081030: "Schädel\\x"}


def test_a_fact_of_the_study_takes_back_that_of_the_patient():
    orders = OrderBook().of(
        planned(
            overlay("FACTS", study_patient_id="1"),
            overlay("FACTS", study_patients=2, study_patient_id=None),
        ),
        COPY,
    )
    assert orders.facts["study_patients"] == 2
    assert "study_patient_id" not in orders.facts


def test_what_is_not_known_is_no_fact():
    unknown = Candidate("/old", "a/1", None, None, None, None)
    facts = OrderBook().of(planned(), unknown).facts
    assert set(facts) == {"transfer_syntax_uid", "sop_instance_uid"}


def test_objects_with_the_same_overlays_share_one_that_is_compiled():
    first, again = (overlay("DB", **{"00100040": sex("F")}) for _ in range(2))
    assert compiled((first,)) is compiled((again,))


def test_a_value_of_the_database_that_cannot_stand_in_a_header_sets_the_object_aside():
    wrong = overlay("DB", **{"00100040": {"vr": "CS", "Value": [{"GEHEIM": 1}]}})
    with pytest.raises(SetAsideError) as error:
        OrderBook().of(planned(wrong), COPY)
    assert error.value.cause is Cause.OVERLAY_UNFIT
    assert "00100040" in error.value.detail
    assert "GEHEIM" not in error.value.detail


def test_the_time_of_the_revision_is_the_time_in_the_object():
    said = provenance_of("job7", "2026-11-22T12:34:56Z", "OLD@SITE")
    assert (said.revised, said.source) == ("20261122123456+0000", "OLD@SITE")
    assert said.modifying_system.endswith("job job7")


def test_rules_are_switched_and_told_things_by_their_ids():
    settings = rule_settings({"off": ["S01"], "E20": {"pixel_bytes": 2}}, {})
    assert not settings.works("S01", by_default=True)
    assert settings.of("E20") == {"pixel_bytes": 2}


def test_the_rule_of_uids_is_told_the_map_of_the_whole_archive():
    book = OrderBook(rule_settings({}, {"1.02": "2.25.1"}))
    assert book.uids == {"1.02": "2.25.1"}
    assert OrderBook().uids == {}


@pytest.mark.parametrize(
    "said", [{"on": ["Z1"]}, {"off": "S01"}, {"on": [1]}, {"S01": 1}, {"Z1": {}}]
)
def test_rules_that_are_none_are_refused(said):
    with pytest.raises(JobFileError, match=r"\[rules\]"):
        rule_settings(said, {})
