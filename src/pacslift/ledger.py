"""The ledger: the one record of what became of every instance row and every file.

SQLite in WAL mode, or PostgreSQL, through SQLAlchemy Core. One row an instance, one a file, so that
the account is a pair of GROUP BYs and balances by construction; the CHECK constraints keep the
states to the closed lists. Results are written in batches, each in one transaction that is
committed before its results are told to anybody: the ledger never says more than the target did.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pacslift.errors import Cause, LedgerError
from pacslift.ledger_bulk import Batch, Rows, grown_in_bulk, insert_many
from pacslift.ledger_engine import (
    Place,
    Server,
    at_one_moment,
    engine_of,
    faults_of,
    held_alone,
    insert_or,
    is_held,
    trouble,
)
from pacslift.ledger_history import (
    AT_TARGET,
    give_back,
    remember,
    without_kept,
)
from pacslift.ledger_planned import Candidate, Overlay, Planned, overlay_keys, planned_from_rows
from pacslift.ledger_schema import bring_up_to_date
from pacslift.ledger_tables import (
    CANDIDATES,
    CHANGES,
    CONTEXTS,
    FILES,
    FINDINGS,
    INSTANCES,
    META,
    OVERLAYS,
    TRIED,
    UIDS,
    FileState,
    InstanceState,
    OverlayKind,
)
from pacslift.ledger_write import insert_all, of_studies, put_all, write_results

KEYS_ASKED = 500  # keys in one question; SQLite bounds the variables of a statement

__all__ = [
    "CANDIDATES",
    "CHANGES",
    "CONTEXTS",
    "FILES",
    "FINDINGS",
    "INSTANCES",
    "META",
    "OVERLAYS",
    "Candidate",
    "FileState",
    "InstanceState",
    "Ledger",
    "Overlay",
    "OverlayKind",
    "Planned",
]


class Ledger:
    """The open ledger of one job. Every method is one transaction."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = engine_of(place)
        self._moment: sa.Connection | None = None
        try:
            bring_up_to_date(self._engine, place)
            if isinstance(place, Path):
                place.chmod(0o600)
        except LedgerError:
            self.close()
            raise
        except sa.exc.DatabaseError as error:
            self.close()
            if not isinstance(place, Path):
                raise trouble(place, error) from error
            raise LedgerError(
                f"the ledger {place} cannot be used: {error.orig}; if the disk is full make room, "
                "otherwise restore the file from a copy of the job folder"
            ) from error

    def close(self) -> None:
        """Let go of the file or the server."""
        self._engine.dispose()

    @property
    def is_shared(self) -> bool:
        """Whether several machines can work on it."""
        return isinstance(self.place, Server)

    def is_held(self) -> bool:
        """Whether a machine runs the job, not only helps."""
        with self._read() as connection:
            return is_held(connection)

    @contextmanager
    def held_alone(self) -> Iterator[None]:
        """Inside it no other machine runs the job; JobBusyError if one does."""
        with held_alone(self._engine, self.place):
            yield

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction. LedgerError if the database fails."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except faults_of(self.place) as error:
            raise trouble(self.place, error) from error

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        if self._moment is not None:
            yield self._moment
            return
        try:
            with self._engine.connect() as connection:
                yield connection
        except faults_of(self.place) as error:
            raise trouble(self.place, error) from error

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Inside it, everything read is as of one moment, whatever another process writes."""
        with at_one_moment(self._engine) as connection:
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
        with self.writing() as connection:
            put_all(connection, {key: value})

    def forget(self, *keys: str) -> None:
        """Keep nothing under *keys* any more."""
        with self.writing() as connection:
            connection.execute(sa.delete(META).where(META.c.key.in_(keys)))

    def replan(
        self,
        instances: Iterable[Batch],
        candidates: Iterable[Batch],
        files: Iterable[Batch],
        counted: Mapping[str, int],
        only: Cause | None = None,
    ) -> int:
        """Take over a plan, given as batches of rows; what was already stored stays as it is.

        *counted* are the rows of the catalog and the files on disk, which the states must sum up
        to; they are put in with the plan, so that nobody sees the one without the other.

        An instance that the target holds keeps its state whatever the new plan says; rows that
        the new plan no longer has are removed only if nothing was sent for them. With *only*,
        every other instance that was judged or tried keeps its state, too. Gives the number of
        those at the target that would be sent with other values now, or not at all.
        """
        stays: sa.ColumnElement[bool] = INSTANCES.c.state.in_(AT_TARGET)
        if only is not None:
            planned = INSTANCES.c.state == InstanceState.PLANNED
            stays |= ~planned & INSTANCES.c.cause.is_distinct_from(only)
        with self.writing() as connection, grown_in_bulk(connection, INSTANCES, FILES):
            remember(connection, ~stays)
            connection.execute(sa.delete(INSTANCES).where(~stays))
            connection.execute(sa.delete(CANDIDATES))
            connection.execute(sa.delete(FILES))
            before = sa.exists(sa.select(INSTANCES.c.instance_key)).select()
            some_stay = bool(connection.scalar(before))
            otherwise = 0
            for rows in instances:
                new, differing = without_kept(connection, rows, stays) if some_stay else (rows, 0)
                insert_many(connection, INSTANCES, new)
                otherwise += differing
            give_back(connection)
            for rows in candidates:
                insert_many(connection, CANDIDATES, rows)
            for rows in files:
                insert_many(connection, FILES, rows)
            put_all(connection, {key: str(count) for key, count in counted.items()})
            return otherwise

    def add_overlays(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep overlays (overlay_key, kind, attributes); those that are there already stay."""
        with self.writing() as connection:
            insert_or(connection, OVERLAYS, rows)

    def drop_overlays(self) -> None:
        """Drop all overlays, for a plan that begins anew; not if an instance was sent with one."""
        with self.writing() as connection:
            sent = sa.exists().where(INSTANCES.c.attempts > 0)
            connection.execute(sa.delete(OVERLAYS).where(~sent))

    def replace_uids(self, new: Mapping[str, str]) -> None:
        """Keep the map from old to new UIDs, in place of the one there was."""
        rows = [{"old": old, "new": made} for old, made in sorted(new.items())]
        with self.writing() as connection:
            connection.execute(sa.delete(UIDS))
            insert_all(connection, UIDS, rows)

    def new_uids(self) -> dict[str, str]:
        """Old UIDs and those that replace them."""
        with self._read() as connection:
            return {row.old: row.new for row in connection.execute(sa.select(UIDS))}

    def _overlays(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, Overlay]:
        """The overlays that *rows* of INSTANCES name, by their keys."""
        keys = sorted({key for row in rows for key in overlay_keys(row)})
        found: dict[str, Overlay] = {}
        with self._read() as connection:
            for start in range(0, len(keys), KEYS_ASKED):
                some = OVERLAYS.c.overlay_key.in_(keys[start : start + KEYS_ASKED])
                for key, kind, attributes in connection.execute(sa.select(OVERLAYS).where(some)):
                    found[key] = Overlay(OverlayKind(kind), attributes)
        return found

    def find(self, stage: str, sentences: Iterable[str]) -> None:
        """Replace the findings of *stage* by *sentences*."""
        rows = [{"stage": stage, "sentence": sentence} for sentence in sentences]
        self.replace(FINDINGS.c.stage, stage, rows)

    def replace(self, column: sa.Column[str], value: str, rows: Rows) -> None:
        """Put *rows* in the place of those of a table whose *column* has *value*."""
        with self.writing() as connection:
            connection.execute(sa.delete(column.table).where(column == value))
            insert_all(connection, column.table, rows)

    def findings(self) -> list[tuple[str, str]]:
        """Stage and sentence of every finding."""
        with self._read() as connection:
            return [(stage, text) for stage, text in connection.execute(sa.select(FINDINGS))]

    def record(self, results: Rows, changes: Rows = ()) -> None:
        """Write what became of instances; each mapping has instance_key and columns to set."""
        with self.writing() as connection:
            write_results(connection, results, changes)

    def learn_contexts(self, answers: Mapping[tuple[str, str], bool]) -> None:
        """Remember what the target accepted and refused."""
        rows = [
            {"sop_class_uid": c, "transfer_syntax_uid": t, "accepted": yes}
            for (c, t), yes in sorted(answers.items())
        ]
        with self.writing() as connection:
            insert_or(connection, CONTEXTS, rows, "accepted")

    def contexts(self) -> dict[tuple[str, str], bool]:
        """Pairs of SOP class and transfer syntax, and whether the target takes them."""
        with self._read() as connection:
            return {(c, t): bool(yes) for c, t, yes in connection.execute(sa.select(CONTEXTS))}

    def planned(
        self, page: int = 2_000, studies: Collection[str] | None = None
    ) -> Iterator[Planned]:
        """What is still to be sent: in the order of the plan, but what was tried before comes last.

        With *studies*, only of these ("": of no study).

        So an object that the target cannot bear never keeps others from being sent. Fetched
        *page* instances at a time by position, so that no reader keeps the write-ahead log from
        being checkpointed during a run of days.
        """
        of = sa.true() if studies is None else of_studies(studies)
        for tried in (INSTANCES.c.attempts == 0, INSTANCES.c.attempts > 0):
            after, which = -1, of & tried
            while rows := self._planned_page(which, after, page):
                overlays = self._overlays(rows)
                yield from planned_from_rows(rows, overlays)
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
        query = sa.select(sa.func.sum(INSTANCES.c.bytes)).where(INSTANCES.c.state.in_(AT_TARGET))
        with self._read() as connection:
            size = int(connection.scalar(query) or 0)
        stored = sum(states.get(state, 0) for state in AT_TARGET)
        troubled = sum(states.get(s, 0) for s in (InstanceState.FAILED, InstanceState.SET_ASIDE))
        return {"stored": stored, "troubled": troubled, "bytes": size}

    def add_time(self, stage: str, seconds: float) -> None:
        """Add to the time that a stage has taken over all runs."""
        self.put(f"seconds.{stage}", str(float(self.get(f"seconds.{stage}") or 0) + seconds))

    def rows(self, query: sa.Select[Any], batch: int = 5_000) -> Iterator[Mapping[str, Any]]:
        """Rows of *query* as mappings, fetched *batch* at a time so that memory stays bounded."""
        with (
            self._read() as connection,
            connection.execution_options(yield_per=batch).execute(query) as result,
        ):
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

        Gives the number of instances. What was set aside without a copy to read stays. To send
        CHANGED_SINCE_SENT again is to accept its new bytes.
        """
        values: dict[str, Any] = {"state": InstanceState.PLANNED, "cause": None, "detail": None}
        if cause == Cause.CHANGED_SINCE_SENT:
            values["sent_under"] = None
        has_copy = sa.exists().where(CANDIDATES.c.instance_key == INSTANCES.c.instance_key)
        again = INSTANCES.c.state.in_(TRIED) | (
            (INSTANCES.c.state == InstanceState.SET_ASIDE) & has_copy
        )
        with self.writing() as connection:
            result = connection.execute(
                sa.update(INSTANCES).where(INSTANCES.c.cause == cause, again).values(values)
            )
            return int(result.rowcount)
