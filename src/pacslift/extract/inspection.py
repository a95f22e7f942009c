"""What a dump is, without choosing an adapter for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pacslift.adapter import Adapter, shortened
from pacslift.extract.take import names_of, opened_one, told_by
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Truncation


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
    cuts: tuple[str, ...] = ()  # where it ends early, as was accepted
    findings: tuple[str, ...] = ()  # what the dump says of itself, or fails to prove


def inspection(
    dump: Path | str, known: Mapping[str, Adapter], private: Path, *, accept_truncated: bool = False
) -> Inspection:
    """Read a whole dump, counting rows; copies go to *private*.

    *dump* is a path, or the text that names a database over ODBC.
    Raises DumpFormatError for what is no dump, DumpDamagedError for one that ends early unless
    that is accepted.
    """
    terms = Terms(truncation=Truncation(accepted=accept_truncated))
    with opened_one(dump, private, terms) as reader:
        counts = reader.row_counts()
        tables = tuple(
            TableSeen(shape.name, tuple(c.name for c in shape.columns), counts.get(shape.name, 0))
            for shape in sorted(reader.shapes(), key=lambda shape: shape.name.lower())
        )
        names = names_of([reader])
        claims = sorted(
            (claim_of(adapter, adapter.missing(names)) for adapter in known.values()),
            key=lambda claim: (not claim.claims, claim.adapter),
        )
        return Inspection(
            str(reader.path),
            reader.format,
            reader.server,
            tables,
            tuple(claims),
            tuple(cut.sentence for cut in terms.truncation.cuts),
            tuple(told_by([reader])),
        )


def claim_of(adapter: Adapter, lacking: list[str]) -> Claim:
    """The claim in words, from what the adapter misses in the dump."""
    if not lacking:
        has = shortened(sorted(adapter.identify))
        sentence = f"claimed by {adapter.name} ({adapter.product}): it has {has}"
        return Claim(adapter.name, claims=True, sentence=sentence)
    sentence = f"not {adapter.name}: it lacks {shortened(lacking, most=4)}"
    return Claim(adapter.name, claims=False, sentence=sentence)
