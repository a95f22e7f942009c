"""What a new plan must not forget of an instance: with which bytes it went out before.

An instance that was tried and is planned anew loses its row. Its digest, and the job revision that
it was sent under, are put by and given to the new row: under the same revision the same bytes must
go out again; under another one other bytes are right, but on record.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from pacslift.ledger_tables import (
    CHANGES,
    EARLIER,
    INSTANCES,
    IS_CHARSET,
    IS_RESENT,
    RESENT,
    InstanceState,
)

AT_TARGET = (InstanceState.STORED, InstanceState.STORED_CHANGED, InstanceState.VERIFIED)


def remember(connection: sa.Connection, replaced: sa.ColumnElement[bool]) -> None:
    """Put by how the instances that are *replaced* were sent."""
    connection.execute(sa.delete(EARLIER))
    columns = [column.name for column in EARLIER.c]
    sent = sa.select(*(INSTANCES.c[name] for name in columns)).where(
        replaced, INSTANCES.c.digest.is_not(None)
    )
    connection.execute(sa.insert(EARLIER).from_select(columns, sent))


def give_back(connection: sa.Connection) -> None:
    """Give what was put by to the new rows, where there are such."""
    same = EARLIER.c.instance_key == INSTANCES.c.instance_key
    values = {
        name: sa.select(EARLIER.c[name]).where(same).scalar_subquery()
        for name in ("digest", "sent_under")
    }
    connection.execute(
        sa.update(INSTANCES)
        .where(INSTANCES.c.instance_key.in_(sa.select(EARLIER.c.instance_key)))
        .values(values)
    )
    connection.execute(sa.delete(EARLIER))


def resent(digest_before: str | None, digest: str, under: str) -> Iterable[Mapping[str, Any]]:
    """The change to put on record where an object went out with other bytes than before.

    *under* is the job revision before; digests are sha256, hex.
    """
    if digest_before in (None, digest):
        return
    yield {
        "rule": RESENT,
        "keyword": "",
        "before": f"sha256 {digest_before}, sent under revision {under[:16] or 'unknown'}",
        "after": f"sha256 {digest}",
    }


def resent_instances() -> sa.Select[Any]:
    """How many instances went out with other bytes than before, and the key of one of them.

    The rule is written out, since an index for some rows serves only whoever names them so.
    """
    keys = CHANGES.c.instance_key
    columns: list[sa.ColumnElement[Any]] = [
        sa.func.count(keys.distinct()).label("count"),
        sa.func.min(keys).label("first"),
    ]
    return sa.select(*columns).where(IS_RESENT)


def charsets_of_a_study() -> sa.Select[Any]:
    """Studies whose objects were found to be in different character sets, with two of them.

    Objects are judged one by one; devices of one study may well write differently, but one that is
    judged wrongly shows in this, too.
    """
    after = CHANGES.c.after
    return (
        sa.select(
            INSTANCES.c.study_instance_uid,
            sa.func.min(after).label("one"),
            sa.func.max(after).label("other"),
        )
        .join(CHANGES, CHANGES.c.instance_key == INSTANCES.c.instance_key)
        .where(IS_CHARSET)
        .group_by(INSTANCES.c.study_instance_uid)
        .having(sa.func.min(after) != sa.func.max(after))
        .order_by(INSTANCES.c.study_instance_uid)
    )


def overlays_at_target(connection: sa.Connection) -> dict[str, int]:
    """A hash of the overlays with which each instance that the target holds was sent."""
    columns = INSTANCES.c.instance_key, INSTANCES.c.overlays, INSTANCES.c.own_overlay
    rows = connection.execute(sa.select(*columns).where(INSTANCES.c.state.in_(AT_TARGET)))
    return {key: hash((overlays, own)) for key, overlays, own in rows}


def differs_from_sent(row: Mapping[str, Any], sent: Mapping[str, int]) -> bool:
    """Whether a plan's *row* wants an instance at the target sent otherwise, or not at all."""
    if row["instance_key"] not in sent:
        return False
    wanted = hash((row.get("overlays"), row.get("own_overlay")))
    return row["state"] != InstanceState.PLANNED or wanted != sent[row["instance_key"]]
