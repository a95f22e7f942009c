"""What an INSERT statement says before its rows, in any product's quotes."""

import re

from pacslift.errors import DumpFormatError
from pacslift.extract.inserts.insertheader import CutHeaderError, InsertHeader
from pacslift.extract.packed.window import Window
from pacslift.patterns import compiled

_LONGEST = 1 << 20  # 1024 columns, SQL Server's most, with names of 128 characters

NAME = rb"(?:\[(?:[^\]]|\]\])++\]|\"(?:[^\"]|\"\")++\"|`(?:[^`]|``)++`|[\w$#@\\\x80-\xff]++)"
_DOT = rb"\s*+\.\s*+"
_COMMA = rb"\s*+,\s*+"
_HEADER = compiled(
    rb"INSERT\s++(?:INTO\b\s*+)?+(?P<path>" + NAME + rb"(?:" + _DOT + NAME + rb"){0,2}+)\s*+"
    rb"(?:\(\s*+(?P<columns>" + NAME + rb"(?:" + _COMMA + NAME + rb")*+)\s*+\)\s*+)?+"
    rb"VALUES\s*+(?=\()",
    re.IGNORECASE,
)
_OPEN_NAME = rb"(?:\[(?:[^\]]|\]\])*+|\"(?:[^\"]|\"\")*+|`(?:[^`]|``)*+)"
_CUT = compiled(
    rb"INSERT(?:" + NAME + rb"|[\s.]++)*+" + _OPEN_NAME + rb"?+\s*+"
    rb"(?:\([^()]*+(?:\)\s*+(?:VALUES|VALUE|VALU|VAL|VA|V)?+\s*+)?+)?+\Z",
    re.IGNORECASE,
)
_NAMES = compiled(NAME)


def take_script_header(window: Window, name: str) -> InsertHeader:
    """Read the header at the window's place, which stays where it is.

    Raises DumpFormatError for an INSERT that is not followed by rows, CutHeaderError where the
    dump ends in it.
    """
    window.hold(4096)
    found = _HEADER.match(window.data, window.at)
    if found is None and window.hold(_LONGEST):
        found = _HEADER.match(window.data, window.at)
    if found is None and window.ended and _CUT.match(window.data, window.at):
        raise CutHeaderError
    if found is None:
        raise DumpFormatError(
            f"{name}: at byte {window.offset} rows are put in by other means than a list of "
            "values. Make the script again with the values of each row in an INSERT."
        )
    path = [plain_name(part) for part in _NAMES.findall(found["path"])]
    columns = found["columns"]
    return InsertHeader(
        ".".join(path[:-1]) or None,
        path[-1],
        None if columns is None else tuple(plain_name(n) for n in _NAMES.findall(columns)),
        found.group(),
    )


def plain_name(name: bytes) -> str:
    """An identifier without its quotes or brackets."""
    close = {b"[": b"]", b'"': b'"', b"`": b"`"}.get(name[:1])
    if close is not None:
        name = name[1:-1].replace(close * 2, close)
    return name.decode("utf-8", errors="backslashreplace")
