"""How fast a job may send, and when: what job.toml says, and what a person says meanwhile.

The second is kept in the ledger, as JSON with the same keys, and laid over the first while a run
goes on; null there lifts a limit that job.toml has. Nothing of this decides what bytes are sent.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from pacslift.errors import JobFileError, LedgerError
from pacslift.job_text import quote, toml_value
from pacslift.job_windows import Week, week_of

SAID = "pace"  # key in the ledger of what a person says while a run goes on
LIMITS = ("megabytes_per_second", "instances_per_second", "answer_seconds")


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits that hold. A megabyte is 1,000,000 bytes."""

    megabytes_per_second: float | None = None
    instances_per_second: float | None = None
    windows: tuple[str, ...] = ()  # when sending is allowed; none: always
    time_zone: str = ""  # of the clock that windows go by
    adaptive: bool = True  # whether to send less at once when the target is in trouble
    answer_seconds: float | None = None  # from where on an answer is slow; None: against the usual
    paused: bool = False  # said by a person meanwhile; job.toml does not have it

    @property
    def week(self) -> Week:
        """The windows on their clock."""
        return week_of(self.windows, self.time_zone)


UNPACED = Pace()
KEYS = frozenset(field.name for field in fields(Pace)) - {"paused"}  # of [pace]


def pace_from(said: Mapping[str, Any]) -> Pace:
    """[pace] of job.toml. JobFileError says what would be right."""
    try:
        return laid_over(UNPACED, said)
    except JobFileError as error:
        raise JobFileError(f"[pace] {error}") from error


def laid_over(pace: Pace, said: Mapping[str, Any]) -> Pace:
    """*pace* with what is *said*, by its keys, instead. JobFileError says what would be right."""
    for name in LIMITS:
        check_limit(name, said.get(name))
    for name in ("adaptive", "paused"):
        if not isinstance(said.get(name, False), bool):
            raise JobFileError(f"{name} is {said[name]!r}; it must be true or false")
    windows = said.get("windows", pace.windows)
    if not isinstance(windows, (list, tuple)) or not all(isinstance(one, str) for one in windows):
        raise JobFileError('windows must be a list of texts, as in ["Mon-Fri 19:00-06:00"]')
    if not isinstance(said.get("time_zone", ""), str):
        raise JobFileError('time_zone must be a text, as in "Europe/Berlin"')
    new = replace(pace, **{**said, "windows": tuple(windows)})
    _ = new.week  # raises for a window or zone that is none
    return new


def check_limit(name: str, limit: object) -> None:
    """JobFileError unless *limit* is a number above 0, or None."""
    is_number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
    if limit is None or (is_number and 0 < float(str(limit)) < math.inf):
        return
    raise JobFileError(
        f"{name} is {limit!r}; it must be a number above 0 (to send nothing, "
        "use `pacslift pace JOB --pause`)"
    )


def said_meanwhile(text: str | None) -> Mapping[str, Any]:
    """What a person says while a run goes on, as the ledger keeps it; ValueError if it is none."""
    said = json.loads(text) if text else {}
    if not isinstance(said, dict):
        raise ValueError(type(said).__name__)  # noqa: TRY004 - as for JSON that is none
    return said


def in_force(written: Pace, text: str | None) -> Pace:
    """The pace that holds: *written* in job.toml, and over it what the ledger keeps.

    Raises LedgerError for what this version cannot read there.
    """
    try:
        return laid_over(written, said_meanwhile(text))
    except (JobFileError, ValueError, TypeError) as error:
        raise LedgerError(
            f"the pace that the ledger keeps cannot be read ({error}); "
            "`pacslift pace JOB --clear` drops it, and job.toml's holds"
        ) from error


def pace_lines(pace: Pace) -> str:
    """[pace] as job.toml has it; nothing where it says nothing."""
    lines = [f"{name} = {limit}" for name in LIMITS if (limit := getattr(pace, name)) is not None]
    lines += [f"windows = {toml_value(pace.windows)}"] if pace.windows else []
    lines += [f"time_zone = {quote(pace.time_zone)}"] if pace.time_zone else []
    lines += [] if pace.adaptive else ["adaptive = false"]
    return "\n[pace]\n" + "\n".join(lines) + "\n" if lines else ""
