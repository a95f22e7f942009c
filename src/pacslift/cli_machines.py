"""The command of a machine that helps another with its job."""

from pathlib import Path

import click

from pacslift.cli_frame import AS_JSON, JOB, LOG, METRICS, show_account, show_states, working
from pacslift.cli_job import ASSOCIATIONS, PROCESSES, manned
from pacslift.verify.tell import account_now


@click.command()
@JOB
@PROCESSES
@ASSOCIATIONS
@click.option("--wait", is_flag=True, help="When there is nothing to send, wait for more.")
@METRICS
@AS_JSON
@LOG
def worker(job: Path, processes: int | None, associations: int | None, wait: bool,
           metrics: Path | None, as_json: bool, log_format: str) -> None:  # fmt: skip
    """Help another machine with its job until no study is left.

    JOB is this machine's copy of the job folder; its job.toml has the same [ledger] url, and says
    where the storage is mounted here (docs/machines.md). Ends with 0 when nothing is left for it to
    do; whether the job is complete says `pacslift run` on the machine that runs it.
    """
    from pacslift import machines  # noqa: PLC0415 - loads Procrastinate

    with working(job, log_format, metrics, helping=True) as work:
        machines.work(manned(work, processes, associations), wait=wait)
        account = account_now(work.ledger)
    if as_json:
        show_account(account, as_json=True)
        return
    click.echo()
    show_states("instances", account.instances, account.states)
    click.echo("Nothing is left to be sent. The machine that runs the job verifies and reports.")
