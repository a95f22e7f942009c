"""Each check of an adapter fails for what it is there to find."""

import pytest

from pacslift.conformance import accept_case, check_adapter
from pacslift.errors import AdapterFaultError, NoAdapterError
from smallcase import MANIFEST, QUERIES, make_adapter, make_case


def failed(adapter, case):
    """Sentences of the checks that do not hold, without the case's label, to their details."""
    checks = check_adapter(adapter, [case] if case else [])
    return {c.name.removeprefix("acme/first: "): c.detail for c in checks if not c.passed}


@pytest.fixture
def case(tmp_path):
    return make_case(tmp_path)


@pytest.fixture
def accepted(tmp_path, case):
    """The case with the catalog that the right adapter gives, accepted."""
    adapter = make_adapter(tmp_path / "right")
    assert accept_case(case, adapters=[adapter]) == []
    return case


def test_a_right_adapter_passes_every_check(tmp_path, accepted):
    assert failed(make_adapter(tmp_path), accepted) == {}


def test_cases_are_found_beside_the_adapters_of_a_checkout(tmp_path, accepted):
    assert failed(make_adapter(tmp_path), None) == {}


def test_an_adapter_without_a_case_fails(tmp_path):
    assert "the adapter brings a case" in failed(make_adapter(tmp_path), None)


def test_a_readme_without_its_sources_fails(tmp_path, accepted):
    adapter = make_adapter(tmp_path, readme="# acme\n\nTrust me.\n")
    assert set(failed(adapter, accepted)) == {"the README says where each fact comes from"}


def test_an_adapter_that_cannot_be_loaded_is_told_and_not_raised(tmp_path, accepted):
    adapter = make_adapter(tmp_path, manifest="name = ")
    assert set(failed(adapter, accepted)) == {"the adapter can be loaded"}


def test_sql_that_loses_rows_is_noticed(tmp_path, accepted):
    lossy = QUERIES["instances"] + " WHERE kind = '1'"
    found = failed(make_adapter(tmp_path, instances=lossy), accepted)
    assert (
        "2 instance rows, the catalog 1" in found["every row of the dump's instance table is kept"]
    )
    assert "1 row of files is of no instance" in found["the catalog has the canonical shape"]


def test_a_dump_that_nobody_claims_is_noticed(tmp_path, accepted):
    adapter = make_adapter(tmp_path, manifest=MANIFEST.replace('"kind", ', '"kind", "size", '))
    found = failed(adapter, accepted)
    assert found["exactly its own adapter claims the dump"] == "claimed by none"


def test_a_column_that_the_adapter_does_not_know_is_noticed(tmp_path, accepted):
    adapter = make_adapter(tmp_path, manifest=MANIFEST.replace('["thumbnail"]', "[]"))
    found = failed(adapter, accepted)
    assert found["every column of the dump is read, or listed as ignored"] == (
        "acme_objects.thumbnail"
    )


def test_a_code_that_the_list_does_not_have_is_noticed(tmp_path, accepted):
    adapter = make_adapter(tmp_path, manifest=MANIFEST.replace('"2" =', '"3" ='))
    assert "'2' in 1 row;" in failed(adapter, accepted)["every code list is closed"]


def test_a_code_without_a_meaning_is_noticed(tmp_path, accepted):
    adapter = make_adapter(tmp_path, manifest=MANIFEST.replace('"an object"', '""'))
    found = failed(adapter, accepted)
    assert found == {"every code of a code list has a meaning":
                     "codes without a meaning in acme_objects.kind"}  # fmt: skip


def test_a_container_that_nothing_can_open_is_noticed(tmp_path, accepted):
    query = QUERIES["files"].replace("'online'", "'arj' AS container, 'online'")
    found = failed(make_adapter(tmp_path, files=query), accepted)
    assert found["the catalog has the canonical shape"] == "files has the container 'arj'"


def test_pixels_without_a_rule_for_them_are_noticed(tmp_path, accepted):
    query = QUERIES["files"].replace("'online'", "'pixels' AS container, 'online'")
    found = failed(make_adapter(tmp_path, files=query), accepted)
    assert found["the catalog has the canonical shape"] == (
        "files has the container 'pixels', and there is no [rebuild] iod"
    )


def test_a_split_object_without_its_header_is_noticed(tmp_path, accepted):
    query = QUERIES["files"].replace("'online'", "'split' AS container, 'online'")
    manifest = MANIFEST.replace('"file"', '"database"') + '[rebuild]\niod = "modality"\n'
    found = failed(make_adapter(tmp_path, files=query, manifest=manifest), accepted)
    assert "rows of 'split' have no member" in found["the catalog has the canonical shape"]


def test_sql_that_does_not_run_is_told_and_not_raised(tmp_path, accepted):
    adapter = make_adapter(tmp_path, files="SELECT nonsense FROM acme_objects")
    assert "nonsense" in failed(adapter, accepted)["the dump becomes a catalog"]


def test_a_hook_that_gives_something_else_each_time_is_noticed(tmp_path, accepted):
    hook = (
        "import itertools\nimport polars as pl\n_calls = itertools.count()\n"
        "def studies(rows):\n"
        "    return rows.with_columns(study_description=pl.lit(str(next(_calls))))\n"
    )
    found = failed(make_adapter(tmp_path, hooks=hook), accepted)
    assert "studies" in found["the same dump gives the same catalog again"]


def test_a_case_that_nobody_accepted_fails(tmp_path, case):
    found = failed(make_adapter(tmp_path), case)
    assert "nothing is accepted yet" in found["the catalog equals the accepted one"]


def test_a_catalog_that_changed_is_told_row_by_row(tmp_path, accepted):
    query = QUERIES["files"].replace("place AS path", "'x/' || place AS path")
    found = failed(make_adapter(tmp_path, files=query), accepted)
    assert set(found) == {"the catalog equals the accepted one"}
    assert (
        "files 2.25.71 0 differs in path: accepted 'a/71', now 'x/a/71'"
        in (found["the catalog equals the accepted one"])
    )


def test_accepting_again_needs_force_once_the_catalog_differs(tmp_path, accepted):
    query = QUERIES["files"].replace("place AS path", "'x/' || place AS path")
    changed = make_adapter(tmp_path, files=query)
    before = (accepted / "expected" / "files.csv").read_text()

    with pytest.raises(AdapterFaultError, match="--force"):
        accept_case(accepted, adapters=[changed])
    assert (accepted / "expected" / "files.csv").read_text() == before

    told = accept_case(accepted, force=True, adapters=[changed])
    assert len(told) == 2
    assert failed(changed, accepted) == {}


def test_accepting_what_no_adapter_claims_is_refused(case):
    with pytest.raises(NoAdapterError, match="no longer recognised"):
        accept_case(case)


def test_a_wrong_case_is_told_and_not_raised(tmp_path, case):
    (case / "case.toml").write_text("mounts = {}\n")
    assert "'dumps'" in failed(make_adapter(tmp_path), case)["the dump becomes a catalog"]
