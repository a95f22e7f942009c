"""Each instance row gets one verdict: planned, or set aside for the cause that counts."""

from pathlib import Path

import polars as pl
import pytest
from catalogs import FILES, adapter, archive

from inventories import Reconciled
from pacslift.inventory.ranges import scratch_folder
from pacslift.inventory.reconcile import PLACES
from pacslift.plan.make import make_plan
from pacslift.plan.mapping import Line, Reviewed

NOTHING_SAID = Reviewed()


def plan(
    catalog, *, truth="database", reviewed=NOTHING_SAID, causes=None, size=1
) -> dict[str, tuple]:
    """Cause and detail of each instance; *causes* are what the inventory found."""
    keys = catalog["instances"].collect()["instance_key"]
    found = pl.DataFrame(
        [(key, (causes or {}).get(key), "found") for key in keys],
        schema=dict.fromkeys(("instance_key", "cause", "detail"), pl.String()),
        orient="row",
    ).with_columns(detail=pl.when(pl.col("cause").is_not_null()).then("detail"))
    none = Reconciled(found, pl.DataFrame(schema=PLACES), pl.DataFrame(schema=FILES))
    with scratch_folder(None) as scratch:
        made = make_plan(
            adapter(truth),
            catalog,
            none.verdicts(),
            reviewed,
            lambda rows: None,
            scratch,
            size=size,
        )
        assert made.instances.height == keys.len()
        return {
            row["instance_key"]: (row["cause"], row["detail"])
            for rows in made.instances
            for row in rows.iter_rows(named=True)
        }


def exclusion(what: str, value: str) -> Reviewed:
    line = Line(Path("out.csv"), 2, {"what": what, "value": value, "reason": "phantom"})
    return Reviewed(exclusions={(what, value): line})


def patient(key: str, **more: str) -> dict:
    return {"patient_key": key, "patient_id": key.upper(), **more}


def one_study_twice(*patients: dict) -> dict:
    """Two study rows with one Study Instance UID, one for each of the first two patients."""
    owners = {"st1": patients[0]["patient_key"], "st2": patients[1]["patient_key"],
              "st3": patients[0]["patient_key"]}  # fmt: skip
    return archive(
        list(patients),
        owners,
        studies=[
            {"study_key": key, "patient_key": owner, "study_instance_uid": uid}
            for (key, owner), uid in zip(owners.items(), ["1.1", "1.1", "1.3"], strict=True)
        ],
    )


def test_one_study_under_two_patients_is_set_aside_with_both_keys():
    found = plan(one_study_twice(patient("a"), patient("b")))
    why = ("patient_unclear", "study 1.1 is under the patients a and b")
    assert found == {"in-st1": why, "in-st2": why, "in-st3": (None, None)}


def test_where_the_file_is_the_truth_one_study_under_two_patients_is_sent():
    found = plan(one_study_twice(patient("a"), patient("b")), truth="file")
    assert {cause for cause, _ in found.values()} == {None}


def test_a_merge_of_the_two_patients_makes_the_study_one_again():
    found = plan(one_study_twice(patient("a", merged_into="b"), patient("b")))
    assert {cause for cause, _ in found.values()} == {None}


def test_two_rows_of_one_patient_are_one_patient():
    found = plan(one_study_twice(patient("a"), patient("b", patient_id="A")))
    assert {cause for cause, _ in found.values()} == {None}


@pytest.mark.parametrize("issuer", ["", "OTHER"])
def test_a_mapping_makes_the_study_one_again_only_if_it_gives_one_patient(issuer):
    said = {"patient_id": "A", "new_patient_id": "B", "new_issuer_of_patient_id": issuer}
    line = Line(Path("map.csv"), 2, {name: text for name, text in said.items() if text})
    found = plan(
        one_study_twice(patient("a"), patient("b")), reviewed=Reviewed(patients={("A", ""): line})
    )
    assert found["in-st1"][0] == ("patient_unclear" if issuer else None)


@pytest.mark.parametrize("cause", ["missing_file", "deleted"])
def test_a_study_of_which_only_one_patient_has_anything_to_send_is_sent(cause):
    found = plan(one_study_twice(patient("a"), patient("b")), causes={"in-st2": cause})
    assert found["in-st1"] == (None, None)
    assert found["in-st2"] == (cause, "found")


def test_an_exclusion_counts_before_what_the_inventory_found():
    found = plan(
        archive([patient("a")], {"st1": "a", "st2": "a"}),
        reviewed=exclusion("study_instance_uid", "1.st1"),
        causes={"in-st1": "missing_file", "in-st2": "missing_file"},
    )
    assert found == {
        "in-st1": ("excluded", "out.csv, line 2: phantom"),
        "in-st2": ("missing_file", "found"),
    }


def test_excluding_one_side_of_a_study_under_two_patients_lets_the_other_be_sent():
    found = plan(one_study_twice(patient("a"), patient("b")), reviewed=exclusion("patient_id", "B"))
    assert found["in-st1"] == (None, None)
    assert found["in-st2"][0] == "excluded"


def test_an_object_is_excluded_by_its_uid():
    found = plan(
        archive([patient("a")], {"st1": "a", "st2": "a"}),
        reviewed=exclusion("sop_instance_uid", "3.st2"),
    )
    assert [cause for cause, _ in found.values()].count("excluded") == 1
    assert found["in-st2"][0] == "excluded"
