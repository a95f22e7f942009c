"""What becomes of instances, written into the ledger within somebody's transaction."""

from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from pacslift.ledger_bulk import Rows
from pacslift.ledger_engine import insert_or
from pacslift.ledger_tables import CHANGES, INSTANCES, META


def of_studies(uids: Collection[str]) -> sa.ColumnElement[bool]:
    """Which instances belong to these studies; "" has those that belong to none."""
    uid = INSTANCES.c.study_instance_uid
    some = uid.in_(uids)
    return some | uid.is_(None) if "" in uids else some


def insert_all(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert *rows*, none being allowed."""
    if rows:
        connection.execute(sa.insert(table), list(rows))


def put_all(connection: sa.Connection, values: Mapping[str, str]) -> None:
    """Keep *values* under their keys."""
    rows = [{"key": key, "value": value} for key, value in values.items()]
    insert_or(connection, META, rows, "value")


def write_results(connection: sa.Connection, results: Rows, changes: Rows) -> None:
    """Set the columns that each of *results* has, and put *changes* in the place of earlier ones.

    Results with the same columns go to the database together.
    """
    kinds: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in results:
        kinds.setdefault(tuple(row), []).append(row)
    for columns, rows in kinds.items():
        made = sa.update(INSTANCES).where(INSTANCES.c.instance_key == sa.bindparam("of"))
        set_ = [name for name in columns if name != "instance_key"]
        values: dict[Any, Any] = {name: sa.bindparam(f"to_{name}") for name in set_}
        given = [
            {"of": row["instance_key"], **{f"to_{name}": row[name] for name in set_}}
            for row in sorted(rows, key=itemgetter("instance_key"))
        ]
        connection.execute(made.values(values), given)
    keys = sorted({row["instance_key"] for row in changes})
    if keys:
        gone = sa.delete(CHANGES).where(CHANGES.c.instance_key == sa.bindparam("of"))
        connection.execute(gone, [{"of": key} for key in keys])
    insert_all(connection, CHANGES, changes)
