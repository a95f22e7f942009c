"""Several machines on one job: what a machine does that helps the one that runs it."""

import time

import sqlalchemy as sa

from pacslift import sending
from pacslift.adapter import load_adapters
from pacslift.agreement import require_agreement
from pacslift.counting import counted
from pacslift.errors import JobBusyError, JobFileError, JobFolderError, PlannedAnewError
from pacslift.events import StageStarted
from pacslift.ledger import INSTANCES, InstanceState, Ledger
from pacslift.running import Run
from pacslift.send.sendcounts import SendCounts
from pacslift.send.studies import any_left, count_live, prepare, revoke

LOOK = 1.0  # seconds until it is looked again whether there is work


def stand_back(run: Run) -> None:
    """Take all studies from everybody before a new plan; JobBusyError while others send them."""
    live = count_live(run.ledger, run.job.dead_after)
    if live:
        raise JobBusyError(
            f"what was planned before is being sent by {counted(live, 'machine')}; stop them all "
            f"(Ctrl-C), or wait {run.job.dead_after:.0f} s if they were killed, and plan again then"
        )
    revoke(run.ledger)


def work(run: Run, *, wait: bool = False) -> None:
    """Send studies of a job that another machine runs, until none is left for anybody.

    Waits while the other machine has not come to sending yet; with *wait* for ever.
    Raises JobFileError if this copy of the job is another than was planned, JobFolderError if
    nobody has planned it.
    """
    if not run.ledger.is_shared:
        raise JobFileError(
            f"the ledger of {run.job.folder} is a file, which only one machine can work on; all "
            'need the same [ledger] url = "postgresql://USER@HOST:PORT/DATABASE" in job.toml'
        )
    prepare(run.ledger)
    if run.ledger.get("planned"):
        agree(run)
    waiting = False
    while True:
        if any_left(run.ledger):
            help_out(run, wait=wait)
            waiting = False
        elif not (wait or more_may_come(run)):
            return
        else:
            if not waiting:
                run.tell(StageStarted("wait"))
            waiting = True
            time.sleep(LOOK)


def help_out(run: Run, *, wait: bool) -> None:
    """Send what there is to be sent now."""
    agree(run)
    try:
        sending.bring(run, max(1, run.ledger.count_planned()), SendCounts(run.tell))
    except PlannedAnewError:
        if not wait:
            raise


def agree(run: Run) -> None:
    """JobFileError unless this copy of the job is what was planned."""
    name = run.ledger.get("adapter") or ""
    adapter = load_adapters(run.job.adapters).get(name)
    if adapter is None:
        raise JobFileError(
            f"the job was planned with the adapter {name}, which this machine does not have; copy "
            "its folder, and name it in [source] adapters of job.toml"
        )
    require_agreement(run.ledger, run.job, adapter)


def more_may_come(run: Run) -> bool:
    """Whether the machine that runs the job will still hand out studies."""
    if run.ledger.is_held():
        return run.ledger.get("planned") is None or some_planned(run.ledger)
    if run.ledger.get("planned") is None:
        raise JobFolderError(
            f"the job is not planned (ledger {run.ledger.place}); start `pacslift run` on the "
            "machine that has the dump, or wait for it with --wait"
        )
    return False


def some_planned(ledger: Ledger) -> bool:
    """Whether anything is still to be sent."""
    some = sa.exists().where(INSTANCES.c.state == InstanceState.PLANNED)
    return any(row["some"] for row in ledger.rows(sa.select(some.label("some"))))
