"""Values out of a parsed job.toml, checked to be of the right kind."""

import difflib
import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pacslift.errors import JobFileError

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What a value must be, by the kinds that typed() is asked for.
WANTED: Mapping[object, str] = {
    str: 'a text in straight quotes, as in "text"',
    int: "a whole number, without quotes",
    bool: "true or false, without quotes",
    list: "a list, as in [ … ]",
    (int, float): "a number, without quotes",
    (str, list): "a text in straight quotes, or a list of such",
}


class Section(dict[str, Any]):
    """A table of job.toml that knows its name, for messages."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        super().__init__(values)
        self.name = name


def section(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The table *name*, empty where it is missing."""
    value = said.get(name, {})
    if not isinstance(value, Mapping):
        raise JobFileError(f"{name!r} must be a table, written [{name}]")
    outer = f"{said.name}." if isinstance(said, Section) else ""
    return Section(value, outer + name)


def place_of(said: Mapping[str, Any], key: str) -> str:
    """How to call the line *key* of a table."""
    return f"[{said.name}] {key!r}" if isinstance(said, Section) else repr(key)


def typed(said: Mapping[str, Any], key: str, kind: Any, default: Any = None) -> Any:  # noqa: ANN401
    """said[key], checked to be of *kind*; *default* where it is missing and may be."""
    value = said.get(key, default)
    if value is None:
        raise JobFileError(f"the line {place_of(said, key)} is missing; it must be {WANTED[kind]}")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise JobFileError(
            f"{place_of(said, key)} is {value!r}, which is not of the right kind; "
            f"it must be {WANTED[kind]}"
        )
    return value


def path_text(said: Mapping[str, Any], key: str) -> str:
    r"""said[key], a path as a text; JobFileError where \ of it was read as TOML has it."""
    value: str = typed(said, key, str)
    return checked_path(value, place_of(said, key))


def path_texts(said: Mapping[str, Any], key: str, default: Any = None) -> list[str]:  # noqa: ANN401
    """said[key], a list of paths."""
    values = typed(said, key, list, default)
    if not all(isinstance(value, str) for value in values):
        raise JobFileError(f'{place_of(said, key)} must be a list of texts, as in ["a", "b"]')
    return [checked_path(value, place_of(said, key)) for value in values]


def checked_path(value: str, place: str) -> str:
    r"""*value*; JobFileError with a control character, as "C:\new" has one for TOML."""
    if CONTROL.search(value):
        raise JobFileError(
            f"{place} is {value!r}, with a control character; {BACKSLASHES}, as TOML has a meaning "
            "for some of them"
        )
    return value


BACKSLASHES = "write each \\ of a path twice, or the path in single quotes, as in 'D:\\pacs'"


def hint_for(line: str) -> str:
    """What may be wrong with a line that is no TOML, for the end of a message."""
    if re.search("[\u201c\u201d\u201e\u2018\u2019]", line):
        return 'use straight quotes, as in "text", not those of a word processor'
    if re.search(r'"[^"]*\\', line):
        return BACKSLASHES
    return "mend the line and start again"


def seconds(said: Mapping[str, Any], key: str, default: float) -> float:
    """said[key], a finite number."""
    value = float(typed(said, key, (int, float), default))
    if not math.isfinite(value):
        raise JobFileError(f"{place_of(said, key)} is {value}; it must be a finite number")
    return value


def refuse_unknown(said: Mapping[str, Any], known: AbstractSet[str], where: str) -> None:
    """A misspelt key would silently change nothing: name it instead."""
    if unknown := sorted(set(said) - known):
        named = f"[{where}] " if where else ""
        near = difflib.get_close_matches(unknown[0], sorted(known), 1)
        meant = f"; did you mean {near[0]!r}? Known" if near else "; known"
        raise JobFileError(
            f"{named}has the unknown key {unknown[0]!r}{meant} are {', '.join(sorted(known))}"
        )
