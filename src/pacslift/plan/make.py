"""The plan: what will be done with each instance row, and why. Pure; rows in are rows out.

Takes   the catalog and the verdicts of the inventory.
Gives   ledger rows: an instance without a cause is planned, any other is set aside with it.
Ties    the file's own study, series and SOP UIDs are compared when it is read to be sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from pacslift.inventory.catalog import Catalog
from pacslift.ledger import InstanceState

# Newest study first: it is the likeliest to be asked for tomorrow. A study stays together.
ORDER = ["study_date", "study_instance_uid", "series_instance_uid", "instance_key"]
BATCH = 20_000  # rows handed to the ledger at a time


def instance_rows(
    catalog: Catalog, verdicts: pl.DataFrame, candidates: pl.DataFrame
) -> pl.DataFrame:
    """One ledger row for each instance of *catalog*, with its verdict."""
    first = candidates.sort("instance_key", "rank").unique("instance_key", keep="first")
    syntax = first.select("instance_key", "transfer_syntax_uid")
    series = catalog["series"].select("series_key", "study_key", "series_instance_uid")
    studies = catalog["studies"].select("study_key", "study_instance_uid", "study_date")
    state = (
        pl.when(pl.col("cause").is_null())
        .then(pl.lit(InstanceState.PLANNED.value))
        .otherwise(pl.lit(InstanceState.SET_ASIDE.value))
    )
    return (
        catalog["instances"]
        .join(series, on="series_key", how="left", maintain_order="left")
        .join(studies, on="study_key", how="left", maintain_order="left")
        .join(verdicts, on="instance_key", how="left", maintain_order="left")
        .join(syntax, on="instance_key", how="left", maintain_order="left")
        .select(
            "instance_key",
            pl.col("sop_instance_uid").fill_null(""),
            "sop_class_uid",
            "series_instance_uid",
            "study_instance_uid",
            "study_date",
            "transfer_syntax_uid",
            "cause",
            "detail",
            state=state,
        )
        .sort(ORDER, descending=[True, False, False, False], nulls_last=True)
        .with_row_index("position")
    )


def candidate_rows(candidates: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of the copies worth trying; ranks as they are."""
    return candidates.select(
        "instance_key", "rank", "mount", "relative", "container", "member", "size_bytes",
        "digest_algorithm", "digest",
    ).unique(["instance_key", "rank"], keep="first", maintain_order=True)  # fmt: skip


def file_rows(files: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of the files on disk."""
    return files.select(
        "mount", "relative", "state", "instance_key", "detail", size_bytes=pl.col("size_on_disk")
    )


def in_batches(rows: pl.DataFrame) -> Iterator[Sequence[Mapping[str, Any]]]:
    """*rows* as lists of mappings of bounded length."""
    for part in rows.iter_slices(BATCH):
        yield part.to_dicts()
