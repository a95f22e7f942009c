"""A query in shares, for a driver that keeps the whole result of one in memory.

A share has the rows whose key has a certain remainder of its checksum. The condition is put where
the key's table is read, so that a share costs one look at that table and only its own joins. Where
that would change what is grouped or numbered, it is put around the whole query, which the server
then runs once a share.
"""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from pacslift.extract.onserver.servers import Server

SHARE, SHARES = "8070605040302011", "8070605040302012"  # stand for the two numbers


def branches(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs whose rows are the query's."""
    if isinstance(query, exp.Union):
        yield from branches(query.this)
        yield from branches(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from branches(query.this)
    elif isinstance(query, exp.Select):
        yield query


def in_shares(query: exp.Query, server: Server) -> exp.Query | None:
    """A copy of *query* with the rows of one share; None for a dialect whose drivers stream."""
    if server.dialect != "mysql":
        return None
    divided = query.copy()
    keys = {id(select): _key(select) for select in branches(divided)}
    if all(key is not None for key in keys.values()):
        for select in list(branches(divided)):
            if (key := keys[id(select)]) is not None:
                select.where(_is_share([key]), copy=False)
        return divided
    names = query.named_selects
    columns = [exp.column(name, "q", quoted=True) for name in names]
    outer = exp.select(*(exp.alias_(c.copy(), c.name, quoted=True) for c in columns))
    return outer.from_(query.copy().subquery("q")).where(_is_share(columns))


def _key(select: exp.Select) -> exp.Expr | None:
    """What tells the rows of *select* apart before they are grouped; None if nothing does."""
    key = select.selects[0].unalias()
    parts = [*select.selects, select.args.get("having")]
    if select.args.get("distinct") or any(p and p.find(exp.Window) for p in parts):
        return None
    group = select.args.get("group")
    if group is None:
        made = any(p and p.find(exp.AggFunc) for p in parts)
        return None if made or not key.find(exp.Column) else key.copy()
    grouped = {expression.sql() for expression in group.expressions}
    known = key.sql() in grouped or all(c.sql() in grouped for c in key.find_all(exp.Column))
    return key.copy() if known and key.find(exp.Column) and not key.find(exp.AggFunc) else None


def _is_share(keys: Sequence[exp.Expr]) -> exp.Expr:
    """The checksum of *keys*, of which any may be NULL, modulo SHARES is SHARE."""
    joined = exp.func("CONCAT_WS", exp.Literal.string(","), *(key.copy() for key in keys))
    checksum = exp.Anonymous(this="CRC32", expressions=[joined])
    rest = exp.Mod(this=checksum, expression=exp.Literal.number(SHARES))
    return exp.EQ(this=rest, expression=exp.Literal.number(SHARE))
