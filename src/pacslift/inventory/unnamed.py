"""Files that no row names: the dump itself, orphans, and what is no object at all."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pacslift.counting import counted
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.entries import container_of, names_in
from pacslift.inventory.probe import probe
from pacslift.inventory.roots import open_inside
from pacslift.ledger import FileState
from pacslift.unforeseen import one_object

# Causes that leave open whether the file is an object.
UNKNOWN = (Cause.UNREADABLE, Cause.INTERNAL_FAULT)


def name_index(files: pl.DataFrame, dumps: Sequence[Path]) -> pl.DataFrame:
    """Mark the dump's own files among *files* that nothing else names."""
    paths = [str(path) for path in dumps]
    path = pl.format("{}/{}", "mount", "relative")
    inside = path.is_in(paths)
    for dump in paths:
        # A folder given as a dump, and what SQLite keeps beside its file.
        inside |= path.str.starts_with(dump + "/")
        inside |= path.is_in([dump + suffix for suffix in ("-wal", "-shm", "-journal")])
    state = pl.when(pl.col("state").is_null() & inside).then(pl.lit(FileState.INDEX.value))
    return files.with_columns(state=pl.coalesce("state", state))


@dataclass(frozen=True)
class Owners:
    """Which instance has a SOP Instance UID; asked for many at once, none of them kept."""

    instances: pl.LazyFrame

    def of(self, uids: Collection[str]) -> dict[str, str]:
        """The key of an instance for each of *uids* that one has."""
        if not uids:
            return {}
        asked = pl.Series(sorted(uids), dtype=pl.String())
        rows = self.instances.select("sop_instance_uid", "instance_key")
        found = rows.filter(pl.col("sop_instance_uid").is_in(asked.implode()))
        return dict(found.collect(engine="streaming").sort("instance_key").iter_rows())


class Spot(NamedTuple):
    """A file, or the *member* of a *container*."""

    mount: Path
    relative: str
    container: str | None = None
    member: str | None = None


def judge_unnamed(files: pl.DataFrame, owners: Owners, *, look: bool) -> pl.DataFrame:
    """Give every file without a state one, by opening it if *look* allows."""
    unnamed = files.filter(pl.col("state").is_null())
    if unnamed.is_empty():
        return files
    spots = [Spot(Path(mount), name) for mount, name in unnamed["mount", "relative"].iter_rows()]
    unseen = FileState.ORPHAN.value, "no row names it; not opened"
    verdicts = judge_each(spots, owners) if look else [unseen] * len(spots)
    judged = unnamed.select("mount", "relative").with_columns(
        pl.Series("new_state", [state for state, _ in verdicts], pl.String()),
        pl.Series("new_detail", [detail for _, detail in verdicts], pl.String()),
    )
    return files.join(judged, on=["mount", "relative"], how="left", maintain_order="left").select(
        "mount", "relative", "size_on_disk", "instance_key",
        state=pl.coalesce("state", "new_state"), detail=pl.coalesce("detail", "new_detail"),
    )  # fmt: skip


def objects_within(mount: Path, relative: str) -> str | None:
    """What to say of a TAR or ZIP file that no row names; None if it is none."""
    try:
        fd = open_inside(mount, relative)
    except SetAsideError:
        return None
    try:
        container = container_of(fd)
        if container is None:
            return None
        kind = f"a {container.upper()} file"
        try:
            number = len(names_in(fd, container))
        except SetAsideError as error:
            return f"{kind} that no row names; {error.detail}"
    except SetAsideError:
        return None
    finally:
        os.close(fd)
    return f"{kind} of {counted(number, 'entry', 'entries')}, which no row names"


def judge_each(spots: Sequence[Spot], owners: Owners) -> list[tuple[str, str]]:
    """State and detail of files, or of members of containers, that nothing names."""
    seen = [look_at(spot) for spot in spots]
    known = owners.of({uid for _, _, uid in seen if uid is not None})
    return [
        (FileState.ORPHAN_DUPLICATE.value, f"holds the SOP Instance UID of instance {known[uid]}")
        if uid in known
        else (state.value, detail)
        for state, detail, uid in seen
    ]


def look_at(spot: Spot) -> tuple[FileState, str, str | None]:
    """State and detail of what no instance is of, and its SOP Instance UID if it is an object."""
    try:
        with one_object():
            uid = probe(*spot).sop_instance_uid
    except SetAsideError as error:
        if error.cause in UNKNOWN:
            return FileState.UNREADABLE, error.detail, None
        several = None if spot.member else objects_within(spot.mount, spot.relative)
        if several:
            return FileState.ORPHAN, several, None
        return FileState.NOT_DICOM, error.detail, None
    return FileState.ORPHAN, f"holds {uid}, which no row has", uid
