import json

import polars as pl
import pytest

from pacslift.errors import DumpDamagedError, JobFolderError
from pacslift.events import TableRead
from pacslift.extract import store
from pacslift.extract.mysql.mysqldump import read_mysqldump
from pacslift.extract.shapes import Batch, Column, TableShape, Undecodable, numbered
from pacslift.extract.store import extract_tables, load_tables
from smalldumps import file_of, mysqldump


class Reader:
    """A dump that is not there: its tables are told to it."""

    format, server, path = "mysqldump", "MySQL 8", "dump.sql"

    def __init__(self, **tables) -> None:
        self._tables = tables

    def shapes(self):
        return [
            TableShape(name, (Column("A", "text"), Column("B", "blob"))) for name in self._tables
        ]

    def batches(self, wanted):
        for name, batches in self._tables.items():
            done = 0
            for rows in batches if name.lower() in wanted else []:
                series = [
                    pl.Series("a", [row[0] for row in rows], pl.String),
                    pl.Series("b", [row[1] for row in rows], pl.Binary),
                ]
                bad = tuple(
                    Undecodable(name.lower(), "a", 1, done + 1) for row in rows if row[0] == "bad"
                )
                numbers = range(done + 1, done + len(rows) + 1)
                yield Batch(name.lower(), numbered(series, numbers), bad)
                done += len(rows)


WANTED = {"Files": ["A", "b"]}


def extracted(folder, *readers, wanted=WANTED, tell=lambda _: None):
    return extract_tables(readers, wanted, folder / "tables", tell)


def test_tables_are_stored_and_loaded_again_with_null_and_empty_apart(tmp_path):
    result = extracted(tmp_path, Reader(Files=[[("x", b"\xff"), (None, None)], [("", b"")]]))
    table = load_tables(tmp_path / "tables")["files"].collect()
    assert table.rows() == [("x", b"\xff", 1, 1), (None, None, 2, 1), ("", b"", 3, 1)]
    assert table.schema == {
        "a": pl.String,
        "b": pl.Binary,
        "origin_row": pl.UInt64,
        "origin_dump": pl.UInt32,
    }
    assert (result.tables, result.rows, result.findings) == ({"files": 3}, 3, ())


def test_the_same_table_of_several_dumps_is_one_that_tells_them_apart(tmp_path):
    extracted(tmp_path, Reader(Files=[[("x", b"")]]), Reader(FILES=[[("y", b""), ("z", b"")]]))
    table = load_tables(tmp_path / "tables")["files"].collect()
    assert table.select("a", "origin_row", "origin_dump").rows() == [
        ("x", 1, 1),
        ("y", 1, 2),
        ("z", 2, 2),
    ]


def test_a_table_without_rows_has_its_columns_all_the_same(tmp_path):
    extracted(tmp_path, Reader(Files=[]))
    table = load_tables(tmp_path / "tables")["files"].collect()
    assert (table.height, table.columns[:2], table.dtypes[:2]) == (
        0,
        ["a", "b"],
        [pl.String, pl.Binary],
    )


def test_columns_and_tables_that_no_dump_has_are_null_and_empty(tmp_path):
    extracted(
        tmp_path, Reader(Files=[[("x", b"")]]), wanted={"files": ["a", "status"], "labels": ["id"]}
    )
    tables = load_tables(tmp_path / "tables")
    assert tables["files"].collect()["status"].to_list() == [None]
    assert tables["labels"].collect().height == 0


def test_a_table_larger_than_memory_allows_is_written_in_parts_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_PART_BYTES", 100)
    rows = [(str(i), b"x" * 30) for i in range(100)]
    extracted(tmp_path, Reader(Files=[[row] for row in rows]))
    table = load_tables(tmp_path / "tables")["files"].collect()
    assert table.select("a", "b").rows() == rows
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == [
        "files.parquet",
        "tables.json",
    ]


def test_the_manifest_says_where_each_table_came_from(tmp_path):
    extracted(tmp_path, Reader(Files=[[("x", b"")]]))
    said = json.loads((tmp_path / "tables" / "tables.json").read_text())
    assert said == {
        "dumps": [{"path": "dump.sql", "format": "mysqldump", "server": "MySQL 8"}],
        "tables": {"files": {"name": "Files", "rows": 1, "columns": {"a": "text", "b": "blob"}}},
    }


def test_each_table_is_told_when_it_is_read(tmp_path):
    told = []
    extracted(tmp_path, Reader(Files=[[("x", b"")]]), tell=told.append)
    assert told == [TableRead("files", 1)]


def test_what_was_no_text_is_a_finding_with_its_place_and_no_value(tmp_path):
    result = extracted(tmp_path, Reader(Files=[[("x", b"")], [("bad", b"")], [("bad", b"")]]))
    (finding,) = result.findings
    assert finding.startswith("table files, column a: 2 values are no text in")
    assert "the first in row 2;" in finding


def test_the_store_is_for_its_owner_alone(tmp_path):
    extracted(tmp_path, Reader(Files=[]))
    assert (tmp_path / "tables").stat().st_mode & 0o777 == 0o700


def test_a_dump_that_breaks_off_leaves_the_store_as_it_was(tmp_path):
    extracted(tmp_path, Reader(Files=[[("x", b"")]]))
    dump = mysqldump(
        "CREATE TABLE `files` (\n `a` text\n);\nINSERT INTO `files` VALUES ('1'),('2','3');\n"
    )
    with pytest.raises(DumpDamagedError):
        extracted(tmp_path, read_mysqldump(file_of(tmp_path, dump)))
    assert load_tables(tmp_path / "tables")["files"].collect()["a"].to_list() == ["x"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dump", "tables"]


def test_extracting_again_replaces_all_that_was_there(tmp_path):
    extracted(tmp_path, Reader(Files=[[("x", b"")]]), wanted={"files": ["a"], "old": ["b"]})
    (tmp_path / "tables.partial").mkdir()
    extracted(tmp_path, Reader(Files=[[("y", b"")]]))
    assert set(load_tables(tmp_path / "tables")) == {"files"}


def test_a_job_without_a_store_is_told_what_to_do(tmp_path):
    with pytest.raises(JobFolderError, match="Run `pacslift extract` again"):
        load_tables(tmp_path)
