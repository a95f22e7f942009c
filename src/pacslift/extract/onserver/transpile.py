"""The adapters' SQL as a server's own SQL, with the same rows as on the extracted tables.

There every column is text, and text compares by its bytes; textual.py makes them so. Optional
columns that the server does not have are NULL. All names are quoted as its catalog spells them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from pacslift.extract.charset.shares import SHARE, SHARES, branches, in_shares
from pacslift.extract.onserver.portable import NotOnServerError, require_portable, respelt
from pacslift.extract.onserver.servers import Server
from pacslift.extract.onserver.servertables import ServerColumn, ServerTable
from pacslift.extract.onserver.textual import (
    Catalog,
    as_text,
    columns_as_text,
    on_server,
    source_of,
)
from pacslift.extract.shapes import Column


@dataclass(frozen=True, slots=True)
class ServerQuery:
    """SQL in the server's dialect, and what its columns hold: declared "text" or "blob".

    *share* is the same with the rows of one share of several, for drivers that keep a whole
    result; SHARES and SHARE stand in it for the numbers. "" where the dialect needs none.
    """

    sql: str
    columns: tuple[Column, ...]
    share: str = ""

    def shared(self, shares: int) -> Iterator[str]:
        """SQL for each of *shares* parts of the rows, told apart by a checksum of a key."""
        for number in range(shares):
            yield self.share.replace(SHARES, str(shares)).replace(SHARE, str(number))


def server_query(
    query: str, catalog: Catalog, optional: Mapping[str, Sequence[str]], server: Server
) -> ServerQuery:
    """An adapter's *query* for *server*, whose tables are *catalog*.

    *optional* are the tables and columns, in lower case, that may be missing. Raises
    NotOnServerError if it cannot be said in the server's dialect, or not surely the same.
    """
    try:
        parsed = _qualified(query, catalog, optional)
        require_portable(parsed, server.dialect)
        binary = _binary_columns(parsed, catalog)
        columns_as_text(parsed, catalog, server)
        _tables_of_server(parsed, catalog)
        respelt(parsed, server.dialect)
        columns = tuple(
            Column(name, "blob" if name in binary else "text") for name in parsed.named_selects
        )
        share = in_shares(parsed, server)
        return ServerQuery(
            _sent(parsed, binary, server), columns, _sent(share, binary, server) if share else ""
        )
    except SqlglotError as error:
        raise NotOnServerError(f"it cannot be said in {server.dialect}: {error}") from error


def table_query(table: ServerTable, columns: Sequence[ServerColumn], server: Server) -> ServerQuery:
    """All rows of *table* with these *columns*; one that is null where there are none."""
    parsed: exp.Query = exp.select().from_(_real(table, None))
    for column in columns:
        named = exp.column(exp.to_identifier(column.name, quoted=True))
        text = named if column.binary else as_text(named, column, server)
        parsed = parsed.select(exp.alias_(text, column.name.lower(), quoted=True))
    if not columns:
        parsed = parsed.select(exp.alias_(exp.Null(), "nothing", quoted=True))
    declared = {c.name.lower(): "blob" if c.binary else "text" for c in columns}
    shown = tuple(Column(name, kind) for name, kind in declared.items())
    binary = {name for name, kind in declared.items() if kind == "blob"}
    share = in_shares(parsed, server)
    return ServerQuery(
        _sent(parsed, binary, server), shown, _sent(share, binary, server) if share else ""
    )


def _qualified(query: str, catalog: Catalog, optional: Mapping[str, Sequence[str]]) -> exp.Query:
    """The query with names in lower case and every column given its table."""
    parsed = sqlglot.parse_one(query, read="postgres")
    for identifier in parsed.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
    for table in parsed.find_all(exp.Table):
        table.set("db", None)
    for node in parsed.walk():
        node.comments = None
    schema = {
        name: dict.fromkeys((c.name.lower() for c in table.columns), "TEXT")
        for name, table in catalog.items()
    }
    for name, columns in optional.items():
        schema.setdefault(name, {}).update(dict.fromkeys(columns, "TEXT"))
    qualified = qualify(
        parsed, schema=dict(schema), dialect="postgres", validate_qualify_columns=False
    )
    if not isinstance(qualified, exp.Query):
        raise NotOnServerError("it is no SELECT")
    return qualified


def _binary_columns(query: exp.Query, catalog: Catalog) -> set[str]:
    """The output columns that are a binary column passed on as it is."""
    scopes = {id(scope.expression): scope for scope in traverse_scope(query)}
    return {name for name in query.named_selects if _passes_binary(name, query, scopes, catalog)}


def _passes_binary(
    name: str, query: exp.Expr, scopes: Mapping[int, Scope], catalog: Catalog
) -> bool:
    while isinstance(query, (exp.Union, exp.Subquery)):  # its first SELECT names the columns
        query = query.this
    scope = scopes[id(query)]
    selects = query.selects if isinstance(query, exp.Query) else []
    made = next((s.unalias() for s in selects if s.alias_or_name == name), None)
    if not isinstance(made, exp.Column):
        return False
    source = source_of(made, scope)
    if isinstance(source, Scope):
        return _passes_binary(made.name, source.expression, scopes, catalog)
    found = on_server(made, scope, catalog)
    return found is not None and found.binary


def _tables_of_server(query: exp.Query, catalog: Catalog) -> None:
    """Replace the names of tables by the server's, in place; a missing table has no rows."""
    for scope in traverse_scope(query):
        for alias, source in list(scope.sources.items()):
            if isinstance(source, exp.Table):
                table = catalog.get(source.name)
                if table is None:
                    raise NotOnServerError(f"the server has no table {source.name}")
                source.replace(_real(table, alias))


def _real(table: ServerTable, alias: str | None) -> exp.Table:
    named = exp.table_(table.name, db=table.schema or None, quoted=True)
    if alias:
        named.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return named


def _as_digits(query: exp.Expr, binary: set[str], server: Server) -> None:
    """Have every output column, in each branch of a UNION, sent as hexadecimal digits."""
    names = query.named_selects if isinstance(query, exp.Query) else []
    for branch in branches(query):
        for name, made in zip(names, branch.selects, strict=True):
            digits = _digits(made.unalias().copy(), server, text=name not in binary)
            made.replace(exp.alias_(digits, name, quoted=True))


def _digits(made: exp.Expr, server: Server, *, text: bool) -> exp.Expr:
    if server.dialect == "sqlite":  # its HEX(NULL) is empty
        null = exp.Is(this=made.copy(), expression=exp.Null())
        return exp.case().when(null, exp.Null()).else_(exp.func("HEX", made, dialect="sqlite"))
    chars = exp.Cast(this=made, to=exp.DataType.build("CHAR", dialect="mysql"))
    return exp.func("HEX", chars if text else made, dialect="mysql")


def _sent(query: exp.Expr, binary: set[str], server: Server) -> str:
    if server.hexed:
        _as_digits(query, binary, server)
    return query.sql(
        server.dialect, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE
    )
