"""What readers of the ledger see, whatever it is kept in: a row an instance, a copy, a change."""

import sqlalchemy as sa

from pacslift.ledger_tables import (
    CHANGE_LINES,
    COPIES,
    IN_COMMON,
    INSTANCE_ROWS,
    PLACES,
    REVISIONS,
    SHARED,
)

OWN = tuple(
    column.name
    for column in INSTANCE_ROWS.c
    if column.name not in {"shared_id", "revision_id", "change_set_id", "file"}
)
CHANGED = ("rule", "keyword", "before", "after")

RELATIVE = PLACES.c.folder + COPIES.c.name
CANDIDATES_VIEW = sa.select(
    COPIES.c.instance_key,
    COPIES.c.rank,
    PLACES.c.mount,
    RELATIVE.label("relative"),
    PLACES.c.container,
    COPIES.c.member,
    COPIES.c.size_bytes,
    PLACES.c.digest_algorithm,
    COPIES.c.digest,
).join_from(COPIES, PLACES, PLACES.c.id == COPIES.c.place_id)

# Where an object was read from is on record only if that was not its first copy.
FIRST_FILE = (
    sa.select(RELATIVE + sa.func.coalesce("!" + COPIES.c.member, ""))
    .join_from(COPIES, PLACES, PLACES.c.id == COPIES.c.place_id)
    .where(COPIES.c.instance_key == INSTANCE_ROWS.c.instance_key)
    .order_by(COPIES.c.rank)
    .limit(1)
    .correlate(INSTANCE_ROWS)
    .scalar_subquery()
)
INSTANCES_VIEW = sa.select(
    *(INSTANCE_ROWS.c[name] for name in OWN),
    sa.func.coalesce(INSTANCE_ROWS.c.file, FIRST_FILE).label("file"),
    *(SHARED.c[name] for name in IN_COMMON),
    REVISIONS.c.key.label("sent_under"),
).select_from(
    INSTANCE_ROWS.join(SHARED, SHARED.c.id == INSTANCE_ROWS.c.shared_id).outerjoin(
        REVISIONS, REVISIONS.c.id == INSTANCE_ROWS.c.revision_id
    )
)
CHANGES_VIEW = sa.select(
    INSTANCE_ROWS.c.instance_key, *(CHANGE_LINES.c[name] for name in CHANGED)
).join_from(
    INSTANCE_ROWS, CHANGE_LINES, CHANGE_LINES.c.change_set_id == INSTANCE_ROWS.c.change_set_id
)


def seen(name: str, query: sa.Select[tuple[object, ...]]) -> sa.Table:
    """The view *name* as whoever reads it takes it."""
    columns = (sa.Column(column.name, column.type) for column in query.selected_columns)
    return sa.Table(name, sa.MetaData(), *columns)


INSTANCES = seen("instances", INSTANCES_VIEW)
CANDIDATES = seen("candidates", CANDIDATES_VIEW)
CHANGES = seen("changes", CHANGES_VIEW)
VIEWS = {"instances": INSTANCES_VIEW, "candidates": CANDIDATES_VIEW, "changes": CHANGES_VIEW}


def make_views(connection: sa.Connection) -> None:
    """Make the views as this version has them."""
    for name, query in VIEWS.items():
        text = query.compile(connection, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {text}")
