"""What is read of a ledger: the account, what is to be sent, what was said of the job."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pacslift.ledger_engine import (
    Place,
    Server,
    at_one_moment,
    engine_of,
    faults_of,
    trouble,
)
from pacslift.ledger_frames import FILES_USED
from pacslift.ledger_history import (
    AT_TARGET,
)
from pacslift.ledger_kept import KEYS_ASKED
from pacslift.ledger_planned import (
    Overlay,
    Planned,
    Witness,
    overlay_keys,
    planned_from_rows,
    witnesses_from_rows,
    witnesses_of,
)
from pacslift.ledger_tables import (
    CONTEXTS,
    COPIES,
    FILES,
    FINDINGS,
    INSTANCE_ROWS,
    IS_NOT_PLANNED,
    IS_PLANNED,
    META,
    OVERLAYS,
    PLACES,
    UIDS,
    FileState,
    InstanceState,
    OverlayKind,
)
from pacslift.ledger_views import INSTANCES, RELATIVE
from pacslift.ledger_write import of_studies


class LedgerReading:
    """The part of a Ledger that reads."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = engine_of(place)
        self._moment: sa.Connection | None = None

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

    def clock(self) -> datetime:
        """Now, by the one clock of all who work on the job: the server's, or this machine's."""
        if not isinstance(self.place, Server):
            return datetime.now(UTC)
        with self._read() as connection:
            now = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))
            return connection.execute(sa.select(now)).scalar_one()

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

    def findings(self) -> list[tuple[str, str]]:
        """Stage and sentence of every finding."""
        with self._read() as connection:
            return [(stage, text) for stage, text in connection.execute(sa.select(FINDINGS))]

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
        *page* instances at a time, so that no reader keeps the write-ahead log from
        being checkpointed during a run of days.
        """
        of = sa.true() if studies is None else of_studies(studies)
        for tried in (INSTANCES.c.attempts == 0, INSTANCES.c.attempts > 0):
            after, which = (-1, ""), of & tried
            while rows := self._planned_page(which, after, page):
                overlays = self._overlays(rows)
                yield from planned_from_rows(rows, overlays)
                after = rows[-1]["position"], rows[-1]["instance_key"]

    def _planned_page(
        self, which: sa.ColumnElement[bool], after: tuple[int, str], page: int
    ) -> Sequence[Mapping[str, Any]]:
        """Those after a position and key; instances of two plans may have one position."""
        position, key = INSTANCES.c.position, INSTANCES.c.instance_key
        later = (position >= after[0]) & ((position > after[0]) | (key > after[1]))
        chosen = (
            sa.select(INSTANCES)
            .where(IS_PLANNED, which, later)
            .order_by(position, key)
            .limit(page)
            .subquery()
        )
        # Not from the view: a database would put together all of it to join it from the left.
        copies = [
            *(PLACES.c[name] for name in ("mount", "container", "digest_algorithm")),
            RELATIVE.label("relative"),
            *(COPIES.c[name] for name in ("rank", "member", "size_bytes")),
            COPIES.c.digest.label("file_digest"),
        ]
        query = (
            sa.select(chosen, *copies)
            .outerjoin_from(chosen, COPIES, chosen.c.instance_key == COPIES.c.instance_key)
            .outerjoin(PLACES, PLACES.c.id == COPIES.c.place_id)
            .order_by(chosen.c.position, chosen.c.instance_key, COPIES.c.rank)
        )
        with self._read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def witnesses(self, study_instance_uid: str, most: int) -> list[Witness]:
        """The witnesses of a study, as planned, in the order of their keys; at most so many."""
        rows = list(self.rows(witnesses_of(study_instance_uid, most)))
        return list(witnesses_from_rows(rows, self._overlays(rows)))

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
        query = sa.select(sa.func.count()).select_from(INSTANCE_ROWS).where(IS_PLANNED)
        with self._read() as connection:
            return connection.scalar(query) or 0

    def bytes_planned(self) -> int | None:
        """About how many bytes are still to be sent; None where no size is known.

        What neither the dump nor the disk tells the size of counts as the mean of the others.
        """
        size = (
            sa.select(COPIES.c.size_bytes)
            .where(COPIES.c.instance_key == INSTANCE_ROWS.c.instance_key)
            .order_by(COPIES.c.rank)
            .limit(1)
            .correlate(INSTANCE_ROWS)
            .scalar_subquery()
        )
        query = sa.select(sa.func.avg(size)).select_from(INSTANCE_ROWS).where(IS_PLANNED)
        with self._read() as connection:
            mean = connection.scalar(query)
        return None if mean is None else int(mean * self.count_planned())

    def states_and_causes(self) -> tuple[dict[str, int], dict[str, int]]:
        """Instances by state, and those that have a cause by it; both from one reading."""
        states = Counter({InstanceState.PLANNED.value: self.count_planned()})
        causes = Counter[str]()
        by = INSTANCE_ROWS.c.state, INSTANCE_ROWS.c.cause
        query = sa.select(*by, sa.func.count()).where(IS_NOT_PLANNED).group_by(*by)
        with self._read() as connection:
            for state, cause, n in connection.execute(query):
                states[state] += n
                causes[cause or ""] += n
        del causes[""]
        return +states, causes

    def file_states(self) -> dict[str, int]:
        """Files of the storage by state."""
        used = {FileState.USED.value: int(self.get(FILES_USED) or 0)}
        counts = {state: n for (state,), n in self.counts(FILES, "state").items()}
        return used | counts

    def totals(self) -> dict[str, int]:
        """Instances stored, instances that were not, and bytes stored, so far."""
        states, _ = self.states_and_causes()
        stored_bytes = sa.func.sum(INSTANCE_ROWS.c.bytes)
        query = sa.select(stored_bytes).where(INSTANCE_ROWS.c.state.in_(AT_TARGET))
        with self._read() as connection:
            size = int(connection.scalar(query) or 0)
        stored = sum(states.get(state, 0) for state in AT_TARGET)
        troubled = sum(states.get(s, 0) for s in (InstanceState.FAILED, InstanceState.SET_ASIDE))
        return {"stored": stored, "troubled": troubled, "bytes": size}

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
