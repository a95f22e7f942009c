"""Several rows for one object: sent once where they are equal, not at all where they differ.

Never let the target decide: some keep the old object and answer success, some replace it
(repair.md I05 to I07).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

import polars as pl

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import FileBytes
from pacslift.inventory.catalog import WITHOUT_HEADER
from pacslift.inventory.ranges import in_ranges
from pacslift.inventory.roots import open_inside
from pacslift.inventory.stored import StoredObject, open_stored
from pacslift.unforeseen import one_object

CHUNK = 1 << 20  # bytes
AGAINST = pl.Schema({"instance_key": pl.String(), "why": pl.String(), "more": pl.String()})

Verdict = tuple[str, str]  # cause and detail


class Digest(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None:
        """Take in further bytes."""


def settle_duplicates(
    chosen: pl.LazyFrame, scratch: Path, size: int | None = None
) -> Iterator[pl.DataFrame]:
    """What is against rows for one object (AGAINST): all but one where they are equal, else all.

    *chosen* has the copy to read of each instance that has nothing against it.
    """
    for part in in_ranges({"chosen": chosen}, "sop_instance_uid", scratch, size):
        rows = part["chosen"]
        again = rows.filter(rows["sop_instance_uid"].is_duplicated())
        groups = again.sort("sop_instance_uid", "instance_key").iter_rows(named=True)
        verdicts: dict[str, Verdict] = {}
        for uid, group in groupby(groups, key=lambda row: row["sop_instance_uid"]):
            places = {row["instance_key"]: row for row in group}
            verdicts.update(judge_duplicates(uid, list(places), places))
        yield against(verdicts)


def against(verdicts: Mapping[str, Verdict]) -> pl.DataFrame:
    """AGAINST of cause and detail by instance key."""
    rows = [(key, *verdict) for key, verdict in verdicts.items()]
    return pl.DataFrame(rows, schema=AGAINST, orient="row")


def judge_duplicates(
    uid: str, keys: Sequence[str], places: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, Verdict]]:
    """Key, cause and detail of those rows for the object *uid* that are not to be sent."""
    digests = {key: content_digest(places[key]) for key in keys}
    if len(set(digests.values())) == 1 and None not in digests.values():
        for key in keys[1:]:
            detail = f"the same object as instance {keys[0]}, equal to the byte; sent once"
            yield key, (Cause.DUPLICATE_EQUAL.value, detail)
        return
    for key in keys:
        others = ", ".join(other for other in keys if other != key)
        detail = f"SOP Instance UID {uid} is also that of {others}, with other content"
        yield key, (Cause.DUPLICATE_DIFFERS.value, detail)


def content_digest(place: Mapping[str, str]) -> bytes | None:
    """Give the sha256 of the Data Set at *place*, or None if it cannot be read.

    Of the Data Set alone: the same object may lie there in another container. Of what has none,
    the bytes of its files.
    """
    digest = hashlib.sha256()
    try:
        with one_object():
            if place["container"] in WITHOUT_HEADER:
                for name in ("relative", "member"):
                    if place[name]:
                        fd = open_inside(Path(place["mount"]), place[name])
                        take_in_file(digest, FileBytes(fd))
                return digest.digest()
            fd = open_inside(Path(place["mount"]), place["relative"])
            take_in(digest, open_stored(fd, place["container"], place["member"]))
    except SetAsideError:
        return None
    return digest.digest()


def take_in_file(digest: Digest, source: FileBytes) -> None:
    """Feed *digest* with the size and the bytes of a file, which is closed."""
    try:
        digest.update(source.size.to_bytes(8, "big"))
        for start in range(0, source.size, CHUNK):
            digest.update(source.read(start, CHUNK))
    finally:
        source.close()


def take_in(digest: Digest, stored: StoredObject) -> None:
    """Feed *digest* with the transfer syntax and the Data Set of *stored*, which is closed."""
    try:
        digest.update(stored.transfer_syntax_uid.encode())
        for start in range(stored.dataset_start, stored.dataset_end, CHUNK):
            length = min(CHUNK, stored.dataset_end - start)
            digest.update(stored.source.read(start, length))
    finally:
        stored.close()
