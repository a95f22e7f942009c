"""Catalog against disk: a verdict for every row and every file. Pure Polars.

Takes   rows of the catalog, the places its files rows point to (PLACES), the files that are there
        (DISK), as many at a time as compare.py gives.
Gives   every instance row and every file of the disk exactly once, each with its verdict; rows
        in are rows out, both ways.
Ties    of several copies the lowest rank that is there and whole is the one to read.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pacslift.errors import Cause
from pacslift.inventory.catalog import AVAILABILITIES, CONTAINERS, SPLIT
from pacslift.inventory.ranges import length_of
from pacslift.ledger import FileState

PLACES = pl.Schema(
    {  # a files row of the catalog, and where it lies now
        "instance_key": pl.String(),
        "rank": pl.Int64(),
        "mount": pl.String(),  # null with a cause: it lies nowhere that may be read
        "relative": pl.String(),  # below the mount, with slashes
        "container": pl.String(),
        "member": pl.String(),
        "size_bytes": pl.Int64(),
        "digest_algorithm": pl.String(),
        "digest": pl.String(),
        "transfer_syntax_uid": pl.String(),
        "availability": pl.String(),
        "cause": pl.String(),
        "detail": pl.String(),
    }
)

DISK = pl.Schema(
    {
        "mount": pl.String(),
        "relative": pl.String(),
        "size_on_disk": pl.Int64(),
        "fault": pl.String(),  # why it cannot be read; null where nothing is known against it
    }
)

VISIBILITY_CAUSES = {
    "hidden": Cause.HIDDEN,
    "merged": Cause.MERGED,
    "rejected": Cause.REJECTED,
    "deleted": Cause.DELETED,
    "remote": Cause.REMOTE,
}

# States that rows give to the files they name; the first of several counts.
_BY_ROWS = pl.Enum(["used", "spare_copy", "withheld"])


@dataclass(frozen=True)
class Verdicts:
    """Verdicts both ways, of any length.

    instances   instance_key, cause and detail (null where all is well)
    candidates  PLACES of the copies worth trying, best first, without cause and detail
    files       mount, relative, size_on_disk, state, instance_key, detail
    """

    instances: pl.LazyFrame
    candidates: pl.LazyFrame
    files: pl.LazyFrame

    @classmethod
    def scan(cls, folder: Path) -> "Verdicts":
        """What write() wrote."""
        names = ("instances", "candidates", "files")
        return cls(*(pl.scan_parquet(folder / f"verdicts-{name}.parquet") for name in names))

    def write(self, folder: Path) -> None:
        """Write the three as verdicts-*.parquet, each whole or not at all."""
        for name, rows in vars(self).items():
            unfinished = folder / f"verdicts-{name}.parquet.partial"
            rows.sink_parquet(unfinished, compression="lz4")
            unfinished.replace(folder / f"verdicts-{name}.parquet")

    def counted(self) -> dict[str, int]:
        """How many instance rows and how many files there are."""
        known = {"instances": self.instances, "files": self.files}
        return {name: length_of(rows) for name, rows in known.items()}


def spelt_as_on_disk(places: pl.DataFrame, disk: pl.DataFrame) -> pl.DataFrame:
    """*places* with the disk's spelling where only upper and lower case differ.

    Products on Windows write paths in any case; their copy on Linux has one. A spelling that
    fits several files is left alone.
    """
    at, lower = ["mount", "folded"], pl.col("relative").str.to_lowercase().alias("folded")
    lost = places.select("mount", "relative").join(disk, on=["mount", "relative"], how="anti")
    lost = lost.drop_nulls().unique().with_columns(lower)
    if lost.is_empty():
        return places
    spelt = (
        disk.lazy()  # of a whole archive: only what is lost is ever held in both spellings
        .select("mount", lower, spelt="relative")
        .join(lost.lazy().select(at).unique(), on=at, how="semi")
        .collect(engine="streaming")
        .filter(pl.len().over(at) == 1)
    )
    other = lost.join(spelt, on=at).select("mount", "relative", "spelt")
    return places.join(other, on=["mount", "relative"], how="left", maintain_order="left").select(
        pl.coalesce("spelt", "relative").alias(name) if name == "relative" else name
        for name in places.columns
    )


def found_on_disk(places: pl.DataFrame, disk: pl.DataFrame) -> pl.DataFrame:
    """*places* with what lies there: size_on_disk and fault, null where nothing does."""
    return places.join(disk, on=["mount", "relative"], how="left", maintain_order="left")


def with_headers(places: pl.DataFrame, headers: pl.DataFrame) -> pl.DataFrame:
    """*places* with the headers of split objects as they are on the disk.

    *headers* has row, spelt and header, the size, which is null where there is none.
    """
    at_hand = headers.select("row", "spelt", "header")
    return places.join(at_hand, on="row", how="left", maintain_order="left").with_columns(
        member=pl.coalesce("spelt", "member")
    )


def judge_places(found: pl.DataFrame) -> pl.DataFrame:
    """Each place with the cause against it, if any."""
    size, said = pl.col("size_on_disk"), pl.col("size_bytes")
    offline = ~pl.col("availability").fill_null("online").is_in(AVAILABILITIES[:2])
    container = pl.col("container")
    headless = (container == SPLIT) & pl.col("header").is_null()
    cause = (
        pl.when(pl.col("cause").is_not_null())
        .then("cause")
        .when(container.is_not_null() & ~container.is_in(CONTAINERS))
        .then(pl.lit(Cause.CONTAINER_UNKNOWN.value))
        .when(size.is_null() & pl.col("fault").is_null() & offline)
        .then(pl.lit(Cause.OFFLINE.value))
        .when(size.is_null() & pl.col("fault").is_null())
        .then(pl.lit(Cause.MISSING_FILE.value))
        .when(pl.col("fault").is_not_null())
        .then(pl.lit(Cause.UNREADABLE.value))
        .when(size == 0)
        .then(pl.lit(Cause.EMPTY_FILE.value))
        .when(said.is_not_null() & (said != size) & pl.col("member").is_null())
        .then(pl.lit(Cause.SIZE_DIFFERS.value))
        .when(headless)
        .then(pl.lit(Cause.MISSING_FILE.value))
    )
    where = pl.col("relative").fill_null("")
    detail = (
        pl.when(pl.col("detail").is_not_null())
        .then("detail")
        .when(cause == Cause.CONTAINER_UNKNOWN)
        .then(pl.format("{}: {}", where, container))
        .when(cause == Cause.SIZE_DIFFERS)
        .then(pl.format("{}: {} bytes on disk, {} in the database", where, size, said))
        .when(cause == Cause.UNREADABLE)
        .then(pl.format("{}: {}", where, "fault"))
        .when((cause == Cause.MISSING_FILE) & headless & size.is_not_null())
        .then(pl.format("{}: its header {} is not there", where, pl.col("member").fill_null("")))
        .otherwise(where)
    )
    return found.with_columns(cause=cause, detail=detail)


def judge_instances(instances: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """instance_key, cause, detail for every instance row."""
    # A further copy under a root that was not copied says nothing; the first place does.
    best = judged.filter(best_of_each(judged)).select(
        "instance_key", "cause", "detail", has_row=pl.lit(value=True)
    )
    hidden = pl.col("visibility").replace_strict(
        {k: v.value for k, v in VISIBILITY_CAUSES.items()}, default=None, return_dtype=pl.String()
    )
    uid = pl.col("sop_instance_uid")
    cause = (
        pl.when(hidden.is_not_null())
        .then(hidden)
        .when(uid.is_null() | (uid == ""))
        .then(pl.lit(Cause.IDENTITY_MISSING.value))
        .when(pl.col("has_row").is_null())
        .then(pl.lit(Cause.NO_FILE_ROW.value))
        .otherwise("cause")
    )
    detail = (
        pl.when(hidden.is_not_null())
        .then(pl.format("the old database marks it as {}", "visibility"))
        .when(cause == Cause.IDENTITY_MISSING)
        .then(pl.lit("its row in the database has no SOP Instance UID"))
        .when(cause.is_not_null())
        .then(pl.col("detail").fill_null("no row in the database says where its file lies"))
    )
    joined = instances.join(best, on="instance_key", how="left", maintain_order="left")
    return joined.select("instance_key", cause=cause, detail=detail)


def best_of_each(judged: pl.DataFrame) -> pl.Series:
    """For each place whether it is its instance's best: one without a cause, then by rank."""
    only = judged["instance_key"].is_unique()
    if only.all():  # as in most archives
        return only
    order = judged.select("instance_key", "rank", bad=pl.col("cause").is_not_null())
    nth = order.with_row_index("nth").sort("bad", "rank", "nth")
    first = nth.unique("instance_key", keep="first")["nth"]
    return pl.int_range(judged.height, dtype=pl.get_index_type(), eager=True).is_in(first.implode())


def named_files(judged: pl.DataFrame, instances: pl.DataFrame) -> pl.DataFrame:
    """The files that rows name: mount, relative, instance_key, rank, and *said*, their state by it.

    *instances* has the visibility of theirs: what the old database does not show is withheld.
    """
    hidden = instances.filter(pl.col("visibility").is_in(list(VISIBILITY_CAUSES)))["instance_key"]
    said = (
        pl.when(pl.col("instance_key").is_in(hidden.implode()))
        .then(pl.lit(FileState.WITHHELD.value))
        .when(best_of_each(judged))
        .then(pl.lit(FileState.USED.value))
        .otherwise(pl.lit(FileState.SPARE_COPY.value))
    )
    placed = judged.with_columns(said=said).filter(pl.col("relative").is_not_null())
    headers = placed.filter(pl.col("container") == SPLIT).with_columns(relative="member")
    columns = "mount", "relative", "instance_key", "rank", "said"
    return pl.concat([placed.select(columns), headers.select(columns).drop_nulls("relative")])


def judge_files(disk: pl.DataFrame, named: pl.DataFrame, attachments: pl.DataFrame) -> pl.DataFrame:
    """Every file of *disk* once, with its state where something names it.

    Ties: a file that several rows name is used if one of them reads it, be others deleted or not.
    """
    first = (
        named.sort(pl.col("said").cast(_BY_ROWS), "instance_key", "rank")
        .unique(["mount", "relative"], keep="first", maintain_order=True)
        .select("mount", "relative", "instance_key", "said")
    )
    beside = attachments.select("mount", "relative", "kind").unique(
        ["mount", "relative"], keep="first", maintain_order=True
    )
    state = (
        pl.when(pl.col("said").is_not_null())
        .then("said")
        .when(pl.col("kind").is_not_null())
        .then(pl.lit(FileState.ATTACHMENT.value))
        .when(pl.col("fault").is_not_null())
        .then(pl.lit(FileState.UNREADABLE.value))
    )
    detail = pl.coalesce("fault", pl.format("kind {}", "kind"))
    return (
        disk.join(first, on=["mount", "relative"], how="left", maintain_order="left")
        .join(beside, on=["mount", "relative"], how="left", maintain_order="left")
        .select("mount", "relative", "size_on_disk", "instance_key", state=state, detail=detail)
    )
