"""What is peculiar to dcmqrscp; the rest is in test_every_adapter.py."""

from dataclasses import replace

import polars as pl

from pacslift.inventory.build import run_query
from readcases import adapter_of, case_of, catalog_of, causes, file_states, inventory_of

MOVED = "dcmqrscp/moved"


def test_a_storage_that_has_moved_is_found_as_the_only_root():
    found = inventory_of(case_of(MOVED), "dcmqrscp")
    assert causes(found) == {}
    states = list(file_states(found).values())
    assert (states.count("used"), states.count("index"), len(states)) == (7, 1, 8)


def test_a_storage_that_has_moved_is_found_by_its_old_prefix():
    case = case_of(MOVED)
    named = replace(case, mounts={"/tmp/oldpacs/database": case.mounts[""]})  # noqa: S108
    assert causes(inventory_of(named, "dcmqrscp")) == {}


def test_an_emptied_record_is_no_instance():
    assert catalog_of(case_of(MOVED), "dcmqrscp")["instances"].height == 7


def test_paths_of_a_windows_machine_are_parted_alike():
    frame = pl.LazyFrame(
        {"filename": ["C:\\pacs\\CT_1.dcm", "/srv/pacs/CT_1.dcm"], "imagesize": ["1", "2"]}
    )
    files = run_query(adapter_of("dcmqrscp"), "files", {"idxrecord": frame})
    assert files["path"].to_list() == ["CT_1.dcm"] * 2
    assert files["root"].to_list() == ["C:\\pacs", "/srv/pacs"]


def test_a_deleted_record_that_still_names_its_object_is_not_lost():
    blank = {"patientid": "1", "studyinstanceuid": "1", "seriesinstanceuid": "1",
             "sopclassuid": "1", "imagenumber": "1"}  # fmt: skip
    live = pl.LazyFrame([{**blank, "filename": "/a/b.dcm", "sopinstanceuid": "2.25.1"}])
    gone = pl.LazyFrame(
        [
            {**blank, "filename": "", "sopinstanceuid": "2.25.2"},
            {**blank, "filename": "", "sopinstanceuid": ""},
        ]
    )
    rows = run_query(
        adapter_of("dcmqrscp"), "instances", {"idxrecord": live, "idxrecord_deleted": gone}
    )
    assert dict(rows.select("sop_instance_uid", "visibility").iter_rows()) == {
        "2.25.1": "live",
        "2.25.2": "deleted",
    }
