"""What a dump is, without choosing an adapter for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pacslift.adapter import Adapter, Names, shortened
from pacslift.extract.database import LiveDatabase
from pacslift.extract.rivals import names_by_place
from pacslift.extract.sniff import open_dump


@dataclass(frozen=True, slots=True)
class TableSeen:
    """A table of a dump, as the dump spells it."""

    name: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What one adapter says to a dump, and why."""

    adapter: str
    claims: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that is known of one dump."""

    path: str
    format: str
    server: str | None
    tables: tuple[TableSeen, ...]
    claims: tuple[Claim, ...]  # those that claim it first, then those that miss least


def inspection(dump: Path | str, known: Mapping[str, Adapter], private: Path) -> Inspection:
    """Read a whole dump, counting rows; copies go to *private*.

    *dump* is a path, or the text that names a database over ODBC.
    Raises DumpFormatError for what is no dump, DumpDamagedError for one that ends early.
    """
    reader = LiveDatabase(dump) if isinstance(dump, str) else open_dump(dump, private)
    try:
        counts = reader.row_counts()
        tables = tuple(
            TableSeen(shape.name, tuple(c.name for c in shape.columns), counts.get(shape.name, 0))
            for shape in sorted(reader.shapes(), key=lambda shape: shape.name.lower())
        )
        places = names_by_place(reader)
        claims = sorted(
            (best_claim(adapter, places) for adapter in known.values()),
            key=lambda claim: (not claim.claims, claim.adapter),
        )
        return Inspection(str(reader.path), reader.format, reader.server, tables, tuple(claims))
    finally:
        reader.close()


def best_claim(adapter: Adapter, places: Mapping[str, Names]) -> Claim:
    """The claim to that place of a dump, by its name, which lacks least."""
    place = min(places, key=lambda place: len(adapter.missing(places[place])))
    claim = claim_of(adapter, adapter.missing(places[place]))
    if not place or not claim.claims:
        return claim
    return Claim(claim.adapter, claims=True, sentence=f"database {place}: {claim.sentence}")


def claim_of(adapter: Adapter, lacking: list[str]) -> Claim:
    """The claim in words, from what the adapter misses in the dump."""
    if not lacking:
        has = shortened(sorted(adapter.identify))
        sentence = f"claimed by {adapter.name} ({adapter.product}): it has {has}"
        return Claim(adapter.name, claims=True, sentence=sentence)
    sentence = f"not {adapter.name}: it lacks {shortened(lacking, most=4)}"
    return Claim(adapter.name, claims=False, sentence=sentence)
