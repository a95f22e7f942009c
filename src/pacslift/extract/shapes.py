"""What a dump holds, whatever its format: tables, columns, batches of rows.

Values stay as dumped: text (pl.String) or bytes (pl.Binary), never numbers or dates, because what
they mean is the adapter's knowledge. NULL is null, an empty text is empty. Names are lower-cased in
batches and in the store, since dumps of one product differ in case; a TableShape keeps the dump's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from pacslift.patterns import compiled

ORIGIN_ROW = "origin_row"  # UInt64, row of the table in its dump, from 1; in every batch
BATCH_ROWS = 65_536  # rows a reader puts into one batch, where it is the reader that chooses

_BINARY_TYPE = compiled(
    r"(tiny|medium|long)?blob\b|bytea\b|(long)?(var)?binary\b|image\b|raw\b|long raw\b"
    r"|[GPQW]\(\d+\)",  # of DBF
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its type as the dump declares it: "bigint(20)", "text", "C(254)" or ""."""

    name: str
    declared: str

    @property
    def binary(self) -> bool:
        """Whether values are bytes (pl.Binary) rather than text (pl.String)."""
        bare = self.declared.replace('"', "").removeprefix("pg_catalog.")
        return _BINARY_TYPE.match(bare) is not None


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as the dump spells it, the schema or database name dropped."""

    name: str
    columns: tuple[Column, ...]

    def chosen(self, wanted: Sequence[str]) -> list[tuple[int, Column]]:
        """Position and column of each of the *wanted* names that the table has, in their order."""
        places = {column.name.lower(): i for i, column in enumerate(self.columns)}
        names = dict.fromkeys(name.lower() for name in wanted)
        return [(places[name], self.columns[places[name]]) for name in names if name in places]


NO_TEXT = (
    "are no text in the dump's character set, the first in row {row}; their odd bytes are "
    r"kept as \xNN"
)


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Values whose meaning could not be told, kept in another form; *trouble* says in which."""

    table: str
    column: str
    rows: int
    first_row: int
    trouble: str = NO_TEXT


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one table.

    *table* and the columns are lower-case. The frame has the wanted columns, pl.String or
    pl.Binary, and ORIGIN_ROW.
    """

    table: str
    frame: pl.DataFrame
    undecodable: tuple[Undecodable, ...] = ()


class DumpReader(Protocol):
    """One dump, read as often as needed and never written to."""

    format: str
    """"mysqldump", "pg_dump plain", "pg_dump custom", "SQLite", "DBF set" or
    "dcmqrscp index.dat"."""
    path: Path

    @property
    def server(self) -> str | None:
        """Product and version that wrote it, e.g. "PostgreSQL 15.20"; None where it is silent."""
        ...

    def shapes(self) -> Sequence[TableShape]:
        """Give every table the dump describes. Raises DumpDamagedError for a dump cut short."""
        ...

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """Give the rows of the *wanted* tables, of their wanted columns only, in bounded memory.

        Names are compared without case; names the dump lacks are passed over, since asking for
        the right ones is the caller's part (columns.py). A table without rows gives no batch.
        Raises DumpDamagedError naming table and last good row.
        """
        ...

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table, by the shape's name. May read the whole dump."""
        ...

    def close(self) -> None:
        """Remove what was made in the working directory; may be called twice."""
        ...


def lowered(wanted: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same request with table and column names in lower case."""
    return {table.lower(): [name.lower() for name in names] for table, names in wanted.items()}


def numbered(series: Sequence[pl.Series], rows: Sequence[int]) -> pl.DataFrame:
    """A frame of *series* with ORIGIN_ROW behind them."""
    if isinstance(rows, range):
        numbers = pl.int_range(rows.start, rows.stop, dtype=pl.UInt64, eager=True)
    else:
        numbers = pl.Series(rows, dtype=pl.UInt64)
    return pl.DataFrame([*series, numbers.alias(ORIGIN_ROW)])
