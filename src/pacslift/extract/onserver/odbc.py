"""ODBC connection strings: how a job names a database, and how a password stays out of sight.

A job names a database where it would name a dump, as `odbc:` and a connection string. The value
of a secret keyword may be `env:NAME` or `file:/path`; it is looked up when the connection is made
and nowhere else. What is shown, logged or put on record is always str(), which has no secrets.
Source of the grammar: Microsoft, ODBC Programmer's Reference, SQLDriverConnect, "Comments".
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pacslift.errors import DumpFormatError
from pacslift.job import ODBC
from pacslift.patterns import compiled

HIDDEN = "***"
_SECRET = compiled(r"pwd|passw|secret|token|pass\b|sslkey", re.IGNORECASE)
_PART = compiled(r"\s*([^=;{}]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|(?!\{)[^;]*)\s*(?:;|$)")
_NEEDS_BRACES = compiled(r"[;{}]|^\s|\s$|^\[")
_EXAMPLE = "odbc:Driver=MariaDB Unicode;Server=10.0.0.5;Database=pacs;UID=reader;PWD=env:PACS_PWD"


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """Keywords and values in their order. repr and str show no secret."""

    parts: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """As a job writes it, with every secret that is written out replaced by ***."""
        shown = (
            (key, HIDDEN if _SECRET.search(key) and not _is_reference(value) else value)
            for key, value in self.parts
        )
        return ODBC + _joined(shown)

    def __repr__(self) -> str:
        return f"ConnectionString({str(self)!r})"

    def value(self, *keys: str) -> str:
        """The value of the first part that has one of *keys* (lower case), or ""."""
        return next((value for key, value in self.parts if key.lower() in keys), "")

    def changed(self, **values: str) -> "ConnectionString":
        """The same with these parts, in the place of those of the same names."""
        names = {key.lower() for key in values}
        kept = (part for part in self.parts if part[0].lower() not in names)
        return ConnectionString((*kept, *values.items()))

    def opened(self) -> tuple[str, tuple[str, ...]]:
        """The string for the driver, and the secrets in it. DumpFormatError if one is not there."""
        parts, secrets = [], []
        for key, value in self.parts:
            plain = _looked_up(key, value) if _SECRET.search(key) else value
            parts.append((key, plain))
            if _SECRET.search(key) and plain:
                secrets.append(plain)
        return _joined(parts), tuple(secrets)


def parse_connection(text: str) -> ConnectionString:
    """Read `odbc:KEY=VALUE;…`. DumpFormatError, which shows nothing of it, if it is not so."""
    inside = text.removeprefix(ODBC)
    parts = tuple(_parts(inside))
    if not any(key.lower() in {"driver", "dsn", "filedsn"} for key, _ in parts):
        raise DumpFormatError(
            f"an odbc: connection string names neither Driver nor DSN; it is of the form {_EXAMPLE}"
        )
    return ConnectionString(parts)


def redacted(text: str) -> str:
    """The connection string *text* as it may be shown."""
    return str(parse_connection(text))


def _parts(text: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(text.rstrip("; "))
    while place < end:
        hit = _PART.match(text, place)
        if hit is None:
            raise DumpFormatError(
                f"the odbc: connection string cannot be read from character {place + 1} on; it is "
                f"of the form {_EXAMPLE}, and a value with ; or braces stands in braces"
            )
        value = hit[2].strip()
        braced = value.startswith("{") and value.endswith("}")
        yield hit[1], value[1:-1].replace("}}", "}") if braced else value
        place = hit.end()


def _joined(parts: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    return "".join(f"{key}={_written(value)};" for key, value in parts)


def _written(value: str) -> str:
    return "{" + value.replace("}", "}}") + "}" if _NEEDS_BRACES.search(value) else value


def _is_reference(value: str) -> bool:
    return value.startswith(("env:", "file:"))


def _looked_up(key: str, value: str) -> str:
    kind, colon, name = value.partition(":")
    if not colon or kind not in {"env", "file"}:
        return value
    if kind == "env":
        if name not in os.environ:
            raise DumpFormatError(
                f"{key}=env:{name} stands in the odbc: connection string, but there is no "
                f"environment variable {name}; set it, and start again"
            )
        return os.environ[name]
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise DumpFormatError(
            f"{key}=file:{name} stands in the odbc: connection string, but the file cannot be "
            f"read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from error
