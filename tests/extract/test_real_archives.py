"""The databases that real PACS software wrote, against the list of what was sent to it."""

import csv

import polars as pl
import pytest

from pacslift.extract.sniff import open_dump
from smalldumps import everything, frames_of

pytestmark = pytest.mark.archives

DUMPS = {
    "orthanc-sqlite": "OrthancStorage/index",
    "orthanc-postgresql": "index.sql",
    "orthanc-mysql": "index.sql",
    "conquest-dbase": "data/dbase",
    "conquest-sqlite-v2": "data/dbase/conquest.db3",
    "conquest-2009-nki": "data/dbase/conquest.db3",
    "dcmqrscp": "oldpacs/index.dat",
}


def sent(archives, name) -> set[str]:
    with (archives / name / "truth.csv").open(newline="") as file:
        return {row["sop_instance_uid"] for row in csv.DictReader(file)}


def stored(tables: dict[str, pl.DataFrame]) -> set[str]:
    """SOP Instance UIDs by each product's own tables."""
    if "idxrecord" in tables:
        return set(tables["idxrecord"]["sopinstanceuid"])
    if "dicomimages" in tables:
        return set(tables["dicomimages"]["sopinstanc"])
    tags = tables["maindicomtags"].filter(taggroup="8", tagelement="24")
    return set(tags["value"])


@pytest.mark.parametrize(("name", "dump"), DUMPS.items())
def test_every_object_that_was_sent_is_in_the_tables(archives, tmp_path, name, dump):
    found = stored(frames_of(open_dump(archives / name / dump, tmp_path)))
    refused = sent(archives, name) - found
    assert found <= sent(archives, name)
    assert len(refused) <= (1 if name.startswith("orthanc") else 0)


@pytest.mark.parametrize(("name", "dump"), DUMPS.items())
def test_the_rows_read_are_the_rows_counted_and_all_text_is_text(archives, tmp_path, name, dump):
    reader = open_dump(archives / name / dump, tmp_path)
    frames = frames_of(reader)
    assert {t.lower(): n for t, n in reader.row_counts().items() if n} == {
        table: frame.height for table, frame in frames.items()
    }
    assert not [b.undecodable for b in reader.batches(everything(reader)) if b.undecodable]


def test_the_plain_and_the_custom_dump_of_one_database_are_equal_in_every_cell(archives, tmp_path):
    folder = archives / "orthanc-postgresql"
    plain, custom = (open_dump(folder / name, tmp_path) for name in ("index.sql", "index.dump"))
    assert plain.shapes() == custom.shapes()
    assert plain.server == custom.server == "PostgreSQL 15.20"
    plain_tables, custom_tables = frames_of(plain), frames_of(custom)
    assert plain_tables.keys() == custom_tables.keys()
    for table, frame in plain_tables.items():
        assert frame.equals(custom_tables[table]), table


def test_the_three_orthancs_agree_on_what_they_hold(archives, tmp_path):
    def values(name: str) -> list[tuple]:
        tags = frames_of(open_dump(archives / name / DUMPS[name], tmp_path))["maindicomtags"]
        return sorted(tags.select("taggroup", "tagelement", "value").rows())

    assert values("orthanc-sqlite") == values("orthanc-postgresql") == values("orthanc-mysql")


def test_nothing_appears_beside_the_real_databases(archives, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in (archives / a / d for a, d in DUMPS.items())}
    folders = {p.parent: sorted(p.parent.iterdir()) for p in before}
    for path in before:
        frames_of(open_dump(path, tmp_path))
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert {folder: sorted(folder.iterdir()) for folder in folders} == folders
