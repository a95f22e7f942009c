"""One archive of dcm4chee 2 in the scripts of other databases: the catalog stays the same.

The rows are those of the case mysql, written as HSQLDB, SQL Server and SQL Developer write them.
"""

from dataclasses import replace

import polars as pl
import pytest

from pacslift.extract.sniff import open_dump
from readcases import case_of, catalog_of

MYSQL = "dcm4chee2/mysql"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Every table of the case: columns with their kind (t text, b bytes, n number), and rows."""
    reader = open_dump(case_of(MYSQL).dumps[0], tmp_path_factory.mktemp("private"))
    found = {
        shape.name: ([(c.name, kind_of(c)) for c in shape.columns], []) for shape in reader.shapes()
    }
    wanted = {name: [column for column, _ in columns] for name, (columns, _) in found.items()}
    for batch in reader.batches(wanted):
        frame = batch.frame.drop("origin_row")
        found[batch.table][1].extend(frame.iter_rows())
    reader.close()
    return found


def kind_of(column):
    if column.binary:
        return "b"
    return "t" if column.declared.startswith(("varchar", "datetime")) else "n"


def hsqldb(rows):
    """The .script of HSQLDB 1.8: bytes in hexadecimal, flags as words."""
    kinds = {"b": "VARBINARY", "t": "VARCHAR(256)", "n": "BIGINT"}

    def value(one, kind):
        if one is None:
            return "NULL"
        if kind == "b":
            return f"'{one.hex()}'"
        if kind == "n":
            return one
        text = one.replace("'", "''")
        return "'" + "".join(c if ord(c) < 128 else f"\\u{ord(c):04x}" for c in text) + "'"

    lines = ["CREATE SCHEMA PUBLIC AUTHORIZATION DBA"]
    for name, (columns, _) in rows.items():
        inside = ",".join(f"{column.upper()} {kinds[kind]}" for column, kind in columns)
        lines.append(f"CREATE MEMORY TABLE {name.upper()}({inside})")
    lines += ['CREATE USER SA PASSWORD ""', "GRANT DBA TO SA", "SET WRITE_DELAY 10",
              "SET SCHEMA PUBLIC"]  # fmt: skip
    for name, (columns, table) in rows.items():
        for row in table:
            values = ",".join(value(v, kind) for v, (_, kind) in zip(row, columns, strict=True))
            lines.append(f"INSERT INTO {name.upper()} VALUES({values})")
    return "\n".join(lines) + "\n"


def sql_server(rows):
    """What Management Studio generates, with data."""
    kinds = {"b": "[image]", "t": "[nvarchar](255)", "n": "[numeric](19, 0)"}

    def value(one, kind):
        if one is None:
            return "NULL"
        if kind == "b":
            return f"0x{one.hex().upper()}"
        return one if kind == "n" else "N'" + one.replace("'", "''") + "'"

    lines = ["USE [pacsdb]", "GO"]
    for name, (columns, table) in rows.items():
        inside = ",\n".join(f"\t[{column}] {kinds[kind]} NULL" for column, kind in columns)
        lines += [f"CREATE TABLE [dbo].[{name}](", inside, ") ON [PRIMARY]", "GO"]
        names = ", ".join(f"[{column}]" for column, _ in columns)
        for row in table:
            values = ", ".join(value(v, kind) for v, (_, kind) in zip(row, columns, strict=True))
            lines.append(f"INSERT [dbo].[{name}] ({names}) VALUES ({values})")
        lines.append("GO")
    return "\n".join(lines) + "\n"


def oracle(rows):
    """What SQL Developer exports: empty texts are NULL there."""
    kinds = {"b": "BLOB", "t": "NVARCHAR2(255)", "n": "NUMBER(38,0)"}

    def value(one, kind):
        if one is None or one == "":
            return "null"
        if kind == "b":
            return f"HEXTORAW('{one.hex().upper()}')"
        return one if kind == "n" else "'" + one.replace("'", "''") + "'"

    lines = []
    for name, (columns, _) in rows.items():
        inside = ",\n".join(f'\t"{column.upper()}" {kinds[kind]}' for column, kind in columns)
        lines.append(f'  CREATE TABLE "PACS"."{name.upper()}"\n   ({inside}\n   ) ;')
    for name, (columns, table) in rows.items():
        lines += [f"REM INSERTING into PACS.{name.upper()}", "SET DEFINE OFF;"]
        names = ",".join(column.upper() for column, _ in columns)
        for row in table:
            values = ",".join(value(v, kind) for v, (_, kind) in zip(row, columns, strict=True))
            lines.append(f"Insert into PACS.{name.upper()} ({names}) values ({values});")
    return "\n".join(lines) + "\ncommit;\n"


@pytest.mark.parametrize("write", [hsqldb, sql_server, oracle])
def test_the_catalog_is_the_same_from_every_engine(tmp_path, rows, write):
    script = tmp_path / "pacsdb.script"
    script.write_text(write(rows), encoding="utf-8")
    found = catalog_of(replace(case_of(MYSQL), dumps=(script,)), "dcm4chee2")
    expected = catalog_of(case_of(MYSQL), "dcm4chee2")
    for table in expected.tables:
        assert found[table].sort(pl.all()).equals(expected[table].sort(pl.all())), table
