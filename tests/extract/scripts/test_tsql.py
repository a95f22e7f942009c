import codecs
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.scripts.scriptrows import _Behind
from pacslift.extract.scripts.tsql import PRODUCT, read_tsql
from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Charsets, Terms
from scripttext import TEXTS, cut_into, outcome
from smalldumps import file_of, rows_of

HEAD = """USE [dcm]
GO
/****** Object:  Table [dbo].[pat]]ient]    Script Date: 6/7/2017 4:43:34 PM ******/
SET ANSI_NULLS ON
GO
CREATE TABLE [dbo].[pat]]ient](
\t[pk] [numeric](19, 0) IDENTITY(1,1) NOT NULL,
\t[na;me] [nvarchar](255) NULL,
\t[attrs] [image] NULL,
\t[seen] [datetime] NULL,
 CONSTRAINT [pk_p] PRIMARY KEY CLUSTERED
(
\t[pk] ASC
)WITH (PAD_INDEX = OFF, IGNORE_DUP_KEY = OFF) ON [PRIMARY]
) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]
GO
CREATE TRIGGER [dbo].[tr] ON [dbo].[pat]]ient] AFTER INSERT AS
INSERT [dbo].[pat]]ient] ([pk]) VALUES (99)
GO
SET IDENTITY_INSERT [dbo].[pat]]ient] ON

"""
TAIL = "SET IDENTITY_INSERT [dbo].[pat]]ient] OFF\nGO\n"
INSERT = "INSERT [dbo].[pat]]ient] ([pk], [na;me], [attrs], [seen]) VALUES "
TABLE = "pat]ient"

rows = st.lists(
    st.tuples(
        st.integers(-9, 9),
        st.none() | TEXTS,
        st.none() | st.binary(max_size=6),
        st.none() | st.just("2017-06-07T00:00:00.000"),
    ),
    min_size=1,
    max_size=8,
)
reused_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def literal(value):
    match value:
        case None:
            return "NULL"
        case bytes():
            return "0x" + value.hex().upper()
        case str():
            return "N'" + value.replace("'", "''") + "'"
    return f"CAST({value} AS Numeric(19, 0))"


def row(values):
    *first, seen = map(literal, values)
    date = seen if seen == "NULL" else f"CAST({seen} AS DateTime)"
    return "(" + ", ".join([*first, date]) + ")"


def script(rows, between):
    """A script of *rows*; *between* is what stands between two of them, "," for one statement."""
    joined = (between + ("" if between == ", " else INSERT)).join(map(row, rows))
    return (HEAD + INSERT + joined + "\n" + TAIL).replace("\r", "").replace("\n", "\r\n")


def expected(rows):
    def text(value):
        return None if value is None else value.replace("\r", "").replace("\n", "\r\n")

    return [(str(a), text(b), c, d) for a, b, c, d in rows]


@reused_folder
@given(
    rows=rows,
    between=st.sampled_from(["\n", "\nGO\n", ", ", ";\n", "\n-- 'a\n/* [ */\n",
                             "\nGO\nprint 'Processed 100 total records'\n"]),
    encoding=st.sampled_from(["utf-16", "utf-16-be", "utf-8", "utf-8-sig"]),
    piece=st.integers(1, 200),
)  # fmt: skip
def test_every_value_comes_back_however_the_script_is_written_and_cut(
    tmp_path, rows, between, encoding, piece
):
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    path = file_of(tmp_path, mark + script(rows, between).encode(encoding))
    with cut_into(piece):
        reader = read_tsql(path)
        assert rows_of(reader, TABLE) == expected(rows)
        assert dict(reader.row_counts()) == {TABLE: len(rows)}


def test_types_are_as_declared_without_brackets(tmp_path):
    reader = read_tsql(file_of(tmp_path, script([(1, None, None, None)], "\n").encode("utf-16")))
    (shape,) = reader.shapes()
    assert [c.declared for c in shape.columns] == [
        "numeric(19, 0)",
        "nvarchar(255)",
        "image",
        "datetime",
    ]


@reused_folder
@given(rows=rows, encoding=st.sampled_from(["utf-16", "utf-8"]), data=st.data())
def test_a_script_cut_anywhere_in_its_rows_is_refused(tmp_path, rows, encoding, data):
    whole = script(rows, "\n").encode(encoding)
    start = len(script(rows, "\n").partition("IDENTITY_INSERT")[0].encode(encoding)) + 80
    cut = data.draw(st.integers(start, len(whole) - (20 if encoding == "utf-16" else 10)))
    with pytest.raises(DumpDamagedError, match=r"row \d+|no row of any table|beginning of rows"):
        read_tsql(file_of(tmp_path, whole[:cut])).shapes()


def test_the_last_good_row_is_named(tmp_path):
    whole = script([(1, "a", None, None), (2, "b", None, None)], "\n")
    cut = whole.index("N'b") + 2
    with pytest.raises(
        DumpDamagedError, match=r"table pat\]ient, row 2 .* The last good row is 1\."
    ):
        read_tsql(file_of(tmp_path, whole[:cut].encode("utf-16"))).shapes()


def read(tmp_path, body, table="t"):
    return rows_of(read_tsql(file_of(tmp_path, body.encode("utf-16"))), table)


T = "CREATE TABLE [dbo].[t]([a] [int], [b] [varbinary](max))\nGO\n"


def test_rows_of_the_last_table_need_the_go_that_those_before_had(tmp_path):
    body = T + "INSERT [dbo].[u] ([a]) VALUES (1)\nGO\nINSERT [dbo].[t] ([a]) VALUES (1)\n"
    with pytest.raises(DumpDamagedError, match="ends without GO, after row 1 of table t"):
        read(tmp_path, body)
    assert read(tmp_path, body + "GO\n") == [("1", None)]
    assert read(tmp_path, body.replace("VALUES (1)\nGO", "VALUES (1)")) == [("1", None)]


def test_a_script_that_is_read_is_said_to_prove_nothing(tmp_path):
    reader = read_tsql(file_of(tmp_path, (T + "INSERT [t] ([a]) VALUES (1)\nGO\n").encode()))
    assert "nothing in such a script proves that it is complete" in reader.findings[0]


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("CAST(N'2017-06-07' AS Date)", "2017-06-07"),
        ("CAST(0x00009E0E0095524F AS DateTime)", "2010-10-13T09:03:39.783"),
        ("CAST(0xFFFF2E4600000000 AS DateTime)", "1753-01-01T00:00:00.000"),
        ("CAST(0x002D247F018B81FF AS DateTime)", "9999-12-31T23:59:59.997"),
        ("CAST(0x681B0B00 AS Date)", "1993-12-16"),
        ("CAST(0x98FA003C AS SmallDateTime)", "2007-03-23T01:00:00"),
        ("CAST(0x0780A8EB4C5A20360B AS DateTime2)", "2012-09-07T10:46:23.7569152"),
        ("CAST(0x0010E000 AS Time)", "15:56:00"),
        ("CAST(1.50 AS Decimal(18, 2))", "1.50"),
        ("-1", "-1"),
        ("1.5E+300", "1.5E+300"),
        ("$1.50", "1.50"),
        ("0x00FF", "0x00FF"),
        ("'it''s'", "it's"),
        ("N'NULL'", "NULL"),
        ("N''", ""),
        ("NULL", None),
        ("CAST(NULL AS DateTime)", None),
        ("CAST(N'a(b, ''c'') AS d' AS NVarChar(MAX))", "a(b, 'c') AS d"),
    ],
)
def test_every_form_of_a_value_is_read(tmp_path, token, value):
    body = f"CREATE TABLE [t]([a] [x])\nGO\nINSERT [t] ([a]) VALUES ({token})\nGO\n"
    assert read(tmp_path, body) == [(value,)]


def test_a_date_in_a_form_not_known_is_kept_and_counted(tmp_path):
    body = (
        T + "INSERT [t] ([a]) VALUES (1)\nINSERT [t] ([a]) VALUES (CAST(0x0102 AS DateTime))\nGO\n"
    )
    reader = read_tsql(file_of(tmp_path, body.encode("utf-16")))
    (batch,) = reader.batches({"t": ["a"]})
    assert batch.frame["a"].to_list() == ["1", "0x0102"]
    (odd,) = batch.undecodable
    assert (odd.rows, odd.first_row) == (1, 2)
    assert "kept as the script writes them" in odd.trouble


def test_a_binary_value_may_be_cast(tmp_path):
    body = T + "INSERT [t] ([b]) VALUES (0x), (CAST(0x00FF AS VarBinary(MAX))), (NULL)\nGO\n"
    assert read(tmp_path, body) == [(None, b""), (None, b"\0\xff"), (None, None)]


@pytest.mark.parametrize(
    "rest", ["x (3, 4)\nGO\n", "(3, 4)\nGO\n", "INSERT [t] ([a]) VALUES (1, 2)\nGO\n", ", (3, 4)\n"]
)
def test_what_is_no_row_and_no_statement_is_damage(tmp_path, rest):
    with pytest.raises(DumpDamagedError):
        read(tmp_path, T + "INSERT [t] ([a]) VALUES (1)\n" + rest)


@pytest.mark.parametrize(
    "rest",
    [
        "GO 5\n",
        "INSERT [t] ([a]) SELECT 1\nGO\n",
        "INSERT [t] ([a]) VALUES (GETDATE())\nGO\n",
        "INSERT [t] ([b]) VALUES (0x123)\nGO\n",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_passed_over(tmp_path, rest):
    with pytest.raises(DumpFormatError):
        read(tmp_path, T + "INSERT [t] ([a]) VALUES (1)\n" + rest)


def test_two_schemas_with_a_table_of_one_name_are_refused(tmp_path):
    body = "INSERT [a].[t] ([x]) VALUES (1)\nGO\nINSERT [b].[t] ([x]) VALUES (2)\nGO\n"
    with pytest.raises(DumpFormatError, match=r"a\.t and b\.t are different tables of one name"):
        read(tmp_path, body)


def test_tables_that_take_turns_are_read_in_order(tmp_path):
    body = "".join(
        f"INSERT [{'tu'[i % 2]}] ([a]) VALUES ({i})\n/* {'x' * 5000} */\nGO\n" for i in range(9)
    )
    assert read(tmp_path, body) == [(str(i),) for i in range(0, 9, 2)]


def test_a_table_made_under_a_condition_is_known(tmp_path):
    body = (
        "IF NOT EXISTS (SELECT * FROM sys.objects)\nBEGIN\n"
        "CREATE TABLE [dbo].[t](\n\t[a] [image]\n)\nEND\nGO\nINSERT [dbo].[t] VALUES (0x41)\nGO\n"
    )
    assert read(tmp_path, body) == [(b"A",)]


def test_where_the_script_is_cut_into_pieces_does_not_matter(tmp_path):
    text = script([(1, "é\nGO\n'", b"\0", None), (2, None, b"", None)], "\nGO\n")
    path = file_of(tmp_path, text.encode("utf-16"))
    whole = outcome(read_tsql, path, TABLE)
    for piece in range(1, 80):
        with cut_into(piece):
            assert outcome(read_tsql, path, TABLE) == whole


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig", "cp1252"])
def test_it_is_known_by_its_content(tmp_path, encoding):
    path = file_of(tmp_path, script([(1, "é", None, None)], "\n").encode(encoding))
    said = {"*": "cp1252"} if encoding == "cp1252" else {}
    reader = open_dump(path, tmp_path, Terms(Charsets.of(said)))
    assert reader.format == "T-SQL script"
    assert rows_of(reader, TABLE) == [("1", "é", None, None)]


def test_a_row_that_is_damaged_is_found_at_once(tmp_path):
    """The judgement of what stands behind a row looks at the row after it, and no further."""
    header = b"INSERT [t] VALUES "
    rest = header + b"(1, 2" + b"x" * 10_000
    assert _Behind(header, PRODUCT.form).judge(rest, 0, len(rest), last=False)[0].name == "OPEN_ROW"
    assert re.fullmatch("NO_ROW", _Behind(header, PRODUCT.form).judge(
        header + b"(1) 2" + b"x" * 10_000, 0, 10_000, last=False)[0].name)  # fmt: skip
