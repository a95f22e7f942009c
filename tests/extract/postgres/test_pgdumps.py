r"""Whatever PostgreSQL holds, every kind of pg_dump gives it back, cell by cell.

The server is asked for each value by format('%s', …), which uses the type's output function as a
dump does, and gives it as hexadecimal digits, so that nothing is quoted on that way.
"""

import os
import shutil
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Terms
from smalldumps import file_of, pieces_of

DATABASE = "extract_pgdumps"
SAMPLES = {  # values of types whose text has no surprises but is not to be changed either
    "smallint": ["-32768", "0"],
    "integer": ["2147483647"],
    "numeric(30,5)": ["-0.00001", "NaN", "1234567890123456789012345.5"],
    "real": ["1e-30", "-Infinity"],
    "double precision": ["0.1", "1e300", "NaN"],
    "boolean": ["t", "f"],
    "character(5)": ["", "ab", "é"],
    "date": ["2011-05-01", "infinity", "0044-03-15 BC"],
    "time with time zone": ["23:59:60+14"],
    "timestamp": ["1999-12-31 23:59:59.999999"],
    "timestamp with time zone": ["2011-05-01 12:00:00+05:30"],
    "interval": ["1 year 2 mons -3 days 04:05:06.7"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "jsonb": ['{"a": "\\\\ \\" \\n \\u00e9", "b": [1, null]}', '"NULL"'],
    "xml": ["<a b='c'>\n\t\\</a>"],
    "inet": ["10.1.2.3/8", "::1"],
    "macaddr": ["08:00:2b:01:02:03"],
    "bit(5)": ["10101"],
    "bit varying": ["", "1"],
    "text[]": ['{NULL,"NULL","a\\\\b","c\\"d","",","}'],
    "integer[]": ["{{1,2},{3,4}}"],
    "int4range": ["[1,5)", "empty"],
    "point": ["(1.5,-2)"],
    "tsvector": ["'it''s' 'a\\\\b'"],
    "money": ["-1234.5"],
    "extract_mood": ["it's", "),(", "\\N"],
    "extract_pair": ['(1,"a,b\\\\ ""c""")', '(,"")'],
}
TEXTS = ("t", "v", "Odd \"Name'")
NAMES = ("pk", *TEXTS, "b", *(f"c{i}" for i in range(len(SAMPLES))))
MAKE = f"""
CREATE TYPE extract_mood AS ENUM ('it''s', '),(', E'\\\\N');
CREATE TYPE extract_pair AS (i int, t text);
CREATE SCHEMA two;
CREATE TABLE public.t (pk bigint PRIMARY KEY, t text, v varchar(2000), "Odd ""Name'" text, b bytea,
  {", ".join(f"c{i} {kind}" for i, kind in enumerate(SAMPLES))});
CREATE TABLE two.t (LIKE public.t);
CREATE TABLE two.nothing ();
INSERT INTO two.t (pk, t) VALUES (1, 'of another schema');
INSERT INTO two.nothing DEFAULT VALUES;
CREATE FUNCTION two.f() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN INSERT INTO public.t (pk) VALUES (-1); RETURN NULL; END; $f$;
SELECT lo_from_bytea(0, decode(repeat('5c2e0a00ff27', 4000), 'hex')) FROM generate_series(1, 3);
"""
PARTS = [
    *("'", '"', "\\", "\t", "\n", "\r", "\b", "\v", "\f", "\x01", "\x7f", "\u2028", "\ufeff"),
    *(r"\N", "NULL", r"\.", "\n\\.\n", "\r\n", "),(", ");\n", ";", "--", "/*", "$$", "E'", r"\x00"),
    *("COPY t (a) FROM stdin;\n", "INSERT INTO t VALUES (1);\n", "\\connect x\n", "a", "é", "😀"),
]
text = st.none() | st.just("") | st.lists(st.sampled_from(PARTS), max_size=6).map("".join)
data = st.none() | st.binary(max_size=40) | st.just(bytes(range(256)))
row = st.tuples(*[text] * len(TEXTS), data, st.integers(0, len(SAMPLES) * 3))
AWKWARD = [
    *((part, part, part, part.encode(), i) for i, part in enumerate(PARTS)),
    ("\n\\.\n".join(PARTS), "".join(PARTS), "\\" * 7, bytes(range(256)), 0),
    ("", "", "", b"", 1),
    (None, None, None, None, 2),
]
KINDS = {
    "plain": [],
    "plain escape": [],
    "inserts": ["--inserts"],
    "inserts escape": ["--inserts"],
    "column inserts": ["--column-inserts"],
    "rows per insert": ["--rows-per-insert=3"],
    "custom": ["--format=custom"],
    "custom -Z0": ["--format=custom", "-Z0"],
    "custom -Z9": ["--format=custom", "-Z9"],
    "custom inserts": ["--format=custom", "--inserts"],
    "directory": ["--format=directory"],
    "directory -Z0 escape": ["--format=directory", "-Z0"],
    "directory inserts": ["--format=directory", "--rows-per-insert=2"],
    "directory jobs": ["--format=directory", "--jobs=2"],
    "tar": ["--format=tar"],
    "tar inserts": ["--format=tar", "--inserts"],
}
FOLDERS = count()
EXAMPLES = 60 if os.environ.get("CI") == "true" else 15


def literal(value: str | bytes | None, kind: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"decode('{value.hex()}', 'hex')"
    return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')::{kind}"


def inserted(rows) -> str:
    """SQL that makes public.t hold *rows*; each has one value of each kind of sample, or NULL."""
    values = []
    for pk, (*texts, binary, place) in enumerate(rows, 1):
        cells = [str(pk), *(literal(t, "text") for t in texts), literal(binary, "bytea")]
        for i, (kind, samples) in enumerate(SAMPLES.items()):
            sample = None if (place + i) % 4 == 0 else samples[(place + i) % len(samples)]
            cells.append(literal(sample, kind))
        values.append(f"({', '.join(cells)})")
    rows_sql = f"INSERT INTO public.t VALUES {', '.join(values)};" if values else ""
    return f"TRUNCATE public.t; {rows_sql}"


def held(postgres) -> list[tuple[str | bytes | None, ...]]:
    """What the server says public.t holds."""
    cells = ", ".join(
        f"CASE WHEN {quoted} IS NULL THEN '-' ELSE "
        + (
            f"encode({quoted}, 'hex')"
            if name == "b"
            else f"encode(convert_to(format('%s', {quoted}), 'UTF8'), 'hex')"
        )
        + " END"
        for name in NAMES
        if (quoted := '"' + name.replace('"', '""') + '"')
    )
    printed = postgres.run(f"SELECT {cells} FROM public.t ORDER BY pk", DATABASE).decode()
    return [
        tuple(
            None if cell == "-" else bytes.fromhex(cell) if name == "b" else
            bytes.fromhex(cell).decode()
            for name, cell in zip(NAMES, line.split("|"), strict=True)
        )
        for line in printed.splitlines()
    ]  # fmt: skip


def dumped(postgres, folder, kind: str):
    """A dump of the database as a file or folder."""
    form = "escape" if "escape" in kind else "hex"
    postgres.run(f"ALTER DATABASE {DATABASE} SET bytea_output = '{form}'")
    path = folder / "dump"
    postgres.dump(*KINDS[kind], "--file", str(path), DATABASE)
    return path


def read(path, folder) -> list[tuple[str | bytes | None, ...]]:
    reader = open_dump(path, folder, Terms(schema="public"))
    names = [name.lower() for name in NAMES]
    frames = [batch.frame for batch in reader.batches({"t": names})]
    rows = [row for frame in frames for row in frame.select(names).rows()]
    assert reader.row_counts() == {"t": len(rows)}
    return sorted(rows, key=lambda row: int(row[0]))


@pytest.fixture(scope="module")
def filled(postgres):
    postgres.run(f"DROP DATABASE IF EXISTS {DATABASE}")
    postgres.run(f"CREATE DATABASE {DATABASE}")
    postgres.run(f"ALTER DATABASE {DATABASE} SET TimeZone TO 'UTC'")
    postgres.run(MAKE, DATABASE)
    yield postgres
    postgres.run(f"DROP DATABASE {DATABASE}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_awkward_values_comes_back_from_every_kind_of_dump(filled, tmp_path, kind):
    filled.run(inserted(AWKWARD), DATABASE)
    expected = held(filled)
    assert len(expected) == len(AWKWARD)
    path = dumped(filled, tmp_path, kind)
    found = read(path, tmp_path)
    for name, read_as, holds in zip(
        NAMES, zip(*found, strict=True), zip(*expected, strict=True), strict=True
    ):
        assert (name, read_as) == (name, holds)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(row, max_size=8),
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=3, unique=True),
    piece=st.sampled_from([61, 4096, 1 << 22]),
)
@example(rows=[], kinds=sorted(KINDS), piece=4096)
def test_every_table_comes_back_cell_by_cell(filled, tmp_path, rows, kinds, piece):
    filled.run(inserted(rows), DATABASE)
    expected = held(filled)
    for kind in kinds:
        folder = tmp_path / str(next(FOLDERS))
        folder.mkdir()
        path = dumped(filled, folder, kind)
        with pieces_of(piece):
            assert read(path, folder) == expected
        shutil.rmtree(folder)


def test_a_whole_cluster_gives_the_database_that_is_asked_for(filled, tmp_path):
    filled.run(inserted(AWKWARD), DATABASE)
    whole = filled.dump_all("--inserts")
    reader = open_dump(file_of(tmp_path, whole), tmp_path, Terms(schema=f"{DATABASE}.public"))
    assert reader.row_counts() == {"t": len(AWKWARD)}
    reader = open_dump(file_of(tmp_path, whole), tmp_path, Terms(schema=f"{DATABASE}.two"))
    assert reader.row_counts()["t"] == 1


FAMILY = """
CREATE SCHEMA family;
SET search_path = family;
CREATE TABLE study (pk bigint, "when" date, uid text) PARTITION BY RANGE ("when");
CREATE TABLE study_old PARTITION OF study FOR VALUES FROM (MINVALUE) TO ('2010-01-01')
  PARTITION BY LIST (pk);
CREATE TABLE study_old_1 PARTITION OF study_old FOR VALUES IN (1);
CREATE TABLE "study, (new)" (uid text, gone int, pk bigint, "when" date);
ALTER TABLE "study, (new)" DROP COLUMN gone;
ALTER TABLE study ATTACH PARTITION "study, (new)" FOR VALUES FROM ('2010-01-01') TO (MAXVALUE);
INSERT INTO study VALUES (1, '2009-05-05', 'a'), (2, '2011-05-05', 'b'), (3, '2012-05-05', 'c');
CREATE TABLE image (pk bigint, path text);
CREATE TABLE image_2011 (size int) INHERITS (image);
INSERT INTO image VALUES (1, 'x');
INSERT INTO image_2011 VALUES (2, 'y', 5);
"""


@pytest.mark.parametrize("kind", ["plain", "inserts", "custom", "directory", "tar inserts"])
def test_rows_in_partitions_and_inheriting_tables_are_the_rows_of_the_table_above(
    filled, tmp_path, kind
):
    filled.run(f"DROP SCHEMA IF EXISTS family CASCADE; {FAMILY}", DATABASE)
    path = dumped(filled, tmp_path, kind)
    filled.run("DROP SCHEMA family CASCADE", DATABASE)
    reader = open_dump(path, tmp_path, Terms(schema="family"))
    found = {"study": [], "image": []}
    for batch in reader.batches({"study": ["pk", "when", "uid"], "image": ["pk", "path"]}):
        found[batch.table] += batch.frame.rows()
    study = sorted(row[:3] for row in found["study"])
    assert study == [("1", "2009-05-05", "a"), ("2", "2011-05-05", "b"), ("3", "2012-05-05", "c")]
    assert found["image"] == [("1", "x", 1), ("2", "y", 2)]
    assert reader.row_counts()["study_old"] == 1
