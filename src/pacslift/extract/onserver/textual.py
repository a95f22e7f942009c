"""A query's columns as the text they would be in a dump, in place.

Each column of the server's tables is made text where it is read, except where the outcome is the
same without: whole numbers that are compared with whole numbers or grouped, IS NULL, and, on
servers whose = is exact, texts of one type. Where = is wider (case, blanks) the wide comparison is
kept beside the exact one. That leaves the joins on keys, which is where a server needs its indexes.
"""

import re
from collections.abc import Mapping

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from pacslift.extract.onserver.servers import Server
from pacslift.extract.onserver.servertables import ServerColumn, ServerTable
from pacslift.patterns import compiled

Catalog = Mapping[str, ServerTable]  # by lower-case name
_Found = Mapping[int, ServerColumn | None]  # by the id of a query's column
_NUMBER = compiled(r"0|-?[1-9]\d{0,17}")


def columns_as_text(query: exp.Query, catalog: Catalog, server: Server) -> None:
    """Replace the columns of tables by their text; an optional one that is missing by NULL."""
    for scope in traverse_scope(query):
        columns = [c for c in scope.columns if isinstance(source_of(c, scope), exp.Table)]
        found = {id(column): on_server(column, scope, catalog) for column in columns}
        for column in columns:
            if (said := found[id(column)]) is not None:
                column.set("this", exp.to_identifier(said.name, quoted=True))
        for column in columns:
            said = found[id(column)]
            if said is None:
                column.replace(exp.cast(exp.Null(), "TEXT"))
            elif not said.binary and not _kept(column, said, found, server):
                column.replace(as_text(column, said, server))


def as_text(column: exp.Expr, said: ServerColumn, server: Server) -> exp.Expr:
    """*column* as the text a dump would have of it."""
    template = next(
        sql for kind, sql in server.as_text if re.match(kind, said.declared, re.IGNORECASE)
    )
    parsed: exp.Expr = exp.maybe_parse(template, dialect=server.dialect)
    if isinstance(parsed, exp.Column):
        return column.copy()
    for place in list(parsed.find_all(exp.Column)):
        place.replace(column.copy())
    return parsed


def source_of(column: exp.Column, scope: Scope) -> Scope | exp.Table | None:
    """The table or the inner SELECT that *column* of *scope* is of."""
    source = scope.sources.get(column.table)
    return source if isinstance(source, (Scope, exp.Table)) else None


def on_server(column: exp.Column, scope: Scope, catalog: Catalog) -> ServerColumn | None:
    """What the catalog says of a column of a table; None for an optional one that is missing."""
    source = source_of(column, scope)
    if not isinstance(source, exp.Table):
        return None
    table = catalog.get(source.name)
    return table.column(column.name) if table else None


def _kept(column: exp.Column, said: ServerColumn, found: _Found, server: Server) -> bool:
    """Whether the column means the same without being made text; what is beside it may change."""
    match column.parent:
        case exp.Is() | exp.Count():
            return True
        case exp.Cast() as cast:
            return said.whole and bool(cast.to.is_type(*exp.DataType.INTEGER_TYPES))
        case exp.Group() | exp.Window():
            return said.whole and column.arg_key in {"expressions", "partition_by"}
        case exp.EQ() | exp.NEQ() as compared:
            other = compared.expression if compared.this is column else compared.this
            if said.whole:
                return _is_whole(other, found)
            return _equal_as_they_are(compared, said, found.get(id(other)), server)
        case _:
            return False


def _is_whole(other: exp.Expr, found: _Found) -> bool:
    """Whether *other* is a whole number too; one that is written as a text loses its quotes."""
    if other.is_string and _NUMBER.fullmatch(other.this):
        other.replace(exp.Literal.number(other.this))
        return True
    against = found.get(id(other))
    return bool(other.is_number) or (against is not None and against.whole)


def _equal_as_they_are(
    compared: exp.Expr, said: ServerColumn, against: ServerColumn | None, server: Server
) -> bool:
    if against is None or not said.alike(against):
        return False
    if server.equal_by_bytes:
        return said.characters
    if isinstance(compared, exp.EQ) and not compared.meta.get("narrowed"):
        _narrow(compared, said, server)
    return isinstance(compared, exp.EQ)


def _narrow(equal: exp.Expr, said: ServerColumn, server: Server) -> None:
    """Of a = b make a = b AND text(a) = text(b): an index serves the first, the second is exact."""
    equal.meta["narrowed"] = True
    exact = exp.EQ(
        this=as_text(equal.this, said, server), expression=as_text(equal.expression, said, server)
    )
    place = exp.Paren(this=exp.Placeholder())
    equal.replace(place)
    place.this.replace(exp.And(this=equal, expression=exact))
