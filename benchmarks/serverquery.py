"""The shipped adapter's SQL in a server's dialect: what one would run after a restore."""

from collections.abc import Mapping

import sqlglot
from orthancrows import Table
from sqlglot import exp

from pacslift.adapter import load_adapters, shipped_folder


def queries(tables: tuple[Table, ...], dialect: str) -> dict[str, str]:
    """The canonical tables' SELECTs of the Orthanc adapter, for a database that has *tables*."""
    adapter = load_adapters([shipped_folder()])["orthanc"]
    spelled = {table.name.lower(): table.name for table in tables}
    present = {table.name.lower(): table.columns.lower() for table in tables}
    missing = {
        column
        for table, columns in adapter.optional.items()
        for column in columns
        if column not in present.get(table, "")
    }
    return {name: _for(sql, spelled, missing, dialect) for name, sql in adapter.queries.items()}


def _for(sql: str, spelled: Mapping[str, str], missing: set[str], dialect: str) -> str:
    """Tables as the server spells them, columns that this version lacks as NULL, no comments."""
    parsed = sqlglot.parse_one(sql, read="postgres")
    for table in parsed.find_all(exp.Table):
        table.this.set("this", spelled.get(table.name, table.name))
    for column in list(parsed.find_all(exp.Column)):
        if column.name in missing:
            column.replace(exp.null())
    return parsed.sql(dialect, comments=False)
