"""Catalog against disk: a verdict for every row and every file. Pure Polars.

Takes   the catalog, the places its files rows point to (PLACES), the files that are there (DISK).
Gives   every instance row and every file of the disk exactly once, each with its verdict; rows
        in are rows out, both ways.
Ties    of several copies the lowest rank that is there and whole is the one to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pacslift.errors import Cause
from pacslift.inventory.catalog import AVAILABILITIES, CONTAINERS, SPLIT, Catalog
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


@dataclass(frozen=True)
class Reconciled:
    """Verdicts both ways.

    instances   instance_key, cause and detail (null where all is well)
    candidates  PLACES of the copies worth trying, best first, without cause and detail
    files       mount, relative, size_on_disk, state, instance_key, detail; state is null for a
                file that nothing names, which has to be looked into
    """

    instances: pl.DataFrame
    candidates: pl.DataFrame
    files: pl.DataFrame

    def with_verdicts(self, verdicts: Mapping[str, tuple[str, str]]) -> "Reconciled":
        """Add cause and detail, by instance_key, to rows that had nothing against them."""
        if not verdicts:
            return self
        said = pl.DataFrame(
            [(key, *verdict) for key, verdict in verdicts.items()],
            schema={"instance_key": pl.String(), "why": pl.String(), "more": pl.String()},
            orient="row",
        )
        joined = self.instances.join(said, on="instance_key", how="left", maintain_order="left")
        instances = joined.select(
            "instance_key",
            cause=pl.coalesce("cause", "why"),
            detail=pl.coalesce("detail", "more"),
        )
        return Reconciled(instances, self.candidates, self.files)

    def write(self, folder: Path) -> None:
        """Write the three as verdicts-*.parquet."""
        for name, frame in vars(self).items():
            frame.write_parquet(folder / f"verdicts-{name}.parquet")

    @classmethod
    def read(cls, folder: Path) -> "Reconciled":
        """What write() wrote."""
        return cls(
            *(
                pl.read_parquet(folder / f"verdicts-{name}.parquet")
                for name in ("instances", "candidates", "files")
            )
        )


def reconcile(catalog: Catalog, places: pl.DataFrame, disk: pl.DataFrame,
              attachments: pl.DataFrame) -> Reconciled:  # fmt: skip
    """Part rows and files by what is found; *attachments* has mount, relative and kind."""
    spelt = headers_as_on_disk(spelt_as_on_disk(places, disk), disk)
    judged = judge_places(spelt, disk)
    usable = judged.filter(pl.col("cause").is_null()).sort("instance_key", "rank")
    return Reconciled(
        instances=judge_instances(catalog["instances"], judged),
        candidates=usable.select(c for c in PLACES if c not in ("cause", "detail")),
        files=judge_files(disk, judged, attachments),
    )


def spelt_as_on_disk(places: pl.DataFrame, disk: pl.DataFrame) -> pl.DataFrame:
    """*places* with the disk's spelling where only upper and lower case differ.

    Products on Windows write paths in any case; their copy on Linux has one. A spelling that
    fits several files is left alone.
    """
    folded = (
        disk.with_columns(folded=pl.col("relative").str.to_lowercase())
        .filter(pl.len().over("mount", "folded") == 1)
        .select("mount", "folded", spelt=pl.col("relative"))
    )
    exact = disk.select("mount", "relative", exact=pl.lit(value=True))
    return (
        places.with_columns(folded=pl.col("relative").str.to_lowercase())
        .join(exact, on=["mount", "relative"], how="left")
        .join(folded, on=["mount", "folded"], how="left")
        .with_columns(
            relative=pl.when(pl.col("exact").is_null() & pl.col("spelt").is_not_null())
            .then("spelt")
            .otherwise("relative")
        )
        .drop("folded", "exact", "spelt")
    )


def headers_as_on_disk(places: pl.DataFrame, disk: pl.DataFrame) -> pl.DataFrame:
    """*places* with the headers of split objects spelt as on the disk, as their pixels are."""
    split = pl.col("container") == SPLIT
    numbered = places.with_row_index("row")
    headers = numbered.filter(split).drop("relative").rename({"member": "relative"})
    if headers.is_empty():
        return places
    spelt = spelt_as_on_disk(headers, disk).select("row", spelt="relative")
    joined = numbered.join(spelt, on="row", how="left", maintain_order="left")
    member = pl.when(split).then("spelt").otherwise("member")
    return joined.with_columns(member=member).select(places.columns)


def judge_places(places: pl.DataFrame, disk: pl.DataFrame) -> pl.DataFrame:
    """Each place with the cause against it, if any, and its file's size in size_on_disk."""
    headers = disk.select("mount", member="relative", header="size_on_disk")
    found = places.join(disk, on=["mount", "relative"], how="left").join(
        headers, on=["mount", "member"], how="left"
    )
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
        .when(said.is_not_null() & (said != size))
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
    return found.with_columns(cause=cause, detail=detail).drop("header")


def judge_instances(instances: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """instance_key, cause, detail for every instance row."""
    # A further copy under a root that was not copied says nothing; the first place does.
    best = (
        judged.sort(pl.col("cause").is_not_null(), "rank")
        .group_by("instance_key", maintain_order=True)
        .agg(pl.col("cause").first(), pl.col("detail").first(), has_row=pl.lit(value=True))
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


def judge_files(
    disk: pl.DataFrame, judged: pl.DataFrame, attachments: pl.DataFrame
) -> pl.DataFrame:
    """Every file of *disk* once, with its state where something names it."""
    placed = judged.filter(pl.col("relative").is_not_null()).with_columns(
        chosen=pl.struct(pl.col("cause").is_not_null(), "rank").rank("ordinal").over("instance_key")
        == 1
    )
    headers = placed.filter(pl.col("container") == SPLIT).with_columns(relative="member")
    named = (
        pl.concat([placed, headers])
        .sort("chosen", descending=True)
        .unique(["mount", "relative"], keep="first", maintain_order=True)
        .select("mount", "relative", "instance_key", "chosen")
    )
    beside = attachments.select("mount", "relative", "kind").unique(["mount", "relative"])
    state = (
        pl.when(pl.col("chosen"))
        .then(pl.lit(FileState.USED.value))
        .when(pl.col("instance_key").is_not_null())
        .then(pl.lit(FileState.SPARE_COPY.value))
        .when(pl.col("kind").is_not_null())
        .then(pl.lit(FileState.ATTACHMENT.value))
        .when(pl.col("fault").is_not_null())
        .then(pl.lit(FileState.UNREADABLE.value))
    )
    detail = pl.coalesce("fault", pl.format("kind {}", "kind"))
    return (
        disk.join(named, on=["mount", "relative"], how="left")
        .join(beside, on=["mount", "relative"], how="left")
        .select("mount", "relative", "size_on_disk", "instance_key", state=state, detail=detail)
    )


def duplicate_groups(catalog: Catalog, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Instances without a cause that share their SOP Instance UID: instance_key, uid; in order."""
    return (
        catalog["instances"]
        .join(verdicts.filter(pl.col("cause").is_null()), on="instance_key")
        .filter(pl.len().over("sop_instance_uid") > 1)
        .select("instance_key", "sop_instance_uid")
        .sort("sop_instance_uid", "instance_key")
    )
