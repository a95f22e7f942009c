"""What becomes of instances, written into the ledger within somebody's transaction."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from pacslift.ledger_bulk import Rows
from pacslift.ledger_engine import insert_or
from pacslift.ledger_kept import as_kept, update_all
from pacslift.ledger_tables import META
from pacslift.ledger_views import INSTANCES


def of_studies(uids: Collection[str]) -> sa.ColumnElement[bool]:
    """Which instances belong to these studies; "" has those that belong to none."""
    uid = INSTANCES.c.study_instance_uid
    some = uid.in_(uids)
    return some | uid.is_(None) if "" in uids else some


def put_all(connection: sa.Connection, values: Mapping[str, str]) -> None:
    """Keep *values* under their keys."""
    rows = [{"key": key, "value": value} for key, value in values.items()]
    insert_or(connection, META, rows, "value")


def write_results(connection: sa.Connection, results: Rows, changes: Rows) -> None:
    """Set the columns that each of *results* has, and put *changes* in the place of earlier ones.

    In the order of their keys, so that several machines never wait for each other in a ring.
    """
    ordered = sorted(results, key=lambda row: str(row["instance_key"]))
    update_all(connection, as_kept(connection, ordered, changes))
