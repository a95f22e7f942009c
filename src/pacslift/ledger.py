"""The ledger: the one record of what became of every instance row and every file.

SQLite in WAL mode, or PostgreSQL, through SQLAlchemy Core. One row an instance, and one a file that
no instance is read from (of those that are, the number), so that the account is a pair of GROUP BYs
and balances by construction; the CHECK constraints keep the states to the closed lists. What many
instances have in common is kept once (ledger_kept.py), and read through views. Results are written
in batches, each in one transaction that is committed before its results are told to anybody: the
ledger never says more than the target did.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pacslift.errors import Cause, LedgerError
from pacslift.ledger_bulk import Batch, Rows, grown_in_bulk, insert_many
from pacslift.ledger_engine import (
    Place,
    Server,
    faults_of,
    held_alone,
    insert_or,
    is_held,
    trouble,
)
from pacslift.ledger_frames import FILES_USED, insert_copies, insert_files, insert_instances
from pacslift.ledger_history import (
    AT_TARGET,
    give_back,
    remember,
    without_kept,
)
from pacslift.ledger_planned import (
    Candidate,
    Overlay,
    Planned,
    Witness,
)
from pacslift.ledger_reading import LedgerReading
from pacslift.ledger_schema import bring_up_to_date
from pacslift.ledger_tables import (
    CONTEXTS,
    COPIES,
    FILES,
    FINDINGS,
    INSTANCE_ROWS,
    IS_NOT_PLANNED,
    META,
    OVERLAYS,
    TRIED,
    UIDS,
    WITNESSES,
    FileState,
    InstanceState,
    OverlayKind,
)
from pacslift.ledger_views import CANDIDATES, CHANGES, INSTANCES
from pacslift.ledger_write import put_all, write_results

UNTRIED = ""  # stands in the place of a cause for: plan anew only what was never judged nor tried

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
    "Witness",
]


class Ledger(LedgerReading):
    """The open ledger of one job. Every method is one transaction."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
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
            raise of_no_use(place, str(error.orig)) from error

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
        only: str | None = None,
        witnesses: Iterable[Batch] = (),
    ) -> int:
        """Take over a plan, given as batches of rows; what was already stored stays as it is.

        *counted* are the rows of the catalog and the files on disk, which the states must sum up
        to; they are put in with the plan, so that nobody sees the one without the other.

        An instance that the target holds keeps its state whatever the new plan says; rows that
        the new plan no longer has are removed only if nothing was sent for them. With *only*, a
        cause or UNTRIED, every other instance that was judged or tried keeps its state, too.
        Gives the number of those at the target that would be sent with other values now, or not at
        all.
        """
        stays: sa.ColumnElement[bool] = INSTANCE_ROWS.c.state.in_(AT_TARGET)
        if only is not None:
            planned = INSTANCE_ROWS.c.state == InstanceState.PLANNED
            stays |= ~planned & INSTANCE_ROWS.c.cause.is_distinct_from(only)
        if only == UNTRIED:
            stays |= INSTANCE_ROWS.c.attempts > 0  # or it would no longer come last
        with self.writing() as connection, grown_in_bulk(connection, INSTANCE_ROWS, FILES):
            remember(connection, ~stays)
            connection.execute(sa.delete(INSTANCE_ROWS).where(~stays))
            connection.execute(sa.delete(COPIES))
            connection.execute(sa.delete(FILES))
            before = sa.exists(sa.select(INSTANCE_ROWS.c.instance_key)).select()
            some_stay = bool(connection.scalar(before))
            otherwise = 0
            for rows in instances:
                new, differing = without_kept(connection, rows, stays) if some_stay else (rows, 0)
                insert_instances(connection, new)
                otherwise += differing
            give_back(connection)
            for rows in candidates:
                insert_copies(connection, rows)
            used = sum(insert_files(connection, rows) for rows in files)
            connection.execute(sa.delete(WITNESSES))
            for rows in witnesses:
                insert_many(connection, WITNESSES, rows)
            counts = {**counted, FILES_USED: used}
            put_all(connection, {key: str(count) for key, count in counts.items()})
            return otherwise

    def add_overlays(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep overlays (overlay_key, kind, attributes); those that are there already stay."""
        with self.writing() as connection:
            insert_or(connection, OVERLAYS, rows)

    def drop_overlays(self) -> None:
        """Drop all overlays, for a plan that begins anew; not if an instance was sent with one."""
        with self.writing() as connection:
            sent = sa.exists().where(INSTANCE_ROWS.c.attempts > 0)
            connection.execute(sa.delete(OVERLAYS).where(~sent))

    def replace_uids(self, new: Mapping[str, str]) -> None:
        """Keep the map from old to new UIDs, in place of the one there was."""
        rows = [{"old": old, "new": made} for old, made in sorted(new.items())]
        with self.writing() as connection:
            connection.execute(sa.delete(UIDS))
            insert_many(connection, UIDS, rows)

    def find(self, stage: str, sentences: Iterable[str]) -> None:
        """Replace the findings of *stage* by *sentences*."""
        rows = [{"stage": stage, "sentence": sentence} for sentence in sentences]
        self.replace(FINDINGS.c.stage, stage, rows)

    def replace(self, column: sa.Column[str], value: str, rows: Rows) -> None:
        """Put *rows* in the place of those of a table whose *column* has *value*."""
        with self.writing() as connection:
            connection.execute(sa.delete(column.table).where(column == value))
            insert_many(connection, column.table, rows)

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

    def add_time(self, stage: str, seconds: float) -> None:
        """Add to the time that a stage has taken over all runs."""
        self.put(f"seconds.{stage}", str(float(self.get(f"seconds.{stage}") or 0) + seconds))

    def reopen(self, cause: str) -> int:
        """Plan again what failed, or was set aside when it was read, for *cause*.

        Gives the number of instances. What was set aside without a copy to read stays. To send
        CHANGED_SINCE_SENT again is to accept its new bytes.
        """
        values: dict[str, Any] = {"state": InstanceState.PLANNED, "cause": None, "detail": None}
        if cause == Cause.CHANGED_SINCE_SENT:
            values["revision_id"] = None
        has_copy = sa.exists().where(COPIES.c.instance_key == INSTANCE_ROWS.c.instance_key)
        again = INSTANCE_ROWS.c.state.in_(TRIED) | (
            (INSTANCE_ROWS.c.state == InstanceState.SET_ASIDE) & has_copy
        )
        with self.writing() as connection:
            result = connection.execute(
                sa.update(INSTANCE_ROWS)
                .where(IS_NOT_PLANNED, INSTANCE_ROWS.c.cause == cause, again)
                .values(values)
            )
            return int(result.rowcount)


def of_no_use(place: Path, why: str) -> LedgerError:
    """What to tell of a ledger file that cannot be opened."""
    advice = (
        "let this user write its folder, which reading a ledger needs, too"
        if "readonly" in why
        else "if the disk is full make room, otherwise restore the file from a copy of the job"
    )
    return LedgerError(f"the ledger {place} cannot be used: {why}; {advice}")
