"""What the ledger hands out to be sent: an instance, its copies, what is laid over its header."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from pacslift.errors import LedgerError
from pacslift.ledger_tables import WITNESSES, OverlayKind
from pacslift.ledger_views import CANDIDATES


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place where an instance's object may lie; *relative* is below *mount*."""

    mount: str
    relative: str
    container: str | None
    size_bytes: int | None
    digest_algorithm: str | None
    digest: str | None
    member: str | None = None  # entry of a container, or the header of a split object

    @property
    def place(self) -> str:
        """Where it lies below its mount, for people to read: <file>, or <container>!<entry>."""
        return self.relative if self.member is None else f"{self.relative}!{self.member}"


@dataclass(frozen=True, slots=True)
class Overlay:
    """What the database or a mapping says of an object, as JSON text. Patient data."""

    kind: OverlayKind
    attributes: str


@dataclass(frozen=True, slots=True)
class Planned:
    """An instance that is to be sent, with its copies in order of rank."""

    instance_key: str
    sop_instance_uid: str
    sop_class_uid: str | None
    series_instance_uid: str | None
    study_instance_uid: str | None
    transfer_syntax_uid: str | None
    digest: str | None  # of the Data Set when it was sent before
    candidates: tuple[Candidate, ...]
    attempts: int = 0  # how often it was begun to be sent until now
    sent_under: str | None = None  # the job revision under which *digest* was sent
    overlays: tuple[Overlay, ...] = ()  # in the order in which they are laid on, the last one wins


@dataclass(frozen=True, slots=True)
class Witness:
    """An object that may tell in which character set those of its study are (plan/witnesses.py)."""

    candidates: tuple[Candidate, ...]
    overlays: tuple[Overlay, ...]


def witnesses_of(study_instance_uid: str, most: int) -> sa.Select[Any]:
    """The witnesses of a study, as planned, joined with their copies; at most so many."""
    chosen = (
        sa.select(WITNESSES)
        .where(WITNESSES.c.study_instance_uid == study_instance_uid)
        .order_by(WITNESSES.c.instance_key)
        .limit(most)
        .subquery()
    )
    copies = [c for c in CANDIDATES.c if c.name not in ("instance_key", "digest")]
    return (
        sa.select(chosen, *copies, CANDIDATES.c.digest.label("file_digest"))
        .join_from(chosen, CANDIDATES, chosen.c.instance_key == CANDIDATES.c.instance_key)
        .order_by(chosen.c.instance_key, CANDIDATES.c.rank)
    )


def witnesses_from_rows(
    rows: Iterable[Mapping[str, Any]], overlays: Mapping[str, Overlay]
) -> Iterator[Witness]:
    """Witnesses from their rows joined with those of their copies, which lie together."""
    for _, group in groupby(rows, key=lambda row: str(row["instance_key"])):
        copies = list(group)
        yield Witness(candidates_from(copies), laid(copies[0], overlays))


def planned_from_rows(
    rows: Iterable[Mapping[str, Any]], overlays: Mapping[str, Overlay]
) -> Iterator[Planned]:
    """Instances from their rows joined with those of their copies, which lie together."""
    for _, group in groupby(rows, key=lambda row: str(row["instance_key"])):
        yield planned_from(list(group), overlays)


def overlay_keys(row: Mapping[str, Any]) -> list[str]:
    """The keys of the overlays of an instance: its series' and its own."""
    return [*(row["overlays"] or "").split(), *(row["own_overlay"] or "").split()]


def laid(row: Mapping[str, Any], overlays: Mapping[str, Overlay]) -> tuple[Overlay, ...]:
    """The overlays of an instance in the order in which they are laid on, by kind first."""
    order = list(OverlayKind)
    try:
        named = [overlays[key] for key in overlay_keys(row)]
    except KeyError as error:
        raise LedgerError(
            f"the ledger has lost the overlay {error} of instance {row['instance_key']}; "
            "`pacslift plan` makes it again"
        ) from error
    return tuple(sorted(named, key=lambda one: order.index(one.kind)))


def planned_from(rows: Sequence[Mapping[str, Any]], overlays: Mapping[str, Overlay]) -> Planned:
    """One instance with its candidates, from its joined rows in order of rank."""
    first = rows[0]
    return Planned(
        instance_key=first["instance_key"],
        sop_instance_uid=first["sop_instance_uid"],
        sop_class_uid=first["sop_class_uid"],
        series_instance_uid=first["series_instance_uid"],
        study_instance_uid=first["study_instance_uid"],
        transfer_syntax_uid=first["transfer_syntax_uid"],
        digest=first["digest"],
        candidates=candidates_from(rows),
        attempts=first["attempts"],
        sent_under=first["sent_under"],
        overlays=laid(first, overlays),
    )


def candidates_from(rows: Iterable[Mapping[str, Any]]) -> tuple[Candidate, ...]:
    """The copies of an instance, from its joined rows in order of rank."""
    return tuple(
        Candidate(
            row["mount"],
            row["relative"],
            row["container"],
            row["size_bytes"],
            row["digest_algorithm"],
            row["file_digest"],
            row["member"],
        )
        for row in rows
        if row["mount"] is not None  # an instance without a copy, joined with nothing
    )
