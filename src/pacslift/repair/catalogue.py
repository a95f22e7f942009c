"""The rules as a table for people: `pacslift rules`, docs/repair.md."""

from collections.abc import Iterator
from typing import NamedTuple

from pacslift.repair.order import RULES
from pacslift.repair.rule import Tier

MEANING = {
    Tier.ENVELOPE: "A: only the envelope changes; no value reads otherwise",
    Tier.DETERMINISTIC: "B: a value changes, and the new one follows from the object's own bytes",
    Tier.OUTSIDE: "C: the new value comes from the database, a mapping or job.toml; never guessed",
    Tier.QUARANTINE: "Q: the object is set aside for a person",
}


class Row(NamedTuple):
    """One rule."""

    id: str
    tier: str
    on: bool
    sentence: str
    standard: str


def rule_rows() -> list[Row]:
    """All rules in the order in which they are asked."""
    return [Row(one.id, one.tier.value, one.on, one.sentence, one.standard) for one in RULES]


def markdown() -> Iterator[str]:
    """The lines of the table in docs/repair.md."""
    yield from (f"- {meaning}" for meaning in MEANING.values())
    yield ""
    yield "| rule | tier | | what is wrong, and what it becomes | standard |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rule_rows():
        switch = "on" if row.on else "off"
        yield f"| {row.id} | {row.tier} | {switch} | {row.sentence} | {row.standard} |"
