"""The ledger's schema version: older ledgers are brought up to date, newer ones are left alone."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from pacslift.errors import LedgerError
from pacslift.ledger_engine import Place, fitted, making
from pacslift.ledger_frames import FILES_USED, insert_copies, insert_files, insert_instances
from pacslift.ledger_kept import change_set_ids, update_all
from pacslift.ledger_tables import META, metadata
from pacslift.ledger_views import CANDIDATES, INSTANCES, make_views

SCHEMA_VERSION = 5

PAGE = 20_000  # rows moved at a time
Step = Callable[[sa.Connection], None]


def bring_up_to_date(engine: sa.Engine, place: Place) -> None:
    """Make the tables, or change those of an older version into today's, in one transaction.

    Raises LedgerError for a ledger that a newer pacslift has written; nothing is changed then.
    """
    found = version_of(engine)
    if found == str(SCHEMA_VERSION):
        return
    if found is not None and found not in {str(version) for version in STEPS}:
        raise LedgerError(
            f"the ledger {place} has schema version {found}, this pacslift writes "
            f"{SCHEMA_VERSION}; go on with the version of pacslift that made the job"
        )
    tables = fitted(engine.dialect.name)
    with making(engine, place) as connection:
        for version in range(int(found or SCHEMA_VERSION), SCHEMA_VERSION):
            STEPS[version](connection)
        tables.create_all(connection)
        make_views(connection)
        for table in tables.sorted_tables:
            for index in table.indexes:  # of a table that was there, one may be new
                index.create(connection, checkfirst=True)
        connection.execute(sa.delete(META).where(META.c.key == "schema_version"))
        connection.execute(sa.insert(META).values(key="schema_version", value=str(SCHEMA_VERSION)))


def version_of(engine: sa.Engine) -> str | None:
    """The version that a ledger says it has; None for a file without tables."""
    if not sa.inspect(engine).has_table(META.name):
        return None
    with engine.connect() as connection:
        return connection.scalar(sa.select(META.c.value).where(META.c.key == "schema_version"))


def add_columns(connection: sa.Connection, table: sa.Table, *names: str) -> None:
    """Add columns that may be null and have none of the rows' values yet."""
    for name in names:
        kind = table.c[name].type.compile(connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {name} {kind}"))


def from_1_to_2(connection: sa.Connection) -> None:
    """What an object was like when it was sent, and under which revision of the job."""
    add_columns(
        connection, INSTANCES, "sent_under", "patient_name", "patient_birth_date",
        "accession_number", "sent_study_date",
    )  # fmt: skip


def from_2_to_3(connection: sa.Connection) -> None:
    """Overlays."""
    add_columns(connection, INSTANCES, "overlays", "own_overlay", "issuer_of_patient_id")


def from_3_to_4(connection: sa.Connection) -> None:
    """Which file of several an object is made of."""
    there = {column["name"] for column in sa.inspect(connection).get_columns(CANDIDATES.name)}
    if "member" not in there:  # some of version 3 have it
        add_columns(connection, CANDIDATES, "member")


def from_4_to_5(connection: sa.Connection) -> None:
    """What many instances have in common, and the changes of those alike, kept once.

    The files that instances are read from are counted, no longer listed.
    """
    run = connection.exec_driver_sql
    old = {name: f"{name}_4" for name in ("instances", "changes", "files", "candidates")}
    for name, put_by in old.items():
        run(f"ALTER TABLE {name} RENAME TO {put_by}")
    run("DROP TABLE IF EXISTS earlier")  # empty but while a plan is made
    for index in sa.inspect(connection).get_indexes(old["files"]):
        run(f"DROP INDEX {index['name']}")
    metadata.create_all(connection)
    for rows in pages(connection, old["instances"]):
        insert_instances(connection, rows)
    for rows in pages(connection, old["candidates"]):
        insert_copies(connection, rows)
    used = sum(insert_files(connection, rows) for rows in pages(connection, old["files"]))
    connection.execute(sa.insert(META).values(key=FILES_USED, value=str(used)))
    changes = chain.from_iterable(pages(connection, old["changes"], order="instance_key"))
    for _, of_one in groupby(changes, itemgetter("instance_key")):
        sets = change_set_ids(connection, list(of_one))
        update_all(connection, [{"instance_key": k, "change_set_id": n} for k, n in sets.items()])
    for put_by in old.values():
        run(f"DROP TABLE {put_by}")


def pages(
    connection: sa.Connection, table: str, order: str = "1"
) -> Iterator[list[dict[str, Any]]]:
    """The rows of a *table*, a bounded number at a time."""
    query = sa.select(sa.text("*")).select_from(sa.text(table)).order_by(sa.text(order))
    found = connection.execute(query).mappings()
    while rows := [dict(row) for row in found.fetchmany(PAGE)]:
        yield rows


# From a version to the next. New tables are made with all others.
STEPS: Mapping[int, Step] = {1: from_1_to_2, 2: from_2_to_3, 3: from_3_to_4, 4: from_4_to_5}
