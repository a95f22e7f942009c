"""The command by which a person looks at the pace of a job, and changes it, also while it runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from pacslift.cli_frame import AS_JSON, JOB
from pacslift.errors import JobFileError
from pacslift.pace_now import PaceNow, pace_now, say_pace
from pacslift.pace_words import going_words, limit_words
from pacslift.send.going import Going

NONE, ALWAYS = "none", "always"
WIDTH = 12


class Limit(click.ParamType[float | str]):
    """A number above 0, or none."""

    name = "limit"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:  # noqa: ANN401 - as click has it
        """The number, or NONE."""
        if value == NONE:
            return NONE
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            self.fail(f"{value!r} is no number above 0, and not {NONE!r}", param, ctx)
        return number


@click.command()
@JOB
@click.option("--mb-per-s", type=Limit(), metavar="X|none", help="At most X megabytes a second.")
@click.option(
    "--instances-per-s", type=Limit(), metavar="N|none", help="At most N instances a second."
)
@click.option(
    "--window", "windows", multiple=True, metavar="WINDOW|always",
    help='When sending is allowed, as in "Mon-Fri 19:00-06:00"; may be repeated.',
)  # fmt: skip
@click.option("--time-zone", metavar="NAME", help="Of the windows, as in Europe/Berlin.")
@click.option(
    "--adaptive/--no-adaptive",
    default=None,
    help="Send less at once when the target is in trouble.",
)
@click.option("--pause/--resume", default=None, help="Send nothing more, or go on.")
@click.option("--clear", is_flag=True, help="Drop what was said so: job.toml holds again.")
@AS_JSON
def pace(job: Path, mb_per_s: float | str | None, instances_per_s: float | str | None,
         windows: Sequence[str], time_zone: str | None, adaptive: bool | None,
         pause: bool | None, clear: bool, as_json: bool) -> None:  # fmt: skip
    """Show how fast and when is sent, or change it, also during a run.

    A run takes it over within a second. What is said here holds until it is said otherwise,
    also for later runs.
    """
    said: dict[str, Any] = {
        "megabytes_per_second": mb_per_s,
        "instances_per_second": instances_per_s,
        "windows": [one for one in windows if one != ALWAYS] if windows else None,
        "time_zone": time_zone,
        "adaptive": adaptive,
        "paused": pause,
    }
    said = {key: value for key, value in said.items() if value is not None}
    if said or clear:
        change(job, said, clear=clear)
    found = pace_now(job)
    if as_json:
        click.echo(json.dumps(found.as_dict()))
        return
    show_limits(found)
    if said or clear:
        click.echo("A run takes this over within a second; later runs keep to it, until --clear.")
    else:
        for head, line in zip_longest(["now"], now_lines(found), fillvalue=""):
            click.echo(f"{head:<{WIDTH}} {line}")


def change(job: Path, said: Mapping[str, Any], *, clear: bool) -> None:
    """Say it; what cannot hold is a wrong use of the command."""
    try:
        say_pace(
            job, {key: None if value == NONE else value for key, value in said.items()}, clear=clear
        )
    except JobFileError as error:
        raise click.UsageError(str(error)) from error


def show_limits(found: PaceNow) -> None:
    """What holds, and where that differs from job.toml."""
    for (name, holds), (_, written) in zip(
        limit_words(found.pace), limit_words(found.written), strict=True
    ):
        instead = "" if holds == written else f"   (job.toml: {written})"
        click.echo(f"{name:<{WIDTH}} {holds}{instead}")


def now_lines(found: PaceNow) -> Sequence[str]:
    """How the run goes, or would go."""
    if not found.going:
        held = found.would.state != "free"
        return ["no run sends" + (f"; one would begin so: {going_words(found.would)}" * held)]
    return list(goings_words(found.going))


def goings_words(goings: Sequence[Going]) -> Iterator[str]:
    """How sending goes, a line each: of the only machine; or of all together, and of each."""
    if len(goings) == 1:
        yield going_words(goings[0].told) + rate_words(goings)
        return
    yield f"{len(goings)} machines send{rate_words(goings)}"
    for one in goings:
        yield f"{one.machine}: {going_words(one.told)}{rate_words([one])}"


def rate_words(goings: Sequence[Going]) -> str:
    """How much is sent by *goings* together; nothing where nothing is."""
    instances = sum(one.instances_per_second for one in goings)
    megabytes = sum(one.megabytes_per_second for one in goings)
    return f"   ({instances:,.1f}/s, {megabytes:,.1f} MB/s)" if instances else ""
