"""When sending is allowed: windows of the week, on a wall clock somewhere. Pure.

A window is written as people write it, "Mon-Fri 19:00-06:00" or "Sat,Sun 00:00-24:00": the days on
which it opens, and two wall times; one that closes no later than it opens closes the day after.

Where the clocks change: a wall time that comes twice means the first time, one that never comes
means the moment at which the clock is put past it. So a window never lasts longer than the clock
on the wall says, and a closing time is met though the clock skips it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pacslift.errors import JobFileError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK, DAY, SECOND = timedelta(days=7), timedelta(days=1), timedelta(seconds=1)
_WINDOW = re.compile(r"(\S+)\s+(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)", re.ASCII)
_LATEST = 24 * 60  # minutes, the end of a day
EXAMPLE = '"Mon-Fri 19:00-06:00" or "Sat,Sun 00:00-24:00"'


@dataclass(frozen=True, slots=True)
class Window:
    """On each of *days* (0 is Monday) from *opens* to *closes*, both minutes after that midnight.

    *closes* is above *opens*, and above 24 hours where it is on the day after.
    """

    days: frozenset[int]
    opens: int
    closes: int

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """The moments, in UTC, between which the window that opens on *day* is open."""
        if day.weekday() not in self.days:
            return None
        opens, closes = moment(day, self.opens, zone), moment(day, self.closes, zone)
        return (opens, closes) if opens < closes else None  # the clock may skip all of it


@dataclass(frozen=True, slots=True)
class Week:
    """All windows; none stands for always."""

    windows: tuple[Window, ...]
    zone: ZoneInfo

    def closed_until(self, now: datetime) -> datetime | None:
        """When the next window opens (UTC); None while one is open. *now* has a zone."""
        if not self.windows:
            return None
        spans = [*self._spans(now)]
        if any(opens <= now < closes for opens, closes in spans):
            return None
        return min(opens for opens, _ in spans if opens > now)

    def _spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What is open at *now* or opens within two weeks, as a clock may skip one week's."""
        today = now.astimezone(self.zone).date()
        for nth in range(-2, 17):
            for window in self.windows:
                span = window.on(today + nth * DAY, self.zone)
                if span and span[1] > now:
                    yield span


def moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which a clock in *zone* shows *minutes* after *day* began."""
    days, rest = divmod(minutes, _LATEST)
    wall = datetime.combine(day + days * DAY, time(rest // 60, rest % 60), zone)
    early, late = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if early <= late:
        return early
    # The clock never shows it (PEP 495): find when it is put past it, between the two readings.
    early, late = late, early
    before = early.astimezone(zone).utcoffset()
    while late - early > SECOND:
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def week_of(texts: Sequence[str], time_zone: str) -> Week:
    """Windows as a person wrote them. JobFileError says what would be right."""
    if texts and not time_zone:
        raise JobFileError(
            "windows are times on a wall clock, and nothing says where that is; "
            'write time_zone too, for example "Europe/Berlin"'
        )
    return Week(tuple(window_of(text) for text in texts), zone_of(time_zone or "UTC"))


def window_of(text: str) -> Window:
    """One window. JobFileError says what would be right."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise JobFileError(f"the window {text!r} is none; one is written like {EXAMPLE}")
    hours = [int(part) for part in match.groups()[1:]]
    opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(hours[1], hours[3]) >= 60 or opens >= _LATEST or closes > _LATEST:  # noqa: PLR2004
        raise JobFileError(
            f"the window {text!r} has a time that no clock shows; "
            "times go from 00:00 to 23:59, and a window may close at 24:00"
        )
    if opens == closes:
        raise JobFileError(f"the window {text!r} closes when it opens; a whole day is 00:00-24:00")
    return Window(days_of(match[1], text), opens, closes + (_LATEST if closes < opens else 0))


def days_of(named: str, text: str) -> frozenset[int]:
    """Days and ranges of days, with commas between; a range may go over the weekend."""
    found: set[int] = set()
    for part in named.split(","):
        first, dash, last = part.partition("-")
        begin, end = number_of(first, text), number_of(last if dash else first, text)
        found.update((begin + nth) % 7 for nth in range((end - begin) % 7 + 1))
    return frozenset(found)


def number_of(name: str, text: str) -> int:
    """The day's number, 0 for Monday."""
    if name.capitalize() not in DAYS:
        raise JobFileError(
            f"the window {text!r} has {name!r} where a day belongs; days are {', '.join(DAYS)}, "
            f"and a window is written like {EXAMPLE}"
        )
    return DAYS.index(name.capitalize())


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name. JobFileError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise JobFileError(
            f"time_zone is {name!r}, which is no time zone that this system knows; "
            'they have names like "Europe/Berlin" or "America/New_York", and a system without any '
            "takes them from the package tzdata"
        ) from error
