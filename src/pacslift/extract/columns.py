"""Which columns of which tables an adapter's SQL reads, so that only those are decoded."""

from collections.abc import Iterable, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from pacslift.errors import AdapterFaultError
from pacslift.extract.shapes import TableShape, lowered

_Tables = dict[str, dict[str, str]]  # columns of tables; all are text to sqlglot


def needed_columns(
    queries: Iterable[str],
    shapes: Sequence[TableShape],
    optional: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[str]]:
    """Tables and columns, in lower case, that *queries* read, each column once, as first met.

    *shapes* are the dumps' tables. Tables and columns of *optional* may be missing there and are
    named all the same; the store fills them with null. Anything else that a query names and no
    dump has raises AdapterFaultError, as does SQL that is no SQL.
    """
    tables: _Tables = {}
    for shape in shapes:
        names = (column.name.lower() for column in shape.columns)
        tables.setdefault(shape.name.lower(), {}).update(dict.fromkeys(names, "TEXT"))
    for table, columns in lowered(optional or {}).items():
        tables.setdefault(table, {}).update(dict.fromkeys(columns, "TEXT"))
    needed: dict[str, list[str]] = {}
    for query in queries:
        for scope in _scopes(query, tables):
            for table, column in _read_by(scope, tables):
                known = needed.setdefault(table, [])
                if column is not None and column not in known:
                    known.append(column)
    return needed


def _scopes(query: str, tables: _Tables) -> list[Scope]:
    """The query's SELECTs, inner ones first, with every column given its table."""
    try:
        parsed = sqlglot.parse_one(query)
        for identifier in parsed.find_all(exp.Identifier):
            identifier.set("this", identifier.name.lower())
            identifier.set("quoted", False)
        for table in parsed.find_all(exp.Table):
            table.set("db", None)
            table.set("catalog", None)
        qualified = qualify(parsed, schema=dict(tables), validate_qualify_columns=False)
        return traverse_scope(qualified)
    except SqlglotError as error:
        raise AdapterFaultError(f"the adapter's SQL does not fit the dump: {error}") from error


def _read_by(scope: Scope, tables: _Tables) -> Iterable[tuple[str, str | None]]:
    """The dump's tables that one SELECT reads, with None, and their columns."""
    read = {alias: s.name for alias, s in scope.sources.items() if isinstance(s, exp.Table)}
    for name in read.values():
        if name not in tables:
            raise AdapterFaultError(
                f"the adapter's SQL reads the table {name}, which the dump does not have; if some "
                "versions lack it, list it in [optional]"
            )
        yield name, None
    for column in scope.columns:
        if column.table in read:
            yield read[column.table], _checked(read[column.table], column.name, tables)
        elif column.table not in scope.sources and not _is_output(column, scope):
            among = ", ".join(sorted(read.values()))
            raise AdapterFaultError(
                f"the adapter's SQL reads the column {column.sql()}, which none of its tables "
                f"({among}) has; if some versions lack it, list it in [optional]"
            )


def _checked(table: str, column: str, tables: _Tables) -> str:
    if column not in tables[table]:
        raise AdapterFaultError(
            f"the adapter's SQL reads {table}.{column}, which the dump does not have; if some "
            "versions lack it, list it in [optional]"
        )
    return column


def _is_output(column: exp.Column, scope: Scope) -> bool:
    """Whether the name is one that the SELECT itself gives, which its ORDER BY may use."""
    select = scope.expression
    order = column.find_ancestor(exp.Order, exp.Query)
    return (
        isinstance(select, exp.Query)
        and isinstance(order, exp.Order)
        and not column.table
        and column.name in select.named_selects
    )
