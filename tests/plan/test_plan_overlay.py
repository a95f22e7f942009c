"""What the old database lays over the headers: by level, by right, and once."""

import json
from dataclasses import replace

import polars as pl
import pytest
from catalogs import adapter, archive, catalog
from hypothesis import given
from hypothesis import strategies as st

from pacslift.adapter import Rebuild
from pacslift.errors import AdapterFaultError, CatalogError
from pacslift.ledger import OverlayKind
from pacslift.plan.lay import lay
from pacslift.plan.mapping import Reviewed
from pacslift.plan.overlay import level_of, levels_of, overlay_keys


def said(level: str, row: dict, **governs: tuple[str, ...]) -> dict:
    """The overlay of one row; empty where it has none."""
    kept: list = []
    key = level_of(adapter(), level).key
    table = catalog(**{level: [{key: "k1", **row}]})[level]
    found = overlay_keys(level_of(adapter(**governs), level), table, kept.extend)
    assert found.height == len(kept)
    return json.loads(kept[0]["attributes"]) if kept else {}


def test_the_columns_of_a_patient_become_the_elements_that_they_are():
    row = {"patient_id": "4711", "patient_name": "DOE^JANE=漢字", "patient_birth_date": "19610203"}
    assert said("patients", row) == {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JANE", "Ideographic": "漢字"}]},
        "00100020": {"vr": "LO", "Value": ["4711"]},
        "00100030": {"vr": "DA", "Value": ["19610203"]},
    }


def test_the_issuer_of_an_accession_number_goes_into_its_sequence():
    assert said("studies", {"issuer_of_accession_number": "RIS"}) == {
        "00080051": {"vr": "SQ", "Value": [{"00400031": {"vr": "UT", "Value": ["RIS"]}}]}
    }


def test_a_column_without_a_value_leaves_the_header_as_it_is():
    assert said("patients", {"patient_id": "", "patient_name": None}) == {}


def test_an_attribute_without_a_value_says_that_it_is_empty():
    attributes = json.dumps({"00100040": {"vr": "CS"}})
    assert said("patients", {"attributes": attributes}) == {"00100040": {"vr": "CS"}}


def test_the_attributes_win_over_the_columns_of_their_row():
    attributes = json.dumps({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}})
    row = {"patient_name": "DOE^JANE^^^", "patient_sex": "F", "attributes": attributes}
    assert said("patients", row) == {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
        "00100040": {"vr": "CS", "Value": ["F"]},
    }


@pytest.mark.parametrize(
    "tag", ["00080005", "00080016", "00080018", "0020000D", "0020000E", "00280010", "00100000"]
)
def test_identity_character_set_and_pixels_are_never_overlaid(tag):
    attributes = json.dumps({tag: {"vr": "UI", "Value": ["1"]}, "00100040": {"vr": "CS"}})
    assert list(said("instances", {"attributes": attributes})) == ["00100040"]


def test_only_what_the_adapter_governs_is_overlaid():
    row = {"patient_id": "4711", "patient_name": "DOE", "attributes": '{"00100040":{"vr":"CS"}}'}
    assert list(said("patients", row, patients=("patient_id",))) == ["00100020"]
    assert said("patients", row, patients=()) == {}


def test_a_database_that_is_not_the_truth_overlays_nothing():
    assert levels_of(adapter("file"))["patients"].columns == ()
    rows = archive([{"patient_key": "p", "patient_id": "4711"}], {"st": "p"})
    kept: list = []
    lay(adapter("file"), rows, Reviewed(), kept.extend)
    assert {row["kind"] for row in kept} == {OverlayKind.FACTS}


@pytest.mark.parametrize(
    ("governs", "message"),
    [
        (
            {"patients": ("patient_key",)},
            r"adapter\.toml: \[governs\] patients names 'patient_key'",
        ),
        ({"pictures": ("patient_id",)}, r"\[governs\] names the table 'pictures'; it can be"),
    ],
)
def test_a_governed_column_that_is_no_attribute_is_named(governs, message):
    with pytest.raises(AdapterFaultError, match=message):
        levels_of(adapter(**governs))


@pytest.mark.parametrize(
    "attributes",
    ["{", "[]", '{"PatientName": {"vr": "PN"}}', '{"00100010": "DOE"}', '{"00100010": {}}'],
)
def test_attributes_that_are_no_dicom_json_are_refused_with_table_and_key(attributes):
    with pytest.raises(CatalogError, match="studies, study_key k1: attributes are no") as error:
        said("studies", {"attributes": attributes})
    assert "DOE" not in str(error.value)


def test_rows_that_say_the_same_share_one_overlay():
    rows = [{"instance_key": str(nth), "instance_number": str(nth % 3)} for nth in range(30)]
    kept: dict = {}
    found = overlay_keys(
        level_of(adapter(), "instances"),
        catalog(instances=rows)["instances"],
        lambda new: kept.update({row["overlay_key"]: row for row in new}),
    )
    assert (found.height, len(kept)) == (30, 3)
    assert set(found["overlay"]) == set(kept)


TEXT = st.none() | st.text(max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT, st.sampled_from([None, "", '{"00100040":{"vr":"CS"}}']))))
def test_every_row_has_one_overlay_or_says_nothing(values):
    rows = [
        {"patient_key": str(nth), "patient_id": one, "patient_name": two, "attributes": three}
        for nth, (one, two, three) in enumerate(values)
    ]
    kept: list = []
    frame = catalog(patients=rows)["patients"]
    found = overlay_keys(level_of(adapter(), "patients"), frame, kept.extend)
    speaking = [row["patient_key"] for row in rows if any(list(row.values())[1:])]
    assert sorted(found["patient_key"]) == sorted(speaking)
    assert set(found["overlay"]) == {row["overlay_key"] for row in kept}


def test_a_series_has_the_overlays_of_its_patient_its_study_and_itself():
    rows = archive(
        [{"patient_key": "p", "patient_id": "4711", "patient_name": "DOE"}],
        {"st": "p"},
        series=[{"series_key": "se", "study_key": "st", "modality": "CT"}],
        studies=[{"study_key": "st", "patient_key": "p", "study_id": "S1"}],
    )
    kept: list = []
    laid = lay(adapter(), rows, Reviewed(), kept.extend)
    by_key = {row["overlay_key"]: row for row in kept}
    mine = [by_key[key] for key in laid.series["overlays"][0].split()]
    assert [row["kind"] for row in mine] == [OverlayKind.FACTS, *[OverlayKind.DATABASE] * 3]
    tags = [list(json.loads(row["attributes"])) for row in mine]
    facts = ["patient_name", "study_patient_id"]
    assert tags == [facts, ["00100010", "00100020"], ["00200010"], ["00080060"]]


def test_the_same_catalog_gives_the_same_overlays_in_any_order_of_its_rows():
    patients = [{"patient_key": f"p{n}", "patient_id": str(n)} for n in range(5)]
    studies = {f"st{n}": f"p{n}" for n in range(5)}
    one = lay(adapter(), archive(patients, studies), Reviewed(), lambda rows: None).series
    other = lay(adapter(), archive(patients[::-1], studies), Reviewed(), lambda rows: None).series
    assert one.sort("series_key").equals(other.sort("series_key"))
    assert one.filter(pl.col("overlays").is_null()).height == 0


def test_what_the_database_says_of_pixels_is_a_fact_for_objects_without_a_header():
    attributes = {
        "00080016": {"vr": "UI", "Value": ["1.2.3"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00280010": {"vr": "US", "Value": [512]},
        "04000561": {"vr": "SQ"},
    }
    rows = catalog(instances=[{"instance_key": "k1", "attributes": json.dumps(attributes)}])
    for rule, facts in (("modality", ["00080016", "00280010"]), ("none", [])):
        kept: list = []
        ruled = replace(adapter(), rebuild=Rebuild(rule))
        found = overlay_keys(level_of(ruled, "instances"), rows["instances"], kept.extend)
        by_kind = {row["kind"]: sorted(json.loads(row["attributes"])) for row in kept}
        assert by_kind.pop("DB") == ["00080060"]
        assert by_kind == ({"FACTS": facts} if facts else {})
        assert found["overlay"].to_list() == [" ".join(row["overlay_key"] for row in kept)]
