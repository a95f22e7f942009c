"""The adapter's SQL becomes the canonical catalog; rows in are rows out."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pacslift.adapter import load_adapters
from pacslift.errors import AdapterFaultError, CatalogError
from pacslift.inventory.build import build_catalog, files_of_each, unique_keys
from pacslift.inventory.catalog import SCHEMAS

CONQUEST = load_adapters()["conquest"]


def tables(**images) -> dict[str, pl.LazyFrame]:
    row = {"sopinstanc": "1.2.3", "sopclassui": "1.2.840.10008.5.1.4.1.1.7", "seriesinst": "1.2.2",
           "objectfile": "P1/1.dcm", "devicename": "MAG0"}  # fmt: skip
    rows = [
        row | {k: v[i] for k, v in images.items()}
        for i in range(len(next(iter(images.values()), [0])))
    ]
    patient = {"patientid": "P1", "patientnam": "A^B", "patientbir": "19700230"}
    study = {"studyinsta": "1.2.1", "patientid": "P1", "studydate": "2017-06-07"}
    series = {"seriesinst": "1.2.2", "studyinsta": "1.2.1", "modality": "CT"}
    return {
        "dicompatients": pl.LazyFrame([patient]),
        "dicomstudies": pl.LazyFrame([study]),
        "dicomseries": pl.LazyFrame([series]),
        "dicomimages": pl.LazyFrame(rows),
    }


def test_every_table_of_the_catalog_has_its_schema_and_optional_columns_may_be_missing():
    catalog = build_catalog(CONQUEST, tables())
    for name, schema in SCHEMAS.items():
        assert catalog[name].schema == schema, name


def test_an_impossible_birth_date_is_null_and_its_raw_text_is_kept():
    patient = build_catalog(CONQUEST, tables())["patients"].to_dicts()[0]
    assert (patient["patient_birth_date"], patient["patient_birth_date_raw"]) == (None, "19700230")


def test_a_date_is_made_a_dicom_date():
    assert build_catalog(CONQUEST, tables())["studies"]["study_date"].to_list() == ["20170607"]


def test_two_rows_with_one_key_stay_two_instances_each_with_its_own_file():
    two = tables(sopinstanc=["1.2.3", "1.2.3"], objectfile=["P1/1.dcm", "P1/2.dcm"])
    catalog = build_catalog(CONQUEST, two)
    assert catalog["instances"]["instance_key"].sort().to_list() == ["1.2.3", "1.2.3#2"]
    mag = catalog["files"].filter(pl.col("root") == "MAG0").sort("instance_key")
    assert list(mag.select("instance_key", "path").iter_rows()) == [
        ("1.2.3", "P1/1.dcm"),
        ("1.2.3#2", "P1/2.dcm"),
    ]


@pytest.mark.parametrize("twice", [False, True])
def test_a_dump_whose_rows_come_in_another_order_gives_the_same_catalog(twice):
    names = [f"1.2.{n // 2 if twice else n}" for n in range(40)]
    given = tables(sopinstanc=names, objectfile=[f"P1/{n}.dcm" for n in range(40)])
    turned = {name: rows.reverse() for name, rows in given.items()}
    mine, theirs = build_catalog(CONQUEST, given), build_catalog(CONQUEST, turned)
    for name in SCHEMAS:
        assert mine[name].equals(theirs[name]), name


def test_a_key_that_an_adapter_gives_twice_is_made_unique_rather_than_dropped():
    rows = pl.DataFrame({"instance_key": ["a", "b", "a"], "series_key": ["2", "1", "1"]})
    unique, doubled = unique_keys(rows, "instance_key")
    assert (doubled, sorted(unique["instance_key"])) == (1, ["a", "a#2", "b"])


def test_two_files_of_one_instance_in_one_rank_become_two_copies():
    instances = pl.DataFrame({"instance_key": ["a"]})
    files = pl.DataFrame({"instance_key": ["a", "a"], "rank": [0, 0], "path": ["x", "y"]})
    assert files_of_each(files, instances)["rank"].to_list() == [0, 1]


def test_keys_are_left_alone_where_none_repeats():
    rows = pl.DataFrame({"k": ["a", "b"]})
    assert unique_keys(rows, "k") == (rows, 0)


def test_a_row_without_its_key_stops_the_run_before_anything_is_sent():
    with pytest.raises(CatalogError, match="no instance_key"):
        build_catalog(CONQUEST, tables(sopinstanc=[None]))


def test_instances_that_find_no_series_at_all_stop_the_run():
    with pytest.raises(CatalogError, match="do not agree on series_key"):
        build_catalog(CONQUEST, tables(seriesinst=["9.9"]))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nothing FROM dicomimages", "does not run"),
        ("SELECT sopinstanc AS instance_key, 1 AS colour FROM dicomimages", "colour"),
        ("SELECT sopinstanc AS instance_key, 'odd' AS visibility FROM dicomimages", "odd"),
    ],
)
def test_sql_that_does_not_fit_is_named_with_its_file(query, said):
    wrong = replace(CONQUEST, queries={**CONQUEST.queries, "instances": query})
    with pytest.raises((AdapterFaultError, CatalogError), match=said) as error:
        build_catalog(wrong, tables())
    assert str(Path("conquest") / "instances") in str(error.value)
