"""Several databases in one dump, as --all-databases and --databases write them."""

import tomllib
from dataclasses import replace

import polars as pl
import pytest
from dumptext import file_of, mysqldump

from pacslift.adapter import load_adapters
from pacslift.errors import AdapterClashError, DumpFormatError
from pacslift.events import silence
from pacslift.extract.inspection import inspection
from pacslift.extract.take import take_tables
from pacslift.job import Job, TargetAddress, job_from, to_toml

TABLES = {
    "Resources": "internalId int, resourceType int, publicId text, parentId int",
    "MainDicomTags": "id int, tagGroup int, tagElement int, value text",
    "AttachedFiles": "id int, fileType int, uuid text, compressedSize int, uncompressedSize int, "
    "compressionType int, uncompressedHash text, compressedHash text",
    "Metadata": "id int, type int, value text",
}
HELPDESK = {"Metadata": "ticket int, note text", "Users": "id int, name text"}


def database(name: str, tables: dict[str, str], patient: int = 0) -> str:
    creates = "".join(f"CREATE TABLE `{table}` ({columns});\n" for table, columns in tables.items())
    rows = f"INSERT INTO `Resources` VALUES ({patient},0,'x',NULL);\n" if patient else ""
    return f"USE `{name}`;\n{creates}{rows}"


def job_on(folder, *databases: str) -> Job:
    dump = file_of(folder, mysqldump(*databases))
    return Job(folder / "job", (dump,), {}, TargetAddress("A", "127.0.0.1", 104))


def taken(job: Job):
    job.folder.mkdir(exist_ok=True)
    told = take_tables(job, load_adapters(()), silence)
    return pl.read_parquet(job.tables / "resources.parquet")["internalid"].to_list(), told


def test_the_database_that_an_adapter_claims_is_read_and_the_others_are_named(tmp_path):
    for order in (1, -1):
        both = [database("pacs", TABLES, 7), database("helpdesk", HELPDESK)][::order]
        rows, told = taken(job_on(tmp_path, *both))
        assert rows == ["7"]
        assert any("pacs was read, and not helpdesk" in finding for finding in told.findings)


def test_two_archives_in_one_dump_are_refused_with_how_to_choose(tmp_path):
    job = job_on(tmp_path, database("live", TABLES, 7), database("test", TABLES, 8))
    with pytest.raises(AdapterClashError, match=r"live and test.*database = \"NAME\""):
        taken(job)
    assert taken(replace(job, database="test"))[0] == ["8"]
    assert taken(replace(job, database="live"))[0] == ["7"]


def test_a_database_that_no_dump_has_is_refused_with_those_there_are(tmp_path):
    job = job_on(tmp_path, database("live", TABLES, 7), database("test", TABLES, 8))
    with pytest.raises(DumpFormatError, match=r'"liv", which is in none .* hold live, test'):
        taken(replace(job, database="liv"))


def test_databases_without_a_name_in_common_are_read_together(tmp_path):
    parts = [dict(list(TABLES.items())[:2]), dict(list(TABLES.items())[2:])]
    job = job_on(tmp_path, database("one", parts[0], 7), database("two", parts[1]))
    assert taken(job)[0] == ["7"]


def test_inspect_says_which_database_an_adapter_claims(tmp_path):
    job = job_on(tmp_path, database("pacs", TABLES, 7), database("helpdesk", HELPDESK))
    seen = inspection(job.dumps[0], load_adapters(()), tmp_path / "private")
    assert next(c.sentence for c in seen.claims if c.claims).startswith("database pacs: claimed by")
    alone = job_on(tmp_path, database("pacs", TABLES, 7))
    seen = inspection(alone.dumps[0], load_adapters(()), tmp_path / "private")
    assert next(c.sentence for c in seen.claims if c.claims).startswith("claimed by orthanc")


def test_the_choice_is_kept_in_job_toml(tmp_path):
    job = replace(job_on(tmp_path, database("live", TABLES, 7)), database="live")
    assert job_from(job.folder, tomllib.loads(to_toml(job))).database == "live"
