"""How a run's pace is said: the same words on the terminal, in `status` and in `pacslift pace`."""

from collections.abc import Iterator
from datetime import datetime

from pacslift.events import PaceChanged
from pacslift.job_pace import Pace


def going_words(going: PaceChanged) -> str:
    """How sending goes, in a phrase."""
    match going.state:
        case "paused":
            return "paused; `pacslift pace JOB --resume` goes on"
        case "closed":
            return f"waits for its window, closed until {time_words(going)}, then goes on"
        case "slowed":
            allowed = f"{going.allowed} of {going.room} objects at once"
            return f"slowed to {allowed}, as the target is in trouble: {going.reason}"
        case _:
            return "goes on"


def short_words(going: PaceChanged) -> str:
    """The same beside a bar, where there is little room; nothing where there is nothing to say."""
    match going.state:
        case "paused":
            return "paused"
        case "closed":
            return f"closed until {time_words(going)}"
        case "slowed":
            return f"slowed to {going.allowed} of {going.room} at once"
        case _:
            return ""


def changed_words(going: PaceChanged) -> str:
    """That sending goes so from now on."""
    return "goes on" if going.state == "free" else going_words(going)


def time_words(going: PaceChanged) -> str:
    """Until when, as the clock shows it where the windows are; no two languages of day names."""
    if not going.until:
        return "further notice"
    until = datetime.fromisoformat(going.until)
    return f"{until:%a} {until.date().isoformat()} {until:%H:%M} ({going.time_zone or 'UTC'})"


def limit_words(pace: Pace) -> Iterator[tuple[str, str]]:
    """Each limit and what it is, for a table."""
    yield "MB/s", as_limit(pace.megabytes_per_second)
    yield "instances/s", as_limit(pace.instances_per_second)
    windows = ", ".join(pace.windows)
    yield "windows", f"{windows} ({pace.time_zone})" if windows else "always"
    slow = f", an answer is slow from {pace.answer_seconds:g} s on" if pace.answer_seconds else ""
    yield "adaptive", f"yes{slow}" if pace.adaptive else "no"
    yield "paused", "yes" if pace.paused else "no"


def as_limit(limit: float | None) -> str:
    """A limit, or that there is none."""
    return "no limit" if limit is None else f"at most {limit:g}"
