"""The canonical tables as a server answers the adapter's SQL, in the place of its tables.

The store takes them as it takes tables: each is called ANSWER and the canonical name, and the
inventory uses it where it would otherwise run the SQL on the extracted tables. Of the server's own
tables only the columns with closed code lists are read, to be checked as ever.
"""

from collections.abc import Iterator, Mapping, Sequence

import sqlglot
from sqlglot import exp

from pacslift.adapter import Adapter, Names
from pacslift.extract.onserver.database import LiveDatabase
from pacslift.extract.onserver.live import RefusedError
from pacslift.extract.onserver.portable import NotOnServerError
from pacslift.extract.onserver.transpile import ServerQuery, server_query
from pacslift.extract.shapes import Batch, TableShape
from pacslift.extract.terms import EVERYWHERE, Charsets

ANSWER = "answer:"  # before the name of a canonical table in the store; no table is called so


class Answers:
    """DumpReader of the canonical tables, and of the columns with codes.

    Raises NotOnServerError at once if a query cannot be put to this server, and from batches() if
    the server does not run it. The tables can then be read from the database all the same.
    """

    format = "ODBC"

    def __init__(
        self, database: LiveDatabase, adapter: Adapter, charsets: Charsets | None = None
    ) -> None:
        lines = {*charsets.codecs, *charsets.recodings} if charsets else set()
        if lines - {EVERYWHERE, *_named(answer_names(adapter))}:
            raise NotOnServerError("[charset] of job.toml is about the tables")
        if database.kind.dialect not in adapter.dialects:
            raise NotOnServerError(
                f"its adapter.toml does not list the dialect {database.kind.dialect}"
            )
        self._database = database
        self._codes = _code_columns(adapter, database)
        self._queries: dict[str, ServerQuery] = {}
        for name, query in adapter.queries.items():
            try:
                self._queries[f"{ANSWER}{name}"] = server_query(
                    query, database.tables, adapter.optional, database.kind
                )
            except NotOnServerError as error:
                raise NotOnServerError(f"{name}.sql: {error}") from error
        self.path = database.path

    @property
    def server(self) -> str | None:
        """The database's."""
        return self._database.server

    @property
    def wanted(self) -> dict[str, list[str]]:
        """Everything there is, as extract_tables() is asked for it."""
        answers = {
            name: [column.name for column in query.columns] for name, query in self._queries.items()
        }
        return {**answers, **self._codes}

    def shapes(self) -> Sequence[TableShape]:
        """The canonical tables, and the tables that have codes."""
        answers = [TableShape(name, query.columns) for name, query in self._queries.items()]
        return [*answers, *(s for s in self._database.shapes() if s.name.lower() in self._codes)]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """Their rows; see DumpReader."""
        for name, query in self._queries.items():
            if name in wanted:
                try:
                    yield from self._database.answer(name, query)
                except RefusedError as error:
                    raise NotOnServerError(f"{name.removeprefix(ANSWER)}.sql: {error}") from error
        yield from self._database.batches({t: c for t, c in wanted.items() if t in self._codes})

    def row_counts(self) -> Mapping[str, int]:
        """Those of the database."""
        return self._database.row_counts()

    def close(self) -> None:
        """Nothing to remove; the database is closed by who opened it."""


def answer_names(adapter: Adapter) -> Names:
    """The canonical tables as they are called in the store, with the columns that the SQL gives."""
    parsed = {n: sqlglot.parse_one(sql, read="postgres") for n, sql in adapter.queries.items()}
    return {
        f"{ANSWER}{name}": tuple(query.named_selects if isinstance(query, exp.Query) else ())
        for name, query in parsed.items()
    }


def _named(tables: Names) -> Iterator[str]:
    for table, columns in tables.items():
        yield table
        yield from (f"{table}.{column}" for column in columns)


def _code_columns(adapter: Adapter, database: LiveDatabase) -> dict[str, list[str]]:
    """Tables and columns whose codes the adapter lists, as far as the database has them."""
    found = {}
    for table, columns in adapter.codes.items():
        there = database.tables.get(table)
        present = [column for column in columns if there and there.column(column)]
        if present:
            found[table] = present
    return found
