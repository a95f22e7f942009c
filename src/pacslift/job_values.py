"""Values out of a parsed job.toml, checked to be of the right kind."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pacslift.errors import JobFileError


def section(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The table *name*, empty where it is missing."""
    value = said.get(name, {})
    if not isinstance(value, Mapping):
        raise JobFileError(f"{name!r} must be a table, written [{name}]")
    return value


def typed(said: Mapping[str, Any], key: str, kind: Any, default: Any = None) -> Any:  # noqa: ANN401
    """said[key], checked to be of *kind*; *default* where it is missing and may be."""
    value = said.get(key, default)
    if value is None:
        raise JobFileError(f"the line {key!r} is missing")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise JobFileError(f"{key!r} is {value!r}, which is not of the right kind")
    return value


def refuse_unknown(said: Mapping[str, Any], known: AbstractSet[str], where: str) -> None:
    """A misspelt key would silently change nothing: name it instead."""
    if unknown := sorted(set(said) - known):
        named = f"[{where}] " if where else ""
        raise JobFileError(
            f"{named}has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
