"""What is peculiar to Orthanc; the rest is in test_every_adapter.py."""

from dataclasses import replace

import pytest

from pacslift.cases import read_case
from pacslift.conformance import build
from readcases import adapter_of, case_of, catalog_of, causes, file_states, inventory_of

CASES = ["orthanc/sqlite-compressed", "orthanc/postgresql", "orthanc/mysql"]


@pytest.mark.parametrize("name", CASES)
def test_every_object_of_the_archive_is_found_whole(name):
    found = inventory_of(case_of(name), "orthanc")
    assert causes(found) == {}
    assert sum(found.pairs.values()) == 8


@pytest.mark.parametrize("name", CASES)
def test_a_study_under_two_patients_stays_two_studies(name):
    studies = catalog_of(case_of(name), "orthanc")["studies"]
    doubled = studies.filter(studies["study_instance_uid"].is_duplicated())
    assert doubled.height == doubled["patient_key"].n_unique() == 2


@pytest.mark.parametrize("name", CASES)
def test_the_three_databases_give_one_catalog_but_for_their_own_keys(name):
    catalog, first = catalog_of(case_of(name), "orthanc"), catalog_of(case_of(CASES[0]), "orthanc")
    for table, column in (
        ("patients", "patient_name"),
        ("studies", "study_instance_uid"),
        ("series", "series_description"),
        ("instances", "sop_instance_uid"),
    ):
        assert sorted(catalog[table][column]) == sorted(first[table][column])


def test_objects_without_metadata_are_kept():
    case, adapter = case_of(CASES[0]), adapter_of("orthanc")
    found = read_case(adapter, case)
    without = replace(found, frames={**found.frames, "metadata": found.frames["metadata"].clear()})
    catalog = build(adapter, without)
    assert catalog["instances"].height == catalog["files"].height == 8
    assert catalog["instances"]["sop_class_uid"].null_count() == 8


def test_header_copies_and_a_users_note_are_told_apart_from_objects():
    states = list(file_states(inventory_of(case_of(CASES[0]), "orthanc")).values())
    assert {state: states.count(state) for state in set(states)} == {
        "used": 8,
        "attachment": 8,
        "index": 1,
    }
