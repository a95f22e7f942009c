"""A live or restored database as a dump: its tables over ODBC, and the adapter's SQL run there.

Strategy: the server makes every value text (servers.py), so that a table is what a dump of it
would give; rows come in batches and are never all in memory. A driver that keeps the whole result
(Connector/ODBC for MariaDB before 3.1.17) is asked for a share of the rows at a time (shares.py),
in as many shares as the result has times 64 MiB.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.onserver.live import Link, LostError, RefusedError, Row, connect
from pacslift.extract.onserver.odbc import parse_connection
from pacslift.extract.onserver.servers import Server
from pacslift.extract.onserver.servertables import ServerColumn, ServerTable
from pacslift.extract.onserver.transpile import ServerQuery, table_query
from pacslift.extract.shapes import Batch, Column, TableShape, lowered, numbered
from pacslift.extract.terms import Charsets, Recoding

_SHARE = 64 << 20  # bytes of a result that a driver without streaming may keep


class LiveDatabase:
    """DumpReader of the database that *text*, `odbc:` and a connection string, names.

    Of *charsets* the codecs count for SQLite alone, which keeps bytes as they came; any other
    server gives text, and a codec for it raises DumpFormatError.
    """

    format = "ODBC"

    def __init__(self, text: str, charsets: Charsets | None = None) -> None:
        self._asked = parse_connection(text)
        self._charsets = charsets or Charsets()
        self.path = Path(str(self._asked))  # for messages and records; it holds no secret
        self._link: Link | None = None
        if self.link.server.dialect != "sqlite" and self._charsets.codecs:
            self.close()
            raise DumpFormatError(
                f"{self.path}: [charset] of job.toml names a codec, but this server gives text, "
                f"not bytes; what can be mended is {', '.join(Recoding)}, or read a dump instead"
            )

    @property
    def link(self) -> Link:
        """The connection, with its snapshot; made anew after close()."""
        if self._link is None:
            self._link = connect(self._asked)
        return self._link

    @property
    def server(self) -> str | None:
        """Product and version, as a dump's header would have them."""
        number = self.link.version.partition("-")[0].split()[0]
        return f"{self.link.server.product} {number}"

    @property
    def kind(self) -> Server:
        """What is peculiar to this server."""
        return self.link.server

    @cached_property
    def tables(self) -> Mapping[str, ServerTable]:
        """The server's tables by their names in lower case; of two, the one that is found first."""
        found: dict[tuple[str, str], list[ServerColumn]] = {}
        try:
            for rows in self.link.rows(self.kind.catalog):
                for schema, table, name, declared, collation in rows:
                    column = ServerColumn(str(name), str(declared or ""), str(collation or ""))
                    found.setdefault((str(schema), str(table)), []).append(column)
        except (LostError, RefusedError) as error:
            raise DumpFormatError(f"{self.path} does not tell its tables: {error}") from error
        tables: dict[str, ServerTable] = {}
        for (schema, name), columns in found.items():
            tables.setdefault(name.lower(), ServerTable(schema, name, tuple(columns)))
        return tables

    def shapes(self) -> Sequence[TableShape]:
        """Every table that this user may see."""
        return [
            TableShape(table.name, tuple(Column(c.name, c.declared) for c in table.columns))
            for table in self.tables.values()
        ]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """The wanted rows, in the server's order; see DumpReader."""
        for name, columns in lowered(wanted).items():
            table = self.tables.get(name)
            if table is None:
                continue
            chosen = [c for n in dict.fromkeys(columns) if (c := table.column(n)) is not None]
            try:
                yield from self.answer(name, table_query(table, chosen, self.kind))
            except RefusedError as error:
                raise DumpFormatError(
                    f"{self.path}: table {name} cannot be read: {error}. The user "
                    "needs the right to SELECT from it"
                ) from error

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table, counted by the server."""
        return {table.name: self._count(table) for table in self.tables.values()}

    def answer(self, name: str, query: ServerQuery) -> Iterator[Batch]:
        """The rows of *query* as batches of a table called *name*.

        Raises RefusedError where the server does not run it, DumpDamagedError where it goes away.
        """
        done = 0
        try:
            for sql in self._shares(query):
                for rows in self.link.rows(sql):
                    yield self._batch(name, query.columns, rows, done)
                    done += len(rows)
                self._require_no_warning()
        except LostError as error:
            raise DumpDamagedError(
                f"{self.path} went away: table {name} cannot be read after row {done}: {error}. "
                "Start again when the server is there; a new snapshot is taken from the beginning"
            ) from error

    def close(self) -> None:
        """End the connection; may be called twice."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _count(self, table: ServerTable) -> int:
        query = table_query(table, (), self.kind).sql
        try:
            return int(self.link.one(f"SELECT COUNT(*) FROM ({query}) q")[0])  # noqa: S608
        except (LostError, RefusedError) as error:
            raise DumpFormatError(
                f"{self.path}: the rows of table {table.name} cannot be counted: {error}"
            ) from error

    def _shares(self, query: ServerQuery) -> Iterator[str]:
        """*query*, or several that together have its rows; only MySQL's dialect needs that."""
        names = [f"`{column.name}`" for column in query.columns]
        if self.link.streams or not names:
            yield query.sql
            return
        lengths = " + ".join(f"COALESCE(LENGTH({name}), 0)" for name in names)
        total = f"SELECT SUM({lengths}) FROM ({query.sql}) AS q"  # noqa: S608 - names are quoted
        shares = -(-int(self.link.one(total)[0] or 0) // _SHARE)
        yield from query.shared(shares) if shares > 1 else [query.sql]

    def _batch(self, name: str, columns: Sequence[Column], rows: Sequence[Row], done: int) -> Batch:
        decoder = TextDecoder(name, "utf-8", done + 1)
        series: list[pl.Series] = []
        # A query without columns gives one column of NULL.
        for column, values in zip(columns, zip(*rows, strict=True), strict=False):
            if not self.kind.hexed:
                kind = pl.Binary if column.binary else pl.String
                series.append(pl.Series(column.name, [_plain(v) for v in values], dtype=kind))
                continue
            raw = pl.Series(column.name, values, dtype=pl.String).str.decode("hex")
            codec = self._charsets.codec(name, column.name) or ""
            text = raw if column.binary else decoder.column(column.name, raw.to_list(), codec)
            series.append(text)
        numbers = range(done + 1, done + len(rows) + 1)
        return Batch(name, numbered(series, numbers), decoder.undecodable)

    def _require_no_warning(self) -> None:
        """MySQL gives 0 for a text that is no number, and only warns. RefusedError then."""
        if self.kind.dialect != "mysql":
            return
        codes = sorted({str(row[1]) for rows in self.link.rows("SHOW WARNINGS") for row in rows
                        if row[0] != "Note"})  # fmt: skip
        if codes:
            raise RefusedError(f"the server warns of values that it changed ({', '.join(codes)})")


def _plain(value: object) -> str | bytes | None:
    """A driver's value as text, where the server has not made it text already: numbers of SQL."""
    if value is None or isinstance(value, (str, bytes)):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
