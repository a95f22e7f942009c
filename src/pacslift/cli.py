"""The command line. The only module that prints; everything else gives values or events."""

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from pacslift import __version__, flow
from pacslift.adapter import load_adapters
from pacslift.conformance import accept_case, check_adapter
from pacslift.demo import prepared_demo
from pacslift.doctor import examine
from pacslift.errors import Cause, PacsliftError, StopError
from pacslift.events import Stopped, silence
from pacslift.extract.describe import describe_delimited
from pacslift.extract.inspection import inspection
from pacslift.extract.parts import without_later_parts
from pacslift.flow import Run
from pacslift.job import (
    Job,
    create_job,
    files_and_databases,
    load_job,
    parse_target,
    resolve_all,
)
from pacslift.progress import display
from pacslift.scaffold import scaffold
from pacslift.verify.account import Account
from pacslift.verify.advice import OF_CAUSE
from pacslift.verify.tell import account_now

INTERRUPTED = 130  # as shells count it: 128 and the number of SIGINT

PATH = click.Path(path_type=Path)
JOB = click.argument("job", type=PATH)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
LOG = click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How progress is written to standard error: for people, or one JSON event a line.",
)  # fmt: skip
ADAPTERS = click.option(
    "--adapters", type=PATH, multiple=True, help="A folder of further adapters; may be repeated."
)


class Interrupts:
    """Notes that Ctrl-C was pressed, whatever the code it meets makes of it."""

    def __init__(self) -> None:
        self.met = False
        with suppress(ValueError):  # only the main thread is told of signals
            signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.met = True
        signal.default_int_handler(number, frame)


class Commands(click.Group):
    """Commands in the order in which a migration needs them, and errors as plain sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """In the order of definition."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Turn what ends a command early into its sentence and its exit code."""
        interrupts = Interrupts()
        try:
            return super().invoke(ctx)
        except (SystemExit, click.exceptions.Exit, click.ClickException):
            raise
        except BaseException as error:
            # Libraries in other languages turn an interrupt into errors of their own.
            known: BaseException = KeyboardInterrupt() if interrupts.met else error
            if not isinstance(known, PacsliftError | KeyboardInterrupt):
                raise
            stopped = why_stopped(known)
            click.echo(f"pacslift: {stopped.sentence}", err=True)
            sys.exit(stopped.exit_code)


def why_stopped(error: PacsliftError | KeyboardInterrupt) -> Stopped:
    """The sentence and the exit code for what ended a command."""
    if isinstance(error, KeyboardInterrupt):
        return Stopped(
            "stopped by Ctrl-C; what was answered until now is on record. Give the same command "
            "again and it goes on where it was",
            INTERRUPTED,
        )
    return Stopped(str(error), error.exit_code if isinstance(error, StopError) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pacslift")
def main() -> None:
    """Move what a retired PACS holds into a new one, and prove that it arrived.

    pacslift reads a dump of the old database and the raw storage, never the old system; it writes
    only into its job folder and to the target.
    """


@main.command()
@click.argument("job", type=PATH)
@click.option(
    "--dump",
    "dumps",
    multiple=True,
    required=True,
    metavar="PATH",
    help="A dump of the old database: a file, or a folder that is a set; or the database itself, "
    "as odbc:CONNECTION-STRING (docs/odbc.md).",
)
@click.option(
    "--storage",
    "storage",
    multiple=True,
    required=True,
    metavar="[NAME=]DIR",
    help="Where the copy of a storage root is now. NAME is the root as the dump names "
    "it: a device (MAG0), an old prefix (/srv/oldpacs, D:\\pacs); none: the only root.",
)
@click.option("--target", required=True, metavar="AET@HOST:PORT", help="Where the objects go.")
@click.option("--aet", default="PACSLIFT", show_default=True, help="Our own AE title.")
@click.option("--adapter", help="The adapter to use, where several claim the dump.")
@click.option(
    "--accept-truncated",
    is_flag=True,
    help="Read a dump that ends early up to its last good row; the report says so.",
)
@ADAPTERS
def init(job: Path, dumps: Sequence[str], storage: Sequence[str], target: str, aet: str,
         adapter: str | None, accept_truncated: bool,
         adapters: Sequence[Path]) -> None:  # fmt: skip
    """Make a job folder with a job.toml that can be edited."""
    files, databases = files_and_databases(dumps)
    create_job(
        Job(
            folder=job.resolve(),
            dumps=resolve_all([Path(file) for file in files]),
            databases=databases,
            mounts={name: folder.expanduser().resolve() for name, folder in map(mount, storage)},
            target=parse_target(target, aet),
            adapter=adapter,
            adapters=resolve_all(adapters),
            accept_truncated=accept_truncated,
        )
    )
    click.echo(f"{job}/job.toml is written; look it over, then: pacslift run {job}")


def mount(text: str) -> tuple[str, Path]:
    """[NAME=]DIR as old root and folder. A folder with a = in its name is taken whole."""
    name, equals, folder = text.partition("=")
    if not equals or Path(text).is_dir():
        return "", Path(text)
    return name, Path(folder)


@contextmanager
def working(folder: Path, log_format: str) -> Iterator[Run]:
    """The job, held by this process, with its progress on standard error.

    Where that is JSON, so is the reason for an early end.
    """
    with display(sys.stderr, log_format) as tell:
        try:
            with flow.opened(folder, tell) as run:
                yield run
        except (PacsliftError, KeyboardInterrupt) as error:
            if log_format != "json":
                raise
            stopped = why_stopped(error)
            tell(stopped)
            sys.exit(stopped.exit_code)


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


@main.command()
@JOB
@AS_JSON
@LOG
def run(job: Path, as_json: bool, log_format: str) -> None:
    """Do everything; started again, go on where it was."""
    with working(job, log_format) as work:
        account = flow.migrate(work)
    finish(account, as_json=as_json)


def stage_command(name: str, text: str, work: Callable[[Run], object]) -> None:
    """Add the command of one stage."""

    @main.command(name=name, help=text)
    @JOB
    @AS_JSON
    @LOG
    def command(job: Path, as_json: bool, log_format: str) -> None:
        with working(job, log_format) as run_:
            work(run_)
            account = account_now(run_.ledger)
        if name in ("send", "verify", "report"):
            finish(account, as_json=as_json)
        elif as_json:
            click.echo(json.dumps(account.as_dict()))


stage_command("extract", "Read the dumps into tables.", lambda r: flow.extract(r, again=True))
stage_command("inventory", "Make the catalog and compare it with the storage.",
              lambda r: flow.inventory(r, again=True))  # fmt: skip
stage_command("plan", "Decide what becomes of every row and every file.",
              lambda r: flow.plan(r, again=True))  # fmt: skip
stage_command("send", "Send what is planned.", flow.send)
stage_command("verify", "Ask the target for what was sent.", flow.verify)
stage_command("report", "Write the report.", flow.report)


@main.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--describe", is_flag=True, help="Draft the manifest that delimited text needs.")
@ADAPTERS
@AS_JSON
def inspect(paths: Sequence[str], describe: bool, adapters: Sequence[Path], as_json: bool) -> None:
    """Say what a dump is: format, server, tables, rows, and which adapter claims it and why."""
    if describe:
        for path in paths:
            click.echo(describe_delimited(Path(path)))
        return
    known = load_adapters(resolve_all(adapters))
    files, databases = files_and_databases(paths)
    dumps: list[Path | str] = [*without_later_parts([Path(f) for f in files]), *databases]
    with tempfile.TemporaryDirectory(prefix="pacslift-") as private:
        seen = [inspection(dump, known, Path(private)) for dump in dumps]
    if as_json:
        click.echo(json.dumps({"dumps": [asdict(one) for one in seen]}))
        return
    for one in seen:
        click.echo(f"{one.path}: {one.format}" + (f", {one.server}" if one.server else ""))
        for table in one.tables:
            click.echo(f"  {table.rows:>11,} rows  {table.name} ({len(table.columns)} columns)")
        for claim in one.claims:
            click.echo(f"  {claim.sentence}")


@main.command()
@JOB
@AS_JSON
def status(job: Path, as_json: bool) -> None:
    """Show the account so far, also while a run goes on."""
    show_account(flow.account_of(job), as_json=as_json)


@main.command()
@JOB
@click.option("--retry", "cause", type=click.Choice([c.value for c in Cause]), metavar="CAUSE",
              help="Plan again what failed for CAUSE; the next run sends it.")  # fmt: skip
@AS_JSON
def exceptions(job: Path, cause: str | None, as_json: bool) -> None:
    """Show what is set aside or failed, by cause, and what to do about it."""
    if cause:
        with flow.opened(job, silence) as work:
            count = flow.retry(work, Cause(cause))
        if as_json:
            click.echo(json.dumps({"planned_again": count}))
        else:
            click.echo(f"{count:,} instances are planned again; pacslift run {job} sends them")
        return
    account = flow.account_of(job)
    if as_json:
        click.echo(json.dumps({"causes": dict(account.causes)}))
        return
    for name, count in sorted(account.causes.items(), key=lambda item: (-item[1], item[0])):
        advice = OF_CAUSE[Cause(name)]
        click.echo(f"{count:>9,}  {name}\n           {advice.sentence} {advice.remedy}")
    click.echo(f"One line each: {job / 'exceptions.csv'}" if account.causes else "None.")


@main.command()
@JOB
@AS_JSON
def doctor(job: Path, as_json: bool) -> None:
    """Try everything that would fail later: dumps, storage, job folder, target."""
    checks = list(examine(load_job(job)))
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            click.echo(f"{'ok  ' if check.passed else 'FAIL'}  {check.name:<10}  {check.sentence}")
    sys.exit(0 if all(check.passed for check in checks) else 3)


@main.group()
def adapter() -> None:
    """List, check and start adapters."""


@adapter.command(name="list")
@ADAPTERS
@AS_JSON
def adapter_list(adapters: Sequence[Path], as_json: bool) -> None:
    """List the adapters there are."""
    known = sorted(load_adapters(resolve_all(adapters)).items())
    if as_json:
        rows = [{"name": n, "product": a.product, "folder": str(a.folder)} for n, a in known]
        click.echo(json.dumps({"adapters": rows}))
        return
    for name, one in known:
        click.echo(f"{name:<12} {one.product}; truth: {one.truth}")


@adapter.command(name="check")
@click.argument("folder", type=PATH)
@click.option("--case", "cases", type=PATH, multiple=True, help="A folder with a case of it.")
@AS_JSON
def adapter_check(folder: Path, cases: Sequence[Path], as_json: bool) -> None:
    """Hold an adapter against the rules that every adapter meets."""
    checks = check_adapter(folder, cases)
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            click.echo(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}")
            if check.detail and not check.passed:
                click.echo(f"      {check.detail}")
    sys.exit(0 if all(check.passed for check in checks) else 3)


@adapter.command(name="accept")
@click.argument("case", type=PATH)
@click.option("--force", is_flag=True, help="Write over what was accepted before.")
@ADAPTERS
def adapter_accept(case: Path, force: bool, adapters: Sequence[Path]) -> None:
    """Write down the catalog of a case as the right one, once a person has looked at it."""
    for difference in accept_case(case, force=force, adapters=resolve_all(adapters)):
        click.echo(difference)
    click.echo(f"{case}/expected is written; read it before you trust it")


@adapter.command(name="scaffold")
@click.argument("folder", type=PATH)
@click.option("--dump", type=PATH, help="A dump to take tables and columns from.")
def adapter_scaffold(folder: Path, dump: Path | None) -> None:
    """Start an adapter: a folder with every file that it needs."""
    for path in scaffold(folder, dump):
        click.echo(f"wrote {path}")


@main.command()
@click.argument("folder", type=PATH, default=Path("pacslift-demo"))
@click.option("--target", metavar="AET@HOST:PORT", help="Send to a real PACS instead.")
@AS_JSON
@LOG
def demo(folder: Path, target: str | None, as_json: bool, log_format: str) -> None:
    """Run the whole job on a small synthetic archive, against a target inside this program.

    Writes FOLDER/archive (the old PACS), FOLDER/job (the job) and FOLDER/target (what arrived).
    """
    with prepared_demo(folder, parse_target(target) if target else None) as job:
        if not as_json:
            click.echo(f"archive    {job.mounts['']}\njob        {job.folder}")
            click.echo(f"target     {job.target}")
        with working(job.folder, log_format) as work:
            account = flow.migrate(work)
    show_account(account, as_json=as_json)
    if not as_json:
        click.echo(f"The report: {job.report / 'report.html'}")
    sys.exit(account.exit_code)
