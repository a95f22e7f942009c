"""Dumps and paths that want to mislead: what each is taken for."""

import shutil
from dataclasses import replace

import pytest

from pacslift.adapter import choose, load_adapters
from pacslift.cases import names_in, read_case
from pacslift.errors import (
    AdapterClashError,
    DumpDamagedError,
    NoAdapterError,
)
from readcases import FIXTURES, case_of, catalog_of, causes, inventory_of

TEXTS = "hostile/texts"


@pytest.fixture(scope="module")
def catalog():
    return catalog_of(case_of(TEXTS), "conquest")


def column(catalog, table, name):
    return dict(catalog[table].select(f"{table.rstrip('s')}_key", name).iter_rows())


def test_text_that_looks_like_sql_stays_text(catalog):
    texts = catalog["studies"].select("study_description", "accession_number").rows()
    assert set(texts) == {
        ("Abdomen),('1','2", "),("),
        ("It's; -- no comment /* */ INSERT INTO `x`", None),
        ("ends with a backslash\\", None),
        ("two\nlines", "NULL"),
    }


def test_the_word_null_is_a_name_and_an_empty_patient_id_is_a_fact(catalog):
    assert column(catalog, "patients", "patient_id")[""] == ""
    names = column(catalog, "patients", "patient_name")
    assert (names["FIX-NULL"], names[""]) == ("NULL", None)


def test_every_caret_of_a_name_is_kept(catalog):
    name = column(catalog, "patients", "patient_name")["FIX-001"]
    assert name == "^Fünf^^Carets^^=^Ideo^gram=phon^=^"


def test_two_character_sets_in_one_table_are_both_kept(catalog):
    assert column(catalog, "patients", "patient_name")["FIX-LATIN"] == r"M\xfcller^J\xf6rg"


def test_postgresqls_word_for_null_is_text_in_a_mysql_dump(catalog):
    assert catalog["series"]["series_description"].to_list() == [r"\N"]


def test_a_uid_that_is_too_long_is_kept_and_told():
    found = inventory_of(case_of(TEXTS), "conquest")
    assert any("break the rules for UIDs" in sentence for sentence in found.findings)


def test_no_path_leads_out_of_the_storage(tmp_path):
    case = case_of(TEXTS)
    storage = tmp_path / "storage"
    shutil.copytree(case.mounts["MAG0"], storage)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "passwd").write_text("nobody's\n")
    (storage / "link-out").symlink_to(secret, target_is_directory=True)

    found = inventory_of(replace(case, mounts={"MAG0": storage}), "conquest")

    by_cause = list(causes(found).values())
    assert {cause: by_cause.count(cause) for cause in set(by_cause)} == {
        "outside_root": 5,
        "missing_file": 2,
        "no_file_row": 1,
    }
    assert sum(found.pairs.values()) == 1  # the one good object is found among them
    assert any("symbolic link" in sentence for sentence in found.findings)


def test_a_dump_cut_in_the_middle_is_refused():
    cut = replace(case_of(TEXTS), dumps=(FIXTURES / "hostile" / "cut" / "index.sql",))
    with pytest.raises(DumpDamagedError, match="DICOMImages"):
        read_case(load_adapters()["conquest"], cut)


def test_a_dump_of_no_known_system_is_named_by_its_tables():
    unknown = replace(case_of(TEXTS), dumps=(FIXTURES / "hostile" / "unknown" / "shop.sql",))
    with pytest.raises(NoAdapterError, match="till_receipts"):
        choose(load_adapters(), names_in(unknown), None, "shop.sql")


def test_a_dump_that_two_adapters_claim_names_both():
    known = load_adapters([FIXTURES / "hostile" / "adapters"])
    with pytest.raises(AdapterClashError, match="conquest and by twin"):
        choose(known, names_in(case_of(TEXTS)), None, "index.sql")
