"""Several schemas, or several databases, in one dump of PostgreSQL."""

from dataclasses import replace

import pytest

from pacslift.adapter import load_adapters, shipped_folder
from pacslift.errors import DumpFormatError, JobFileError, NoAdapterError
from pacslift.events import silence
from pacslift.extract.store import load_tables
from pacslift.extract.take import take_tables
from pacslift.job import Job, TargetAddress
from smalldumps import file_of, pg_dump

COLUMNS = {
    "resources": "internalid, resourcetype, publicid, parentid",
    "maindicomtags": "id, taggroup, tagelement, value",
    "metadata": "id, type, value",
    "attachedfiles": "id, filetype, uuid, compressedsize, uncompressedsize, compressiontype, "
    "uncompressedhash, compressedhash",
}


def schema(name: str, *tables: str, patient: str = "7") -> str:
    """The tables of an Orthanc in a schema, with a patient whose key is *patient*."""
    parts = []
    for table in tables or COLUMNS:
        columns = COLUMNS[table]
        parts.append(f"CREATE TABLE {name}.{table} ({columns.replace(',', ' text,')} text);\n\n")
        rows = f"{patient}\t0\tx\t\\N\n" if table == "resources" else ""
        parts.append(f"COPY {name}.{table} ({columns}) FROM stdin;\n{rows}\\.\n\n")
    return "".join(parts)


def database(name: str, *parts: str) -> bytes:
    return f"\\connect {name}\n\n".encode() + pg_dump(*parts)


def take(folder, dump: bytes, **said):
    job = Job(folder / "job", (file_of(folder, dump),), {}, TargetAddress("A", "127.0.0.1", 104))
    known = load_adapters([shipped_folder()])
    taken = take_tables(replace(job, **said), known, silence)
    rows = load_tables(job.tables)["resources"].collect()
    return taken, rows["internalid"].to_list()


def test_a_schema_with_the_whole_archive_is_taken_before_a_copy_of_one_table(tmp_path):
    dump = pg_dump(schema("audit", "resources", patient="1"), schema("public"))
    taken, keys = take(tmp_path, dump)
    assert keys == ["7"]
    assert any("audit.resources: not read" in finding for finding in taken.findings)


def test_a_table_of_another_schema_that_has_no_namesake_is_read(tmp_path):
    rest = ("maindicomtags", "metadata", "attachedfiles")
    taken, keys = take(tmp_path, pg_dump(schema("a", "resources"), schema("b", *rest)))
    assert (taken.adapter, keys) == ("orthanc", ["7"])


def test_two_whole_archives_are_refused_and_the_remedy_named(tmp_path):
    dump = pg_dump(schema("old", patient="1"), schema("public"))
    with pytest.raises(DumpFormatError) as refused:
        take(tmp_path, dump)
    assert "old.resources and public.resources are different tables" in str(refused.value)
    assert 'the line schema = "old" under [source] in job.toml' in str(refused.value)


@pytest.mark.parametrize(("said", "key"), [("old", "1"), ("public", "7")])
def test_of_two_whole_archives_the_job_chooses_one(tmp_path, said, key):
    dump = pg_dump(schema("old", patient="1"), schema("public"))
    assert take(tmp_path, dump, schema=said)[1] == [key]


DATABASES = (
    database("template1")
    + database("pacs", schema("public"))
    + database("pacs_2009", schema("public", patient="1"), schema("audit", patient="2"))
)


@pytest.mark.parametrize(
    ("said", "key"),
    [("pacs", "7"), ("pacs.public", "7"), ("pacs_2009.public", "1"), ("audit", "2")],
)
def test_of_several_databases_the_job_chooses_one(tmp_path, said, key):
    assert take(tmp_path, DATABASES, schema=said)[1] == [key]


def test_several_databases_with_whole_archives_are_refused(tmp_path):
    with pytest.raises(DumpFormatError, match=r"pacs\.public\.\w+ and pacs_2009\.public\."):
        take(tmp_path, DATABASES)


def test_a_database_of_an_odd_name_is_a_place(tmp_path):
    odd = database("-reuse-previous=on \"dbname='old pacs'\"", schema("public", patient="1"))
    dump = odd + database("pacs", schema("public"))
    assert take(tmp_path, dump, schema="old pacs")[1] == ["1"]


def test_a_schema_that_the_dump_does_not_have_is_refused_with_those_it_has(tmp_path):
    with pytest.raises(DumpFormatError, match=r"no tables in 'publik'.* schemas have public"):
        take(tmp_path, pg_dump(schema("public")), schema="publik")


def test_a_schema_without_the_archives_tables_fits_no_adapter(tmp_path):
    dump = pg_dump(schema("audit", "resources"), schema("public"))
    with pytest.raises(NoAdapterError):
        take(tmp_path, dump, schema="audit")


def test_a_schema_is_refused_where_no_dump_can_have_one(tmp_path):
    folder = shipped_folder().parent / "fixtures" / "conquest" / "dbase" / "dbase"
    job = Job(tmp_path, (folder,), {}, TargetAddress("A", "127.0.0.1", 104), schema="public")
    with pytest.raises(JobFileError, match="no dump of this job has schemas"):
        take_tables(job, load_adapters([shipped_folder()]), silence)
