"""What is peculiar to dcm4chee 2; the rest is in test_every_adapter.py."""

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import polars as pl
import pytest
from pydicom import dcmread

from inventories import taken
from livecases import catalog_of as live_catalog
from livecases import restored_mysql, restored_postgres
from pacslift.cases import read_case
from pacslift.conformance import build
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.build import run_query
from pacslift.ledger import Candidate, Planned
from pacslift.send.load import load
from readcases import adapter_of, case_of, catalog_of, causes, file_states, inventory_of

MYSQL, POSTGRESQL = "dcm4chee2/mysql", "dcm4chee2/postgresql"
CASES = [MYSQL, POSTGRESQL]
TAR = "dcm4chee2/tar"
ARCHIVE_BLOCK = ("00430010", "00431010", "00431014")


def row(catalog, table, key):
    """One row of a catalog's table."""
    column = catalog[table].columns[0]
    (found,) = catalog[table].filter(pl.col(column) == key).to_dicts()
    return found


@pytest.fixture(scope="module")
def catalog():
    return catalog_of(case_of(MYSQL), "dcm4chee2")


@pytest.mark.parametrize("name", CASES)
def test_what_was_corrected_is_in_the_catalog_as_it_was_typed(name):
    patient = row(catalog_of(case_of(name), "dcm4chee2"), "patients", "1")
    assert patient["patient_name"] == "Testperson^Änne-Marie^^Dr."
    assert patient["patient_birth_date"] == "19610204"
    said = json.loads(patient["attributes"])
    assert said["00100010"]["Value"] == [{"Alphabetic": "Testperson^Änne-Marie^^Dr."}]
    assert said["00104000"] == {"vr": "LT"}  # the database knows that there is no comment


def test_the_files_were_never_corrected():
    for path in (case_of(MYSQL).folder / "storage").rglob("*"):
        made = dcmread(path, stop_before_pixels=True) if path.is_file() else None
        assert made is None or "Änne-Marie" not in str(made.PatientName)


def test_both_databases_give_one_catalog():
    first, second = (catalog_of(case_of(name), "dcm4chee2") for name in CASES)
    for table in first.tables:
        assert first[table].sort(pl.all()).equals(second[table].sort(pl.all())), table


def test_the_archives_own_private_block_is_no_attribute(catalog):
    said = json.loads(row(catalog, "patients", "1")["attributes"])
    assert not set(ARCHIVE_BLOCK) & set(said)


def test_three_groups_of_a_japanese_name_come_out_of_a_deflated_blob(catalog):
    assert row(catalog, "patients", "5")["patient_name"] == ("Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert row(catalog, "patients", "5")["patient_sex"] == "F"


def test_a_patient_who_absorbed_others_keeps_their_ids(catalog):
    assert row(catalog, "patients", "3")["merged_into"] == "2"
    assert row(catalog, "patients", "2")["merged_into"] == "1"
    aliases = row(catalog, "patients", "1")["other_patient_ids"]
    assert aliases.split("\\") == ["0815^^^INSURANCE", "FIX-OLD-2^^^NOWHERE", "FIX-OLD-3"]


def test_patients_merged_in_a_circle_do_not_hang_the_catalog():
    known = {"pk": ["1", "2"], "merge_fk": ["2", "1"], "pat_id": ["A", "B"],
             "pat_name": ["X^^^^", "Y^^^^"]}  # fmt: skip
    rows = run_query(adapter_of("dcm4chee2"), "patients", tables(patient=known))
    assert dict(rows.select("patient_key", "other_patient_ids").iter_rows()) == {"1": "B", "2": "A"}
    assert sorted(rows["patient_name"]) == ["X", "Y"]


def test_a_cut_blob_is_read_as_far_as_it_goes_and_told(catalog):
    series = row(catalog, "series", "6")
    assert list(json.loads(series["attributes"])) == [
        "00080021",
        "00080031",
        "00080060",
        "00080070",
    ]
    assert series["series_description"] == "US SERIES 1"  # the column's search key
    (told,) = [finding for finding in catalog.findings if finding.startswith("series: ")]
    assert "series_key 6" in told
    assert "PACSLIFT" not in told


def test_a_text_beyond_its_declared_character_set_is_left_to_the_file(catalog):
    """Zo\xeb stands in the default character set, which has 7 bits, of a Japanese study."""
    study = row(catalog, "studies", "4")
    assert "00080090" not in json.loads(study["attributes"])
    assert study["referring_physician_name"] == "ZUWEISER^ZOË"  # to search with, never overlaid
    (told,) = [finding for finding in catalog.findings if finding.startswith("studies: ")]
    assert "study_key 4" in told
    assert "(0008,0090)" in told


def test_a_study_without_a_time_was_not_at_midnight():
    rows = run_query(
        adapter_of("dcm4chee2"),
        "studies",
        tables(study={"pk": ["1"], "study_datetime": ["2014-03-10 00:00:00"]},
               blobs={"study_attrs": [b"\x08\0\x20\0DA\x08\x0020140310"]}),
    )  # fmt: skip
    assert rows.select("study_date", "study_time").rows() == [("20140310", None)]


def test_pixels_are_described_by_the_file_alone(catalog):
    texts = catalog["instances"]["attributes"].drop_nulls()
    assert not any(tag.startswith("0028") for text in texts for tag in json.loads(text))


@pytest.mark.parametrize("name", CASES)
def test_each_instance_without_a_file_says_why(name):
    assert causes(inventory_of(case_of(name), "dcm4chee2")) == {
        "9": "remote",
        "10": "offline",
        "11": "no_file_row",
        "trash:1": "deleted",
    }


def test_what_lies_on_a_medium_is_told_with_its_name():
    found = inventory_of(case_of(MYSQL), "dcm4chee2").reconciled.instances
    (detail,) = found.filter(pl.col("cause") == "offline")["detail"]
    assert "CD0001" in detail


@pytest.mark.parametrize("name", CASES)
def test_each_file_has_one_state(name):
    states = inventory_of(case_of(name), "dcm4chee2").reconciled.files["state"].to_list()
    assert {state: states.count(state) for state in states} == {
        "used": 8,
        "spare_copy": 1,
        "withheld": 1,
        "attachment": 1,
        "orphan": 1,
    }


def test_a_deleted_study_that_is_there_again_is_no_mix_up():
    found = inventory_of(case_of(MYSQL), "dcm4chee2")
    assert not any("2 patients" in finding for finding in found.findings)


def test_copies_are_tried_as_the_archive_would(catalog):
    copies = catalog["files"].filter(pl.col("instance_key") == "2").sort("rank")
    assert copies["root"].to_list() == ["archive", "/srv/dcm4chee/nearline"]


def test_of_copies_on_one_file_system_the_newest_goes_first():
    rows = files_of(
        {"pk": ["9", "10"], "instance_fk": ["1", "1"], "filesystem_fk": ["1", "1"],
         "filepath": ["old", "new"], "file_tsuid": ["", ""]},
        {"pk": ["1"], "dirpath": ["archive"], "availability": ["0"]},
    )  # fmt: skip
    assert rows.sort("rank")["path"].to_list() == ["new", "old"]


@pytest.mark.parametrize(
    ("dirpath", "root"),
    [
        ("archive", "archive"),
        ("D:/pacs/disk", "D:/pacs/disk"),
        ("file:/D:/pacs/old%20disk", "D:/pacs/old disk"),
        ("file:///srv/pacs", "/srv/pacs"),
        ("tar:/srv/nearline", "/srv/nearline"),
    ],
)
def test_a_file_system_is_a_folder_however_it_is_spelt(dirpath, root):
    rows = files_of(
        {"pk": ["1"], "instance_fk": ["1"], "filesystem_fk": ["1"], "filepath": ["2014/3/1/A"],
         "file_tsuid": [""]},
        {"pk": ["1"], "dirpath": [dirpath], "availability": ["0"]},
    )  # fmt: skip
    assert rows["root"].to_list() == [root]


def test_an_exclamation_mark_parts_a_path_in_tar_storage_only():
    rows = files_of(
        {"pk": ["1", "2"], "instance_fk": ["1", "2"], "filesystem_fk": ["1", "2"],
         "filepath": ["a-1.tar!0A/0B", "a!b"], "file_tsuid": ["", ""]},
        {"pk": ["1", "2"], "dirpath": ["tar:near", "archive"], "availability": ["1", "0"]},
    ).sort("instance_key")  # fmt: skip
    assert rows.select("path", "member", "container").rows() == [
        ("a-1.tar", "0A/0B", "tar"),
        ("a!b", None, None),
    ]


@pytest.mark.parametrize("level", ["patient", "study", "series", "instance"])
def test_what_is_hidden_on_any_level_is_hidden(level):
    known = {name: {"hidden": ["1" if name == level else "0"], "pk": ["1"]}
             for name in ("patient", "study", "series", "instance")}  # fmt: skip
    known["study"]["patient_fk"] = known["series"]["study_fk"] = known["instance"]["series_fk"] = [
        "1"
    ]
    rows = run_query(adapter_of("dcm4chee2"), "instances", tables(**known))
    assert rows["visibility"].to_list() == ["hidden"]


@pytest.mark.parametrize("flag", ["b'1'", "0x01", "'\x01'", "1"], ids=repr)
def test_a_flag_is_a_flag_however_a_mysql_dump_spells_it(tmp_path, flag):
    dump = tmp_path / "pacsdb.sql"
    text = case_of(MYSQL).dumps[0].read_text(encoding="utf-8")
    text = text.replace("  `all_attrs` bit(1)", "  `hidden` bit(1)")
    dump.write_text(text.replace(",0x01,0x00,0x00,", f",{flag},0x00,0x00,"), encoding="utf-8")
    found = catalog_of(replace(case_of(MYSQL), dumps=(dump,)), "dcm4chee2")["instances"]
    hidden = found.filter(pl.col("visibility") == "hidden")
    assert hidden["sop_class_uid"].to_list() == ["1.2.840.10008.5.1.4.1.1.88.11"]


def test_the_oldest_version_is_read_without_the_later_tables_and_columns():
    case, adapter = case_of(MYSQL), adapter_of("dcm4chee2")
    found = read_case(adapter, case)
    later = [table for table in found.frames if table.startswith("priv_") or "pid" in table]
    frames = {table: frame.clear() if table in later else frame
              for table, frame in found.frames.items()}  # fmt: skip
    for table, columns in adapter.optional.items():
        if table not in later:
            gone = [pl.lit(None, pl.String()).alias(c) for c in columns if c != "pk"]
            frames[table] = frames[table].with_columns(gone)
    catalog = build(adapter, replace(found, frames=frames))
    assert catalog["instances"].height == 11
    assert catalog["files"].height == 9


@pytest.mark.parametrize("name", CASES)
def test_a_running_database_answers_with_the_same_catalog(name, request):
    server, restored = (
        (request.getfixturevalue("mariadb"), restored_mysql)
        if name == MYSQL
        else (request.getfixturevalue("postgres"), restored_postgres)
    )
    dump = case_of(name).dumps[0].read_bytes()
    with restored(server, dump, "pacsdb") as database:
        answered, told = live_catalog(adapter_of("dcm4chee2"), [], [database])
    assert told == []  # the server ran the SQL, its tables were not fetched
    expected = catalog_of(case_of(name), "dcm4chee2")
    for table in expected.tables:
        assert answered[table].sort(pl.all()).equals(expected[table].sort(pl.all())), table


def tables(blobs=None, **known):
    """Tables as the store gives them, empty but for *known*; *blobs* are columns of those."""
    made = {}
    for table, frame in read_case(adapter_of("dcm4chee2"), case_of(MYSQL)).frames.items():
        columns = known.get(table, {})
        rows = pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.String))
        if columns:
            rows = rows.with_columns(pl.Series(name, v) for name, v in (blobs or {}).items())
        missing = [pl.lit(None, kind).alias(name) for name, kind in frame.schema.items()
                   if name not in rows.columns]  # fmt: skip
        made[table] = (rows.with_columns(missing) if columns else frame.clear()).lazy()
    return made


def files_of(files, filesystem):
    return run_query(adapter_of("dcm4chee2"), "files", tables(files=files, filesystem=filesystem))


@pytest.fixture(scope="module")
def in_tar():
    return inventory_of(case_of(TAR), "dcm4chee2")


def test_objects_in_tar_storage_are_found_and_a_lost_entry_is_told(in_tar):
    assert causes(in_tar) == {"4": "missing_file"}
    (detail,) = in_tar.reconciled.instances.drop_nulls("cause")["detail"]
    assert "-17.tar" in detail
    assert "00000000/00000000" in detail
    assert sum(in_tar.pairs.values()) == 3


def test_a_tar_file_is_one_file_and_its_nameless_entry_an_orphan(in_tar):
    states = {
        relative.rpartition("/")[2]: state
        for relative, state in in_tar.reconciled.files.select("relative", "state").iter_rows()
    }
    assert states == {"26F4B158": "used", "D61A75E1-17.tar": "used", "0000001A": "orphan"}


def test_a_tar_file_that_no_row_names_is_an_orphan_as_a_whole(tmp_path):
    case = case_of(TAR)
    storage = tmp_path / "nearline"
    shutil.copytree(case.mounts["/srv/dcm4chee/nearline"], storage)
    (named,) = storage.rglob("*.tar")
    shutil.copyfile(named, storage / "left-over.tar")
    (storage / "cut.tar").write_bytes(named.read_bytes()[:300])
    moved = replace(case, mounts={**case.mounts, "/srv/dcm4chee/nearline": storage})
    files = inventory_of(moved, "dcm4chee2").reconciled.files
    rows = files.filter(pl.col("relative").is_in(["left-over.tar", "cut.tar"])).sort("relative")
    assert rows["state"].to_list() == ["orphan", "orphan"]
    assert rows["detail"][1] == "a TAR file of 4 entries, which no row names"


def test_without_opening_anything_a_tar_file_is_trusted():
    case, adapter = case_of(TAR), adapter_of("dcm4chee2")
    catalog = catalog_of(case, "dcm4chee2")
    found = taken(adapter, catalog, case.mounts, case.dumps, "none")
    assert causes(found) == {}
    assert len(file_states(found)) == 2


def planned(key, name=TAR):
    """An instance of a case as it would be sent."""
    found = inventory_of(case_of(name), "dcm4chee2").reconciled.candidates
    copies = found.filter(pl.col("instance_key") == key).sort("rank")
    columns = [field.name for field in fields(Candidate)]
    candidates = tuple(Candidate(**row) for row in copies.select(columns).iter_rows(named=True))
    return Planned(key, "", None, None, None, None, None, candidates)


def test_an_object_is_read_out_of_the_tar_file():
    outgoing, candidate = load(planned("2"))
    with outgoing:
        assert candidate.place.endswith("-17.tar!D61A75E1/00000018")
        assert outgoing.digest() == outgoing.digest()


def test_the_list_in_the_tar_file_finds_a_rotten_entry(tmp_path):
    whole = planned("2")
    (copy,) = whole.candidates
    data = bytearray((Path(copy.mount) / copy.relative).read_bytes())
    place = data.index(b"DICM", data.index(b"D61A75E1/00000018", 1024)) + 3000
    data[place] ^= 1
    (tmp_path / "rotten.tar").write_bytes(data)
    moved = replace(copy, mount=str(tmp_path), relative="rotten.tar")
    with pytest.raises(SetAsideError) as refusal:
        load(replace(whole, candidates=(moved,)))
    assert refusal.value.cause is Cause.DIGEST_DIFFERS


def test_of_two_copies_the_good_one_is_read():
    outgoing, candidate = load(planned("2", MYSQL))
    with outgoing:
        assert candidate.mount.endswith("nearline")
