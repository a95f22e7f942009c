"""What an INSERT statement says before its rows."""

import re
from dataclasses import dataclass

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.window import Window
from pacslift.patterns import compiled

_LONGEST = 1 << 20  # 4096 columns, MySQL's most, with names of 64 characters

_NAME = rb"(?:`(?:[^`]|``)++`|\"(?:[^\"]|\"\")++\"|[\w$\x80-\xff]++)"
_HEADER = compiled(
    rb"(?:INSERT|REPLACE)\s++(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE)\s++)*+INTO\s++"
    rb"(?:(?P<schema>" + _NAME + rb")\s*+\.\s*+)?(?P<table>" + _NAME + rb")\s*+"
    rb"(?:\((?P<columns>[^()`\"]*+(?:`[^`]*+`[^()`\"]*+|\"[^\"]*+\"[^()`\"]*+)*+)\)\s*+)?"
    rb"(?:OVERRIDING\s++\w++\s++VALUE\s++)?VALUES\s*+(?=\()",
    re.IGNORECASE,
)
_NAMES = compiled(_NAME)


@dataclass(frozen=True, slots=True)
class InsertHeader:
    """Schema, table and columns where it names them; *text* is the header itself."""

    schema: str | None
    table: str
    columns: tuple[str, ...] | None
    text: bytes


class CutHeaderError(DumpDamagedError):
    """The dump ends inside the header."""


def take_insert_header(window: Window, name: str) -> InsertHeader:
    """Read the header at the window's place, which moves to the first row's parenthesis.

    Raises DumpFormatError for an INSERT that is not followed by rows, CutHeaderError at the end.
    """
    window.hold(4096)
    found = _HEADER.match(window.data, window.at)
    if found is None and window.hold(_LONGEST):
        found = _HEADER.match(window.data, window.at)
    if found is None and window.ended and b";" not in window.data[window.at :]:
        raise CutHeaderError(
            f"{name} ends at the beginning of rows, at byte {window.offset}. Make a new dump, or "
            "copy it again."
        )
    if found is None:
        raise DumpFormatError(
            f"{name}: at byte {window.offset} rows are put in by other means than a list of "
            "values. Make the dump with mysqldump, mariadb-dump or pg_dump."
        )
    window.at = found.end()
    columns = found["columns"]
    return InsertHeader(
        None if found["schema"] is None else unquoted(found["schema"]),
        unquoted(found["table"]),
        None if columns is None else tuple(unquoted(n) for n in _NAMES.findall(columns)),
        found.group(),
    )


def unquoted(name: bytes) -> str:
    """An identifier without its backticks or double quotes."""
    quote = name[:1]
    if quote in {b"`", b'"'}:
        name = name[1:-1].replace(quote * 2, quote)
    return name.decode("utf-8", errors="backslashreplace")


def is_uneasy(header: bytes) -> bool:
    """Whether a name in *header* has what would be taken for the rows' own quotes or end."""
    return any(mark in header for mark in (b"'", b"\\", b";"))
