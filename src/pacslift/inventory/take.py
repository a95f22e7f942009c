"""The inventory: the catalog, and the catalog against what lies in the storage.

The storage is walked by name and size. Files are opened only where a name says nothing (no row
names them, or several rows claim one object) and as far as `probe` asks: what an object really
is, is learnt when it is read to be sent, since a large archive cannot be read twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pacslift.adapter import Adapter
from pacslift.counting import counted
from pacslift.errors import Cause, StorageRootError
from pacslift.events import Sink
from pacslift.inventory.compare import Compared, Part, as_they_are, reconcile
from pacslift.inventory.disk import list_disk, locate_attachments, locate_files, mounts_for
from pacslift.inventory.duplicates import settle_duplicates
from pacslift.inventory.findings import catalog_findings, counts_that_differ
from pacslift.inventory.lookinside import look_inside
from pacslift.inventory.ranges import Spilled, Tables, in_ranges, length_of
from pacslift.inventory.reconcile import Verdicts
from pacslift.inventory.sample import Pair, probe_sample
from pacslift.inventory.unnamed import Owners, judge_unnamed, name_index
from pacslift.inventory.walkfiles import Kind

# Causes that say the file could not even be looked at.
NOT_THERE = (
    Cause.MISSING_FILE,
    Cause.NO_FILE_ROW,
    Cause.OUTSIDE_ROOT,
    Cause.ROOT_NOT_MOUNTED,
    Cause.OFFLINE,
)
LOST_REMEDY = (
    "Check the folders given with --storage, or [storage.mounts] in job.toml. If they are right "
    "and the files are lost, accept_lost = true in [inventory] of job.toml makes a report of it"
)


@dataclass(frozen=True)
class Inventory:
    """What the inventory found. *pairs* are those met in probed files, with their number.

    The verdicts can be read as long as the scratch folder is there that take_inventory() was given.
    """

    verdicts: Verdicts
    findings: tuple[str, ...]
    pairs: Mapping[Pair, int]


@dataclass(frozen=True)
class Storage:
    """What the catalog is compared with, and how.

    mounts       old root to folder
    dumps        they lie inside the storage at times; they are the index, not objects
    probe        which files are opened: none, sample or all
    accept_lost  somebody knows that nothing of what the dump names is there
    """

    mounts: Mapping[str, Path]
    dumps: Sequence[Path]
    probe: str
    accept_lost: bool = False


def take_inventory(
    adapter: Adapter, catalog: Tables, storage: Storage, tell: Sink, scratch: Path
) -> Inventory:
    """Compare *catalog* with the folders of *storage*; *scratch* is for what is put by.

    Raises StorageRootError if a folder is not there, or none holds anything of what the dump names
    and nobody has accepted that it is all lost.
    """
    require_folders(storage.mounts)
    disk = Spilled(scratch / "disk")
    for part in list_disk(storage.mounts.values(), tell):
        disk.add(part)
    return compare(adapter, catalog, storage, disk.scan(), scratch)


def compare(
    adapter: Adapter,
    catalog: Tables,
    storage: Storage,
    disk: pl.LazyFrame,
    scratch: Path,
    size: int | None = None,
) -> Inventory:
    """The inventory of a storage whose files have been listed (DISK).

    *size* is about how many rows are held at a time.
    """
    owners = Owners(catalog["instances"])
    found, lost = parted(catalog, storage, owners, disk, scratch, size)
    if lost and not storage.accept_lost:
        raise StorageRootError(f"{lost}. {LOST_REMEDY}")
    again, faulty = Spilled(scratch / "again"), Spilled(scratch / "faulty")
    for some in settle_duplicates(found.chosen.scan(), scratch, size):
        again.add(some)
    instances, chosen = without(found.instances, found.chosen, again, scratch / "once", size)
    files = Spilled(scratch / "judged-files")
    for part in found.files:
        indexed = name_index(part, storage.dumps)
        files.add(judge_unnamed(indexed, owners, look=storage.probe != "none"))
    found.files.drop()
    pairs, probed = probe_sample(chosen, storage.probe, faulty.add)
    instances, _ = without(instances, chosen, faulty, scratch / "good", size)
    verdicts = Verdicts(instances.scan(), found.candidates.scan(), files.scan())
    said = [*catalog_findings(catalog), *counts_that_differ(catalog), *probed,
            *storage_findings(adapter, verdicts.instances, disk)]  # fmt: skip
    return Inventory(verdicts, tuple([lost, *said] if lost else said), pairs)


def parted(
    catalog: Tables,
    storage: Storage,
    owners: Owners,
    disk: pl.LazyFrame,
    scratch: Path,
    size: int | None,
) -> tuple[Compared, str | None]:
    """What reconcile() gives of *catalog* and *disk*, and a sentence if all is lost."""
    mounts = mounts_for(catalog["files"], storage.mounts)
    places, attached = Spilled(scratch / "places"), Spilled(scratch / "attached")
    for some in locate_files(catalog["files"], mounts):
        places.add(some)
    for some in locate_attachments(catalog["attachments"], mounts):
        attached.add(some)
    rows = places.height

    def look_into(part: Part) -> tuple[pl.DataFrame, pl.DataFrame]:
        return look_inside(owners, part["places"], part["disk"], part["beside"])

    found = reconcile(
        catalog["instances"],
        places,
        disk,
        attached.scan(),
        scratch,
        look_into=as_they_are if storage.probe == "none" else look_into,
        size=size,
    )
    return found, all_lost(rows, found, storage.mounts)


def without(
    instances: Spilled, chosen: Spilled, against: Spilled, folder: Path, size: int | None
) -> tuple[Spilled, Spilled]:
    """*instances* with what is *against* some that had nothing against them; *chosen* without."""
    if not against.height:
        return instances, chosen
    judged, left = Spilled(folder / "instances"), Spilled(folder / "chosen")
    tables = {name: rows.scan() for name, rows in
              (("instances", instances), ("chosen", chosen), ("against", against))}  # fmt: skip
    for part in in_ranges(tables, "instance_key", folder, size):
        joined = part["instances"].join(
            part["against"], on="instance_key", how="left", maintain_order="left"
        )
        cause, detail = pl.coalesce("cause", "why"), pl.coalesce("detail", "more")
        judged.add(joined.select("instance_key", cause=cause, detail=detail))
        left.add(
            part["chosen"].join(
                part["against"], on="instance_key", how="anti", maintain_order="left"
            )
        )
    return judged, left


def require_folders(mounts: Mapping[str, Path]) -> None:
    """StorageRootError unless every mount is a folder that can be listed."""
    for name, folder in mounts.items():
        called = f"the storage root {name!r}" if name else "the storage root"
        if not folder.is_dir():
            raise StorageRootError(
                f"{called} is to be read from {folder}, which is no folder; mount the copy there, "
                "or change [storage.mounts] in job.toml"
            )
        try:
            next(folder.iterdir(), None)
        except OSError as error:
            raise StorageRootError(
                f"{called}, {folder}, cannot be listed: {error.strerror}; give this user the right"
            ) from error


def all_lost(rows: int, found: Compared, mounts: Mapping[str, Path]) -> str | None:
    """A sentence if the *rows* of files name none that is there: mostly a wrong root."""
    named = pl.col("instance_key").is_not_null().any()
    if not rows or any(part.select(named).item() for part in found.files):
        return None
    told = (part["detail"].drop_nulls() for part in found.instances)
    first = next((details[0] for details in told if details.len()), "unknown")
    where = ", ".join(f"{name or 'the only root'} = {path}" for name, path in mounts.items())
    return (
        f"not one of the {rows} files that the dump names is in the storage "
        f"({where}); the first is {first!r}"
    )


def storage_findings(adapter: Adapter, verdicts: pl.LazyFrame, disk: pl.LazyFrame) -> list[str]:
    """Sentences on the storage as a whole; *verdicts* are those on instances."""
    said = []
    links = length_of(disk.filter(pl.col("fault").str.starts_with(Kind.SYMLINK.value)))
    if links:
        said.append(
            f"{counted(links, 'symbolic link')} in the storage not followed; name the folders they "
            "point to as storage roots of their own"
        )
    total = length_of(verdicts)
    gone = pl.col("cause").is_in([cause.value for cause in NOT_THERE])
    there = total - length_of(verdicts.filter(gone))
    if total and there / total < adapter.warn_share_with_file:
        said.append(
            f"only {there} of {total} instances have their file in the storage; "
            "is the copy complete, and every root mounted?"
        )
    return said
