"""The commands on one job: made, run, stage by stage, looked at."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from pacslift import flow
from pacslift.cli_access import ACCESS, accessed
from pacslift.cli_frame import (
    ACCEPT_TRUNCATED,
    ADAPTERS,
    AS_JSON,
    JOB,
    LOG,
    METRICS,
    PATH,
    finish,
    show_account,
    working,
)
from pacslift.cli_pace import goings_words
from pacslift.counting import counted
from pacslift.demo import prepared_demo
from pacslift.errors import Cause
from pacslift.events import silence
from pacslift.job import Job, files_and_databases, parse_target, resolve_all
from pacslift.job_order import order_of
from pacslift.job_reading import checked
from pacslift.job_writing import create_job
from pacslift.ledger_engine import schema_for
from pacslift.pace_now import pace_now
from pacslift.preview import Preview
from pacslift.running import Run, opened
from pacslift.verify.account import FILE_EXCEPTIONS
from pacslift.verify.advice import OF_CAUSE, OF_FILE
from pacslift.verify.tell import account_now


@click.command()
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
@ACCESS
@click.option("--adapter", help="The adapter to use, where several claim the dump.")
@click.option(
    "--order",
    default="newest",
    show_default=True,
    metavar="newest|path|CSV",
    help="What is sent first: the newest studies, what comes first on slow media, or the "
    "studies and patients that a CSV file names.",
)
@click.option("--ledger", default="", metavar="URL",
              help="postgresql://USER@HOST:PORT/DATABASE, for several machines (docs/machines.md); "
              "none: a file in the job folder.")  # fmt: skip
@ACCEPT_TRUNCATED
@ADAPTERS
def init(job: Path, dumps: Sequence[str], storage: Sequence[str], target: str, aet: str,
         adapter: str | None, order: str, ledger: str, accept_truncated: bool,
         adapters: Sequence[Path], **access: str | Path | bool | None) -> None:  # fmt: skip
    """Make a job folder with a job.toml that can be edited."""
    files, databases = files_and_databases(dumps)
    mounts = {name: folder.expanduser().resolve() for name, folder in map(mount, storage)}
    create_job(
        checked(
            Job(
                folder=job.resolve(),
                dumps=resolve_all([Path(file) for file in files]),
                databases=databases,
                mounts=mounts,
                target=accessed(parse_target(target, aet), job.resolve(), access),
                adapter=adapter,
                adapters=resolve_all(adapters),
                accept_truncated=accept_truncated,
                order=order_of(order),
                ledger_url=ledger,
                ledger_schema=schema_for(job.resolve().name),
            )
        )
    )
    for path in (*resolve_all([Path(file) for file in files]), *mounts.values()):
        if not path.exists():
            click.echo(f"warning: {path} is not there (yet?); if it is elsewhere, mend job.toml")
    click.echo(
        f"{job}/job.toml is written; look it over, then: pacslift doctor {job}, pacslift run {job}"
    )


def mount(text: str) -> tuple[str, Path]:
    """[NAME=]DIR as old root and folder. A folder with a = in its name is taken whole."""
    name, equals, folder = text.partition("=")
    if not equals or Path(text).is_dir():
        return "", Path(text)
    return name, Path(folder)


MANY = click.IntRange(min=0)
PROCESSES = click.option(
    "--processes", type=MANY, metavar="N", help="Instead of job.toml's; 0: found while sending."
)
ASSOCIATIONS = click.option(
    "--associations",
    type=MANY,
    metavar="N",
    help="Of each process, instead of job.toml's; 0: found while sending.",
)


def manned(work: Run, processes: int | None, associations: int | None) -> Run:
    """*work* with as many processes and associations as the command line says."""
    job = replace(
        work.job,
        processes=work.job.processes if processes is None else processes,
        associations=work.job.associations if associations is None else associations,
    )
    return replace(work, job=job)


@click.command()
@JOB
@PROCESSES
@ASSOCIATIONS
@METRICS
@AS_JSON
@LOG
def run(job: Path, processes: int | None, associations: int | None, metrics: Path | None,
        as_json: bool, log_format: str) -> None:  # fmt: skip
    """Do everything; started again, go on where it was."""
    with working(job, log_format, metrics) as work:
        account = flow.migrate(manned(work, processes, associations))
    finish(account, as_json=as_json)


def stage_command(name: str, text: str, work: Callable[[Run], object]) -> click.Command:
    """The command of one stage."""

    @click.command(name=name, help=text)
    @JOB
    @AS_JSON
    @LOG
    def command(job: Path, as_json: bool, log_format: str) -> None:
        with working(job, log_format) as run_:
            work(run_)
            account = account_now(run_.ledger)
        if name in ("verify", "report"):
            finish(account, as_json=as_json)
        elif as_json:
            click.echo(json.dumps(account.as_dict()))

    return command


@click.command()
@JOB
@PROCESSES
@ASSOCIATIONS
@METRICS
@AS_JSON
@LOG
def send(job: Path, processes: int | None, associations: int | None, metrics: Path | None,
         as_json: bool, log_format: str) -> None:  # fmt: skip
    """Send what is planned."""
    with working(job, log_format, metrics) as work:
        flow.send(manned(work, processes, associations))
        account = account_now(work.ledger)
    finish(account, as_json=as_json)


def show_preview(found: Preview, *, as_json: bool) -> None:
    """What sending would change, in counts; the values stand in the files alone."""
    changes = [
        {"rule": rule, "keyword": keyword, "objects": n}
        for (rule, keyword), n in found.changes.items()
    ]
    if as_json:
        files = {"csv": str(found.csv), "parquet": str(found.parquet)}
        counts = {"objects": found.objects, "changes": changes, "causes": dict(found.causes)}
        click.echo(json.dumps({**counts, **files}))
        return
    if not found.objects:
        click.echo("Nothing is left to be sent.")
    elif not changes:
        click.echo("Nothing is changed in what is left to be sent.")
    else:
        click.echo("    objects  rule       attribute")
    for one in changes:
        click.echo(f"{one['objects']:>11,}  {one['rule']:<9}  {one['keyword']}")
    for cause, count in found.causes.items():
        click.echo(f"{count:>11,}  set aside: {cause}: {OF_CAUSE[Cause(cause)].sentence}")
    click.echo(f"Nothing was sent. Every change, with PATIENT DATA, is in {found.csv}")
    click.echo(f"and, for programs, in {found.parquet}; keep both as you keep the archive.")


@click.command()
@JOB
@click.option("--diff", is_flag=True, help="Also write every change that sending would make.")
@click.option("--mapping-template", "template", type=PATH, metavar="FILE",
              help="Draft a mapping of the patients there are, as CSV.")  # fmt: skip
@AS_JSON
@LOG
def plan(job: Path, diff: bool, template: Path | None, as_json: bool, log_format: str) -> None:
    """Decide what becomes of every row and every file."""
    if diff:
        with working(job, log_format) as work:
            found = flow.diff(work)
        show_preview(found, as_json=as_json)
        return
    with working(job, log_format) as work:
        if template:
            count = flow.draft_mapping(work, template)
        else:
            flow.plan(work, again=True)
        account = account_now(work.ledger)
    if template:
        click.echo(f"{template} holds {count:,} patients: PATIENT DATA; see docs/mapping.md")
    elif as_json:
        click.echo(json.dumps(account.as_dict()))


STAGES = (
    stage_command("extract", "Read the dumps into tables.", lambda r: flow.extract(r, again=True)),
    stage_command(
        "inventory",
        "Make the catalog and compare it with the storage.",
        lambda r: flow.inventory(r, again=True),
    ),
    plan,
    send,
    stage_command("verify", "Ask the target for what was sent.", flow.verify),
    stage_command("report", "Write the report.", flow.report),
)


@click.command()
@JOB
@AS_JSON
def status(job: Path, as_json: bool) -> None:
    """Show the account so far, also while a run goes on."""
    account, going = flow.account_of(job), pace_now(job).going
    if as_json:
        told = {"going": [asdict(one) for one in going]} if going else {}  # while a run sends
        click.echo(json.dumps({**account.as_dict(), **told}))
        return
    show_account(account, as_json=False)
    for line in goings_words(going) if going else ():
        click.echo(f"send: {line}")


@click.command()
@JOB
@click.option("--retry", "cause", type=click.Choice([c.value for c in Cause]), metavar="CAUSE",
              help="Plan again what failed for CAUSE; the next run sends it.")  # fmt: skip
@AS_JSON
def exceptions(job: Path, cause: str | None, as_json: bool) -> None:
    """Show what is set aside or failed, by cause, and what to do."""
    if cause:
        with opened(job, silence) as work:
            count = flow.retry(work, Cause(cause))
        if as_json:
            click.echo(json.dumps({"planned_again": count}))
        else:
            again = counted(count, "instance is", "instances are")
            click.echo(f"{again} planned again; pacslift run {job} sends them")
        return
    account = flow.account_of(job)
    if as_json:
        click.echo(json.dumps({"causes": dict(account.causes)}))
        return
    for name, count in sorted(account.causes.items(), key=lambda item: (-item[1], item[0])):
        advice = OF_CAUSE[Cause(name)]
        click.echo(f"{count:>9,}  {name}\n           {advice.sentence} {advice.remedy}")
    looked_at = {state: account.file_states[state] for state in sorted(FILE_EXCEPTIONS)}
    for state, count in looked_at.items():
        if count:
            click.echo(f"{count:>9,}  {state} (files)\n           {OF_FILE[state]}")
    some = account.causes or any(looked_at.values())
    click.echo(f"One line each: {job / 'exceptions.csv'}" if some else "None.")


@click.command()
@click.argument("folder", type=PATH, default=Path("pacslift-demo"))
@click.option("--target", metavar="AET@HOST:PORT", help="Send to a real PACS instead.")
@AS_JSON
@LOG
def demo(folder: Path, target: str | None, as_json: bool, log_format: str) -> None:
    """Run a whole job on a small synthetic archive.

    The target is inside this program, unless another is named.
    Writes FOLDER/archive (the old PACS), FOLDER/job (the job) and FOLDER/target (what arrived).
    """
    with prepared_demo(folder, parse_target(target) if target else None) as job:
        if not as_json:
            click.echo(f"archive    {job.folder.parent / 'archive'}\njob        {job.folder}")
            click.echo(f"target     {job.target}")
        with working(job.folder, log_format) as work:
            account = flow.migrate(work)
    show_account(account, as_json=as_json)
    if not as_json:
        click.echo(f"The report: {job.report / 'report.html'}")
    sys.exit(account.exit_code)
