"""What a new plan must not forget of an instance: with which bytes it went out before.

An instance that was tried and is planned anew loses its row. Its digest, and the job revision that
it was sent under, are put by and given to the new row: under the same revision the same bytes must
go out again; under another one other bytes are right, but on record.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from pacslift.digest import told
from pacslift.ledger_bulk import Batch, Rows, as_mappings
from pacslift.ledger_tables import (
    CHANGE_LINES,
    EARLIER,
    INSTANCE_ROWS,
    IS_CHARSET,
    IS_RESENT,
    RESENT,
    SHARED,
    InstanceState,
)

AT_TARGET = (InstanceState.STORED, InstanceState.STORED_CHANGED, InstanceState.VERIFIED)


def remember(connection: sa.Connection, replaced: sa.ColumnElement[bool]) -> None:
    """Put by how the instances that are *replaced* were sent."""
    connection.execute(sa.delete(EARLIER))
    columns = [column.name for column in EARLIER.c]
    sent = sa.select(*(INSTANCE_ROWS.c[name] for name in columns)).where(
        replaced, INSTANCE_ROWS.c.digest.is_not(None)
    )
    connection.execute(sa.insert(EARLIER).from_select(columns, sent))


def give_back(connection: sa.Connection) -> None:
    """Give what was put by to the new rows, where there are such."""
    same = EARLIER.c.instance_key == INSTANCE_ROWS.c.instance_key
    values = {
        name: sa.select(EARLIER.c[name]).where(same).scalar_subquery()
        for name in ("digest", "revision_id")
    }
    connection.execute(
        sa.update(INSTANCE_ROWS)
        .where(INSTANCE_ROWS.c.instance_key.in_(sa.select(EARLIER.c.instance_key)))
        .values(values)
    )
    connection.execute(sa.delete(EARLIER))


def resent(digest_before: str | None, digest: str, under: str) -> Iterable[Mapping[str, Any]]:
    """The change to put on record where an object went out with other bytes than before.

    *under* is the job revision before; digests are as the ledger keeps them, by one algorithm.
    """
    if digest_before in (None, digest):
        return
    yield {
        "rule": RESENT,
        "keyword": "",
        "before": f"{told(digest_before)}, sent under revision {under[:16] or 'unknown'}",
        "after": told(digest),
    }


def resent_instances() -> sa.Select[Any]:
    """How many instances went out with other bytes than before, and the key of one of them."""
    sets = sa.select(CHANGE_LINES.c.change_set_id).where(IS_RESENT)
    key = INSTANCE_ROWS.c.instance_key
    counts: list[sa.ColumnElement[Any]] = [
        sa.func.count().label("count"),
        sa.func.min(key).label("first"),
    ]
    # Without such lines there is no instance to look at, and a scan of all would be for nothing.
    return sa.select(*counts).where(sa.exists(sets), INSTANCE_ROWS.c.change_set_id.in_(sets))


def charsets_of_a_study() -> sa.Select[Any]:
    """Studies whose objects were found to be in different character sets, with two of them.

    Devices of one study may well write differently, but one that is judged wrongly shows in this,
    too.
    """
    line = CHANGE_LINES.c
    judged = sa.select(line.change_set_id, line.after).where(IS_CHARSET).distinct().subquery()
    return (
        sa.select(
            SHARED.c.study_instance_uid,
            sa.func.min(judged.c.after).label("one"),
            sa.func.max(judged.c.after).label("other"),
        )
        .join_from(INSTANCE_ROWS, judged, judged.c.change_set_id == INSTANCE_ROWS.c.change_set_id)
        .join(SHARED, SHARED.c.id == INSTANCE_ROWS.c.shared_id)
        .group_by(SHARED.c.study_instance_uid)
        .having(sa.func.min(judged.c.after) != sa.func.max(judged.c.after))
        .order_by(SHARED.c.study_instance_uid)
    )


def without_kept(
    connection: sa.Connection, batch: Batch, stays: sa.ColumnElement[bool]
) -> tuple[Batch, int]:
    """*batch* of a plan without the instances that keep their state, for which *stays* holds.

    Gives also how many of those at the target it wants sent otherwise, or not at all.
    """
    rows = as_mappings(batch)
    kept = rows_kept(connection, rows, stays) if rows else {}
    if not kept:
        return batch, 0
    new = [row for row in rows if row["instance_key"] not in kept]
    return new, sum(differs_from_sent(row, kept) for row in rows)


def rows_kept(
    connection: sa.Connection, rows: Rows, stays: sa.ColumnElement[bool]
) -> dict[str, sa.RowMapping]:
    """The ledger's own rows of the instances in *rows* that keep their state, by their keys.

    A plan comes in the order of the keys, so that what lies between the first and the last is
    about as much as *rows* are.
    """
    key = INSTANCE_ROWS.c.instance_key
    keys = [row["instance_key"] for row in rows]
    columns = key, INSTANCE_ROWS.c.state, SHARED.c.overlays, INSTANCE_ROWS.c.own_overlay
    query = (
        sa.select(*columns)
        .join_from(INSTANCE_ROWS, SHARED, SHARED.c.id == INSTANCE_ROWS.c.shared_id)
        .where(key.between(min(keys), max(keys)), stays)
    )
    return {row["instance_key"]: row for row in connection.execute(query).mappings()}


def differs_from_sent(row: Mapping[str, Any], kept: Mapping[str, sa.RowMapping]) -> bool:
    """Whether a plan's *row* wants an instance at the target sent otherwise, or not at all."""
    sent = kept.get(row["instance_key"])
    if sent is None or sent["state"] not in AT_TARGET:
        return False
    wanted = row.get("overlays"), row.get("own_overlay")
    return row["state"] != InstanceState.PLANNED or wanted != (
        sent["overlays"],
        sent["own_overlay"],
    )
