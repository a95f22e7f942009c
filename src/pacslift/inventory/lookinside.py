"""TAR and ZIP files in the storage: which of their entries rows name, and which none does.

Takes   places as they are spelt on the disk, and the disk, of the same range of paths.
Gives   places with a cause against entries that are not there, and a file row of its own for each
        entry that nothing names: an orphan inside a container is an orphan.
Cost    one short read for each such file that rows name; none if nothing is to be opened.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pacslift.errors import SetAsideError
from pacslift.inventory.entries import WITH_ENTRIES, names_in, require_entry
from pacslift.inventory.roots import open_inside
from pacslift.inventory.unnamed import Owners, Spot, judge_each
from pacslift.ledger import FileState

SEPARATOR = "!"  # between the file and its entry, as dcm4chee writes it
VERDICTS = ("mount", "relative", "member", "said_cause", "said_detail")
ENTRIES = pl.Schema(
    {"mount": pl.String(), "relative": pl.String(), "size_on_disk": pl.Int64(),
     "instance_key": pl.String(), "state": pl.String(), "detail": pl.String()}
)  # fmt: skip

Verdict = tuple[str, str, str, str, str]


def look_inside(
    owners: Owners, places: pl.DataFrame, disk: pl.DataFrame, attachments: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """*places* with what is against their entries, and the entries that nothing names.

    *attachments* are those inside such files.
    """
    inside = pl.col("container").is_in(WITH_ENTRIES)
    wanted = (
        places.filter(inside, pl.col("cause").is_null(), pl.col("member").is_not_null())
        .join(disk.filter(pl.col("fault").is_null()), on=["mount", "relative"], how="semi")
        .group_by("mount", "relative", "container", maintain_order=True)
        .agg(pl.col("member").unique(maintain_order=True))
    )
    if wanted.is_empty():
        return places, pl.DataFrame(schema=ENTRIES)
    beside = frozenset(attachments.select("mount", "relative").iter_rows())
    against: list[Verdict] = []
    unnamed: list[Mapping[str, object]] = []
    for mount, relative, container, members in wanted.iter_rows():
        place = Place(Path(mount), relative, container)
        verdicts, others = _looked_into(place, members)
        against += verdicts
        unnamed += _entry_rows(place, others, beside, owners)
    said = pl.DataFrame(against, schema=dict.fromkeys(VERDICTS, pl.String()), orient="row")
    judged = places.join(
        said, on=["mount", "relative", "member"], how="left", maintain_order="left"
    ).with_columns(
        cause=pl.coalesce("cause", "said_cause"), detail=pl.coalesce("detail", "said_detail")
    )
    return judged.select(places.columns), pl.DataFrame(unnamed, schema=ENTRIES)


class Place(NamedTuple):
    """A file with entries, and what it is said to be."""

    mount: Path
    relative: str
    container: str


def _looked_into(place: Place, members: Collection[str]) -> tuple[list[Verdict], list[str]]:
    """What is against the *members* of one file, and the names of its other entries."""
    mount, relative, container = place
    try:
        fd = open_inside(mount, relative)
    except SetAsideError as error:
        return [_verdict(mount, relative, name, error) for name in members], []
    try:
        found = names_in(fd, container)
        lost = [(name, _fault(fd, container, name)) for name in members if name not in found]
    except SetAsideError as error:
        return [_verdict(mount, relative, name, error) for name in members], []
    finally:
        os.close(fd)
    verdicts = [_verdict(mount, relative, name, fault) for name, fault in lost if fault]
    return verdicts, sorted(found.difference(members))


def _fault(fd: int, container: str, name: str) -> SetAsideError | None:
    """Why an entry cannot be read; None if it is there, though the list does not say so."""
    try:
        require_entry(fd, container, name)
    except SetAsideError as error:
        return error
    return None


def _verdict(mount: Path, relative: str, name: str, error: SetAsideError) -> Verdict:
    return str(mount), relative, name, error.cause.value, f"{relative}: {error.detail}"


def _entry_rows(
    place: Place,
    names: Collection[str],
    beside: frozenset[tuple[str, ...]],
    owners: Owners,
) -> Iterator[Mapping[str, object]]:
    """File rows of entries that no row names."""
    mount, relative, container = place
    whole = {name: f"{relative}{SEPARATOR}{name}" for name in names}
    others = [name for name in names if (str(mount), whole[name]) not in beside]
    verdicts = judge_each([Spot(mount, relative, container, name) for name in others], owners)
    judged = dict(zip(others, verdicts, strict=True))
    attachment = FileState.ATTACHMENT.value, "named as something that is no instance"
    for name in names:
        state, detail = judged.get(name, attachment)
        yield {"mount": str(mount), "relative": whole[name], "state": state, "detail": detail}
