"""What the database says and a rule may ask for: once, and only where it tells something."""

import json

import pytest
from catalogs import adapter, archive

from pacslift.ledger import OverlayKind
from pacslift.plan.lay import lay
from pacslift.plan.mapping import Reviewed

PATIENT = {"patient_key": "p", "patient_id": "4711", "patient_name": "Müller^J"}
OTHER = {"patient_key": "q", "patient_id": "4712"}


def facts(catalog, truth="file", **governs):
    """The facts of each series, merged in the order in which the sender merges them."""
    kept: dict = {}

    def keep(rows):
        kept.update({row["overlay_key"]: row for row in rows})

    laid = lay(adapter(truth, **governs), catalog, Reviewed(), keep)
    told = {}
    for row in laid.series.iter_rows(named=True):
        named = [kept[key] for key in (row["overlays"] or "").split()]
        mine = [one for one in named if one["kind"] == OverlayKind.FACTS]
        told[row["series_key"]] = [json.loads(one["attributes"]) for one in mine]
    return told


def one_study(**study):
    return archive(
        [PATIENT],
        {"st": "p"},
        studies=[{"study_key": "st", "patient_key": "p", "study_instance_uid": "1.1", **study}],
        series=[
            {"series_key": "a", "study_key": "st", "modality": "CT", "series_description": "Fuß"},
            {"series_key": "b", "study_key": "st", "modality": "ct?", "series_description": "head"},
        ],
    )


def test_patient_study_and_series_tell_what_they_know():
    told = facts(one_study(study_description="Schädel", referring_physician_name="DOE"))
    patient = {"patient_name": "Müller^J", "study_patient_id": "4711"}
    study = {"texts": {"00081030": "Schädel"}}
    assert told["a"] == [patient, study, {"texts": {"0008103E": "Fuß"}, "modality": "CT"}]
    assert told["b"] == [patient, study]  # a modality that is no code is none, ASCII judges nothing


def test_what_the_database_overlays_is_no_fact_beside():
    told = facts(one_study(study_description="Schädel"), "database")
    assert told["a"] == [{"patient_name": "Müller^J", "study_patient_id": "4711"}]


def test_a_column_that_the_database_does_not_govern_still_judges():
    told = facts(one_study(study_description="Schädel"), "database", studies=("study_id",))
    assert {"texts": {"00081030": "Schädel"}} in told["a"]


@pytest.mark.parametrize(("second", "count"), [("1.1", 2), ("1.2", None)])
def test_a_study_under_two_patients_says_so_and_not_whose_it_is(second, count):
    rows = archive(
        [PATIENT, OTHER],
        {"s1": "p", "s2": "q"},
        studies=[
            {"study_key": "s1", "patient_key": "p", "study_instance_uid": "1.1"},
            {"study_key": "s2", "patient_key": "q", "study_instance_uid": second},
        ],
    )
    for told in facts(rows).values():
        merged = {name: value for one in told for name, value in one.items()}
        assert merged.get("study_patients") == count
        assert (merged["study_patient_id"] is None) is (count == 2)


def test_series_that_say_the_same_share_their_facts():
    rows = one_study()
    series = [{"series_key": str(n), "study_key": "st", "modality": "MR"} for n in range(50)]
    rows["series"] = archive([PATIENT], {}, series=series)["series"]
    kept: list = []
    lay(adapter("file"), rows, Reviewed(), kept.extend)
    assert sum("modality" in row["attributes"] for row in kept) == 1
