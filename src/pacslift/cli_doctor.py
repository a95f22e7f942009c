"""The command that tries beforehand what would fail later, and how a person is shown it."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from pacslift.cli_frame import AS_JSON, JOB
from pacslift.doctor import Check, examine, kinds_are_taken
from pacslift.job_reading import load_job
from pacslift.send.matrix import Answer, Kind
from pacslift.send.wording import keyword_of, name_of

PIPED = 100  # columns, where there is no terminal
STORAGE = " Storage"  # in the name of every SOP class here


@click.command()
@JOB
@AS_JSON
def doctor(job: Path, as_json: bool) -> None:
    """Try everything now that would fail later.

    Job folder, settings, ledger, dumps, storage, mapping, order, target, certificates, queries.
    With a plan it also asks the target which kinds of object it takes.
    """
    about = load_job(job)
    checks = list(examine(about))
    kinds_taken, kinds = kinds_are_taken(about)
    checks += [kinds_taken] if kinds_taken else []
    if as_json:
        told = {"checks": [asdict(check) for check in checks]}
        click.echo(json.dumps({**told, "kinds": [kind.as_dict() for kind in kinds]}))
    else:
        show_checks(checks)
        show_kinds(kinds, shutil.get_terminal_size((PIPED, 24)).columns)
    sys.exit(0 if all(check.passed for check in checks) else 3)


def show_checks(checks: Sequence[Check]) -> None:
    """What was tried, a line each."""
    for check in checks:
        mark = ("warn" if check.warns else "ok  ") if check.passed else "FAIL"
        click.echo(f"{mark}  {check.name:<11}  {check.sentence}")


def show_kinds(kinds: Sequence[Kind], width: int) -> None:
    """The matrix of what the job holds against what the target takes, in *width* columns.

    Transfer syntaxes stand in it by their keywords (PS3.6 A); below it what those mean that do not
    tell it.
    """
    if not kinds:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("instances", justify="right", no_wrap=True)
    for head in ("SOP class", "transfer syntax", "at the target"):
        table.add_column(head, overflow="fold")
    for kind in kinds:
        syntax = keyword_of(kind.transfer_syntax_uid) if kind.transfer_syntax_uid else "not known"
        sop_class = name_of(kind.sop_class_uid).replace(STORAGE, "")
        table.add_row(f"{kind.instances:,}", sop_class, syntax, answer_words(kind))
    drawn = StringIO()
    Console(file=drawn, width=width, color_system=None).print(table)
    for line in drawn.getvalue().splitlines():
        click.echo(line.rstrip())
    for note in meanings(kinds):
        click.echo(textwrap.fill(note, width, subsequent_indent="  "))


def answer_words(kind: Kind) -> str:
    """What becomes of *kind*, for a person."""
    if kind.answer is Answer.TRANSCODED:
        return f"sent as {keyword_of(kind.sent_as or '')}"
    if kind.answer is Answer.UNKNOWN:
        return "asked when its file is read"
    return str(kind.answer)


def meanings(kinds: Iterable[Kind]) -> Iterator[str]:
    """UID and name of each transfer syntax whose keyword is not its name without spaces."""
    syntaxes = {uid for kind in kinds for uid in (kind.transfer_syntax_uid, kind.sent_as) if uid}
    for uid in sorted(syntaxes):
        keyword, name = keyword_of(uid), name_of(uid)
        if keyword != name.replace(" ", ""):
            yield f"{keyword} is {name} ({uid})"
