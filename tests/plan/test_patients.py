"""Merged patients: followed to the one that is left, or nobody is guessed."""

import polars as pl
import pytest
from catalogs import adapter, archive
from hypothesis import given
from hypothesis import strategies as st

from pacslift.plan.lay import lay
from pacslift.plan.mapping import Reviewed
from pacslift.plan.patients import follow_merges


def followed(merges: dict[str, str | None]) -> dict[str, tuple]:
    rows = pl.DataFrame(
        list(merges.items()),
        schema={"patient_key": pl.String(), "merged_into": pl.String()},
        orient="row",
    )
    return {key: tuple(rest) for key, *rest in follow_merges(rows).iter_rows()}


def test_a_chain_of_merges_leads_to_its_end():
    ends = followed({"a": "b", "b": "c", "c": None, "d": None})
    assert {key: end[0] for key, end in ends.items()} == {"a": "c", "b": "c", "c": "c", "d": "d"}


def test_a_circle_of_merges_names_no_patient_but_all_the_keys():
    ends = followed({"a": "b", "b": "c", "c": "b", "d": None})
    assert ends["d"] == ("d", None, None)
    for key in "abc":
        final, cause, why = ends[key]
        assert (final, cause) == (None, "patient_unclear")
        assert why == "patients are merged in a circle: a → b → c → b"


def test_a_patient_merged_into_itself_is_a_circle():
    assert followed({"a": "a"})["a"][1:] == (
        "patient_unclear", "patients are merged in a circle: a → a",
    )  # fmt: skip


def test_a_merge_into_a_row_that_the_dump_lacks_names_both_keys():
    why = followed({"a": "b", "b": "gone"})["a"][2]
    assert why == "patient b is merged into gone, which the dump does not have"


def test_a_chain_of_ten_thousand_is_followed_at_once():
    merges: dict[str, str | None] = {str(n): str(n + 1) for n in range(10_000)}
    assert followed(merges | {"10000": None})["0"][0] == "10000"
    circle = followed(merges | {"10000": "0"})["5"]
    assert circle[0] is None
    assert len(circle[2]) < 200


@given(st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from("abcdefg")))
def test_every_patient_has_one_end_that_is_not_merged_or_a_cause(merges):
    ends = followed(merges)
    assert set(ends) == set(merges)
    for final, cause, why in ends.values():
        assert (final is None) == (cause is not None) == (why is not None)
        assert final is None or merges[final] is None


PATIENTS = [
    {"patient_key": "old", "patient_id": "OLD", "merged_into": "new"},
    {"patient_key": "new", "patient_id": "NEW"},
    {"patient_key": "x", "patient_id": "X", "merged_into": "y"},
    {"patient_key": "y", "patient_id": "Y", "merged_into": "x"},
]


def test_a_study_of_a_merged_patient_gets_the_values_of_the_one_that_is_left():
    kept: list = []
    laid = lay(adapter(), archive(PATIENTS, {"st": "old"}), Reviewed(), kept.extend)
    by_key = {row["overlay_key"]: row["attributes"] for row in kept}
    facts, mine = laid.series["overlays"][0].split()
    assert '"NEW"' in by_key[mine]
    assert by_key[facts] == '{"study_patient_id":"NEW"}'


@pytest.mark.parametrize("owner", ["x", "y"])
def test_a_study_of_patients_merged_in_a_circle_gets_no_values_and_a_cause(owner):
    series = lay(adapter(), archive(PATIENTS, {"st": owner}), Reviewed(), lambda rows: None).series
    assert series["overlays"].to_list() == [None]
    assert series["cause"].to_list() == ["patient_unclear"]


def test_where_the_file_is_the_truth_a_circle_of_merges_stops_nothing():
    rows = archive(PATIENTS, {"st": "x"})
    assert lay(adapter("file"), rows, Reviewed(), lambda rows: None).series["cause"][0] is None


def test_a_study_without_its_patient_is_set_aside_where_the_database_is_the_truth():
    rows = archive(PATIENTS, {"st": "nobody"})
    series = lay(adapter(), rows, Reviewed(), lambda rows: None).series
    assert series["cause"].to_list() == ["orphan_row"]
    assert "se-st" in series["detail"][0]
