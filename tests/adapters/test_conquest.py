"""What is peculiar to Conquest; the rest is in test_every_adapter.py."""

from dataclasses import replace

from readcases import case_of, catalog_of, causes, file_states, inventory_of

DBASE, NKI = "conquest/dbase", "conquest/sqlite-nki"


def test_objects_on_two_devices_and_one_in_transit_are_found():
    found = inventory_of(case_of(DBASE), "conquest")
    assert causes(found) == {}
    roots = catalog_of(case_of(DBASE), "conquest")["files"].filter(rank=0)["root"]
    assert sorted(roots) == ["MAG0"] * 5 + ["MAG1"] * 2


def test_the_file_of_a_row_marked_as_deleted_is_an_orphan():
    states = list(file_states(inventory_of(case_of(DBASE), "conquest")).values())
    assert (states.count("used"), states.count("orphan")) == (7, 1)


def test_a_text_in_another_character_set_is_kept_with_its_bytes_visible():
    names = list(catalog_of(case_of(DBASE), "conquest")["patients"]["patient_name"])
    assert names[:2] == ["Testperson^Änne^^Dr.", r"Muster^J\xf6rg"]


def test_bare_data_sets_are_read_whatever_the_name_says():
    found = inventory_of(case_of(NKI), "conquest")
    assert causes(found) == {}
    bare, part10 = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
    syntaxes = [syntax for (_, syntax), files in found.pairs.items() for _ in range(files)]
    assert sorted(syntaxes) == [bare] * 6 + [part10]


def test_the_only_device_need_not_be_named():
    case = case_of(NKI)
    unnamed = replace(case, mounts={"": case.mounts["MAG0"]})
    states = file_states(inventory_of(unnamed, "conquest"))
    assert states == file_states(inventory_of(case, "conquest"))
    assert "used" in states.values()
