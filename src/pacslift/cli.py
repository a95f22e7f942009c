"""The command line: its commands, in the order in which a migration needs them."""

import click

from pacslift import __version__, cli_doctor, cli_job, cli_machines, cli_pace, cli_tools
from pacslift.cli_frame import INTERRUPTED, Commands

__all__ = ["INTERRUPTED", "main"]

COMMANDS = (
    cli_job.init,
    cli_job.run,
    *cli_job.STAGES,
    cli_machines.worker,
    cli_tools.inspect,
    cli_job.status,
    cli_pace.pace,
    cli_job.exceptions,
    cli_doctor.doctor,
    cli_tools.rules,
    cli_tools.adapter,
    cli_job.demo,
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pacslift")
def main() -> None:
    """Move what a retired PACS holds into a new one, and prove that it arrived.

    pacslift reads a dump of the old database and the raw storage, never the old system; it writes
    only into its job folder and to the target.
    """


for command in COMMANDS:
    main.add_command(command)
