"""Studies handed out to the machines that work on one job, and taken back from dead ones.

A study is a task of Procrastinate's, in the ledger's own database: whoever fetches it holds it
until it has recorded all of its instances, gives it back, or gives no sign of life for so long
that others take it away. To hold it is a condition of every write, checked in the same
transaction: a machine that was cut off and comes back writes nothing over what another did since.
Whether a machine is alive is judged by the server's clock alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from procrastinate.jobs import Job as Task
from procrastinate.jobs import Status

from pacslift.ledger import INSTANCES, InstanceState, Ledger
from pacslift.ledger_engine import MAKING, lock_for
from pacslift.ledger_write import put_all
from pacslift.send.tasks import at_once, make_tables, tasks_on

NAME = "pacslift.study"  # of the task, and of its queue
AT_ONCE = 1_000  # studies handed out by one statement
LEAST_PRIORITY = -(2**31)  # the first study of a plan has 0
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # a task taken back is to be fetched now
FORGOTTEN_AFTER = "1 day"  # without a sign of life
COUNTED = "sent."  # begins the key of what a machine is through with: instances and bytes
WAITS_FOR_A_LOCK = "1s"  # a sign of life, for what a machine that fell silent has locked
TAKING_BACK = 3  # what an advisory lock is for; see ledger_engine

WAITING: sa.ColumnElement[Any] = sa.literal_column("'todo'")  # of an enumeration
DOING: sa.ColumnElement[Any] = sa.literal_column("'doing'")
TASKS = sa.table(
    "procrastinate_jobs",
    *map(sa.column, ("id", "queue_name", "lock", "status", "worker_id", "args")),
)
WORKERS = sa.table("procrastinate_workers", *map(sa.column, ("id", "last_heartbeat")))
STUDY = sa.func.coalesce(INSTANCES.c.study_instance_uid, "")


@dataclass(frozen=True, slots=True)
class Held:
    """A study that this machine holds. An empty UID has the instances of no study."""

    task: int
    study: str
    instances: int  # planned when it was handed out
    revision: str  # of the job at that time


def hand_out(ledger: Ledger, revision: str) -> None:
    """Make a task of every study that has something planned and is not waiting yet."""
    prepare(ledger)
    with ledger.writing() as connection:
        connection.execute(sa.delete(WORKERS).where(silent_for(FORGOTTEN_AFTER)))
        some: list[Task] = []
        for row in ledger.rows(studies_to_hand_out(), AT_ONCE):
            some.append(task_of(revision, **row))
            if len(some) == AT_ONCE:
                tasks_on(connection).batch_defer_jobs(some)
                some.clear()
        if some:
            tasks_on(connection).batch_defer_jobs(some)
        connection.exec_driver_sql("ANALYZE procrastinate_jobs")


def prepare(ledger: Ledger) -> None:
    """Make the tables that are needed, where they are not there yet."""
    with ledger.writing() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*lock_for(MAKING))))
        make_tables(connection)


def studies_to_hand_out() -> sa.Select[*tuple[Any, ...]]:
    """Studies with something planned, first those of which nothing was tried before."""
    waiting = sa.select(TASKS.c.lock).where(TASKS.c.status == WAITING)
    place = sa.func.min(INSTANCES.c.position)
    return (
        sa.select(STUDY.label("study"), place.label("place"), sa.func.count().label("instances"))
        .where(INSTANCES.c.state == InstanceState.PLANNED, STUDY.not_in(waiting))
        .group_by(STUDY)
        .order_by(sa.func.min(INSTANCES.c.attempts) > 0, place)
    )


def task_of(revision: str, study: str, place: int, instances: int) -> Task:
    """The task to send a study, in the order of the plan.

    Without a queueing lock: that would forbid to take back a study that was handed out once more
    meanwhile. Of two tasks with one study the second is fetched after the first, and finds nothing.
    """
    return Task(
        queue=NAME,
        task_name=NAME,
        lock=study,
        queueing_lock=None,
        priority=max(-place, LEAST_PRIORITY),
        task_kwargs={"study": study, "instances": instances, "revision": revision},
    )


def silent_for(time: str) -> sa.ColumnElement[bool]:
    """Workers that have given no sign of life for so long."""
    return WORKERS.c.last_heartbeat < sa.func.now() - sa.cast(time, sa.Interval)


def count_live(ledger: Ledger, dead_after: float) -> int:
    """How many machines are at work, as far as the server heard within *dead_after* seconds."""
    with ledger.writing() as connection:
        if not tasks_on(connection).check_connection():
            return 0
        live = sa.select(sa.func.count()).select_from(WORKERS)
        return int(connection.scalar(live.where(~silent_for(f"{dead_after} seconds"))) or 0)


def revoke(ledger: Ledger) -> None:
    """Take all studies from everybody, as before a new plan."""
    with ledger.writing() as connection:
        if tasks_on(connection).check_connection():
            connection.execute(sa.delete(TASKS))


def any_left(ledger: Ledger) -> bool:
    """Whether a study waits or is held, by whomever."""
    open_ = TASKS.c.status.in_([WAITING, DOING])
    query = sa.select(sa.exists().where(TASKS.c.queue_name == NAME, open_).label("some"))
    return any(row["some"] for row in ledger.rows(query))


class Studies:
    """What one machine does with the studies of a job. Each method is one transaction."""

    def __init__(self, ledger: Ledger, dead_after: float) -> None:
        self._ledger = ledger
        self._dead_after = dead_after
        self.worker = self._join()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction on studies; see Ledger.writing().

        The server ends it where this machine falls silent in the middle, for what it has locked
        would keep all others waiting (PostgreSQL 20.11.1, idle_in_transaction_session_timeout).
        """
        with self._ledger.writing() as connection:
            most = f"{self._dead_after:g}s"
            connection.execute(
                sa.select(sa.func.set_config("idle_in_transaction_session_timeout", most, True))
            )
            yield connection

    def _join(self) -> int:
        prepare(self._ledger)
        with self._ledger.writing() as connection:
            return at_once(tasks_on(connection).register_worker())

    def take(self, instances: int, most: int, known: Collection[int] = ()) -> list[Held]:
        """Hold further studies, of about so many *instances*; none where none waits.

        One that is held and not *known* comes first: the server's answer was lost then.
        """
        with self.writing() as connection:
            manager = tasks_on(connection)
            mine = sa.select(TASKS.c.id, TASKS.c.args).where(*self._mine())
            taken = [held_of(*row) for row in connection.execute(mine) if row.id not in known]
            while len(taken) < most and sum(one.instances for one in taken) < instances:
                task = at_once(manager.fetch_job([NAME], self.worker))
                if task is None:
                    break
                taken.append(held_of(task.id, task.task_kwargs))
        return taken

    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return TASKS.c.worker_id == self.worker, TASKS.c.status == DOING

    def still_held(self, connection: sa.Connection, tasks: Collection[int]) -> set[int]:
        """Those of *tasks* that this machine holds, and will until the transaction ends."""
        some = TASKS.c.id.in_(list(tasks))
        query = sa.select(TASKS.c.id).where(some, *self._mine()).order_by(TASKS.c.id)
        return set(connection.scalars(query.with_for_update()))

    def count(self, connection: sa.Connection, instances: int, size: int) -> None:
        """Say within a transaction what this machine is through with: instances and bytes."""
        put_all(connection, {f"{COUNTED}{self.worker}": f"{instances} {size}"})

    def give_back(self, tasks: Iterable[int]) -> None:
        """Let others take what is still held of *tasks*, and leave."""
        with self.writing() as connection:
            manager = tasks_on(connection)
            for task in self.still_held(connection, list(tasks)):
                manager.retry_job_by_id(task, LONG_AGO)
            at_once(manager.unregister_worker(self.worker))

    def beat(self) -> None:
        """Give a sign of life, and take back the studies of those who gave none."""
        with self._ledger.writing() as connection:
            at_once(tasks_on(connection).update_heartbeat(self.worker))
        with self.writing() as connection:
            connection.execute(
                sa.select(sa.func.set_config("lock_timeout", WAITS_FOR_A_LOCK, True))
            )
            mine = lock_for(TAKING_BACK)
            if connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(*mine))):
                take_back(connection, self._dead_after)


def held_of(task: int | None, said: Mapping[str, Any]) -> Held:
    """A task as it was handed out."""
    assert task is not None  # noqa: S101 - it comes from the table
    return Held(task, str(said["study"]), int(said["instances"]), str(said["revision"]))


def finish(connection: sa.Connection, tasks: Iterable[int]) -> None:
    """End *tasks*, which are held, for good."""
    manager = tasks_on(connection)
    for task in tasks:
        at_once(manager.finish_job_by_id_async(task, Status.SUCCEEDED, delete_job=True))


def take_back(connection: sa.Connection, dead_after: float) -> None:
    """Let others have the studies of machines that are silent, or have left without a word.

    While the server itself was away nobody could be heard: it must be back for as long first.
    """
    manager = tasks_on(connection)
    up = sa.func.now() - sa.func.pg_postmaster_start_time()
    heard = connection.scalar(sa.select(up > sa.cast(f"{dead_after} seconds", sa.Interval)))
    for task in at_once(manager.get_stalled_jobs(queue=NAME, seconds_since_heartbeat=dead_after)):
        if task.id is not None and (heard or task.worker_id is None):
            manager.retry_job_by_id(task.id, LONG_AGO)
