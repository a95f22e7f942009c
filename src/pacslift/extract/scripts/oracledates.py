"""Oracle's TO_DATE and TO_TIMESTAMP: a text and the mask that says how to read it.

The value becomes ISO text, "2017-06-07 16:43:34", with what the mask holds and nothing else. A mask
or a text that is not understood gives None, and the caller keeps the text. Two digits of a year are
those of 1950 to 2049, whether YY or RR: Oracle goes by the day it runs on, which nothing here may.
Source: Oracle Database SQL Language Reference, "Datetime Format Models".
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from pacslift.patterns import compiled

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONG_MONTHS = ("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST",
                "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER")  # fmt: skip
_ZONE = r"(?P<zone>[-+]\d{2}:?\d{2})"
_ELEMENTS = {
    "YYYY": r"(?P<year>\d{4})",
    "RRRR": r"(?P<year>\d{4})",
    "SYYYY": r" ?(?P<year>\d{4})",
    "YY": r"(?P<short>\d{2})",
    "RR": r"(?P<short>\d{2})",
    "MM": r"(?P<month>\d{1,2})",
    "MONTH": r"(?P<name>[A-Z]+) *",
    "MON": r"(?P<name>[A-Z]{3})",
    "DD": r"(?P<day>\d{1,2})",
    "HH24": r"(?P<hour>\d{1,2})",
    "HH12": r"(?P<half>\d{1,2})",
    "HH": r"(?P<half>\d{1,2})",
    "MI": r"(?P<minute>\d{1,2})",
    "SSXFF": r"(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?",
    "SS": r"(?P<second>\d{1,2})",
    "FF": r"(?P<fraction>\d{1,9})",
    "AM": r"(?P<noon>[AP]\.?M\.?)",
    "TZH:TZM": _ZONE,
    "TZHTZM": _ZONE,
}
_MASK = compiled(
    r"(?P<element>SYYYY|YYYY|RRRR|YY|RR|MONTH|MON|MM|MI|DD|HH24|HH12|HH|SSXFF\d?|SS|FF\d?|"
    r"[AP]\.?M\.?|TZH:?TZM)|\"(?P<words>[^\"]*)\"|(?P<mark>[-/,.;: ])|(?P<letter>T)"
)


def iso_date(text: str, mask: str) -> str | None:
    """The ISO text of *text* read with *mask*; None where that is not understood."""
    pattern = _pattern(mask.upper())
    found = pattern.fullmatch(text.strip().upper()) if pattern else None
    if found is None:
        return None
    said = {name: value for name, value in found.groupdict().items() if value is not None}
    day, time = _day(said), _time(said)
    if day is None or time is None:
        return None
    return f"{day} {time}" if time else day


@lru_cache
def _pattern(mask: str) -> re.Pattern[str] | None:
    """What texts of a mask look like; None for a mask with an element not known."""
    parts: list[str] = []
    at = 0
    while at < len(mask):
        found = _MASK.match(mask, at)
        if found is None:
            return None
        parts.append(_part(found))
        at = found.end()
    try:
        return compiled("".join(parts))
    except re.error:  # an element that stands in the mask twice
        return None


def _part(found: re.Match[str]) -> str:
    if element := found["element"]:
        plain = element.rstrip("0123456789") if element[:2] in {"FF", "SS"} else element
        return _ELEMENTS["AM" if plain[0] in "AP" else plain]
    if found["mark"]:
        return "[-/,.;: ]" if found["mark"] != " " else " +"
    return re.escape(found["words"] or found["letter"] or "")


def _day(said: Mapping[str, str]) -> str | None:
    year = said.get("year") or _century(said.get("short"))
    month = said.get("month") or _month(said.get("name", ""))
    day = said.get("day")
    if not (year and month and day) or not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):  # noqa: PLR2004
        return None
    return f"{year}-{int(month):02}-{int(day):02}"


def _century(short: str | None) -> str | None:
    return None if short is None else f"{1900 + int(short) + 100 * (int(short) < 50)}"  # noqa: PLR2004


def _month(name: str) -> str | None:
    for names in (_MONTHS, _LONG_MONTHS):
        if name in names:
            return str(names.index(name) + 1)
    return None


def _time(said: Mapping[str, str]) -> str | None:
    """The time of day, empty where the mask has none, None for a time that is none."""
    if not {"hour", "half", "minute", "second"} & said.keys():
        return ""
    hour = int(said.get("hour") or said.get("half") or 0)
    if "half" in said:
        hour = hour % 12 + 12 * said.get("noon", "").startswith("P")
    minute, second = int(said.get("minute", 0)), int(said.get("second", 0))
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004
        return None
    fraction = f".{said['fraction']}" if "fraction" in said else ""
    return f"{hour:02}:{minute:02}:{second:02}{fraction}{said.get('zone', '')}"
