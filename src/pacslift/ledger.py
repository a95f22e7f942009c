"""The ledger: the one record of what became of every instance row and every file.

SQLite in WAL mode through SQLAlchemy Core. One row an instance, one a file, so that the account
is a pair of GROUP BYs and balances by construction; the CHECK constraints keep the states to the
closed lists. Results are written in batches, each in one transaction that is committed before
its results are told to anybody: the ledger never says more than the target did.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pacslift.errors import LedgerError
from pacslift.ledger_tables import (
    CANDIDATES,
    CHANGES,
    CONTEXTS,
    FILES,
    FINDINGS,
    INSTANCES,
    META,
    TRIED,
    FileState,
    InstanceState,
    metadata,
)

SCHEMA_VERSION = 1

__all__ = [
    "CANDIDATES",
    "CHANGES",
    "CONTEXTS",
    "FILES",
    "FINDINGS",
    "INSTANCES",
    "META",
    "Candidate",
    "FileState",
    "InstanceState",
    "Ledger",
    "Planned",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place where an instance's object may lie; *relative* is below *mount*."""

    mount: str
    relative: str
    container: str | None
    size_bytes: int | None
    digest_algorithm: str | None
    digest: str | None
    member: str | None = None  # entry of a container that holds several objects

    @property
    def place(self) -> str:
        """Where it lies below its mount, for people to read: <file>, or <container>!<entry>."""
        return self.relative if self.member is None else f"{self.relative}!{self.member}"


@dataclass(frozen=True, slots=True)
class Planned:
    """An instance that is to be sent, with its copies in order of rank."""

    instance_key: str
    sop_instance_uid: str
    sop_class_uid: str | None
    series_instance_uid: str | None
    study_instance_uid: str | None
    transfer_syntax_uid: str | None
    digest: str | None  # of the Data Set when it was sent before; it must be the same again
    candidates: tuple[Candidate, ...]
    attempts: int = 0  # how often it was begun to be sent until now


class Ledger:
    """The open ledger of one job. Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        self._engine = sa.create_engine(f"sqlite:///{path}")
        self._moment: sa.Connection | None = None
        sa.event.listen(self._engine, "connect", set_pragmas)
        try:
            self._prepare(path)
        except sa.exc.DatabaseError as error:
            raise LedgerError(
                f"the ledger {path} cannot be used: {error.orig}; if the disk is full make room, "
                "otherwise restore the file from a copy of the job folder"
            ) from error

    def _prepare(self, path: Path) -> None:
        metadata.create_all(self._engine)
        path.chmod(0o600)
        found = self.get("schema_version")
        if found is None:
            self.put("schema_version", str(SCHEMA_VERSION))
        elif found != str(SCHEMA_VERSION):
            raise LedgerError(
                f"the ledger {path} has schema version {found}, this pacslift writes "
                f"{SCHEMA_VERSION}; go on with the version of pacslift that made the job"
            )

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            raise LedgerError(
                f"the ledger cannot be written: {error.orig}; make room on its disk or end the "
                "other program that holds it, then run again: the run goes on where it was"
            ) from error

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        if self._moment is not None:
            yield self._moment
            return
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Inside it, everything read is as of one moment, whatever another process writes."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")  # the driver begins by itself only before a write
            self._moment = connection
            try:
                yield
            finally:
                self._moment = None

    def get(self, key: str) -> str | None:
        """The text kept under *key*, or None."""
        with self._read() as connection:
            return connection.scalar(sa.select(META.c.value).where(META.c.key == key))

    def put(self, key: str, value: str) -> None:
        """Keep *value* under *key*."""
        with self._write() as connection:
            put_all(connection, {key: value})

    def forget(self, *keys: str) -> None:
        """Keep nothing under *keys* any more."""
        with self._write() as connection:
            connection.execute(sa.delete(META).where(META.c.key.in_(keys)))

    def replan(
        self,
        instances: Iterable[Sequence[Mapping[str, Any]]],
        candidates: Iterable[Sequence[Mapping[str, Any]]],
        files: Iterable[Sequence[Mapping[str, Any]]],
        counted: Mapping[str, int],
    ) -> None:
        """Take over a plan, given as batches of rows; what was already stored stays as it is.

        *counted* are the rows of the catalog and the files on disk, which the states must sum up
        to; they are put in with the plan, so that nobody sees the one without the other.

        An instance that the target holds keeps its state whatever the new plan says; rows that
        the new plan no longer has are removed only if nothing was sent for them.
        """
        done = InstanceState.STORED, InstanceState.STORED_CHANGED, InstanceState.VERIFIED
        with self._write() as connection:
            kept = set(
                connection.scalars(
                    sa.select(INSTANCES.c.instance_key).where(INSTANCES.c.state.in_(done))
                )
            )
            connection.execute(sa.delete(INSTANCES).where(INSTANCES.c.state.not_in(done)))
            connection.execute(sa.delete(CANDIDATES))
            connection.execute(sa.delete(FILES))
            for rows in instances:
                insert_all(
                    connection, INSTANCES, [r for r in rows if r["instance_key"] not in kept]
                )
            for rows in candidates:
                insert_all(connection, CANDIDATES, rows)
            for rows in files:
                insert_all(connection, FILES, rows)
            put_all(connection, {key: str(count) for key, count in counted.items()})

    def find(self, stage: str, sentences: Iterable[str]) -> None:
        """Replace the findings of *stage* by *sentences*."""
        with self._write() as connection:
            connection.execute(sa.delete(FINDINGS).where(FINDINGS.c.stage == stage))
            insert_all(connection, FINDINGS, [{"stage": stage, "sentence": s} for s in sentences])

    def findings(self) -> list[tuple[str, str]]:
        """Stage and sentence of every finding."""
        with self._read() as connection:
            return [(stage, text) for stage, text in connection.execute(sa.select(FINDINGS))]

    def record(
        self,
        results: Sequence[Mapping[str, Any]],
        changes: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Write what became of instances; each mapping has instance_key and columns to set."""
        with self._write() as connection:
            for row in results:
                values = {k: v for k, v in row.items() if k != "instance_key"}
                connection.execute(
                    sa.update(INSTANCES)
                    .where(INSTANCES.c.instance_key == row["instance_key"])
                    .values(values)
                )
            for key in {row["instance_key"] for row in changes}:
                connection.execute(sa.delete(CHANGES).where(CHANGES.c.instance_key == key))
            insert_all(connection, CHANGES, changes)

    def learn_contexts(self, answers: Mapping[tuple[str, str], bool]) -> None:
        """Remember what the target accepted and refused."""
        rows = [
            {"sop_class_uid": c, "transfer_syntax_uid": t, "accepted": yes}
            for (c, t), yes in sorted(answers.items())
        ]
        with self._write() as connection:
            for row in rows:
                key = (CONTEXTS.c.sop_class_uid == row["sop_class_uid"]) & (
                    CONTEXTS.c.transfer_syntax_uid == row["transfer_syntax_uid"]
                )
                connection.execute(sa.delete(CONTEXTS).where(key))
            insert_all(connection, CONTEXTS, rows)

    def contexts(self) -> dict[tuple[str, str], bool]:
        """Pairs of SOP class and transfer syntax, and whether the target takes them."""
        with self._read() as connection:
            return {(c, t): bool(yes) for c, t, yes in connection.execute(sa.select(CONTEXTS))}

    def planned(self, page: int = 2_000) -> Iterator[Planned]:
        """What is still to be sent: in the order of the plan, but what was tried before comes last.

        So an object that the target cannot bear never keeps others from being sent. Fetched
        *page* instances at a time by position, so that no reader keeps the write-ahead log from
        being checkpointed during a run of days.
        """
        for which in (INSTANCES.c.attempts == 0, INSTANCES.c.attempts > 0):
            after = -1
            while rows := self._planned_page(which, after, page):
                yield from map(planned_from, grouped_by_key(rows))
                after = rows[-1]["position"]

    def _planned_page(
        self, which: sa.ColumnElement[bool], after: int, page: int
    ) -> Sequence[Mapping[str, Any]]:
        position = INSTANCES.c.position
        chosen = (
            sa.select(INSTANCES)
            .where(INSTANCES.c.state == InstanceState.PLANNED, which, position > after)
            .order_by(position)
            .limit(page)
            .subquery()
        )
        copies = [c for c in CANDIDATES.c if c.name not in ("instance_key", "digest")]
        query = (
            sa.select(chosen, *copies, CANDIDATES.c.digest.label("file_digest"))
            .outerjoin_from(chosen, CANDIDATES, chosen.c.instance_key == CANDIDATES.c.instance_key)
            .order_by(chosen.c.position, CANDIDATES.c.rank)
        )
        with self._read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def pairs(self) -> dict[tuple[str, str], int]:
        """Counts of (SOP class, transfer syntax) over what is planned, where both are known."""
        kind = INSTANCES.c.sop_class_uid, INSTANCES.c.transfer_syntax_uid
        query = (
            sa.select(*kind, sa.func.count())
            .where(INSTANCES.c.state == InstanceState.PLANNED)
            .where(kind[0].is_not(None) & kind[1].is_not(None))
            .group_by(*kind)
        )
        with self._read() as connection:
            return {(c, t): n for c, t, n in connection.execute(query)}

    def count_planned(self) -> int:
        """How many instances are still to be sent."""
        return self.counts(INSTANCES, "state").get((InstanceState.PLANNED.value,), 0)

    def totals(self) -> dict[str, int]:
        """Instances stored, instances that were not, and bytes stored, so far."""
        states = {state: n for (state,), n in self.counts(INSTANCES, "state").items()}
        at_target = (InstanceState.STORED, InstanceState.STORED_CHANGED, InstanceState.VERIFIED)
        query = sa.select(sa.func.sum(INSTANCES.c.bytes)).where(INSTANCES.c.state.in_(at_target))
        with self._read() as connection:
            size = connection.scalar(query) or 0
        stored = sum(states.get(state, 0) for state in at_target)
        troubled = sum(states.get(s, 0) for s in (InstanceState.FAILED, InstanceState.SET_ASIDE))
        return {"stored": stored, "troubled": troubled, "bytes": size}

    def add_time(self, stage: str, seconds: float) -> None:
        """Add to the time that a stage has taken over all runs."""
        self.put(f"seconds.{stage}", str(float(self.get(f"seconds.{stage}") or 0) + seconds))

    def rows(self, query: sa.Select[Any], batch: int = 5_000) -> Iterator[Mapping[str, Any]]:
        """Rows of *query* as mappings, fetched *batch* at a time so that memory stays bounded."""
        with self._read() as connection:
            result = connection.execution_options(yield_per=batch).execute(query)
            for row in result.mappings():
                yield dict(row)

    def counts(self, table: sa.Table, *columns: str) -> dict[tuple[Any, ...], int]:
        """Rows of *table* by the values of *columns*."""
        by = [table.c[name] for name in columns]
        query = sa.select(*by, sa.func.count()).group_by(*by)
        with self._read() as connection:
            return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}

    def reopen(self, cause: str) -> int:
        """Plan again what failed, or was set aside when it was read, for *cause*.

        Gives the number of instances. What was set aside without a copy to read stays.
        """
        has_copy = sa.exists().where(CANDIDATES.c.instance_key == INSTANCES.c.instance_key)
        again = INSTANCES.c.state.in_(TRIED) | (
            (INSTANCES.c.state == InstanceState.SET_ASIDE) & has_copy
        )
        with self._write() as connection:
            result = connection.execute(
                sa.update(INSTANCES)
                .where(INSTANCES.c.cause == cause, again)
                .values(state=InstanceState.PLANNED, cause=None, detail=None)
            )
            return int(result.rowcount)


def set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    """WAL, and every commit on disk before it counts (sqlite.org/pragma.html)."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def insert_all(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert *rows*, none being allowed."""
    if rows:
        connection.execute(sa.insert(table), list(rows))


def put_all(connection: sa.Connection, values: Mapping[str, str]) -> None:
    """Keep *values* under their keys."""
    connection.execute(sa.delete(META).where(META.c.key.in_(values)))
    insert_all(connection, META, [{"key": k, "value": v} for k, v in values.items()])


def grouped_by_key(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Neighbouring rows of one instance, together."""
    group: list[Mapping[str, Any]] = []
    for row in rows:
        if group and group[0]["instance_key"] != row["instance_key"]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def planned_from(rows: Sequence[Mapping[str, Any]]) -> Planned:
    """One instance with its candidates, from its joined rows in order of rank."""
    first = rows[0]
    return Planned(
        instance_key=first["instance_key"],
        sop_instance_uid=first["sop_instance_uid"],
        sop_class_uid=first["sop_class_uid"],
        series_instance_uid=first["series_instance_uid"],
        study_instance_uid=first["study_instance_uid"],
        transfer_syntax_uid=first["transfer_syntax_uid"],
        digest=first["digest"],
        candidates=tuple(
            Candidate(
                row["mount"],
                row["relative"],
                row["container"],
                row["size_bytes"],
                row["digest_algorithm"],
                row["file_digest"],
                row["member"],
            )
            for row in rows
            if row["mount"] is not None  # an instance without a copy, joined with nothing
        ),
        attempts=first["attempts"],
    )
