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
from pacslift.inventory.catalog import Catalog
from pacslift.inventory.disk import list_disk, locate_all
from pacslift.inventory.duplicates import settle_duplicates
from pacslift.inventory.findings import catalog_findings, counts_that_differ
from pacslift.inventory.lookinside import look_inside
from pacslift.inventory.reconcile import Reconciled, reconcile
from pacslift.inventory.sample import Pair, probe_sample
from pacslift.inventory.unnamed import judge_unnamed, name_index
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
    """What the inventory found. *pairs* are those met in probed files, with their number."""

    reconciled: Reconciled
    findings: tuple[str, ...]
    pairs: Mapping[Pair, int]


def take_inventory(
    adapter: Adapter,
    catalog: Catalog,
    mounts: Mapping[str, Path],
    dumps: Sequence[Path],
    probe_mode: str,
    tell: Sink,
    *,
    accept_lost: bool = False,
) -> Inventory:
    """Compare *catalog* with the folders of *mounts* (old root to folder).

    *dumps* lie inside the storage at times; they are the index, not objects.
    Raises StorageRootError if a folder is not there, or none holds anything of what the dump names
    and nobody has accepted that it is all lost.
    """
    require_folders(mounts)
    disk = list_disk(mounts.values(), tell)
    return compare(adapter, catalog, mounts, disk, dumps, probe_mode, accept_lost=accept_lost)


def compare(
    adapter: Adapter,
    catalog: Catalog,
    mounts: Mapping[str, Path],
    disk: pl.DataFrame,
    dumps: Sequence[Path],
    probe_mode: str,
    *,
    accept_lost: bool = False,
) -> Inventory:
    """The inventory of a storage whose files have been listed (DISK)."""
    places, attachments = locate_all(catalog, mounts)
    entries = None
    if probe_mode != "none":
        places, entries = look_inside(catalog, places, disk, attachments)
    found = reconcile(catalog, places, disk, attachments)
    if entries is not None:
        found = with_files(found, pl.concat([found.files, entries]))
    lost = all_lost(catalog, found, mounts)
    if lost and not accept_lost:
        raise StorageRootError(f"{lost}. {LOST_REMEDY}")
    found = settle_duplicates(catalog, found)
    found = with_files(found, name_index(found.files, dumps))
    found = with_files(found, judge_unnamed(found.files, catalog, look=probe_mode != "none"))
    found, pairs, probed = probe_sample(catalog, found, probe_mode)
    said = [*catalog.findings, *catalog_findings(catalog), *counts_that_differ(catalog), *probed,
            *storage_findings(adapter, catalog, found, disk)]  # fmt: skip
    said = [lost, *said] if lost else said
    return Inventory(found, tuple(said), pairs)


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


def all_lost(catalog: Catalog, found: Reconciled, mounts: Mapping[str, Path]) -> str | None:
    """A sentence if the dump names files and not one of them is there: mostly a wrong root."""
    if (
        not catalog["files"].height
        or found.files.filter(pl.col("instance_key").is_not_null()).height
    ):
        return None
    first = found.instances.filter(pl.col("detail").is_not_null())["detail"]
    where = ", ".join(f"{name or 'the only root'} = {path}" for name, path in mounts.items())
    return (
        f"not one of the {catalog['files'].height} files that the dump names is in the storage "
        f"({where}); the first is {first[0] if first.len() else 'unknown'!r}"
    )


def with_files(found: Reconciled, files: pl.DataFrame) -> Reconciled:
    """*found* with other verdicts on files."""
    return Reconciled(found.instances, found.candidates, files)


def storage_findings(
    adapter: Adapter, catalog: Catalog, found: Reconciled, disk: pl.DataFrame
) -> list[str]:
    """Sentences on the storage as a whole."""
    said = []
    links = disk.filter(pl.col("fault").str.starts_with(Kind.SYMLINK.value)).height
    if links:
        said.append(
            f"{counted(links, 'symbolic link')} in the storage not followed; name the folders they "
            "point to as storage roots of their own"
        )
    total = catalog["instances"].height
    gone = pl.col("cause").is_in([cause.value for cause in NOT_THERE])
    there = total - found.instances.filter(gone).height
    if total and there / total < adapter.warn_share_with_file:
        said.append(
            f"only {there} of {total} instances have their file in the storage; "
            "is the copy complete, and every root mounted?"
        )
    return said
