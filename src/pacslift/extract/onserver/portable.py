"""Which of the adapters' SQL means the same on every server, and how it is written there.

Adapters are written in PostgreSQL's spelling of what Polars runs. A construct is let through to a
server only if it is listed here, because an unlisted one may mean something else there without an
error: LIKE without case, LEN without blanks, SPLIT_PART that is not there. What is not listed is
no fault of the adapter: the tables are then read from the server and its SQL is run on them.
"""

from collections.abc import Callable

from sqlglot import exp

_PARTS = 4  # SPLIT_PART is written out; each further part doubles its text

_EVERYWHERE = (
    exp.Select, exp.CTE, exp.With, exp.From, exp.Join, exp.Where, exp.Group, exp.Having,
    exp.Order, exp.Ordered, exp.Window, exp.WindowSpec, exp.Union, exp.Subquery, exp.Table,
    exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Paren,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In,
    exp.Between, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.DPipe, exp.Max, exp.Min,
    exp.Count, exp.Star, exp.Sum, exp.Substring, exp.Length, exp.Replace, exp.SplitPart, exp.Left,
    exp.Cast, exp.DataType, exp.RowNumber, exp.Like, exp.Exists, exp.Add, exp.Sub, exp.Mul,
    exp.Neg, exp.Distinct,
)  # fmt: skip
_SOMEWHERE: dict[type[exp.Expr], set[str]] = {
    exp.Reverse: {"postgres", "mysql", "tsql"},
}
_WHOLE = {exp.DType.BIGINT, exp.DType.INT}
_TEXT = {exp.DType.TEXT, exp.DType.VARCHAR}
# A text that is no whole number: an error for Polars and for the stricter servers, 0 for SQLite.
_SQLITE_WHOLE = """
    CASE WHEN x IS NULL THEN NULL
      WHEN LENGTH(LTRIM(x, '+-')) BETWEEN 1 AND 18 AND LENGTH(x) - LENGTH(LTRIM(x, '+-')) < 2
        AND NOT LTRIM(x, '+-') GLOB '*[^0-9]*' THEN CAST(x AS INTEGER)
      ELSE ABS(-9223372036854775807 - 1) END
"""


class NotOnServerError(Exception):
    """The adapter's SQL cannot be trusted to this server; its tables can be read all the same."""


def require_portable(query: exp.Expr, dialect: str) -> None:
    """NotOnServerError if *query* has something that may mean something else in *dialect*."""
    for node in query.walk():
        listed = isinstance(node, _EVERYWHERE) or dialect in _SOMEWHERE.get(type(node), ())
        empty = dialect == "oracle" and node.is_string and not node.this  # to Oracle that is NULL
        if not listed or empty or not _as_expected(node):
            raise NotOnServerError(
                f"{node.sql('postgres')[:60]!r} is not known to mean the same in {dialect}"
            )


def _as_expected(node: exp.Expr) -> bool:
    """Whether the operands are such that all servers agree."""
    check = _OPERANDS.get(type(node))
    return check is None or check(node)


def _plain_pattern(node: exp.Expr) -> bool:
    pattern = node.expression
    return bool(pattern.is_string) and not set(pattern.this) & set("\\[")


def _known_type(node: exp.Expr) -> bool:
    kind = node.args["to"]
    return kind.this in _WHOLE | _TEXT and not kind.expressions


def _counted_from_one(node: exp.Expr) -> bool:
    start = node.args.get("start")
    return isinstance(start, exp.Literal) and start.is_int and int(start.this) > 0


def _numbers_rows(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.RowNumber) and node.args.get("spec") is None


def _small_split(node: exp.Expr) -> bool:
    delimiter, part = node.args["delimiter"], node.args["part_index"]
    return (
        delimiter.is_string and bool(delimiter.this)
        and part.is_int and 0 < int(part.this) <= _PARTS
    )  # fmt: skip


_OPERANDS: dict[type[exp.Expr], Callable[[exp.Expr], bool]] = {
    exp.Like: _plain_pattern,
    exp.Literal: lambda node: str(node.this).isascii(),
    exp.Cast: _known_type,
    exp.Substring: _counted_from_one,
    exp.SplitPart: _small_split,
    exp.Window: _numbers_rows,
}


def respelt(query: exp.Expr, dialect: str) -> exp.Expr:
    """*query* with what sqlglot does not write right for *dialect* written otherwise."""
    for kind, rewrite in _REWRITES.get(dialect, {}).items():
        # Inner ones first: a rewrite copies its operand.
        for node in reversed(list(query.find_all(kind, bfs=False))):
            node.replace(rewrite(node))
    return query


def _split(node: exp.Expr) -> exp.Expr:
    """SPLIT_PART by searching: what stands before the first delimiter, again and again."""
    rest = node.this
    delimiter = node.args["delimiter"]
    for _ in range(int(node.args["part_index"].this) - 1):
        rest = _piece(rest, delimiter, after=True)
    return _piece(rest, delimiter, after=False)


def _piece(text: exp.Expr, delimiter: exp.Expr, *, after: bool) -> exp.Expr:
    found = exp.StrPosition(this=text.copy(), substr=delimiter.copy())
    behind = exp.Add(this=found.copy(), expression=exp.Literal.number(len(delimiter.this)))
    before = exp.Sub(this=found.copy(), expression=exp.Literal.number(1))
    start, length = (behind, exp.Length(this=text.copy())) if after else (
        exp.Literal.number(1), before)  # fmt: skip
    piece = exp.Substring(this=text.copy(), start=start, length=length)
    otherwise = _empty_unless_null(text) if after else text.copy()
    return (
        exp.case()
        .when(exp.GT(this=found, expression=exp.Literal.number(0)), piece)
        .else_(otherwise)
    )


def _empty_unless_null(text: exp.Expr) -> exp.Expr:
    null = exp.Is(this=text.copy(), expression=exp.Null())
    return exp.case().when(null, exp.Null()).else_(exp.Literal.string(""))


def _left(node: exp.Expr) -> exp.Expr:
    return exp.Substring(
        this=node.this.copy(), start=exp.Literal.number(1), length=node.expression.copy()
    )


def _length_with_blanks(node: exp.Expr) -> exp.Expr:
    """T-SQL's LEN leaves out blanks at the end."""
    stopped = exp.DPipe(this=node.this.copy(), expression=exp.Literal.string("."))
    return exp.Paren(this=exp.Sub(this=exp.Length(this=stopped), expression=exp.Literal.number(1)))


def _cast(text: str, dialect: str) -> Callable[[exp.Expr], exp.Expr]:
    """A rewrite of casts to text as casts to the type *text*."""

    def rewrite(node: exp.Expr) -> exp.Expr:
        if node.args["to"].this not in _TEXT:
            return node
        return exp.Cast(this=node.this.copy(), to=exp.DataType.build(text, dialect=dialect))

    return rewrite


def _sqlite_cast(node: exp.Expr) -> exp.Expr:
    if node.args["to"].this not in _WHOLE:
        return node
    parsed: exp.Expr = exp.maybe_parse(_SQLITE_WHOLE, dialect="sqlite")
    for column in list(parsed.find_all(exp.Column)):
        column.replace(node.this.copy())
    return exp.Paren(this=parsed)


def _null_if_either_is(node: exp.Expr) -> exp.Expr:
    """To Oracle, a text joined with NULL is that text."""
    empty = [
        exp.Is(this=part.copy(), expression=exp.Null())
        for part in (node.this, node.expression)
        if not part.is_string
    ]
    if not empty:
        return node
    return exp.Paren(this=exp.case().when(exp.or_(*empty), exp.Null()).else_(node.copy()))


# In this order: SPLIT_PART makes lengths, and LEFT makes none.
_REWRITES: dict[str, dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]]] = {
    "mysql": {exp.SplitPart: _split},
    "sqlite": {exp.SplitPart: _split, exp.Left: _left, exp.Cast: _sqlite_cast},
    "tsql": {
        exp.SplitPart: _split,
        exp.Length: _length_with_blanks,
        exp.Cast: _cast("NVARCHAR(MAX)", "tsql"),
    },
    "oracle": {
        exp.SplitPart: _split,
        exp.Left: _left,
        exp.DPipe: _null_if_either_is,
        exp.Cast: _cast("VARCHAR2(4000)", "oracle"),
    },
}
