"""A few objects of each series may testify for their study; never more, whatever the ranges."""

import polars as pl
import pytest
from catalogs import FILES, adapter, archive

from inventories import Reconciled
from pacslift.inventory.ranges import scratch_folder
from pacslift.inventory.reconcile import PLACES
from pacslift.plan.make import make_plan
from pacslift.plan.mapping import Reviewed
from pacslift.plan.witnesses import MOST

SLICES = 10


def witnesses(catalog, *, size=None, lost=()) -> dict[str, list[str]]:
    """The keys of the witnesses of each study; what is *lost* is set aside."""
    keys = catalog["instances"].collect()["instance_key"]
    found = pl.DataFrame(
        [(key, "missing_file" if key in lost else None, None) for key in keys],
        schema=dict.fromkeys(("instance_key", "cause", "detail"), pl.String()),
        orient="row",
    )
    none = Reconciled(found, pl.DataFrame(schema=PLACES), pl.DataFrame(schema=FILES))
    with scratch_folder(None) as scratch:
        made = make_plan(
            adapter(), catalog, none.verdicts(), Reviewed(), lambda rows: None, scratch, size=size
        )
        chosen = pl.concat(made.witnesses)
    studies = chosen.partition_by("study_instance_uid", as_dict=True)
    return {str(uid): sorted(rows["instance_key"]) for (uid,), rows in studies.items()}


def of_two(name: str, **changed) -> dict[str, pl.LazyFrame]:
    """Two patients with a study of ten slices each; the first is called *name*."""
    patients = [{"patient_key": "p1", "patient_name": name}, {"patient_key": "p2"}]
    instances = [
        {"instance_key": f"{study}-{nth}", "series_key": f"se-{study}", "visibility": "live",
         "sop_instance_uid": f"3.{study}.{nth}"}
        for study in ("st1", "st2")
        for nth in range(SLICES)
    ]  # fmt: skip
    return archive(patients, {"st1": "p1", "st2": "p2"}, instances=instances, **changed)


@pytest.mark.parametrize("size", [1, 3, None])
def test_the_first_of_each_series_testify_however_the_plan_goes_through_them(size):
    assert witnesses(of_two("M\u00fcller"), size=size) == {
        "1.st1": [f"st1-{nth}" for nth in range(MOST)]
    }


def test_what_is_not_sent_does_not_testify():
    assert witnesses(of_two("M\u00fcller"), lost=("st1-0", "st1-2"))["1.st1"] == [
        "st1-1", "st1-3", "st1-4", "st1-5",
    ]  # fmt: skip


def test_a_database_in_plain_ascii_can_judge_nothing():
    assert witnesses(of_two("Mueller")) == {}


@pytest.mark.parametrize("letter", ["\u00f6", "\\u00f6", "\\u4e00"])
def test_a_text_of_the_databases_further_attributes_can_judge(letter):
    said = f'{{"00104000": {{"vr": "LT", "Value": ["{letter}"]}}}}'
    series = [
        {"series_key": "se-st1", "study_key": "st1", "series_instance_uid": "2.st1"},
        {"series_key": "se-st2", "study_key": "st2", "series_instance_uid": "2.st2",
         "attributes": said},
    ]  # fmt: skip
    assert list(witnesses(of_two("Mueller", series=series))) == ["1.st2"]
