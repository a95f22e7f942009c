"""The order of sending: a place for each series, or each path, and from it one for each instance.

Strategy: newest study first, as it is the likeliest to be asked for tomorrow; before them the
studies that a priority file names. A study stays together; its series go by their UIDs and the
instances of a series by their keys. For slow media the order is theirs instead: medium, then path.
Cost    four bytes an instance, besides the series; paths are sorted in ranges, on disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pacslift.inventory.ranges import Spilled, in_ranges
from pacslift.job_order import NEWEST_FIRST, PATH, Order
from pacslift.plan.mapping import Line
from pacslift.plan.priority import RANKS, read_priority

ORDER = ["rank", "study_date", "study_instance_uid", "series_instance_uid"]
DESCENDING = [False, True, False, False]
LAST_PLACE = 2**32 - 1  # of what has no series
BETWEEN = "\0"  # between the parts of a place on a medium; no name has it


@dataclass(frozen=True)
class Turns:
    """How a job orders, and the lines of its priority file, the first to go first."""

    by_path: bool = False
    lines: tuple[Line, ...] = ()


NO_TURNS = Turns()
NO_RANKS = pl.DataFrame(schema=RANKS)


def turns_of(order: Order = NEWEST_FIRST) -> Turns:
    """What [order] of job.toml comes to. MappingError for a priority file that is wrong."""
    return Turns(order.by == PATH, read_priority(order))


def with_places(series: pl.DataFrame, ranks: pl.DataFrame) -> pl.DataFrame:
    """*series* with the *place* of each; those that ORDER does not tell apart have one place.

    Takes   series with study_key and what ORDER names but the rank; *ranks* of studies.
    """
    facts = series.join(ranks, on="study_key", how="left", maintain_order="left")
    places = (
        facts.select(ORDER)
        .unique()
        .sort(ORDER, descending=DESCENDING, nulls_last=True)
        .with_row_index("place")
    )
    joined = facts.join(places, on=ORDER, how="left", nulls_equal=True, maintain_order="left")
    return joined.drop("rank")


def positions(places: pl.Series) -> pl.Series:
    """For each instance, in the order of the keys, its place in the order of sending.

    Takes   the *places* of their series.
    """
    numbered = pl.LazyFrame({"place": places.cast(pl.UInt64())}).with_row_index("nth")
    order = numbered.select((pl.col("place") * 2**32 + pl.col("nth")).arg_sort()).collect()
    return order.to_series().arg_sort()


def paths_of(part: Mapping[str, pl.DataFrame], start: int) -> pl.DataFrame:
    """nth, at: where the best copy of each instance of a range lies; the first is the *start*th."""
    first = part["candidates"].sort("instance_key", "rank").unique("instance_key", keep="first")
    at = pl.concat_str("mount", "relative", pl.col("member").fill_null(""), separator=BETWEEN)
    return (
        part["instances"].select("instance_key").sort("instance_key")
        .join(first.select("instance_key", at=at), on="instance_key", how="left",
              maintain_order="left")
        .with_row_index("nth", offset=start)
        .select("nth", pl.col("at").fill_null(""))
    )  # fmt: skip


def positions_by_path(paths: Spilled, scratch: Path, size: int | None = None) -> pl.Series:
    """For each instance, in the order of the keys, its place in the order of the *paths*."""
    found = np.zeros(paths.height, dtype=np.uint32)
    start = 0
    for part in in_ranges({"paths": paths.scan()}, "at", scratch, size):
        order = part["paths"].sort("at", "nth")["nth"].to_numpy()
        found[order] = np.arange(start, start + len(order), dtype=np.uint32)
        start += len(order)
    return pl.Series("position", found)
