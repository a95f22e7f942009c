"""Every shipped adapter's SQL can be said in every dialect that the adapter lists."""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlglot
from sqlglot import exp

from pacslift.adapter import Adapter, Names, load_adapters
from pacslift.cases import load_case
from pacslift.extract.onserver.portable import NotOnServerError
from pacslift.extract.onserver.servers import by_dialect
from pacslift.extract.onserver.servertables import ServerColumn, ServerTable
from pacslift.extract.onserver.transpile import server_query
from pacslift.extract.take import names_of, opened_dumps
from readcases import FIXTURES

ADAPTERS = load_adapters()
DIALECTS = ["mysql", "postgres", "sqlite", "tsql", "oracle"]
LISTED = [(name, dialect) for name, a in sorted(ADAPTERS.items()) for dialect in a.dialects]
TABLE = {
    "t": ServerTable("Pacs", "T", tuple(ServerColumn(name, kind, "utf8mb4_general_ci") for
                     name, kind in (("Id", "bigint(20)"), ("Up", "int"), ("Name", "varchar(64)"),
                                    ("Other", "varchar(64)"), ("Pixels", "longblob"))))
}  # fmt: skip


def tables_of(adapter: Adapter) -> dict[str, ServerTable]:
    """Tables with the columns that the adapter knows, and those of its cases' dumps.

    Spelt as a server might spell them.
    """
    names: dict[str, dict[str, None]] = {}
    for known in (adapter.identify, adapter.optional, *dumped(adapter.name)):
        for table, columns in known.items():
            names.setdefault(table, {}).update(dict.fromkeys(columns))
    return {
        table: ServerTable("dbo", table.title(),
                           tuple(ServerColumn(c.upper(), "varchar(64)") for c in columns))
        for table, columns in names.items()
    }  # fmt: skip


@cache
def dumped(name: str) -> list[Names]:
    """Tables and columns of the dumps of an adapter's cases."""
    known = []
    for path in sorted((FIXTURES / name).glob("*/case.toml")):
        dumps = load_case(path.parent).dumps
        with TemporaryDirectory() as private, opened_dumps(dumps, Path(private)) as readers:
            known.append(names_of(readers))
    return known


def said(query: str, dialect: str, **optional: list[str]) -> str:
    return server_query(query, TABLE, optional, by_dialect(dialect)).sql


def test_the_shipped_adapters_list_dialects():
    assert {dialect for _, dialect in LISTED} >= {"mysql", "postgres", "sqlite", "tsql"}


@pytest.mark.parametrize(("name", "dialect"), LISTED)
def test_every_query_can_be_said_in_every_dialect_its_adapter_lists(name, dialect):
    adapter = ADAPTERS[name]
    for query in adapter.queries.values():
        made = server_query(query, tables_of(adapter), adapter.optional, by_dialect(dialect))
        parsed = sqlglot.parse_one(made.sql, read=dialect)
        assert parsed.named_selects == [column.name for column in made.columns]
        assert not list(parsed.find_all(exp.Command))
        assert not parsed.find(exp.SplitPart) or dialect == "postgres"
        named = {t.name for t in parsed.find_all(exp.Table)}
        assert {t for t in named if t.istitle()} <= {t.name for t in tables_of(adapter).values()}


@pytest.mark.parametrize("dialect", ["tsql", "oracle"])
def test_texts_are_joined_with_the_servers_own_sign(dialect):
    joined = said("SELECT name || '/' || other AS path FROM t", dialect)
    assert ("+" in joined) == (dialect == "tsql")
    assert ("||" in joined) == (dialect == "oracle")


def test_a_text_joined_with_null_is_null_in_oracle_too():
    assert "IS NULL" in said("SELECT name || other AS path FROM t", "oracle")


@pytest.mark.parametrize(
    ("dialect", "word"),
    [("mysql", "LOCATE"), ("sqlite", "INSTR"), ("tsql", "CHARINDEX"), ("oracle", "INSTR")],
)
def test_split_part_is_written_out_where_there_is_none(dialect, word):
    made = said("SELECT SPLIT_PART(name, '.', 1) AS device FROM t", dialect)
    assert word in made
    assert "SPLIT_PART" not in made


@pytest.mark.parametrize(
    ("dialect", "kind"),
    [("mysql", "CHAR"), ("oracle", "VARCHAR2(4000)"), ("tsql", "NVARCHAR(MAX)"),
     ("sqlite", "TEXT")],
)  # fmt: skip
def test_a_cast_to_text_names_a_type_that_the_server_has(dialect, kind):
    assert f"AS {kind})" in said("SELECT CAST(COUNT(id) AS TEXT) AS n FROM t", dialect)


def test_lengths_count_blanks_at_the_end_in_tsql_too():
    assert re.search(r"LEN\(.* \+ '\.'\) - 1", said("SELECT LENGTH(name) AS n FROM t", "tsql"))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_texts_compare_by_their_bytes(dialect):
    made = said("SELECT MAX(name) AS n FROM t WHERE name LIKE 'MAG%'", dialect)
    mark = {"mysql": "COLLATE utf8mb4_0900_bin", "postgres": 'COLLATE "C"', "sqlite": "BINARY",
            "tsql": "Latin1_General_100_BIN2", "oracle": "TO_CHAR"}[dialect]  # fmt: skip
    assert made.count(mark) >= 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_whole_numbers_are_joined_and_compared_as_such_so_that_indexes_serve(dialect):
    made = said("SELECT a.name AS n FROM t AS a JOIN t AS b ON b.up = a.id WHERE a.up = '8'",
                dialect)  # fmt: skip
    parsed = sqlglot.parse_one(made, read=dialect)
    for equal in parsed.find_all(exp.EQ):
        assert isinstance(equal.this, exp.Column)
        assert isinstance(equal.expression, (exp.Column, exp.Literal))
        assert not equal.expression.is_string


def test_texts_are_joined_by_the_index_and_by_their_bytes_where_case_does_not_count():
    made = said("SELECT a.id AS n FROM t AS a JOIN t AS b ON b.name = a.other", "mysql")
    parsed = sqlglot.parse_one(made, read="mysql")
    wide, exact = parsed.find(exp.And).this, parsed.find(exp.And).expression
    assert wide.sql("mysql") == "`b`.`Name` = `a`.`Other`"
    assert exact.sql("mysql").count("COLLATE utf8mb4_0900_bin") == 2


def test_a_text_as_a_number_is_not_compared_as_one():
    made = said("SELECT id AS n FROM t WHERE id = '08'", "postgres")
    assert made.endswith("""WHERE CAST("t"."Id" AS TEXT) COLLATE "C" = '08'""")


def test_an_optional_column_that_the_server_lacks_is_null():
    made = said("SELECT COALESCE(later, name) AS n FROM t", "postgres", t=["later"])
    assert "COALESCE(CAST(NULL AS TEXT), " in made


def test_an_optional_table_that_the_server_lacks_has_the_tables_read_instead():
    with pytest.raises(NotOnServerError, match="no table u"):
        said("SELECT later AS n FROM u", "postgres", u=["later"])


def test_bytes_stay_bytes():
    made = server_query("WITH c AS (SELECT pixels AS p, name FROM t) SELECT p AS a, name AS n "
                        "FROM c UNION ALL SELECT pixels, name FROM t", TABLE, {},
                        by_dialect("mysql"))  # fmt: skip
    assert [(c.name, c.binary) for c in made.columns] == [("a", True), ("n", False)]
    assert "HEX(`c`.`p`) AS `a`" in made.sql
    assert "HEX(`t`.`Pixels`) AS `a`" in made.sql


@pytest.mark.parametrize(
    ("query", "dialect"),
    [
        ("SELECT UPPER(name) AS n FROM t", "sqlite"),
        ("SELECT REVERSE(name) AS n FROM t", "sqlite"),
        ("SELECT name AS n FROM t WHERE name LIKE other", "postgres"),
        ("SELECT name AS n FROM t WHERE name LIKE 'a[b]'", "tsql"),
        ("SELECT SUBSTR(name, -2) AS n FROM t", "mysql"),
        ("SELECT SPLIT_PART(name, '/', 9) AS n FROM t", "mysql"),
        ("SELECT CAST(name AS VARCHAR(3)) AS n FROM t", "mysql"),
        ("SELECT CAST(name AS DATE) AS n FROM t", "postgres"),
        ("SELECT LAG(name) OVER (ORDER BY id) AS n FROM t", "postgres"),
        ("SELECT COALESCE(name, '') AS n FROM t", "oracle"),
        ("SELECT 'ü' AS n FROM t", "tsql"),
        ("SELECT id AS n FROM nowhere", "mysql"),
        ("DELETE FROM t", "mysql"),
    ],
)
def test_what_is_not_surely_the_same_there_is_not_put_to_the_server(query, dialect):
    with pytest.raises(NotOnServerError):
        said(query, dialect)
