"""The accepted catalog: what is written can be read again, and differences name no patient."""

import polars as pl
import pytest

from pacslift.accepted import as_text, differences, from_text, write_accepted
from pacslift.cases import load_case
from pacslift.inventory.catalog import SCHEMAS, Catalog
from smallcase import make_case


def catalog_with(**patient):
    empty = {table: pl.DataFrame(schema=schema) for table, schema in SCHEMAS.items()}
    row = dict.fromkeys(SCHEMAS["patients"]) | {"patient_key": "1", **patient}
    return Catalog({**empty, "patients": pl.DataFrame([row], schema=SCHEMAS["patients"])})


@pytest.fixture
def case(tmp_path):
    return load_case(make_case(tmp_path))


@pytest.mark.parametrize("value", [None, "", "NULL", 'say "x",\ny', "ü", " "])
def test_a_value_is_told_from_every_other_after_it_was_written(value):
    text = as_text(catalog_with(patient_id=value)["patients"], "patients")
    assert from_text(text, "patients")[("1",)]["patient_id"] == value


def test_rows_are_written_in_the_order_of_their_keys():
    rows = [{**dict.fromkeys(SCHEMAS["patients"]), "patient_key": key} for key in "231"]
    text = as_text(pl.DataFrame(rows, schema=SCHEMAS["patients"]), "patients")
    assert [line[0] for line in text.splitlines()[1:]] == ["1", "2", "3"]


def test_the_same_catalog_does_not_differ(case):
    write_accepted(case, catalog_with(patient_name="Nobody"), force=False)
    assert differences(case, catalog_with(patient_name="Nobody")) == []


def test_another_name_is_told_without_the_name(case):
    write_accepted(case, catalog_with(patient_name="Nobody"), force=False)
    said = differences(case, catalog_with(patient_name="Somebody"))
    assert said == ["patients 1 differs in patient_name"]


def test_rows_that_came_or_went_are_told(case):
    write_accepted(case, catalog_with(patient_key="1"), force=False)
    said = differences(case, catalog_with(patient_key="2"))
    assert said == ["patients 2 is new", "patients 1 is missing"]


def test_a_table_that_was_not_accepted_yet_is_told(case):
    write_accepted(case, catalog_with(), force=False)
    (case.accepted / "patients.csv").unlink()
    assert differences(case, catalog_with()) == ["patients 1 is new"]


def test_two_rows_of_one_key_are_both_seen():
    rows = [{**dict.fromkeys(SCHEMAS["attachments"]), "kind": kind} for kind in ("1", "3")]
    text = as_text(pl.DataFrame(rows, schema=SCHEMAS["attachments"]), "attachments")
    assert len(from_text(text, "attachments")) == 2
