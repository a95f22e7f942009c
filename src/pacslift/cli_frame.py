"""What every command of the command line has: options, a job at work, its end, the account.

Only the modules whose names begin with cli print; everything else gives values or events.
"""

import _thread
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
import polars as pl

from pacslift import flow
from pacslift.errors import Cause, PacsliftError, StopError
from pacslift.events import Stopped, fan_out
from pacslift.progress import display
from pacslift.running import Run, opened
from pacslift.verify.account import Account
from pacslift.verify.advice import OF_CAUSE

# Polars calls back into Python; an exception there is a panic to it, which it tells at length.
POLARS = Path(pl.__file__).parent
SOON = 0.02  # seconds until an interrupt that came inside of it is tried again
INTERRUPTED = 130  # as shells count it: 128 and the number of SIGINT
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
MOST_SAID = 1000  # characters of a summary: more than any has
if sys.platform == "win32":
    SIGNALS[signal.SIGBREAK] = "Ctrl-Break"  # what a program without a console can be sent there

# What one command notes in click's context for whoever ends it.
IN_JSON, FOLDER, TOLD = "pacslift.json", "pacslift.folder", "pacslift.told"


def note(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback of an option or argument that notes its value under *key*."""

    def keep(ctx: click.Context, _: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - as click has it
        ctx.meta[key] = value
        return value

    return keep


PATH = click.Path(path_type=Path)
JOB = click.argument("job", type=PATH, callback=note(FOLDER))
AS_JSON = click.option(
    "--json", "as_json", is_flag=True, callback=note(IN_JSON), help="Print one JSON object instead."
)
LOG = click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How progress is written to standard error: for people, or one JSON event a line.",
)  # fmt: skip
METRICS = click.option(
    "--metrics", type=PATH, metavar="FILE.prom",
    help="Keep a Prometheus text file of the progress, for node_exporter's textfile collector.",
)  # fmt: skip
ACCEPT_TRUNCATED = click.option(
    "--accept-truncated",
    is_flag=True,
    help="Read a dump that ends early up to its last good row, and say so.",
)
ADAPTERS = click.option(
    "--adapters", type=PATH, multiple=True, help="A folder of further adapters; may be repeated."
)


class Interrupts:
    """Notes that Ctrl-C was pressed, or SIGTERM sent, whatever the code it meets makes of it."""

    def __init__(self) -> None:
        self.met: signal.Signals | None = None
        with suppress(ValueError):  # only the main thread is told of signals
            for number in SIGNALS:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.met = self.met or signal.Signals(number)
        if runs_through(POLARS, frame):
            threading.Timer(SOON, _thread.interrupt_main).start()
        else:
            raise KeyboardInterrupt(self.met)


def runs_through(folder: Path, frame: FrameType | None) -> bool:
    """Whether a call of the library in *folder* is under way in *frame* or around it."""
    while frame is not None:
        if folder in Path(frame.f_code.co_filename).parents:
            return True
        frame = frame.f_back
    return False


class Listed(click.Group):
    """Commands in the order of their definition, each with its whole first sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """In the order of definition."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """One command a line; click would cut what is longer, here it goes on below."""
        rows = [(n, c.get_short_help_str(MOST_SAID)) for n, c in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Commands(Listed):
    """The outermost commands, which tell errors as plain sentences."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Turn what ends a command early into its sentence and its exit code."""
        interrupts = Interrupts()
        try:
            return super().invoke(ctx)
        except (SystemExit, click.exceptions.Exit, click.ClickException):
            raise
        except BaseException as error:
            # Libraries in other languages turn an interrupt into errors of their own.
            known: BaseException = KeyboardInterrupt(interrupts.met) if interrupts.met else error
            if not isinstance(known, PacsliftError | KeyboardInterrupt):
                raise
            end(ctx, why_stopped(known))


def end(ctx: click.Context, stopped: Stopped) -> NoReturn:
    """Say why a command ends early, and leave with its exit code.

    With --json standard output gets one object: the error, and the account so far where there is
    one.
    """
    if not ctx.meta.get(TOLD):
        with suppress(OSError):  # where nothing can be written, the exit code is to tell it
            click.echo(f"pacslift: {stopped.sentence}", err=True)
    if ctx.meta.get(IN_JSON):
        error = {"message": stopped.sentence, "exit_code": stopped.exit_code}
        click.echo(json.dumps({"error": error, "account": account_so_far(ctx.meta.get(FOLDER))}))
    sys.exit(stopped.exit_code)


def account_so_far(folder: Path | None) -> Mapping[str, object] | None:
    """The account of the job in *folder*, or None where it has none that can be read."""
    with suppress(PacsliftError):
        return flow.account_of(folder).as_dict() if folder else None
    return None


def why_stopped(error: PacsliftError | KeyboardInterrupt) -> Stopped:
    """The sentence and the exit code for what ended a command."""
    if isinstance(error, KeyboardInterrupt):
        number = error.args[0] if error.args else signal.SIGINT
        return Stopped(
            f"stopped by {SIGNALS[number]}; what was answered until now is on record. Give the "
            "same command again and it goes on where it was",
            INTERRUPTED - signal.SIGINT + number,
        )
    return Stopped(str(error), error.exit_code if isinstance(error, StopError) else 1)


@contextmanager
def working(
    folder: Path, log_format: str, metrics: Path | None = None, *, helping: bool = False
) -> Iterator[Run]:
    """The job, held by this process, with its progress on standard error.

    With *helping* another machine runs it, and this one helps.

    Where that is JSON, so is the reason for an early end. *metrics* is kept up to date, too.
    """
    noted = click.get_current_context().meta
    noted[FOLDER] = folder
    with display(sys.stderr, log_format) as shown:
        tell = shown
        try:
            if metrics:
                from pacslift.metrics import Metrics  # noqa: PLC0415 - a tenth of a second

                tell = fan_out(shown, Metrics(metrics, folder.resolve().name).tell)
            with opened(folder, tell, helping=helping) as run:
                yield run
        except (PacsliftError, KeyboardInterrupt) as error:
            if log_format == "json":
                with suppress(OSError):
                    tell(why_stopped(error))
                noted[TOLD] = True
            raise


def finish(account: Account, *, as_json: bool) -> NoReturn:
    """Print the account and end with its exit code."""
    show_account(account, as_json=as_json)
    sys.exit(account.exit_code)


def show_account(account: Account, *, as_json: bool) -> None:
    """The account on standard output."""
    if as_json:
        click.echo(json.dumps(account.as_dict()))
        return
    click.echo()
    show_states("instances", account.instances, account.states)
    show_states("files", account.files, account.file_states)
    if account.causes:
        click.echo("causes")
        for cause, count in sorted(account.causes.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"  {count:>11,}  {cause}: {OF_CAUSE[Cause(cause)].sentence}")
    if account.no_verification:
        click.echo(f"not verified: {account.no_verification}")
    click.echo(f"{'balanced' if account.balanced else 'NOT BALANCED'}. {account.headline}")


def show_states(what: str, total: int, states: Any) -> None:  # noqa: ANN401 - a mapping by either enum
    """One side of the balance sheet: the states that occur, and their sum."""
    click.echo(what)
    for state, count in states.items():
        if count:
            click.echo(f"  {count:>11,}  {state}")
    click.echo(f"  {total:>11,}  in all")
