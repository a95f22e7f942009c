import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.scripts.oracle import read_oracle
from pacslift.extract.scripts.oracledates import iso_date
from pacslift.extract.sniff import open_dump
from scripttext import TEXTS, cut_into, outcome, terms
from smalldumps import file_of, rows_of

HEAD = """--------------------------------------------------------
--  File created - Wednesday-June-07-2017
--------------------------------------------------------
--------------------------------------------------------
--  DDL for Table PATIENT
--------------------------------------------------------

  CREATE TABLE "PACS"."PATIENT"
   (\t"PK" NUMBER(38,0) NOT NULL ENABLE,
\t"PAT_NAME" VARCHAR2(255 BYTE) DEFAULT 'a;b',
\t"ATTRS" BLOB,
\t"SEEN" TIMESTAMP (6)
   ) SEGMENT CREATION IMMEDIATE
  PCTFREE 10 TABLESPACE "USERS"
 LOB ("ATTRS") STORE AS BASICFILE (TABLESPACE "USERS" ENABLE STORAGE IN ROW CHUNK 8192)
  CREATE OR REPLACE EDITIONABLE TRIGGER "PACS"."TR" BEFORE INSERT ON "PACS"."PATIENT"
BEGIN
  INSERT INTO PACS.PATIENT (PK) VALUES (99);
END;
/
REM INSERTING into PACS.PATIENT
SET DEFINE OFF;
"""
TAIL = "commit;\n"
INSERT = "Insert into PACS.PATIENT (PK,PAT_NAME,ATTRS,SEEN) values "
reused_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
CLOSING = {"[": "]", "(": ")", "{": "}", "<": ">", "!": "!", "~": "~"}
rows = st.lists(
    st.tuples(
        st.integers(-9, 9),
        st.none() | TEXTS,
        st.none() | st.binary(max_size=6),
        st.sampled_from([None, "2017-06-07 16:43:34.500"]),
        st.sampled_from(["plain", "national", "q", "clobs", "chr"]),
    ),
    min_size=1,
    max_size=8,
)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def text_literal(text, form):
    half = len(text) // 2
    match form:
        case "national":
            return "N" + quoted(text)
        case "q":
            opening = next((o for o, c in CLOSING.items() if c + "'" not in text), None)
            mark = opening and not text.endswith(CLOSING[opening])
            return f"q'{opening}{text}{CLOSING[opening]}'" if mark else quoted(text)
        case "clobs":
            return f"TO_CLOB({quoted(text[:half])})\n|| TO_CLOB({quoted(text[half:])})"
        case "chr":
            return "||chr(10)||".join(map(quoted, text.split("\n")))
    return quoted(text)


def row(values):
    pk, name, attrs, seen, form = values
    written = [
        str(pk),
        "null" if name is None else text_literal(name, form),
        "null" if attrs is None else f"HEXTORAW('{attrs.hex().upper()}')",
        "null"
        if seen is None
        else "to_timestamp('07-JUN-17 04.43.34.500 PM','DD-MON-RR HH.MI.SSXFF AM')",
    ]
    return "(" + ",".join(written) + ")"


def script(rows, end=";\n", head=HEAD, tail=TAIL):
    return head + "".join(INSERT + row(values) + end for values in rows) + tail


def expected(rows):
    return [(str(pk), name, attrs, seen) for pk, name, attrs, seen, _ in rows]


@reused_folder
@given(
    rows=rows,
    end=st.sampled_from([";\n", "\n/\n", ";\ncommit;\nREM more\n", " ;\r\n-- 'a\n"]),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
    piece=st.integers(1, 200),
)
def test_every_value_comes_back_however_the_script_is_written_and_cut(
    tmp_path, rows, end, encoding, piece
):
    path = file_of(tmp_path, script(rows, end).encode(encoding))
    with cut_into(piece):
        reader = read_oracle(path)
        assert rows_of(reader, "patient") == expected(rows)
        assert dict(reader.row_counts()) == {"PATIENT": len(rows)}


@reused_folder
@given(rows=rows, data=st.data())
def test_a_script_cut_inside_a_row_is_refused(tmp_path, rows, data):
    whole = script(rows, tail="")
    cut = data.draw(st.integers(len(HEAD) + 1, len(whole) - 2))
    path = file_of(tmp_path, whole[:cut].encode())
    try:
        found = rows_of(read_oracle(path), "patient")
    except DumpDamagedError as error:
        assert re.search(r"last good (row|one) is |after (no )?row", str(error))  # noqa: PT017
        return
    assert found == expected(rows)[: len(found)]
    ends = [len(script(rows[: i + 1], tail="")) for i in range(len(rows))]
    assert any(end - 1 <= cut <= end for end in [len(HEAD), *ends])


def read(tmp_path, body, table="t"):
    return rows_of(read_oracle(file_of(tmp_path, body.encode())), table)


def test_columns_and_types_are_those_of_the_table(tmp_path):
    reader = read_oracle(file_of(tmp_path, script([]).encode()))
    (shape,) = reader.shapes()
    assert shape.name == "PATIENT"
    assert [c.declared for c in shape.columns] == [
        "NUMBER(38,0)",
        "VARCHAR2(255 BYTE)",
        "BLOB",
        "TIMESTAMP (6)",
    ]


def test_without_ddl_the_columns_are_those_of_the_inserts_and_hextoraw_is_bytes(tmp_path):
    body = (
        "Insert into T (A,B) values ('x',null);\nInsert into T (A,B) values ('y',hextoraw('0F'));\n"
    )
    reader = read_oracle(file_of(tmp_path, body.encode()))
    assert [(c.name, c.declared) for c in reader.shapes()[0].columns] == [("A", ""), ("B", "RAW")]
    assert rows_of(reader, "t") == [("x", None), ("y", b"\x0f")]


def test_the_owner_may_be_named_in_one_place_only(tmp_path):
    body = 'CREATE TABLE "T" ("A" RAW(9)) ;\nInsert into PACS.T (a) values (hextoraw(\'41\'));\n'
    reader = read_oracle(file_of(tmp_path, body.encode()))
    assert len(reader.shapes()) == 1
    assert rows_of(reader, "t") == [(b"A",)]


def test_two_owners_with_a_table_of_one_name_are_refused(tmp_path):
    body = "Insert into X.T (A) values (1);\nInsert into Y.T (A) values (1);\n"
    with pytest.raises(DumpFormatError, match=r"X\.T and Y\.T are different tables of one name"):
        read(tmp_path, body)


def test_a_script_that_is_read_is_said_to_prove_nothing(tmp_path):
    reader = read_oracle(file_of(tmp_path, script([]).encode()))
    assert "nothing in such a script proves that it is complete" in reader.findings[0]


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("to_date('2017-06-07 16:43:34','YYYY-MM-DD HH24:MI:SS')", "2017-06-07 16:43:34"),
        ("TO_DATE('07-JUN-17', 'DD-MON-RR')", "2017-06-07"),
        ("to_date('07/06/99','DD/MM/RR','NLS_DATE_LANGUAGE=ENGLISH')", "1999-06-07"),
        ("to_timestamp_tz('2017-06-07 16:43:34 +02:00','YYYY-MM-DD HH24:MI:SS TZH:TZM')",
         "2017-06-07 16:43:34+02:00"),
        ("DATE '2017-06-07'", "2017-06-07"),
        ("timestamp'2017-06-07 01:02:03.4'", "2017-06-07 01:02:03.4"),
        ("EMPTY_CLOB()", ""),
        ("to_date(null,'DD')", None),
        ("unistr('\\00e9\\\\')", "é\\"),
        ("-.5", "-.5"),
        ("1E+05", "1E+05"),
        ("q'[it's ] a' ]'", "it's ] a' "),
        ("nq'!a)!'", "a)"),
        ("'a' || q'(b,)' || chr(39)", "ab,'"),
        ("null", None),
        ("''", ""),
    ],
)  # fmt: skip
def test_every_form_of_a_value_is_read(tmp_path, token, value):
    assert read(tmp_path, f"Insert into T (A,B) values ({token} , 1);\n") == [(value, "1")]


@pytest.mark.parametrize(
    "token",
    ["to_date('07-JUIN-17','DD-MON-RR')", "to_date('07-JUN-17')", "to_date('1','J')",
     "to_date('31-02-2017 25','DD-MM-YYYY HH24')"],
)  # fmt: skip
def test_a_date_that_is_not_understood_is_kept_and_counted(tmp_path, token):
    body = f"Insert into T (A) values ('x');\nInsert into T (A) values ({token});\n"
    (batch,) = read_oracle(file_of(tmp_path, body.encode())).batches({"t": ["a"]})
    assert batch.frame["a"].to_list() == ["x", re.findall("'(.*?)'", token)[0]]
    assert (batch.undecodable[0].rows, batch.undecodable[0].first_row) == (1, 2)


@given(st.datetimes(), st.sampled_from(["MON", "MM", "MONTH"]))
def test_dates_written_with_a_mask_are_read_with_it(when, month):
    letters = {"MON": "%b", "MM": "%m", "MONTH": "%B"}[month]
    text = when.strftime(f"%d {letters} ") + f"{when.year:04} " + when.strftime("%I.%M.%S.%f %p")
    read = iso_date(text, f"DD {month} YYYY HH.MI.SS.FF6 AM")
    assert read == when.replace(microsecond=0).isoformat(" ") + f".{when.microsecond:06}"


@given(st.text(max_size=20), st.text('YRMDHIS24FX-/: A.P"TZ', max_size=20))
def test_no_mask_and_no_text_makes_the_reader_fail(text, mask):
    assert iso_date(text, mask) is None or isinstance(iso_date(text, mask), str)


@pytest.mark.parametrize(
    "rest",
    ["x (3, 4);\n", "(3, 4);\n", "Insert into T (A) values (1, 2);\n",
     "Insert into T (A) values (1)",
     "Insert into T (A) values (1)Insert into T (A) values (1);\n"],
)  # fmt: skip
def test_what_is_no_row_and_no_statement_is_damage(tmp_path, rest):
    with pytest.raises(DumpDamagedError):
        read(tmp_path, "Insert into T (A) values (1);\n" + rest)


@pytest.mark.parametrize(
    "rest",
    [
        "Insert into T (A) select 1 from dual;\n",
        "Insert into T (A) values (SYSDATE);\n",
        "Insert into T (A) values (my_function(1));\n",
        "BEGIN\nInsert into T (A) values (1);\nEND;\n/\n",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_passed_over(tmp_path, rest):
    with pytest.raises(DumpFormatError):
        read(tmp_path, "Insert into T (A) values (1);\n" + rest)


def test_where_the_script_is_cut_into_pieces_does_not_matter(tmp_path):
    text = script([(1, "é\n/\n'", b"\0", None, "q"), (2, None, b"", None, "plain")], "\n/\n")
    path = file_of(tmp_path, text.encode())
    whole = outcome(read_oracle, path, "patient")
    for piece in range(1, 80):
        with cut_into(piece):
            assert outcome(read_oracle, path, "patient") == whole


def test_it_is_known_by_its_content(tmp_path):
    path = file_of(tmp_path, script([(1, "é", None, None, "plain")]).encode("cp1252"))
    reader = open_dump(path, tmp_path, terms({"*": "cp850", "patient": "cp1252"}))
    assert reader.format == "Oracle script"
    assert rows_of(reader, "patient") == [("1", "é", None, None)]
