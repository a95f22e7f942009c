"""Many rows into the ledger at once: a plan of millions in minutes rather than hours.

Strategy: indexes are dropped first and made again at the end, by sorting, all in the transaction
that puts the rows in: nobody sees the tables without them, and what is cut off leaves them as they
were. Rows come in the order of their primary key, so that its index grows at one end. PostgreSQL
takes rows by COPY and keeps its indexes, since without them it would let nobody look in meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import polars as pl
import sqlalchemy as sa

Rows: TypeAlias = Sequence[Mapping[str, Any]]
Batch: TypeAlias = Rows | pl.DataFrame

CACHE = 128 * 1024  # KiB of the tables that a bulk transaction may hold
USUAL_CACHE = 2_000  # KiB; SQLite's own default


@contextmanager
def grown_in_bulk(connection: sa.Connection, *tables: sa.Table) -> Iterator[None]:
    """Inside it, *tables* of SQLite have no indexes but those of their primary keys."""
    if connection.dialect.name == "postgresql":
        yield
        for table in tables:  # or the server plans its next queries for the rows there were
            connection.exec_driver_sql(f"ANALYZE {table.name}")
        return
    indexes = [index for table in tables for index in sorted(table.indexes, key=name_of)]
    with more_cache(connection):
        connection.execute(sa.delete(tables[0]).where(sa.false()))  # begins the transaction
        for index in indexes:
            index.drop(connection, checkfirst=True)
        yield
        for index in indexes:
            index.create(connection)


@contextmanager
def more_cache(connection: sa.Connection) -> Iterator[None]:
    """Inside it, SQLite may hold more of the file; whatever is read and written is the same."""
    connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{USUAL_CACHE}")


def name_of(index: sa.Index) -> str:
    """Its name."""
    return str(index.name)


def as_mappings(batch: Batch) -> Rows:
    """The rows of *batch*, each by its columns."""
    return batch.to_dicts() if isinstance(batch, pl.DataFrame) else batch


def frame_of(batch: Batch) -> pl.DataFrame:
    """*batch* as a frame."""
    if isinstance(batch, pl.DataFrame):
        return batch
    return pl.DataFrame(batch, infer_schema_length=None)


def insert_many(connection: sa.Connection, table: sa.Table, batch: Batch) -> None:
    """Insert the rows of *batch*, which have the same columns, none being allowed.

    As tuples given to the driver: building SQLAlchemy's parameters takes longer than SQLite does.
    """
    if not len(batch):
        return
    rows = frame_of(batch)
    absent = [
        pl.lit(column.default.arg).alias(column.name)
        for column in table.c
        if isinstance(column.default, sa.ColumnDefault) and column.name not in rows.columns
    ]
    rows = rows.with_columns(absent)
    if connection.dialect.name == "postgresql":
        copy_in(connection, table, rows)
        return
    made = sa.insert(table).compile(dialect=connection.dialect, column_keys=rows.columns)
    names = made.positiontup or rows.columns
    connection.exec_driver_sql(str(made), list(bound(connection, table, rows.select(names))))


def bound(
    connection: sa.Connection, table: sa.Table, rows: pl.DataFrame
) -> Iterable[tuple[Any, ...]]:
    """*rows* as the driver takes them for the columns of *table*."""
    columns = []
    for values in rows:
        process = table.c[values.name].type.bind_processor(connection.dialect)
        columns.append(map(process, values) if process else values)
    return zip(*columns, strict=True)


def copy_in(connection: sa.Connection, table: sa.Table, rows: pl.DataFrame) -> None:
    """Insert *rows* by PostgreSQL's COPY."""
    columns = ", ".join(f'"{name}"' for name in rows.columns)
    driver: Any = connection.connection.driver_connection
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy,
        ):
            for row in bound(connection, table, rows):
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError.instance(
            f"COPY {table.name}", None, error, connection.dialect.loaded_dbapi.Error
        ) from error
