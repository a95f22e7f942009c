"""What SQLite's shell writes for .dump, and Python's Connection.iterdump.

Strategy: as in mysqldump.py, a survey finds the tables and where their rows lie; later passes go to
the rows that are wanted. CREATE TABLE is given to SQLite itself, in memory, so that names, types
and which columns have values of their own are exactly what it takes them for.
A dump is one transaction: without its COMMIT it is cut off, and a ROLLBACK at its end says that the
shell met errors in the database and could not write everything.
Sources: shell.c of SQLite, function shell_exec and dump_callback; https://www.sqlite.org/lang_expr.html.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from pacslift.errors import DumpDamagedError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Window, taken
from pacslift.extract.scripts.expressions import Expressions, Value, number_or_null
from pacslift.extract.scripts.script import EarlyEnd, ScriptReader, Survey, TableBook
from pacslift.extract.scripts.scriptrows import RowForm
from pacslift.extract.scripts.scriptrun import EarlyEndError, Product, settled, surveyed, take_rows
from pacslift.extract.scripts.statements import DOUBLED
from pacslift.extract.scripts.textsource import TextSource
from pacslift.extract.shapes import Column, TableShape
from pacslift.patterns import compiled

SIGN = compiled(
    rb"\A\s*+(?:PRAGMA foreign_keys\s?=\s?OFF;\s++)?+BEGIN TRANSACTION;\s++"
    rb"(?:CREATE |INSERT |PRAGMA |COMMIT;|ROLLBACK;|DELETE |/\*\*\*\*\*\* )"
)

_BLANK = compiled(rb"[\s;]*+")
_COMMENT = compiled(rb"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)")
_STATEMENT = compiled(
    rb"(?:[^'\"`\[/;-]++|" + DOUBLED + rb"|\"[^\"]*+(?:\"|\Z)|`[^`]*+(?:`|\Z)|\[[^\]]*+(?:\]|\Z)|"
    + _COMMENT.pattern + rb"|[/-])*+(?P<end>;)?+"
)  # fmt: skip
_INSERT = compiled(rb"INSERT\s", re.IGNORECASE)
_CREATE = compiled(rb"CREATE\s++TABLE\s", re.IGNORECASE)
_TRIGGER = compiled(rb"CREATE\s++(?:TEMP\w*+\s++)?+TRIGGER\s", re.IGNORECASE)
_TRIGGER_END = compiled(rb"\s*+END\s*+;", re.IGNORECASE)
_MADE = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'"
_WORD = compiled(rb"\w++")
_MOST_STEPS = 100_000  # of SQLite's machine, far more than any CREATE TABLE takes
_LONGEST = 1 << 20  # bytes of a CREATE TABLE, and of anything it could make


def read_sqlitedump(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a .dump; *charset* overrides UTF-8, which SQLite always writes."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("SQLite .dump", path, lambda: _Surveyor(path, codec).survey())


class _Surveyor:
    """One pass over a dump; holds what the statements read so far have set."""

    def __init__(self, path: DumpFile, codec: str | None) -> None:
        self._source = TextSource(path, codec)
        self._book = TableBook()
        self._open = False

    def survey(self) -> Survey:
        ends = surveyed(self._source, self._step, _BLANK)
        if self._open and not ends:
            ends = [EarlyEnd("ends without its COMMIT", self._book.latest)]
        kept = [t for t in self._book.tables if not t.shape.name.lower().startswith("sqlite_")]
        return Survey(None, kept, early_ends=settled(ends, kept))

    def _step(self, window: Window) -> None:
        if _COMMENT.match(window.data, window.at):
            taken(window, _COMMENT)
        elif _INSERT.match(window.data, window.at):
            take_rows(window, self._source, PRODUCT, self._book, "")
        else:
            self._statement(window)

    def _statement(self, window: Window) -> None:
        text = taken(window, _STATEMENT)
        if _TRIGGER.match(text):
            text = self._whole_trigger(window, text)
        if not text.endswith(b";"):
            begin = " ".join(text[:40].decode("ascii", "replace").split())
            trouble = f"ends inside the statement that begins {begin!r}"
            raise EarlyEndError(trouble, self._book.latest)
        word = _WORD.match(text)
        match word.group().upper() if word else b"":
            case b"BEGIN":
                self._open = True
            case b"COMMIT" | b"END":
                self._open = False
            case b"ROLLBACK":
                raise DumpDamagedError(
                    f"{self._source.name} ends with ROLLBACK, since SQLite met errors in the "
                    f"database, after {self._book.last_row()}. Let .recover write the dump."
                )
            case b"CREATE" if _CREATE.match(text):
                self._book.add("", _shape(text.decode("utf-8", "replace")))

    def _whole_trigger(self, window: Window, text: bytes) -> bytes:
        """A trigger with the statements of its body; it ends where END is one of them."""
        part = text
        while part.endswith(b";") and not _TRIGGER_END.fullmatch(part):
            part = taken(window, _STATEMENT)
        return part


def _shape(statement: str) -> TableShape:
    """The table that SQLite makes of a CREATE TABLE."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.set_progress_handler(lambda: 1, _MOST_STEPS)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        database.execute("PRAGMA trusted_schema = OFF")
        try:
            database.execute(statement)
            (name,) = database.execute(_MADE).fetchone()
            rows = database.execute("SELECT name, type FROM pragma_table_info(?)", (name,))
            return TableShape(name, tuple(Column(n, declared) for n, declared in rows))
        except (sqlite3.Error, sqlite3.Warning, TypeError) as error:
            begin = " ".join(statement[:60].split())
            raise DumpDamagedError(
                f"SQLite does not take the statement that begins {begin!r}: {error}. Make a new "
                "dump with the SQLite that made the database."
            ) from error


def _undoubled(text: bytes) -> bytes:
    if text[:1] in b"xX":
        return bytes.fromhex(text[2:-1].decode("ascii"))
    return text[1:-1].replace(b"''", b"'")


def _replace(arguments: Sequence[Value]) -> Value:
    """Replace text, old, new; the shell writes line ends so, to keep a row on one line."""
    if len(arguments) != len(("text", "old", "new")):
        raise ValueError("replace() has three arguments")
    text, old, new = arguments
    return None if text is None or old is None or new is None else text.replace(old, new)


def _char(arguments: Sequence[Value]) -> Value:
    return "".join(chr(int(code or b"0")) for code in arguments).encode("utf-8", "surrogatepass")


def _unistr(arguments: Sequence[Value]) -> Value:
    """Text with backslash escapes, which SQLite 3.50 and later write for control characters."""
    (text,) = arguments
    return None if text is None else _ESCAPE.sub(_character, text)


def _character(hit: re.Match[bytes]) -> bytes:
    digits = hit[1] or hit[2] or hit[3] or hit[4]
    return chr(int(digits, 16)).encode("utf-8", "surrogatepass") if digits else b"\\"


_ESCAPE = compiled(
    rb"\\(?:\\|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))"
)
_EXPRESSIONS = Expressions(
    rb"(?:\b[xX])?+" + DOUBLED,
    _undoubled,
    {b"replace": _replace, b"char": _char, b"unistr": _unistr},
    number_or_null,
)
PRODUCT = Product(
    RowForm(text=DOUBLED, apart=rb"\s*+;\s*+"),
    lambda _: _EXPRESSIONS.value,
)
