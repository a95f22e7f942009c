"""What many instances have in common, kept once: given by its values, known by its number.

Two sets of values are the same when a digest over all of them is; 128 bits, so that no two of a
thousand million meet. Nothing is ever taken out: what no instance has any more does no harm.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import sqlalchemy as sa

from pacslift.ledger_bulk import Rows
from pacslift.ledger_engine import insert_or
from pacslift.ledger_tables import (
    CHANGE_LINES,
    CHANGE_SETS,
    IN_COMMON,
    INSTANCE_ROWS,
    REVISIONS,
    SHARED,
)

KEYS_ASKED = 500  # keys in one question; SQLite bounds the variables of a statement
KEY_BYTES = 16
OWN = frozenset(column.name for column in INSTANCE_ROWS.c)
LINE = ("rule", "keyword", "before", "after")
Values: TypeAlias = tuple[str | None, ...]
line_of = itemgetter(*LINE)


def key_of(values: object) -> str:
    """The key of *values*, which can be JSON."""
    text = json.dumps(values, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("ascii"), digest_size=KEY_BYTES).hexdigest()


def numbers_of(connection: sa.Connection, table: sa.Table, rows: Rows) -> dict[str, int]:
    """The numbers of *rows*, each with its key, by these; rows that are new are put in."""
    keys = [row["key"] for row in rows]
    found = known(connection, table, keys)
    # In order, so that several machines never wait for each other in a ring.
    fresh = sorted((row for row in rows if row["key"] not in found), key=itemgetter("key"))
    insert_or(connection, table, fresh)
    return found | known(connection, table, [row["key"] for row in fresh])


def known(connection: sa.Connection, table: sa.Table, keys: Sequence[str]) -> dict[str, int]:
    """The numbers of those of *keys* that the table has."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), KEYS_ASKED):
        some = table.c.key.in_(keys[start : start + KEYS_ASKED])
        query = sa.select(table.c.key, table.c.id).where(some)
        found |= {row.key: row.id for row in connection.execute(query)}
    return found


def ids_of(
    connection: sa.Connection, table: sa.Table, names: Sequence[str], said: Sequence[Values]
) -> list[int]:
    """For each of *said*, values of the columns *names* of a *table*, its number there."""
    keys = {values: key_of(values) for values in dict.fromkeys(said)}
    rows = [{"key": key, **dict(zip(names, values, strict=True))} for values, key in keys.items()]
    numbers = numbers_of(connection, table, rows)
    return [numbers[keys[values]] for values in said]


def revision_ids(connection: sa.Connection, revisions: Iterable[str]) -> dict[str, int]:
    """The numbers of job *revisions*."""
    return numbers_of(connection, REVISIONS, [{"key": key} for key in sorted(set(revisions))])


def change_set_ids(connection: sa.Connection, changes: Rows) -> dict[str, int]:
    """By the key of each instance of *changes* the number of the set of its changes."""
    lines: dict[str, list[Values]] = {}
    for change in changes:
        lines.setdefault(change["instance_key"], []).append(line_of(change))
    sets = {instance: tuple(said) for instance, said in lines.items()}
    keys = {said: key_of(said) for said in set(sets.values())}
    numbers = known(connection, CHANGE_SETS, sorted(keys.values()))
    fresh = {key: said for said, key in keys.items() if key not in numbers}
    made = numbers_of(connection, CHANGE_SETS, [{"key": key} for key in sorted(fresh)])
    rows = [
        {"change_set_id": made[key], "line": nth, **dict(zip(LINE, line, strict=True))}
        for key, said in fresh.items()
        for nth, line in enumerate(said)
    ]
    insert_or(connection, CHANGE_LINES, rows)
    numbers |= made
    return {instance: numbers[keys[said]] for instance, said in sets.items()}


def as_kept(connection: sa.Connection, results: Rows, changes: Rows) -> list[dict[str, Any]]:
    """*results* with the columns of INSTANCE_ROWS alone; each has its instance_key."""
    sets = change_set_ids(connection, changes)
    mine = [row for row in results if not row.keys().isdisjoint(IN_COMMON)]
    shared = merged_ids(connection, mine)
    revisions = revision_ids(
        connection, (row["sent_under"] for row in results if row.get("sent_under"))
    )
    kept = []
    for row in results:
        key = row["instance_key"]
        values: dict[str, Any] = {k: v for k, v in row.items() if k in OWN}
        if key in shared:
            values["shared_id"] = shared[key]
        if "sent_under" in row:
            values["revision_id"] = revisions.get(row["sent_under"])
        if key in sets:
            values["change_set_id"] = sets[key]
        kept.append(values)
    return kept


def merged_ids(connection: sa.Connection, rows: Rows) -> dict[str, int]:
    """For instances of which *rows* say something in common with others: its number, by key.

    What a row does not say stays as it was.
    """
    before = shared_before(connection, [row["instance_key"] for row in rows])
    merged = {
        key: tuple(row.get(name, was) for name, was in zip(IN_COMMON, before[key], strict=True))
        for row in rows
        if (key := row["instance_key"]) in before
    }
    numbers = ids_of(connection, SHARED, IN_COMMON, list(merged.values()))
    return dict(zip(merged, numbers, strict=True))


def shared_before(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Values]:
    """The values of IN_COMMON that instances have now, by their keys."""
    found: dict[str, Values] = {}
    for start in range(0, len(keys), KEYS_ASKED):
        query = (
            sa.select(INSTANCE_ROWS.c.instance_key, *(SHARED.c[name] for name in IN_COMMON))
            .join_from(INSTANCE_ROWS, SHARED, SHARED.c.id == INSTANCE_ROWS.c.shared_id)
            .where(INSTANCE_ROWS.c.instance_key.in_(keys[start : start + KEYS_ASKED]))
        )
        found |= {key: tuple(values) for key, *values in connection.execute(query)}
    return found


def update_all(connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Set the columns of INSTANCE_ROWS that each of *rows* has beside its instance_key."""
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        alike.setdefault(tuple(row), []).append(row)
    for names, some in alike.items():
        values: dict[str, sa.BindParameter[Any]] = {
            name: sa.bindparam(f"new_{name}") for name in names if name != "instance_key"
        }
        if values:
            connection.execute(
                sa.update(INSTANCE_ROWS)
                .where(INSTANCE_ROWS.c.instance_key == sa.bindparam("new_instance_key"))
                .values(values),
                [{f"new_{name}": value for name, value in row.items()} for row in some],
            )
