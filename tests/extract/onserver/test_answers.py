"""A database that is asked over ODBC gives the catalog that its dump gives, cell by cell."""

import re
import sqlite3
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from livecases import (
    catalog_of,
    catalog_of_tables,
    restored_mysql,
    restored_postgres,
    sqlite_named,
)
from pacslift.adapter import load_adapter, load_adapters
from pacslift.errors import AdapterFaultError, DumpFormatError
from pacslift.events import silence
from pacslift.extract.onserver import database as database_module
from pacslift.extract.onserver import live
from pacslift.extract.onserver.answers import Answers
from pacslift.extract.onserver.database import LiveDatabase
from pacslift.extract.onserver.portable import NotOnServerError
from pacslift.extract.store import load_tables
from pacslift.extract.take import take_tables
from pacslift.inventory.build import build_catalog
from pacslift.job import Job, TargetAddress
from readcases import FIXTURES, adapter_of

# What servers see differently unless they are told: case, blanks at the end, accents, numbers as
# text, NULL in an order, a LIKE; and a path with a backslash.
CONQUEST = r"""
    CREATE TABLE DICOMPatients (PatientID VARCHAR(64), PatientNam VARCHAR(64));
    CREATE TABLE DICOMStudies (StudyInsta VARCHAR(64), PatientID VARCHAR(64), StudyDate CHAR(8));
    CREATE TABLE DICOMSeries (SeriesInst VARCHAR(64), StudyInsta VARCHAR(64), Modality CHAR(16),
      SeriesNumb INT);
    CREATE TABLE DICOMImages (SOPInstanc VARCHAR(64), SOPClassUI VARCHAR(64),
      SeriesInst VARCHAR(64), ObjectFile VARCHAR(255), DeviceName VARCHAR(64));
    INSERT INTO DICOMPatients VALUES ('p', 'Müller^Jürgen'), ('P', ''), ('p ', NULL), ('é', 'e');
    INSERT INTO DICOMStudies VALUES ('1.2', 'p', '20200229'), ('1.3', 'P', NULL);
    INSERT INTO DICOMSeries VALUES ('1.2.1', '1.2', 'CT', 10), ('1.3.1', '1.3', 'MR', 9);
    INSERT INTO DICOMImages VALUES
      ('1.2.1.1', '1.2.840', '1.2.1', 'p/a.dcm', 'MAG0'),
      ('1.2.1.1', '1.2.840', '1.2.1', 'p/b.dcm', NULL),
      ('1.2.1.1', '1.2.840', '1.2.1', 'p/B.dcm', 'mag0'),
      ('1.2.1.1', '1.2.840', '1.2.1', NULL, 'MAG0'),
      ('1.2.1.2', NULL, '1.2.1', 'p{BACK}c d.dcm', 'MAG0.Archiving.x'),
      ('1.2.1.A', '1.2.840', '1.3.1', 'q/é', 'JUKEBOX1.1'),
      ('1.2.1.a', '1.2.840', '1.3.1', 'Q/e ', '.MAG')
"""

# Constructs that no shipped adapter has yet, over the tables of KEYS.
SQL = {
    "patients": """SELECT code AS patient_key, MAX(code) AS patient_id, MAX(num) AS patient_name
        FROM person GROUP BY code""",
    "studies": """SELECT CAST(s.num AS TEXT) || '.' || p.code AS study_key, p.code AS patient_key,
        SPLIT_PART(s.path, '/', 2) AS study_instance_uid, SPLIT_PART(s.path, '//', 3) AS study_id,
        CAST(LENGTH(s.path) AS TEXT) AS accession_number, s.later AS study_description,
        LEFT(s.path, 3) AS study_date, REPLACE(s.path, 'A', '%') AS referring_physician_name
        FROM study s JOIN person AS p ON p.code = s.code WHERE s.num <> '7'""",
    "series": """WITH some AS (SELECT num, path FROM study WHERE path LIKE '%A_%' OR path IS NULL)
        SELECT num AS series_key, num AS study_key, path AS series_instance_uid,
          COALESCE(path, CAST(num AS TEXT), '') AS modality,
          SUM(CAST(num AS BIGINT)) AS expected_instances,
          COUNT(path) AS series_number FROM some GROUP BY num, path""",
    "instances": """SELECT code || '|' || CAST(ROW_NUMBER() OVER (PARTITION BY code
          ORDER BY flag, num) AS TEXT) AS instance_key, num AS series_key,
          code AS sop_instance_uid, flag AS sop_class_uid, later AS instance_number,
          bytes AS attributes, CASE WHEN num IN ('1', '10') THEN 'live' ELSE 'hidden' END
          AS visibility FROM person""",
    "files": """SELECT code || '|1' AS instance_key, 0 AS rank, '' AS root, path, NULL AS member,
          CASE num WHEN '01' THEN 'part10' WHEN '1' THEN 'bare' END AS container,
          CAST(size AS BIGINT) AS size_bytes FROM study""",
}
KEYS = """
    CREATE TABLE Person (Num INT, Code VARCHAR(9), Flag {BOOLEAN}, Bytes {BLOB});
    CREATE TABLE Study (Num INT, Code VARCHAR(9), Path VARCHAR(30), Size VARCHAR(9));
    INSERT INTO Person VALUES (1, 'a', {TRUE}, {x}), (10, 'A', NULL, NULL), (9, 'a', {FALSE}, {y}),
      (8, 'a ', {TRUE}, {y});
    INSERT INTO Study VALUES (1, 'a', 'x/A/b', '10'), (2, 'A', 'A//b//c ', '+7'),
      (7, 'a', 'x', '0'), (2, 'a', NULL, NULL), (11, 'a ', 'aa/', '-1')
"""


def assert_one_catalog(adapter, dump: Path, database: str) -> None:
    """From the dump, from the server's answers, and from the server's tables."""
    from_dump, _ = catalog_of(adapter, [dump], [])
    answered, told = catalog_of(adapter, [], [database])
    assert told == []
    from_tables = catalog_of_tables(adapter, database)
    assert from_dump["instances"].height
    for table, frame in from_dump.tables.items():
        for other in (answered, from_tables):
            assert_frame_equal(frame.sort(frame.columns), other[table].sort(frame.columns))
    assert from_dump.findings == answered.findings == from_tables.findings


def made_adapter(folder: Path):
    """An adapter of constructs, with a hook that reads bytes."""
    folder.mkdir()
    for name, query in SQL.items():
        (folder / f"{name}.sql").write_text(query)
    (folder / "adapter.toml").write_text(
        'name = "made"\nproduct = "made"\ntruth = "file"\n'
        'dialects = ["mysql", "postgres", "sqlite"]\n'
        '[identify]\nperson = ["code", "num"]\nstudy = ["num", "path"]\n'
        '[optional]\nperson = ["later"]\nstudy = ["later"]\n'
        '[codes.person.num]\n"1" = "one"\n'
    )
    (folder / "hooks.py").write_text(
        "import polars as pl\n"
        "def instances(rows):\n"
        "    assert rows.collect_schema()['attributes'] == pl.Binary\n"
        "    return rows.with_columns(pl.col('attributes').bin.encode('hex'))\n"
    )
    return load_adapter(folder)


def test_mariadb_answers_what_its_dump_says(mariadb):
    dump = FIXTURES / "orthanc/mysql/index.sql"
    with restored_mysql(mariadb, dump.read_bytes(), "orthanc") as database:
        assert_one_catalog(adapter_of("orthanc"), dump, database)


def test_postgresql_answers_what_its_dump_says(postgres):
    dump = FIXTURES / "orthanc/postgresql/index.sql"
    with restored_postgres(postgres, dump.read_bytes(), "orthanc") as database:
        assert_one_catalog(adapter_of("orthanc"), dump, database)


@pytest.mark.parametrize(
    ("adapter", "file"),
    [
        ("orthanc", "orthanc/sqlite-compressed/storage/index"),
        ("conquest", "conquest/sqlite-nki/conquest.db3"),
    ],
)
def test_sqlite_over_odbc_answers_what_its_file_says(adapter, file):
    assert_one_catalog(adapter_of(adapter), FIXTURES / file, sqlite_named(FIXTURES / file))


@pytest.mark.parametrize("case", ["conquest", "made"])
def test_mariadb_answers_what_its_dump_says_where_it_would_compare_otherwise(
    mariadb, tmp_path, case
):
    keys = filled(KEYS, BOOLEAN="TINYINT(1)", BLOB="BLOB", TRUE="1", FALSE="0",
                  x="x'00ff'", y="x''")  # fmt: skip
    script = filled(CONQUEST, BACK="\\\\") if case == "conquest" else keys
    adapter = adapter_of(case) if case == "conquest" else made_adapter(tmp_path / "made")
    with restored_mysql(mariadb, script.encode(), case) as database:
        (tmp_path / "dump").write_bytes(mariadb.dump(case))
        assert_one_catalog(adapter, tmp_path / "dump", database)


@pytest.mark.parametrize("case", ["conquest", "made"])
def test_postgresql_answers_what_its_dump_says_where_it_would_compare_otherwise(
    postgres, tmp_path, case
):
    keys = filled(KEYS, BOOLEAN="BOOLEAN", BLOB="BYTEA", TRUE="true", FALSE="false",
                  x="'\\x00ff'", y="''")  # fmt: skip
    script = filled(CONQUEST, BACK="\\") if case == "conquest" else keys
    adapter = adapter_of(case) if case == "conquest" else made_adapter(tmp_path / "made")
    with restored_postgres(postgres, script.encode(), case) as database:
        (tmp_path / "dump").write_bytes(postgres.dump(case))
        assert_one_catalog(adapter, tmp_path / "dump", database)


@pytest.mark.parametrize("case", ["conquest", "made"])
def test_sqlite_answers_what_its_file_says_where_it_would_compare_otherwise(tmp_path, case):
    keys = filled(KEYS, BOOLEAN="INTEGER", BLOB="BLOB", TRUE="1", FALSE="0", x="x'00ff'", y="x''")
    script = filled(CONQUEST, BACK="\\") if case == "conquest" else keys
    script = script.replace("VARCHAR(64)", "VARCHAR(64) COLLATE NOCASE")
    adapter = adapter_of(case) if case == "conquest" else made_adapter(tmp_path / "made")
    with closing(sqlite3.connect(tmp_path / "file")) as made:
        made.executescript(script)
    assert_one_catalog(adapter, tmp_path / "file", sqlite_named(tmp_path / "file"))


def filled(script: str, **words: str) -> str:
    """*script* with the words of one server in the places of {WORD}."""
    for name, word in words.items():
        script = script.replace("{" + name + "}", word)
    return script


def test_a_driver_that_keeps_whole_results_is_asked_for_shares(mariadb, monkeypatch):
    monkeypatch.setattr(live, "_streams", lambda *_: False)
    monkeypatch.setattr(database_module, "_SHARE", 200)
    asked = []
    rows = live.Link.rows
    monkeypatch.setattr(live.Link, "rows", lambda link, sql: asked.append(sql) or rows(link, sql))
    dump = FIXTURES / "orthanc/mysql/index.sql"
    with restored_mysql(mariadb, dump.read_bytes(), "shares") as database:
        assert_one_catalog(adapter_of("orthanc"), dump, database)
    assert sum("CRC32" in sql for sql in asked) > len(adapter_of("orthanc").queries)


def test_a_server_that_the_adapter_does_not_list_is_read_table_by_table(tmp_path):
    adapter = replace(adapter_of("conquest"), dialects=("mysql",))
    dump = FIXTURES / "conquest/sqlite-nki/conquest.db3"
    catalog, told = catalog_of(adapter, [], [sqlite_named(dump)])
    assert_frame_equal(
        catalog["instances"].sort("instance_key"),
        catalog_of(adapter, [dump], [])[0]["instances"].sort("instance_key"),
    )
    assert [said.partition("adapter ")[2] for said in told] == [
        "conquest: its adapter.toml does not list the dialect sqlite"
    ]


@pytest.mark.parametrize("server", ["mariadb", "postgres", "sqlite"])
def test_a_text_that_is_no_number_is_refused_on_a_server_as_in_a_dump(server, request, tmp_path):
    adapter = made_adapter(tmp_path / "made")
    script = filled(KEYS, BOOLEAN="INT", BLOB="BYTEA" if server == "postgres" else "BLOB",
                    TRUE="1", FALSE="0", x="''", y="''").replace("'+7'", "'DOE^JOHN'")  # fmt: skip
    with ExitStack() as stack:
        if server == "sqlite":
            stack.enter_context(closing(sqlite3.connect(tmp_path / "file"))).executescript(script)
            database = sqlite_named(tmp_path / "file")
        else:
            restored = restored_mysql if server == "mariadb" else restored_postgres
            running = request.getfixturevalue(server)
            database = stack.enter_context(restored(running, script.encode(), "nonumber"))
        with pytest.raises(AdapterFaultError, match=r"files\.sql does not run on this dump"):
            catalog_of(adapter, [], [database])
        reader = stack.enter_context(closing(LiveDatabase(database)))
        answers = Answers(reader, adapter)
        with pytest.raises(NotOnServerError) as refused:
            list(answers.batches(answers.wanted))
        assert "files.sql" in str(refused.value)
        assert "DOE" not in str(refused.value)


@pytest.mark.archives
@pytest.mark.parametrize("name", ["orthanc-mysql", "orthanc-postgresql", "conquest-sqlite-v2",
                                  "conquest-2009-nki", "orthanc-sqlite"])  # fmt: skip
def test_a_real_archives_database_answers_what_its_dump_says(name, archives, request):
    adapter = adapter_of(name.partition("-")[0])
    if name == "orthanc-mysql":
        dump = archives / name / "index.sql"
        restored = restored_mysql(request.getfixturevalue("mariadb"), dump.read_bytes(), "archive")
    elif name == "orthanc-postgresql":
        dump = archives / name / "index.dump"
        script = re.sub(rb" OWNER TO orth;", b" OWNER TO postgres;",
                        (archives / name / "index.sql").read_bytes())  # fmt: skip
        restored = restored_postgres(request.getfixturevalue("postgres"), script, "archive")
    else:
        below = {"orthanc-sqlite": "OrthancStorage/index"}.get(name, "data/dbase/conquest.db3")
        dump = archives / name / below
        restored = nullcontext(sqlite_named(dump))
    with restored as database:
        assert_one_catalog(adapter, dump, database)


TWICE = """CREATE TABLE DICOMPatients (PatientID VARCHAR(9), PatientNam VARCHAR(64));
    INSERT INTO DICOMPatients VALUES ('1', 'MÃ¼ller'), ('2', 'Müller'), ('3', 'JÃ¶rg');
    CREATE TABLE DICOMStudies (StudyInsta VARCHAR(64), PatientID VARCHAR(64));
    CREATE TABLE DICOMSeries (SeriesInst VARCHAR(64), StudyInsta VARCHAR(64), Modality CHAR(16));
    CREATE TABLE DICOMImages (SOPInstanc VARCHAR(64), SOPClassUI VARCHAR(64),
      SeriesInst VARCHAR(64), ObjectFile VARCHAR(255), DeviceName VARCHAR(64))"""


@pytest.mark.parametrize(
    ("line", "asked"),
    [("*", True), ("answer:patients", True), ("answer:patients.patient_name", True),
     ("dicompatients.patientnam", False)],
)  # fmt: skip
def test_text_that_was_encoded_twice_is_mended_as_job_toml_says(postgres, tmp_path, line, asked):
    with restored_postgres(postgres, TWICE.encode(), "twice") as database:
        job = Job(tmp_path, (), {}, TargetAddress("X", "127.0.0.1", 1), databases=(database,))
        found = take_tables(job, load_adapters(), silence).findings
        assert [said for said in found if '"answer:patients.patient_name" = "utf-8-twice"' in said]

        mending = replace(job, charset={line: "utf-8-twice"})
        told = take_tables(mending, load_adapters(), silence).findings
        assert any("tables were read, not its answers" in said for said in told) is not asked
        patients = build_catalog(adapter_of("conquest"), load_tables(job.tables))["patients"]
    assert sorted(patients["patient_name"]) == ["Jörg", "Müller", "Müller"]


def test_a_codec_is_for_bytes_and_a_server_gives_none(postgres, tmp_path):
    with restored_postgres(postgres, TWICE.encode(), "codec") as database:
        job = Job(tmp_path, (), {}, TargetAddress("X", "127.0.0.1", 1), databases=(database,))
        with pytest.raises(DumpFormatError, match="this server gives text, not bytes"):
            take_tables(replace(job, charset={"*": "cp1252"}), load_adapters(), silence)


def test_bytes_in_a_sqlite_file_are_read_in_the_codec_that_job_toml_says(tmp_path):
    with closing(sqlite3.connect(tmp_path / "file")) as made:
        made.executescript(TWICE.replace("'Müller'", "CAST(x'4dfc6c6c6572' AS TEXT)"))
    job = Job(tmp_path / "job", (), {}, TargetAddress("X", "127.0.0.1", 1),
              databases=(sqlite_named(tmp_path / "file"),),
              charset={"answer:patients.patient_name": "cp1252"})  # fmt: skip
    take_tables(job, load_adapters(), silence)
    assert "Müller" in load_tables(job.tables)["answer:patients"].collect()["patient_name"]
