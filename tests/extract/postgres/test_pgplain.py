import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.postgres.pgplain import read_pgplain
from pacslift.extract.shapes import Column, TableShape, Undecodable
from smalldumps import everything, file_of, frames_of, pg_dump, pieces_of, rows_of

TABLE = """
CREATE TABLE public.files (
    pk bigint NOT NULL,
    path character varying(255) DEFAULT 'a, b'::character varying,
    attrs bytea,
    online boolean,
    key integer
);


ALTER TABLE public.files OWNER TO pacs;
"""
FUNCTION = """
CREATE FUNCTION public.f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  INSERT INTO files VALUES (99, 'it''s', NULL, true, 1);
  RETURN NULL;
END;
$$;

CREATE FUNCTION public.g() RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
 INSERT INTO public.files (pk) VALUES (98);
 SELECT CASE WHEN (1 = 2) THEN 3 ELSE 4 END;
END;

CREATE RULE r AS ON INSERT TO public.files DO ALSO ( INSERT INTO other VALUES (1);
 INSERT INTO other VALUES (2););

COMMENT ON FUNCTION public.f() IS 'it''s COPY public.files (pk) FROM stdin;';
"""
COPY = r"""
--
-- Data for Name: files; Type: TABLE DATA; Schema: public; Owner: pacs
--

COPY public.files (pk, path, attrs, online, key) FROM stdin;
1	a/b	\\x00ff	t	\N
2	\N	\N	\N	7
3	it's\\ \t \n "x	\\x	f	-1
\.


"""
INSERTS = r"""
INSERT INTO public.files VALUES (1, 'a/b', '\x00ff', true, NULL);
INSERT INTO public.files VALUES (2, NULL, NULL, NULL, 7);
INSERT INTO public.files VALUES (3, 'it''s\ TAB NEWLINE "x', '\x', false, -1);
""".replace("TAB", "\t").replace("NEWLINE", "\n")
READ = [
    ("1", "a/b", b"\0\xff", "t", None),
    ("2", None, None, None, "7"),
    ("3", "it's\\ \t \n \"x", b"", "f", "-1"),
]


def read(folder, content: bytes, charset: str | None = None):
    return read_pgplain(file_of(folder, content), charset)


@pytest.mark.parametrize(
    "rows",
    [
        COPY,
        INSERTS,
        INSERTS.replace(");\nINSERT INTO public.files VALUES (", "),\n\t(").replace(
            "VALUES (", "VALUES\n\t("
        ),
    ],
    ids=["COPY", "INSERT", "rows-per-insert"],
)
def test_a_dump_is_read_with_its_tables_types_rows_and_server(tmp_path, rows):
    reader = read(tmp_path, pg_dump(FUNCTION, TABLE, FUNCTION, rows, FUNCTION))
    columns = (
        Column("pk", "bigint"),
        Column("path", "character varying(255)"),
        Column("attrs", "bytea"),
        Column("online", "boolean"),
        Column("key", "integer"),
    )
    assert reader.shapes() == [TableShape("files", columns)]
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"files": 3}
    assert reader.server == "PostgreSQL 15.20"


def test_columns_not_asked_for_are_not_given(tmp_path):
    batches = list(read(tmp_path, pg_dump(TABLE, COPY)).batches({"Files": ["KEY", "missing"]}))
    assert [b.frame.to_dict(as_series=False) for b in batches] == [
        {"key": [None, "7", "-1"], "origin_row": [1, 2, 3]}
    ]


def test_an_empty_table_is_followed_by_the_next_at_once(tmp_path):
    dump = pg_dump(TABLE, "COPY public.files (pk, path) FROM stdin;\n\\.\n", COPY.lstrip())
    assert len(rows_of(read(tmp_path, dump), "files")) == 3


def test_empty_text_and_null_and_the_word_null_differ(tmp_path):
    dump = pg_dump("CREATE TABLE t (a text);\nCOPY t (a) FROM stdin;\n\n\\N\nNULL\n\\\\N\n\\.\n")
    assert rows_of(read(tmp_path, dump), "t") == [("",), (None,), ("NULL",), (r"\N",)]


def test_bytea_in_the_escape_format_of_old_servers_is_bytes(tmp_path):
    dump = pg_dump("CREATE TABLE t (a bytea);\nCOPY t FROM stdin;\na\\\\000\\\\377\\\\\\\\b\n\\.\n")
    assert rows_of(read(tmp_path, dump), "t") == [(b"a\0\xff\\b",)]


def test_columns_a_table_inherits_are_known_from_its_rows(tmp_path):
    dump = pg_dump("CREATE TABLE c (b text)\nINHERITS (p);\nCOPY c (a, b) FROM stdin;\n1\tx\n\\.\n")
    assert rows_of(read(tmp_path, dump), "c") == [("x", "1")]


def test_the_oid_column_of_old_dumps_is_a_column(tmp_path):
    dump = pg_dump("CREATE TABLE t (a text);\nCOPY t (a) WITH OIDS FROM stdin;\n77\tx\n\\.\n")
    assert rows_of(read(tmp_path, dump), "t") == [("x",)]


def test_tables_of_one_name_in_two_schemas_are_not_mixed(tmp_path):
    dump = pg_dump(TABLE, COPY, (TABLE + COPY).replace("public", "audit"))
    with pytest.raises(DumpFormatError, match=r"public\.files and audit\.files are different"):
        list(read(tmp_path, dump).batches({"files": ["pk"]}))


def test_a_backslash_escapes_where_standard_conforming_strings_are_off(tmp_path):
    dump = pg_dump(
        "SET standard_conforming_strings = off;\nCREATE TABLE t (a text);\n",
        r"INSERT INTO t VALUES ('it\'s\\'), (E'\\');",
    )
    assert rows_of(read(tmp_path, dump), "t") == [("it's\\",), ("\\",)]


@pytest.mark.parametrize(
    "rows", ["COPY t (a) FROM stdin;\né\n\\.\n", "INSERT INTO t VALUES ('é');\n"]
)
@pytest.mark.parametrize("charset", [None, "latin1"])
def test_text_is_read_in_the_client_encoding_or_in_what_the_job_says(tmp_path, rows, charset):
    encoding = "UTF8" if charset else "LATIN1"
    dump = pg_dump(
        f"SET client_encoding = '{encoding}';\nCREATE TABLE t (a text);\n", rows.encode("latin1")
    )
    assert rows_of(read(tmp_path, dump, charset), "t") == [("é",)]


@pytest.mark.parametrize(
    "rows",
    [
        b"COPY t (a) FROM stdin;\nx\n\\\\\xff\n\\.\n",
        b"INSERT INTO t VALUES ('x');\nINSERT INTO t VALUES ('\\\xff');\n",
    ],
)
def test_what_is_no_text_is_kept_counted_and_located(tmp_path, rows):
    dump = pg_dump("CREATE TABLE t (a text);\n", rows)
    (batch,) = read(tmp_path, dump).batches({"t": ["a"]})
    assert batch.frame["a"].to_list() == ["x", r"\\xff"]
    assert batch.undecodable == (Undecodable("t", "a", 1, 2),)


HOSTILE = {
    "body": (
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql\nBEGIN ATOMIC\n",
        " SELECT 1;\n",
        "END;\n",
    ),
    "rule": ("CREATE RULE r AS ON INSERT TO t DO ALSO (", "SELECT 1;\n", ");\n"),
    "dollars": ("SELECT ", "$a$ $b$ ", "$b$ $a$;\n"),
    "comments": ("", "/* -- */ ; -- \n", ""),
    "blocks": ("CREATE TABLE t (a text);\n", "COPY t (a) FROM stdin;\n\\.\n", ""),
    "a long line": ("CREATE TABLE t (a text);\nCOPY t (a) FROM stdin;\n", "a\\\\", "\n\\.\n"),
    "wide": ("CREATE TABLE t (a text);\nCOPY t (a) FROM stdin;\n1\n", "\t", "\n\\.\n"),
    "objects": ("", "SELECT pg_catalog.lowrite(0, '\\x2727275c5c');\n", ""),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_the_bytes_take_twice_the_time(tmp_path, kind):
    head, again, tail = HOSTILE[kind]

    def seconds(size: int) -> float:
        path = file_of(tmp_path, pg_dump(head, again * (size // len(again)), tail))
        took = []
        for _ in range(3):
            began = time.process_time()
            with suppress(DumpDamagedError):
                list(read_pgplain(path).batches({"t": ["a"]}))
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(1 << 18) < 5 * seconds(1 << 17) + 0.05


def test_windows_line_ends_change_nothing(tmp_path):
    content = pg_dump(TABLE, FUNCTION, COPY).replace(b"\n", b"\r\n")
    assert rows_of(read(tmp_path, content), "files") == READ


@pytest.mark.parametrize("rows", [COPY, INSERTS])
def test_a_dump_cut_at_any_byte_is_refused_and_names_where(tmp_path, rows):
    dump = pg_dump(TABLE, FUNCTION, rows)
    for cut in range(len("--\n-- PostgreSQL database dump\n"), dump.index(b"complete") + 7):
        reader = read(tmp_path, dump[:cut])
        with pytest.raises(DumpDamagedError, match="dump"):
            list(reader.batches(everything(reader)))


def test_a_dump_cut_inside_a_copy_names_table_and_last_good_row(tmp_path):
    dump = pg_dump(TABLE, COPY)
    with pytest.raises(DumpDamagedError, match=r"table files ends .* The last good row is 2\."):
        read(tmp_path, dump[: dump.index(b"it's")]).shapes()


@pytest.mark.parametrize("line", [b"1\t2\n", b"1\t2\t3\t4\n"])
def test_a_row_with_too_few_or_too_many_values_is_damage(tmp_path, line):
    dump = pg_dump(
        "CREATE TABLE t (a text, b text, c text);\nCOPY t (a, b, c) FROM stdin;\n1\t2\t3\n",
        line,
        "1\t2\t3\t4\n" if len(line) < 5 else "1\t2\n",
        "\\.\n",
    )
    reader = read(tmp_path, dump)
    with pytest.raises(DumpDamagedError, match=r"row 2 has . values, the table has 3 columns"):
        list(reader.batches({"t": ["a"]}))


@pytest.mark.parametrize(
    "copy", ["COPY t (a) FROM stdin WITH CSV;\n1\n\\.\n", "1\n;\\.\n", "COPY t FROM '/x';\n"]
)
def test_rows_in_another_form_than_pg_dumps_are_refused_and_not_passed_over(tmp_path, copy):
    with pytest.raises(DumpFormatError, match="Make the dump with pg_dump"):
        read(tmp_path, pg_dump("CREATE TABLE t (a text);\n", copy)).shapes()


@given(st.integers(1, 50), st.sampled_from([COPY, INSERTS]))
def test_how_the_dump_is_cut_into_pieces_does_not_matter(tmp_path_factory, size, rows):
    reader = read(tmp_path_factory.getbasetemp(), pg_dump(TABLE, FUNCTION, rows, FUNCTION))
    with pieces_of(size):
        assert rows_of(reader, "files") == READ


value = st.none() | st.text(alphabet="a\\\t\n\r\bN.x0é\"',", max_size=6)


def copied(value: str | None) -> str:
    """As COPY TO writes it."""
    if value is None:
        return r"\N"
    for plain, escape in [
        ("\\", r"\\"),
        ("\t", r"\t"),
        ("\n", r"\n"),
        ("\r", r"\r"),
        ("\b", r"\b"),
    ]:
        value = value.replace(plain, escape)
    return value


@given(
    st.lists(st.tuples(value, value), max_size=9),
    st.integers(1, 30),
    st.sampled_from(["utf-8", "latin1"]),
)
def test_every_value_that_copy_writes_comes_back(tmp_path_factory, rows, size, codec):
    lines = "".join("\t".join(map(copied, row)) + "\n" for row in rows)
    script = (
        f"SET client_encoding = '{codec.replace('-', '')}';\nCREATE TABLE t (a text, b text);\n"
        f"COPY t (a, b) FROM stdin;\n{lines}\\.\n"
    )
    reader = read(tmp_path_factory.getbasetemp(), pg_dump(script.encode(codec)))
    with pieces_of(size):
        assert rows_of(reader, "t") == rows


# ---------------------------------------------------------------------------------------------
# Against a real server

SQL = r"""
CREATE SCHEMA "Other Schema";
CREATE TABLE t (pk bigint PRIMARY KEY, txt text, "Odd ""Name" varchar(50), b bytea, f boolean,
  num numeric(10,3), d double precision, stamp timestamp with time zone, bits bit(5), key int,
  g bigint GENERATED ALWAYS AS (pk * 2) STORED);
CREATE TABLE "Other Schema".empty_one (a int GENERATED ALWAYS AS IDENTITY, "index" text);
CREATE VIEW v AS SELECT pk FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN INSERT INTO t VALUES (1000); RETURN NULL; END; $f$;
CREATE PROCEDURE q() LANGUAGE sql BEGIN ATOMIC INSERT INTO t (pk) VALUES (1001); SELECT 1; END;
CREATE TRIGGER tr AFTER DELETE ON t EXECUTE FUNCTION f();
CREATE RULE r AS ON UPDATE TO "Other Schema".empty_one DO ALSO
  (INSERT INTO t (pk) VALUES (1002); INSERT INTO t (pk) VALUES (1003));
SET TIME ZONE 'UTC';
INSERT INTO t VALUES
 (1, E'it''s "x" \\ \n \r \t \b $$ ; \\.', 'Müller', '\x00ff275c0a', true, 1.5, 0.1,
  '2011-05-01', B'10101', 1),
 (2, '),(;NULL', '', '', false, -2, 'Infinity', NULL, B'00000', -1),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, '\N', '\.', '\x5c2e', true, 'NaN', 1e300, NULL, NULL, 0);
"""
NAMES = ("pk", "txt", 'odd "name', "b", "f", "num", "d", "stamp", "bits", "key")
HELD = [
    (
        "1",
        'it\'s "x" \\ \n \r \t \b $$ ; \\.',
        "Müller",
        b"\0\xff'\\\n",
        "t",
        "1.500",
        "0.1",
        "2011-05-01 00:00:00+00",
        "10101",
        "1",
    ),
    ("2", "),(;NULL", "", b"", "f", "-2.000", "Infinity", None, "00000", "-1"),
    ("3", None, None, None, None, None, None, None, None, None),
    ("4", r"\N", r"\.", b"\\.", "t", "NaN", "1e+300", None, None, "0"),
]


@pytest.fixture(scope="module")
def database(postgres):
    name = "extract_pgplain"
    postgres.run(f"DROP DATABASE IF EXISTS {name}")
    postgres.run(f"CREATE DATABASE {name}")
    postgres.run(f"ALTER DATABASE {name} SET TimeZone TO 'UTC'")
    postgres.run(SQL, name)
    yield name
    postgres.run(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--inserts"],
        ["--column-inserts"],
        ["--rows-per-insert=3"],
        ["--data-only"],
        ["--clean", "--if-exists", "--create", "--no-owner"],
        ["--encoding=LATIN1"],
        ["--quote-all-identifiers", "--disable-dollar-quoting"],
        ["--on-conflict-do-nothing", "--inserts"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("size", [1 << 20, 37])
def test_a_real_dump_gives_what_the_server_held(postgres, database, tmp_path, options, size):
    reader = read(tmp_path, postgres.dump(*options, database))
    with pieces_of(size):
        frame = frames_of(reader)["t"]
    held = HELD
    if "--data-only" in options:  # nothing says then that it is binary
        held = [
            (*row[:3], None if row[3] is None else rf"\x{row[3].hex()}", *row[4:]) for row in HELD
        ]
    for name, read_as, expected in zip(
        NAMES, frame.select(NAMES), zip(*held, strict=True), strict=True
    ):
        assert (name, read_as.to_list()) == (name, list(expected))
    assert reader.row_counts() == {"t": 4, "empty_one": 0} or "--data-only" in options
