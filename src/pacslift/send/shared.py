"""One machine's part of a job that several work on: studies taken, sent, recorded, let go.

Results count only while the study that they belong to is held, and only for instances that are
still planned; both are checked in the transaction that records them. What is dropped by that was
stored at the target with the same bytes that another machine sends, so nothing is lost and nothing
counted twice. While the server is away the senders finish what they have, and wait. A machine that
was not heard for as long as makes others take its studies asks first what it still holds.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from pacslift.errors import LedgerError, PlannedAnewError
from pacslift.events import Sink
from pacslift.ledger import InstanceState, Ledger, Planned
from pacslift.ledger_bulk import Rows
from pacslift.ledger_tables import INSTANCE_ROWS
from pacslift.ledger_write import write_results
from pacslift.plan.contexts import Pair
from pacslift.send.others import LOOK_EVERY, Others
from pacslift.send.patient import PatientWithServer
from pacslift.send.pulse import Pulse
from pacslift.send.studies import Held, Studies, any_left, finish

# Further studies are taken until there are so many: more, and others would idle at the end.
INSTANCES_TAKEN, STUDIES_TAKEN = 40, 20
LOOK = 1.0  # seconds until it is looked again whether a study waits
KNOWN_AFTER = LOOK_EVERY + 1.0  # seconds until all others have counted a machine that is new


@dataclass(slots=True)
class InHand:
    """A study that is held, as far as it has come."""

    with_senders: set[str] = field(default_factory=set)  # keys of instances without a result
    all_given: bool = False

    def ends_with(self, keys: Collection[str]) -> bool:
        """Whether results for *keys* are the last that are missing."""
        return self.all_given and self.with_senders <= set(keys)


class Shared:
    """See Supply. *moved* says where a folder of the first machine's storage is on this one."""

    def __init__(
        self, ledger: Ledger, dead_after: float, tell: Sink, moved: Mapping[str, str]
    ) -> None:
        self._ledger, self._dead_after, self._moved = ledger, dead_after, moved
        self._revision = ledger.get("revision") or ""
        self._patient = PatientWithServer(tell)
        self._studies = Studies(ledger, dead_after)
        self._pulse = Pulse(self._studies.beat, dead_after)
        self._in_hand: dict[int, InHand] = {}  # by task
        self._task_of: dict[str, int] = {}  # of instances that are with the senders
        self._known: dict[Pair, bool] = {}
        self._through = (0, 0)  # instances and bytes
        self._known_at = time.monotonic() + KNOWN_AFTER
        self.others = Others(ledger, self._studies.worker, dead_after, tell)
        self._pulse.start()

    def planned(self) -> Iterator[Planned | None]:
        """See Supply. Ends when no study waits, and nobody holds one.

        Raises PlannedAnewError when what waits is of another revision of the job.
        """
        while True:
            taken = self._patient.do(self._take)
            yield from self._given(taken)
            if not taken:
                if not self._patient.do(lambda: any_left(self._ledger)):
                    return
                yield from self._nothing_for(LOOK)

    @property
    def share(self) -> float:
        """See Supply: limits are for all machines together.

        Nothing at first, where there are others: until they know of this one they go on at theirs.
        """
        self.others.look()
        is_known = time.monotonic() >= self._known_at
        alone = self.others.machines <= 1
        return 1 / max(1, self.others.machines) if alone or is_known else 0.0

    def _nothing_for(self, seconds: float) -> Iterator[None]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look_around()
            yield None

    def _look_around(self) -> None:
        self._pulse.require()
        self.others.look()

    def _take(self) -> Sequence[Held]:
        taken = self._studies.take(INSTANCES_TAKEN, STUDIES_TAKEN, known=self._in_hand)
        self._in_hand |= {held.task: InHand() for held in taken}
        if any(held.revision != self._revision for held in taken):
            raise PlannedAnewError(
                "the job was planned anew since this machine began to work on it; start again"
            )
        return taken

    def _given(self, taken: Sequence[Held]) -> Iterator[Planned]:
        """The instances of the studies *taken*, as long as they are held."""
        tasks = {held.study: held.task for held in taken}
        given: set[str] = set()
        for planned in self._patient.each(lambda: self._ledger.planned(studies=tasks)):
            if time.monotonic() - self._pulse.heard > self._dead_after:
                self._patient.do(self._come_back)
            key, task = planned.instance_key, tasks[planned.study_instance_uid or ""]
            if key in given or task not in self._in_hand:
                continue
            given.add(key)
            self._in_hand[task].with_senders.add(key)
            self._task_of[key] = task
            yield self._at_home(planned)
        for task in tasks.values():
            if task in self._in_hand:
                self._in_hand[task].all_given = True
        if taken:
            self.record((), ())  # lets go of those that had nothing to send

    def _come_back(self) -> None:
        """Let go of what others may have taken while nobody heard of this machine."""
        now = time.monotonic()
        self._studies.beat()
        with self._studies.writing() as connection:
            held = self._studies.still_held(connection, self._in_hand)
        self._in_hand = {task: one for task, one in self._in_hand.items() if task in held}
        self._pulse.heard = max(now, self._pulse.heard)

    def _at_home(self, planned: Planned) -> Planned:
        """*planned* with its copies where they are on this machine."""
        return replace(
            planned,
            candidates=tuple(
                replace(copy, mount=self._moved.get(copy.mount, copy.mount))
                for copy in planned.candidates
            ),
        )

    def record(self, results: Rows, changes: Rows) -> Collection[str]:
        """See Supply."""
        kept = self._patient.do(lambda: self._recorded(results, changes))
        self._look_around()
        return kept

    def _recorded(self, results: Rows, changes: Rows) -> Collection[str]:
        came = {row["instance_key"] for row in results}
        ended = {task for task, one in self._in_hand.items() if one.ends_with(came)}
        asked = ended | {self._task_of[key] for key in came if key in self._task_of}
        with self._studies.writing() as connection:
            held = self._studies.still_held(connection, asked)
            ours = {key for key in came if self._task_of.get(key) in held}
            kept = of(still_planned(connection, ours), results)
            keys = {row["instance_key"] for row in kept}
            write_results(connection, kept, of(keys, changes))
            instances, size = self._through[0] + len(kept), self._through[1] + bytes_of(kept)
            self._studies.count(connection, instances, size)
            finish(connection, ended & held)
        # committed: now it is so here, too
        self._through = instances, size
        for key in came:
            task = self._task_of.pop(key, None)
            if task in self._in_hand:
                self._in_hand[task].with_senders.discard(key)
        for task in (asked - held) | ended:
            self._in_hand.pop(task, None)
        return keys

    def learn_contexts(self, answers: Mapping[Pair, bool]) -> None:
        """See Supply. What is known already is not written again."""
        new = {pair: yes for pair, yes in answers.items() if self._known.get(pair) is not yes}
        if new:
            self._patient.do(lambda: self._ledger.learn_contexts(new))
            self._known |= new

    def close(self) -> None:
        """See Supply. Without the server others take over when this machine counts as dead."""
        self.others.look(at_once=True)
        self._pulse.stop()
        with suppress(LedgerError):
            self._studies.give_back(self._in_hand)


def still_planned(connection: sa.Connection, keys: Collection[str]) -> set[str]:
    """Those of *keys* whose instances nobody has a result for yet; they stay so meanwhile."""
    key = INSTANCE_ROWS.c.instance_key
    query = (
        sa.select(key)
        .where(key.in_(sorted(keys)), INSTANCE_ROWS.c.state == InstanceState.PLANNED)
        .order_by(key)
        .with_for_update()
    )
    return set(connection.scalars(query)) if keys else set()


def of(keys: Collection[str], rows: Rows) -> list[Mapping[str, Any]]:
    """Those of *rows* that are about *keys*."""
    return [row for row in rows if row["instance_key"] in keys]


def bytes_of(rows: Rows) -> int:
    """Bytes that the target took."""
    return sum(row.get("bytes") or 0 for row in rows if row.get("stored_at"))
