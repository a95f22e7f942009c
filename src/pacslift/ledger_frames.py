"""Rows of a plan into the ledger's tables, many at once."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa

from pacslift.ledger_bulk import Batch, frame_of, insert_many
from pacslift.ledger_kept import ids_of, revision_ids
from pacslift.ledger_tables import (
    COPIES,
    FILES,
    IN_COMMON,
    INSTANCE_ROWS,
    OF_PLACE,
    PLACES,
    SHARED,
    FileState,
)

FILES_USED = "files_used"  # under this name the ledger keeps how many there are
FEW_A_FOLDER = 3  # copies; with fewer than that folders are not worth being kept apart


def insert_instances(connection: sa.Connection, batch: Batch) -> None:
    """Insert instances; a row may say what is kept of it alone, and what it shares with others."""
    if not len(batch):
        return
    rows = numbered(connection, frame_of(batch), SHARED, IN_COMMON, "shared_id")
    if "sent_under" in rows.columns:
        known = revision_ids(connection, rows["sent_under"].drop_nulls().unique())
        revision = pl.col("sent_under").replace_strict(known, default=None, return_dtype=pl.Int64())
        rows = rows.with_columns(revision_id=revision)
    insert_many(connection, INSTANCE_ROWS, own_columns(rows, INSTANCE_ROWS))


def insert_copies(connection: sa.Connection, batch: Batch) -> None:
    """Insert where instances' copies lie; what lies in one folder shares it, where several do."""
    if not len(batch):
        return
    rows = frame_of(batch)
    folder = pl.col("relative").str.extract(r"^(.*/)", 1).fill_null("")
    rows = rows.with_columns(folder=folder)
    if rows["folder"].n_unique() > rows.height // FEW_A_FOLDER:
        rows = rows.with_columns(folder=pl.lit(""))
    name = pl.col("relative").str.strip_prefix(pl.col("folder"))
    rows = numbered(connection, rows.with_columns(name=name), PLACES, OF_PLACE, "place_id")
    insert_many(connection, COPIES, own_columns(rows, COPIES))


def numbered(
    connection: sa.Connection, rows: pl.DataFrame, table: sa.Table, names: Sequence[str], as_: str
) -> pl.DataFrame:
    """*rows* with the column *as_*: the number of what they have in the columns *names*.

    A column that they have not is null.
    """
    absent = [pl.lit(None, pl.String()).alias(name) for name in names if name not in rows.columns]
    rows = rows.with_columns(absent)
    distinct = rows.select(names).unique(maintain_order=True)
    numbers = ids_of(connection, table, names, distinct.rows())
    known = distinct.with_columns(pl.Series(as_, numbers, dtype=pl.Int64()))
    return rows.join(known, on=names, nulls_equal=True, how="left", maintain_order="left")


def own_columns(rows: pl.DataFrame, table: sa.Table) -> pl.DataFrame:
    """Those columns of *rows* that *table* has."""
    return rows.select(name for name in rows.columns if name in table.c)


def insert_files(connection: sa.Connection, batch: Batch) -> int:
    """Insert files but those that are used, whose number is given."""
    if not len(batch):
        return 0
    rows = frame_of(batch)
    others = rows.filter(pl.col("state") != FileState.USED.value)
    insert_many(connection, FILES, others)
    return rows.height - others.height
