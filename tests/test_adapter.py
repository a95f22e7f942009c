"""Adapters: what is wrong with a folder is named, and each dump gets the one that fits."""

from pathlib import Path

import pytest

from pacslift.adapter import (
    CANONICAL,
    Rebuild,
    choose,
    load_adapter,
    load_adapters,
    manifests,
    shipped_folder,
    shortened,
    unread_columns,
)
from pacslift.errors import AdapterClashError, AdapterFaultError, NoAdapterError
from smallcase import MANIFEST, make_adapter

ACME = {
    "acme_folders": ("folder_id", "uid", "owner"),
    "acme_objects": ("uid", "folder_id", "kind", "place", "thumbnail"),
}


def another(parent: Path, name: str) -> Path:
    """The same adapter under another name, in a folder of its own."""
    return make_adapter(parent / name, manifest=MANIFEST.replace('"acme"', f'"{name}"')).parent


def test_an_adapter_is_what_its_folder_says(tmp_path):
    adapter = load_adapter(make_adapter(tmp_path))
    assert (adapter.name, adapter.product, adapter.truth) == ("acme", "invented", "file")
    assert adapter.identify["acme_folders"] == ("folder_id", "uid")
    assert set(adapter.queries) == set(CANONICAL)
    assert adapter.hooks == {}
    assert adapter.codes["acme_objects"]["kind"]["1"] == "an object"


REBUILD = '\n[rebuild]\niod = "modality"\n'
DATABASE = MANIFEST.replace('truth    = "file"', 'truth    = "database"')


def test_an_adapter_says_what_becomes_of_pixels_without_a_header(tmp_path):
    assert load_adapter(make_adapter(tmp_path / "silent")).rebuild.iod == "none"
    said = DATABASE + REBUILD + 'words = "big"\n'
    assert load_adapter(make_adapter(tmp_path, manifest=said)).rebuild == Rebuild("modality", "big")


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (MANIFEST + REBUILD, r'\[rebuild\] .* truth must be "database", not .file'),
        (DATABASE + REBUILD.replace("modality", "CT"),
         "iod is 'CT'; it must be one of modality, secondary capture, none"),
        (DATABASE + REBUILD + 'words = "middle"\n',
         "words is 'middle'; it must be one of little, big"),
        (DATABASE + REBUILD.replace("iod", "iods"), r"\[rebuild\] has the unknown key 'iods'"),
        ('rebuild = "modality"\n' + DATABASE, "rebuild must be a section with the key iod"),
    ],
)  # fmt: skip
def test_a_rule_for_pixels_that_nothing_can_follow_is_named_with_its_file(tmp_path, manifest, said):
    folder = make_adapter(tmp_path, manifest=manifest)
    with pytest.raises(AdapterFaultError, match=said) as error:
        load_adapter(folder)
    assert str(folder / "adapter.toml") in str(error.value)


def test_tables_and_columns_are_known_in_any_case(tmp_path):
    shouted = MANIFEST.replace("acme_folders =", "ACME_Folders =").replace('"uid"', '"UID"')
    adapter = load_adapter(make_adapter(tmp_path, manifest=shouted))
    assert adapter.claims(ACME)


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('truth    = "file"', 'truth    = "both"', "truth is 'both'"),
        ('truth    = "file"', "", "'truth' is missing"),
        ('name     = "acme"', "", "'name' is missing"),
        ("[identify]", "[identity]", "unknown key 'identity'"),
        ("[identify]", "[identify", "adapter.toml: "),
        ('acme_objects = ["thumbnail"]', "acme_objects = 7", "of the wrong kind"),
    ],
)
def test_a_mistake_in_the_manifest_is_named_with_its_file(tmp_path, line, instead, said):
    assert line in MANIFEST
    folder = make_adapter(tmp_path, manifest=MANIFEST.replace(line, instead, 1))
    with pytest.raises(AdapterFaultError, match=said) as error:
        load_adapter(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("missing", [*(f"{name}.sql" for name in CANONICAL), "adapter.toml"])
def test_a_file_that_an_adapter_lacks_is_named(tmp_path, missing):
    folder = make_adapter(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(AdapterFaultError, match=missing.replace(".", r"\.")):
        load_adapter(folder)


def test_hooks_that_fail_when_they_are_loaded_are_named_with_their_error(tmp_path):
    folder = make_adapter(tmp_path, hooks="import no_such_library\n")
    with pytest.raises(AdapterFaultError, match=r"hooks\.py fails .*no_such_library"):
        load_adapter(folder)


def test_hooks_are_the_functions_called_like_a_table(tmp_path):
    folder = make_adapter(tmp_path, hooks="def files(frame): return frame\ndef other(): pass\n")
    assert set(load_adapter(folder).hooks) == {"files"}


def test_the_digest_changes_with_the_facts_and_not_with_the_readme(tmp_path):
    folder = make_adapter(tmp_path)
    before = load_adapter(folder).digest
    (folder / "README.md").write_text("# acme, explained better\n")
    assert load_adapter(folder).digest == before
    (folder / "files.sql").write_text((folder / "files.sql").read_text() + "\n")
    assert load_adapter(folder).digest != before


def test_a_folder_may_be_one_adapter_or_hold_several(tmp_path):
    folder = make_adapter(tmp_path)
    assert manifests(folder) == manifests(folder.parent) == [folder / "adapter.toml"]
    with pytest.raises(AdapterFaultError, match="is no folder"):
        manifests(tmp_path / "nowhere")


def test_an_adapter_of_the_site_goes_before_a_shipped_one_of_the_same_name(tmp_path):
    shipped = load_adapters()
    assert {path.parent.name for path in manifests(shipped_folder())} == set(shipped)
    known = load_adapters([another(tmp_path, "orthanc")])
    assert set(known) == set(shipped)
    assert known["orthanc"].product == "invented"


def test_a_dump_is_claimed_only_with_all_its_tables_and_columns(tmp_path):
    adapter = load_adapter(make_adapter(tmp_path))
    assert adapter.claims(ACME)
    assert adapter.claims({**ACME, "another": ("column",)})
    assert adapter.missing({"acme_folders": ("folder_id",)}) == ["acme_objects", "acme_folders.uid"]


def test_the_one_adapter_that_fits_is_chosen(tmp_path):
    known = load_adapters([make_adapter(tmp_path)])
    assert choose(known, ACME, None, "dump.sql").name == "acme"


def test_a_dump_that_fits_no_adapter_is_named_with_its_tables():
    with pytest.raises(NoAdapterError, match=r"dump\.sql .* its tables are acme_folders, acme_obj"):
        choose(load_adapters(), ACME, None, "dump.sql")


def test_of_two_adapters_that_fit_a_person_has_to_choose(tmp_path):
    known = load_adapters([make_adapter(tmp_path), another(tmp_path, "bcme")])
    with pytest.raises(AdapterClashError, match="claimed by acme and by bcme"):
        choose(known, ACME, None, "dump.sql")
    assert choose(known, ACME, "bcme", "dump.sql").name == "bcme"


def test_an_adapter_that_was_named_must_be_there_and_fit(tmp_path):
    known = load_adapters([make_adapter(tmp_path)])
    with pytest.raises(NoAdapterError, match="no adapter 'acne'; known are acme"):
        choose(known, ACME, "acne", "dump.sql")
    with pytest.raises(NoAdapterError, match=r"'orthanc': it lacks .*resources"):
        choose(known, ACME, "orthanc", "dump.sql")


def test_what_the_adapter_does_not_know_of_a_dump_is_listed(tmp_path):
    adapter = load_adapter(make_adapter(tmp_path))
    read = {"acme_folders": ("folder_id", "uid"), "acme_objects": ("uid", "place")}
    new = {**ACME, "acme_audit": ("who", "when")}
    assert unread_columns(adapter, new, read) == ["acme_audit", "acme_folders.owner"]


def test_long_lists_are_cut_and_counted():
    assert shortened(["a", "b"]) == "a, b"
    assert shortened([]) == "none"
    assert shortened([str(n) for n in range(20)], most=3) == "0, 1, 2 and 17 more"
