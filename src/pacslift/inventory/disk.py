"""Where the catalog's rows point to, and what lies there: names and sizes, nothing is opened."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from pacslift.errors import Cause, SetAsideError
from pacslift.events import FilesWalked, Sink
from pacslift.inventory.catalog import SPLIT
from pacslift.inventory.reconcile import DISK, PLACES
from pacslift.inventory.roots import Mounts
from pacslift.inventory.walkfiles import Kind, walk_files

TELL_EVERY = 5_000  # files between two events
SLICE = 100_000  # rows that are Python objects at a time
OFFLINE = "offline"
ATTACHED = pl.Schema({"mount": pl.String(), "relative": pl.String(), "kind": pl.String()})

Place: TypeAlias = tuple[str | None, str | None, str | None, str | None]
"""Mount and relative path of a row, or the cause and detail against it."""

PlaceAndMember: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None]


def mounts_for(files: pl.LazyFrame, folders: Mapping[str, Path]) -> Mounts:
    """Where roots are to be read; *files* are the catalog's, which tell if there is only one."""
    first = files.filter(pl.col("path").is_not_null(), pl.col("rank") == 0)
    roots = first.select(pl.col("root").unique().drop_nulls()).collect(engine="streaming")["root"]
    return Mounts(folders, roots[0] if roots.len() == 1 else None)


def locate_files(files: pl.LazyFrame, mounts: Mounts) -> Iterator[pl.DataFrame]:
    """PLACES of the catalog's files rows, in their order."""
    schema = {c: PLACES[c] for c in ("mount", "relative", "cause", "detail", "member")}
    for part in slices(files):
        places = [place_of(mounts, row) for row in part.iter_rows(named=True)]
        added = pl.DataFrame(places, schema=schema, orient="row")
        kept = part.select(c for c in PLACES if c in part.columns and c != "member")
        yield pl.concat([kept, added], how="horizontal").select(list(PLACES))


def locate_attachments(attachments: pl.LazyFrame, mounts: Mounts) -> Iterator[pl.DataFrame]:
    """ATTACHED of the catalog's attachments, those that lie below a mount."""
    for part in slices(attachments):
        spots = [locate(mounts, row["root"], row["path"])[:2] for row in part.iter_rows(named=True)]
        schema = {c: ATTACHED[c] for c in ("mount", "relative")}
        spotted = pl.DataFrame(spots, schema=schema, orient="row")
        yield pl.concat([spotted, part.select("kind")], how="horizontal").drop_nulls("mount")


def slices(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """*rows*, some at a time; a frame without any is the last."""
    yield from rows.collect_batches(chunk_size=SLICE, maintain_order=True)
    yield pl.DataFrame(schema=rows.collect_schema())


def place_of(mounts: Mounts, row: Mapping[str, Any]) -> PlaceAndMember:
    """Where a row of files points to: its place, and the entry or the header that goes with it."""
    if row["path"] is None and row["availability"] == OFFLINE:
        return *on_medium(row["root"]), row["member"]
    if row["container"] == SPLIT:
        return located_pair(mounts, row)
    return *locate(mounts, row["root"], row["path"]), row["member"]


def on_medium(name: str | None) -> Place:
    """Nowhere: the object lies on a medium that somebody has to fetch."""
    detail = f"it lies on the offline medium {name or 'without a name'} alone; copy that one first"
    return None, None, Cause.OFFLINE.value, detail


def locate(mounts: Mounts, root: str | None, path: str | None) -> Place:
    """Mount and relative path of one row, or the cause and detail against it."""
    if path is None:
        return None, None, Cause.NO_FILE_ROW.value, "its row in the database has no path"
    try:
        located = mounts.locate(root, path)
    except SetAsideError as error:
        return None, None, error.cause.value, error.detail
    return str(located.mount), located.relative, None, None


def located_pair(mounts: Mounts, row: Mapping[str, Any]) -> PlaceAndMember:
    """As locate(), with the header's place behind: pixels and header lie below one mount."""
    mount, relative, cause, detail = locate(mounts, row["root"], row["path"])
    if cause is not None:
        return None, None, cause, detail, None
    where, header, cause, detail = locate(mounts, row["root"], row["member"])
    if cause is None and where != mount:
        cause = Cause.OUTSIDE_ROOT.value
        detail = f"{relative} and its header {header} lie below different roots"
    return (None, None, cause, detail, None) if cause else (mount, relative, None, None, header)


def list_disk(folders: Iterable[Path], tell: Sink) -> Iterator[pl.DataFrame]:
    """DISK in parts: every entry below the folders, each once even where one is inside another."""
    distinct = sorted(set(folders))
    rows: list[tuple[str, str, int | None, str | None]] = []
    count = 0
    for folder in distinct:
        inner = tuple(
            f"{other.relative_to(folder).as_posix()}/"
            for other in distinct
            if other != folder and other.is_relative_to(folder)
        )
        for entry in walk_files(folder):
            if inner and entry.relative.startswith(inner):
                continue
            fault = None if entry.kind is Kind.FILE else f"{entry.kind} {entry.detail}".strip()
            rows.append((str(folder), entry.relative, entry.size_bytes, fault))
            count += 1
            if count % TELL_EVERY == 0:
                tell(FilesWalked(count))
            if len(rows) == SLICE:
                yield pl.DataFrame(rows, schema=DISK, orient="row")
                rows = []
    tell(FilesWalked(count))
    yield pl.DataFrame(rows, schema=DISK, orient="row")
