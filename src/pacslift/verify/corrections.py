"""What went out otherwise than it was stored: counts for the page, every change for a file.

The counts name attributes and rules. The changes hold both values, so they are patient data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pacslift.ledger import CHANGES, INSTANCES, InstanceState, Ledger, OverlayKind
from pacslift.ledger_history import AT_TARGET
from pacslift.ledger_tables import CHANGE_LINES, INSTANCE_ROWS, IS_RESENT, RESENT
from pacslift.repair.order import RULES

SENT = (*AT_TARGET, InstanceState.MISSING_AT_TARGET, InstanceState.DIFFERS_AT_TARGET)
WHY = {rule.id: rule.sentence for rule in RULES} | {
    OverlayKind.DATABASE.value: "The old database knows it better than the file.",
    OverlayKind.MAPPING.value: "A line of the job's mapping says so.",
}


@dataclass(frozen=True, slots=True)
class Correction:
    """In how many of the instances sent a rule changed an attribute."""

    keyword: str
    rule: str
    why: str
    instances: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One attribute of one instance, as it was stored and as it was sent. Patient data."""

    instance_key: str
    study_instance_uid: str
    sop_instance_uid: str
    rule: str
    keyword: str
    before: str
    after: str


def corrections(ledger: Ledger) -> Sequence[Correction]:
    """The counts, the largest first."""
    alike = (
        sa.select(INSTANCE_ROWS.c.change_set_id, sa.func.count().label("instances"))
        .where(INSTANCE_ROWS.c.state.in_(SENT), INSTANCE_ROWS.c.change_set_id.is_not(None))
        .group_by(INSTANCE_ROWS.c.change_set_id)
        .subquery()
    )
    line = CHANGE_LINES.c
    changed = (
        sa.select(line.change_set_id, line.keyword, line.rule)
        .where(~IS_RESENT)
        .distinct()
        .subquery()
    )
    count = sa.func.sum(alike.c.instances).label("n")
    query = (
        sa.select(changed.c.keyword, changed.c.rule, count)
        .join_from(changed, alike, alike.c.change_set_id == changed.c.change_set_id)
        .group_by(changed.c.keyword, changed.c.rule)
        .order_by(count.desc(), changed.c.keyword, changed.c.rule)
    )
    return [
        Correction(row["keyword"], row["rule"], WHY.get(row["rule"], ""), row["n"])
        for row in ledger.rows(query)
    ]


def change_rows(ledger: Ledger) -> Iterator[ChangeRow]:
    """Every change, in the order in which the instances were sent."""
    query = (
        sa.select(
            INSTANCES.c.instance_key, INSTANCES.c.study_instance_uid, INSTANCES.c.sop_instance_uid,
            CHANGES.c.rule, CHANGES.c.keyword, CHANGES.c.before, CHANGES.c.after,
        )
        .join(CHANGES, INSTANCES.c.instance_key == CHANGES.c.instance_key)
        .where(was_sent())
        .order_by(INSTANCES.c.position, INSTANCES.c.instance_key, CHANGES.c.keyword)
    )  # fmt: skip
    for row in ledger.rows(query):
        yield ChangeRow(*("" if value is None else value for value in row.values()))


def was_sent() -> sa.ColumnElement[bool]:
    """Changes of instances that went out; that one went out twice is told elsewhere."""
    return INSTANCES.c.state.in_(SENT) & (CHANGES.c.rule != RESENT)
