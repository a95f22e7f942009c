"""TAR files in the storage: which of their entries rows name, and which none does.

Takes   places and disk as reconcile() does, before it judges them.
Gives   places with a cause against entries that are not there, and a file row of its own for each
        entry that nothing names: an orphan inside a container is an orphan.
Cost    one short read for each TAR file that rows name; none if nothing is to be opened.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import polars as pl

from pacslift.errors import SetAsideError
from pacslift.inventory import tars
from pacslift.inventory.catalog import Catalog
from pacslift.inventory.reconcile import spelt_as_on_disk
from pacslift.inventory.roots import open_inside
from pacslift.inventory.unnamed import judge_one, owners_of
from pacslift.ledger import FileState

SEPARATOR = "!"  # between a TAR file and its entry, as dcm4chee writes it
VERDICTS = ("mount", "relative", "member", "said_cause", "said_detail")
ENTRIES = {"mount": pl.String(), "relative": pl.String(), "size_on_disk": pl.Int64(),
           "instance_key": pl.String(), "state": pl.String(), "detail": pl.String()}  # fmt: skip

Verdict = tuple[str, str, str, str, str]


def look_into_tars(
    catalog: Catalog, places: pl.DataFrame, disk: pl.DataFrame, attachments: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """*places* with what is against their entries, and the entries that nothing names."""
    places = spelt_as_on_disk(places, disk)
    in_tar = pl.col("container") == tars.CONTAINER
    wanted = (
        places.filter(in_tar, pl.col("cause").is_null(), pl.col("member").is_not_null())
        .join(disk.filter(pl.col("fault").is_null()), on=["mount", "relative"], how="semi")
        .group_by("mount", "relative", maintain_order=True)
        .agg(pl.col("member").unique(maintain_order=True))
    )
    if wanted.is_empty():
        return places, pl.DataFrame(schema=ENTRIES)
    beside = frozenset(attachments.select("mount", "relative").iter_rows())
    owners = owners_of(catalog)
    against: list[Verdict] = []
    unnamed: list[Mapping[str, object]] = []
    for mount, relative, members in wanted.iter_rows():
        verdicts, others = _looked_into(Path(mount), relative, members)
        against += verdicts
        unnamed += _entry_rows(Path(mount), relative, others, beside, owners)
    said = pl.DataFrame(against, schema=dict.fromkeys(VERDICTS, pl.String()), orient="row")
    judged = places.join(
        said, on=["mount", "relative", "member"], how="left", maintain_order="left"
    ).with_columns(
        cause=pl.coalesce("cause", "said_cause"), detail=pl.coalesce("detail", "said_detail")
    )
    return judged.select(places.columns), pl.DataFrame(unnamed, schema=ENTRIES)


def _looked_into(
    mount: Path, relative: str, members: Collection[str]
) -> tuple[list[Verdict], list[str]]:
    """What is against the *members* of one TAR file, and the names of its other entries."""
    try:
        fd = open_inside(mount, relative)
    except SetAsideError as error:
        return [_verdict(mount, relative, name, error) for name in members], []
    try:
        found = tars.names_in(fd)
        lost = [(name, _fault(fd, name)) for name in members if name not in found]
    except SetAsideError as error:
        return [_verdict(mount, relative, name, error) for name in members], []
    finally:
        os.close(fd)
    verdicts = [_verdict(mount, relative, name, fault) for name, fault in lost if fault]
    return verdicts, sorted(found.difference(members))


def _fault(fd: int, name: str) -> SetAsideError | None:
    """Why an entry cannot be read; None if it is there, though the list does not say so."""
    try:
        tars.entry_of(fd, name)
    except SetAsideError as error:
        return error
    return None


def _verdict(mount: Path, relative: str, name: str, error: SetAsideError) -> Verdict:
    return str(mount), relative, name, error.cause.value, f"{relative}: {error.detail}"


def _entry_rows(
    mount: Path,
    relative: str,
    names: Collection[str],
    beside: frozenset[tuple[str, ...]],
    owners: Mapping[str, str],
) -> Iterator[Mapping[str, object]]:
    """File rows of entries that no row names."""
    for name in names:
        whole = f"{relative}{SEPARATOR}{name}"
        if (str(mount), whole) in beside:
            state, detail = FileState.ATTACHMENT.value, "named as something that is no instance"
        else:
            state, detail = judge_one(mount, relative, owners, look=True, member=name)
        yield {"mount": str(mount), "relative": whole, "state": state, "detail": detail}
