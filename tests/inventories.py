"""Inventories in memory, for tests that look at all of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pacslift.adapter import Adapter
from pacslift.events import silence
from pacslift.inventory.catalog import Catalog
from pacslift.inventory.disk import list_disk
from pacslift.inventory.ranges import Spilled, scratch_folder
from pacslift.inventory.reconcile import Verdicts
from pacslift.inventory.sample import Pair
from pacslift.inventory.take import Storage, compare, require_folders


@dataclass(frozen=True)
class Reconciled:
    """Verdicts that have been read."""

    instances: pl.DataFrame
    candidates: pl.DataFrame
    files: pl.DataFrame

    def verdicts(self) -> Verdicts:
        """The same, as stages take them."""
        return Verdicts(self.instances.lazy(), self.candidates.lazy(), self.files.lazy())


@dataclass(frozen=True)
class Taken:
    """An inventory that has been read."""

    reconciled: Reconciled
    findings: tuple[str, ...]
    pairs: Mapping[Pair, int]


def taken(
    adapter: Adapter,
    catalog: Catalog,
    mounts: Mapping[str, Path],
    dumps: Sequence[Path] = (),
    probe: str = "sample",
    size: int | None = None,
) -> Taken:
    """The inventory of a catalog and a storage; about *size* rows are held at a time."""
    require_folders(mounts)
    with scratch_folder(None) as scratch:
        disk = Spilled(scratch / "disk")
        for part in list_disk(mounts.values(), silence):
            disk.add(part)
        storage = Storage(mounts, dumps, probe)
        found = compare(adapter, catalog.lazy(), storage, disk.scan(), scratch, size)
        read = Reconciled(*(rows.collect() for rows in vars(found.verdicts).values()))
        return Taken(read, (*catalog.findings, *found.findings), found.pairs)
