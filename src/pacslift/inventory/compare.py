"""Catalog against disk, however long both are: by path, by instance, and by path again.

Strategy: places and disk are joined in ranges of the path in lower case, as spellings that differ
in that alone may be one file; what that says of each place goes to its instance, in ranges of the
instance key, where the copy to read is chosen; which files that leaves used goes back to the paths.
The header of a split object lies at a path of its own, and is met there.
Cost    each step puts its rows by on disk and removes those of the step before, so that memory
        holds one range.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pacslift.inventory.catalog import SPLIT
from pacslift.inventory.lookinside import ENTRIES, SEPARATOR
from pacslift.inventory.ranges import Spilled, in_ranges
from pacslift.inventory.reconcile import (
    DISK,
    PLACES,
    found_on_disk,
    judge_files,
    judge_instances,
    judge_places,
    named_files,
    spelt_as_on_disk,
    with_headers,
)

NEEDED = ("instance_key", "sop_instance_uid", "sop_class_uid", "visibility")
CANDIDATE = tuple(column for column in PLACES if column not in ("cause", "detail"))
PATH = "folded"  # the column by which paths are parted
ROW = "row"  # the number of a place, in the order of the catalog

Part = Mapping[str, pl.DataFrame]  # places, disk and beside, of a range of paths
LookInto = Callable[[Part], tuple[pl.DataFrame, pl.DataFrame]]
"""Gives the places of a part with what is against entries of containers, and further files."""


@dataclass(frozen=True)
class Compared:
    """Verdicts both ways, put by.

    instances   instance_key, cause and detail (null where all is well), by their keys
    candidates  PLACES of the copies worth trying, best first, without cause and detail
    files       mount, relative, size_on_disk, state, instance_key, detail; state is null for a
                file that nothing names, which has to be looked into
    chosen      of each instance without a cause the copy to read, with its sop_instance_uid and
                sop_class_uid
    """

    instances: Spilled
    candidates: Spilled
    files: Spilled
    chosen: Spilled


def as_they_are(part: Part) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Look into no container."""
    return part["places"], pl.DataFrame(schema=ENTRIES)


def reconcile(
    instances: pl.LazyFrame,
    places: Spilled,
    disk: pl.LazyFrame,
    attachments: pl.LazyFrame,
    scratch: Path,
    *,
    look_into: LookInto = as_they_are,
    size: int | None = None,
) -> Compared:
    """Part rows and files by what is found; *attachments* has mount, relative and kind.

    *places* are used up. *size* is about how many rows are held at a time.
    """
    found, headers, entries = (Spilled(scratch / name) for name in ("found", "headers", "entries"))
    by_path = tables_by_path(places, disk, attachments)
    for part in in_ranges(by_path, PATH, scratch, size):
        on_disk = part["disk"].select(list(DISK))
        spelt = spelt_as_on_disk(part["places"].drop(PATH), on_disk)
        looked, inside = look_into({**part, "places": spelt, "disk": on_disk})
        found.add(found_on_disk(looked, on_disk))
        entries.add(inside)
        spelt_headers = spelt_as_on_disk(part["headers"].drop(PATH), on_disk)
        at_hand = found_on_disk(spelt_headers, on_disk)
        headers.add(at_hand.select(ROW, "instance_key", spelt="relative", header="size_on_disk"))
    places.drop()
    compared = Compared(
        *(Spilled(scratch / name) for name in ("instances", "candidates", "files", "chosen"))
    )
    named = judge_by_instance(instances, found, headers, compared, scratch, size)
    rest = {"disk": by_path["disk"], "attachments": by_path["attachments"], "named": named.scan()}
    for part in in_ranges(rest, PATH, scratch, size):
        on_disk = part["disk"].select(list(DISK))
        compared.files.add(judge_files(on_disk, part["named"], part["attachments"]))
    named.drop()
    for inside in entries:
        compared.files.add(inside)
    return compared


def tables_by_path(
    places: Spilled, disk: pl.LazyFrame, attachments: pl.LazyFrame
) -> dict[str, pl.LazyFrame]:
    """All that is known of paths, each with PATH.

    headers  those of split objects, at their own paths
    beside   attachments inside containers, by the path of what may be the container
    """
    numbered = places.scan().with_row_index(ROW)
    split = (pl.col("container") == SPLIT) & pl.col("member").is_not_null()
    headers = numbered.filter(split).select(ROW, "instance_key", "mount", relative="member")
    parts = pl.col("relative").str.split(SEPARATOR)
    whole = attachments.select("mount", "relative", parts=parts)
    cut = whole.with_columns(n=pl.int_ranges(1, pl.col("parts").list.len())).explode("n")
    outer = pl.col("parts").list.head("n").list.join(SEPARATOR)
    return {
        "places": numbered.with_columns(pl.coalesce(folded(), "instance_key").alias(PATH)),
        "disk": disk.with_columns(folded().alias(PATH)),
        "attachments": attachments.with_columns(folded().alias(PATH)),
        "headers": headers.with_columns(folded().alias(PATH)),
        "beside": cut.drop_nulls("n").select(
            "mount", "relative", outer.str.to_lowercase().alias(PATH)
        ),
    }


def folded() -> pl.Expr:
    """The path in lower case."""
    return pl.col("relative").str.to_lowercase()


def judge_by_instance(
    instances: pl.LazyFrame,
    found: Spilled,
    headers: Spilled,
    compared: Compared,
    scratch: Path,
    size: int | None,
) -> Spilled:
    """Put instances, candidates and chosen of *compared* by; gives the files that rows name."""
    named = Spilled(scratch / "named")
    tables = {
        "instances": instances.select(NEEDED),
        "found": found.scan(),
        "headers": headers.scan(),
    }
    for part in in_ranges(tables, "instance_key", scratch, size):
        rows = part["instances"].sort("instance_key", maintain_order=True)
        judged = judge_places(with_headers(part["found"].sort(ROW), part["headers"]))
        verdicts = judge_instances(rows, judged)
        well = pl.col("cause").is_null()
        usable = judged.filter(well).sort("instance_key", "rank", maintain_order=True)
        first = usable.select(CANDIDATE).unique("instance_key", keep="first", maintain_order=True)
        compared.instances.add(verdicts)
        compared.candidates.add(usable.select(CANDIDATE))
        compared.chosen.add(
            first.join(verdicts.filter(well), on="instance_key", how="semi", maintain_order="left")
            .join(rows.drop("visibility"), on="instance_key", maintain_order="left")
        )  # fmt: skip
        named.add(named_files(judged, rows).with_columns(folded().alias(PATH)))
    found.drop()
    headers.drop()
    return named
