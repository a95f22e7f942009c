"""CREATE TABLE text to TableShape.

sqlglot's tokenizers know each dialect's quotes and comments; its parser is not used, because it
gives up a whole table for one storage option it does not know, and because it respells types
while a shape keeps them as the dump declares them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.errors import SqlglotError

from pacslift.extract.shapes import Column, TableShape

# Words that begin a table constraint or an index where a column could stand. pg_dump writes a
# column of one of the MySQL words without quotes.
_NOT_A_COLUMN = {
    "PRIMARY",
    "PRIMARY KEY",
    "UNIQUE",
    "CONSTRAINT",
    "FOREIGN",
    "FOREIGN KEY",
    "CHECK",
}
_MYSQL_NOT_A_COLUMN = {"KEY", "INDEX", "FULLTEXT", "SPATIAL", "PERIOD"}

# Words that end a column's type; in PostgreSQL, "character" begins one.
_AFTER_TYPE = {"NOT", "NULL", "NOT NULL", "DEFAULT", "COLLATE", "GENERATED", "UNIQUE", "PRIMARY",
               "PRIMARY KEY", "REFERENCES", "CONSTRAINT", "CHECK", "STORAGE", "COMPRESSION",
               "OPTIONS"}  # fmt: skip
_MYSQL_AFTER_TYPE = {"AUTO_INCREMENT", "COMMENT", "CHARACTER", "CHARACTER SET", "CHARSET", "AS",
                     "ON", "KEY", "VISIBLE", "INVISIBLE", "VIRTUAL", "STORED",
                     "COMPRESSED"}  # fmt: skip

_IF = {"IF", "NOT", "EXISTS", "NOT EXISTS", "IF NOT EXISTS"}
_QUOTED = (TokenType.IDENTIFIER, TokenType.STRING)


class DdlError(ValueError):
    """The text is no CREATE TABLE that can be understood."""


@dataclass(frozen=True, slots=True)
class CreatedTable:
    """A CREATE TABLE statement: its shape, and what MySQL says of owner and character sets."""

    shape: TableShape
    schema: str | None
    charset: str | None
    column_charsets: dict[str, str]


def read_create_table(sql: str, dialect: str) -> CreatedTable:
    """Read one CREATE TABLE statement of *dialect* ("mysql", "postgres").

    Raises DdlError where it is none, or has no column list.
    """
    try:
        tokens = [t for t in sqlglot.tokenize(sql, read=dialect) if t.text != ";"]
    except SqlglotError as error:
        raise DdlError(str(error)) from error
    opening = _opening(tokens)
    closing = _closing(tokens, opening)
    schema, name = _table_name(tokens[:opening])
    listed = _items(tokens[opening + 1 : closing])
    items = [item for item in listed if _is_column(item, dialect)]
    charsets = {item[0].text: _charset(item[1:]) for item in items}
    return CreatedTable(
        TableShape(name, tuple(_column(sql, item, dialect) for item in items)),
        schema,
        _charset(tokens[closing + 1 :]),
        {column: charset for column, charset in charsets.items() if charset},
    )


def _opening(tokens: list[Token]) -> int:
    """Index of the parenthesis that opens the column list, behind TABLE and a name."""
    words = [token.text.upper() for token in tokens]
    if words[:1] != ["CREATE"] or "TABLE" not in words[:6] or "(" not in words:
        raise DdlError("this is no CREATE TABLE with a column list")
    opening = words.index("(")
    between = [word for word in words[words.index("TABLE") + 1 : opening] if word not in _IF]
    if len(between) != 1 and between[1:-1] != ["."]:  # name, or schema, dot, name
        raise DdlError("the CREATE TABLE has no column list of its own")
    return opening


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for i in range(opening, len(tokens)):
        depth += _step(tokens[i])
        if depth == 0:
            return i
    raise DdlError("the column list is not closed")


def _step(token: Token) -> int:
    return (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)


def _table_name(head: list[Token]) -> tuple[str | None, str]:
    """Schema and name from `CREATE TABLE IF NOT EXISTS schema.name`."""
    name = head[-1].text
    dotted = len(head) > 2 and head[-2].token_type is TokenType.DOT  # noqa: PLR2004
    return (head[-3].text if dotted else None), name


def _items(tokens: list[Token]) -> Iterator[list[Token]]:
    """The comma-separated parts of a column list."""
    item: list[Token] = []
    depth = 0
    for token in tokens:
        depth += _step(token)
        if depth == 0 and token.token_type is TokenType.COMMA:
            yield item
            item = []
        else:
            item.append(token)
    yield item


def _is_column(item: list[Token], dialect: str) -> bool:
    if not item or item[0].token_type in _QUOTED:
        return bool(item)
    words = _NOT_A_COLUMN | (_MYSQL_NOT_A_COLUMN if dialect == "mysql" else set())
    return item[0].text.upper() not in words


def _column(sql: str, item: list[Token], dialect: str) -> Column:
    """Name, and the type in the dump's own spelling."""
    after = _AFTER_TYPE | (_MYSQL_AFTER_TYPE if dialect == "mysql" else set())
    kind: list[Token] = []
    depth = 0
    for token in item[1:]:
        if depth == 0 and token.text.upper() in after:
            break
        depth += _step(token)
        kind.append(token)
    declared = sql[kind[0].start : kind[-1].end + 1] if kind else ""
    return Column(item[0].text, " ".join(declared.split()))


def _charset(tokens: list[Token]) -> str | None:
    """The name after CHARACTER SET or CHARSET, an equals sign between them or not."""
    words = [token.text for token in tokens if token.token_type is not TokenType.EQ]
    for i, word in enumerate(words[:-1]):
        if word.upper() in {"CHARSET", "CHARACTER SET"}:
            return words[i + 1]
        if word.upper() == "CHARACTER" and words[i + 1].upper() == "SET":
            return words[i + 2] if i + 2 < len(words) else None
    return None
