"""Files that no row names: the dump itself, orphans, and what is no object at all."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pacslift.counting import counted
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.catalog import Catalog
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


def judge_unnamed(files: pl.DataFrame, catalog: Catalog, *, look: bool) -> pl.DataFrame:
    """Give every file without a state one, by opening it if *look* allows."""
    owners = owners_of(catalog)
    unnamed = files.filter(pl.col("state").is_null())
    verdicts = [
        judge_one(Path(row["mount"]), row["relative"], owners, look=look)
        for row in unnamed.iter_rows(named=True)
    ]
    judged = unnamed.select("mount", "relative").with_columns(
        pl.Series("new_state", [state for state, _ in verdicts], pl.String()),
        pl.Series("new_detail", [detail for _, detail in verdicts], pl.String()),
    )
    return files.join(judged, on=["mount", "relative"], how="left", maintain_order="left").select(
        "mount", "relative", "size_on_disk", "instance_key",
        state=pl.coalesce("state", "new_state"), detail=pl.coalesce("detail", "new_detail"),
    )  # fmt: skip


def owners_of(catalog: Catalog) -> dict[str, str]:
    """SOP Instance UID to the key of an instance that has it."""
    return dict(catalog["instances"].select("sop_instance_uid", "instance_key").iter_rows())


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


def judge_one(
    mount: Path,
    relative: str,
    owners: Mapping[str, str],
    *,
    look: bool,
    container: str | None = None,
    member: str | None = None,
) -> tuple[str, str]:
    """State and detail of one file that nothing names, or of the *member* of a *container*."""
    if not look:
        return FileState.ORPHAN, "no row names it; not opened"
    try:
        with one_object():
            probed = probe(mount, relative, container, member)
    except SetAsideError as error:
        if error.cause in UNKNOWN:
            return FileState.UNREADABLE, error.detail
        several = None if member else objects_within(mount, relative)
        return (FileState.ORPHAN, several) if several else (FileState.NOT_DICOM, error.detail)
    if probed.sop_instance_uid in owners:
        owner = owners[probed.sop_instance_uid]
        return FileState.ORPHAN_DUPLICATE, f"holds the SOP Instance UID of instance {owner}"
    return FileState.ORPHAN, f"holds {probed.sop_instance_uid}, which no row has"
