r"""HSQLDB's .script file, versions 1.7 to 2.x, and what its SCRIPT statement writes.

Strategy: a line is a statement and a row is a line, whole with its line end; characters beyond
ASCII, line ends among them, are \uXXXX. A survey finds the tables and where their rows lie; later
passes go to the rows that are wanted.
A script need not hold all rows: those of CACHED tables lie in the .data file, those of TEXT tables
in files of their own, large objects in .lobs, and what was changed since the last checkpoint in the
.log. Each is refused where it is met, with the way to a script that has everything.
Source: ScriptWriterText, RowOutputTextLog and StringConverter of HSQLDB 1.8 and 2.3.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.texts import Literal
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile, Source
from pacslift.extract.packed.window import Window, taken
from pacslift.extract.scripts.expressions import Value, number_or_null
from pacslift.extract.scripts.script import ScriptReader, ScriptTable, Survey, TableBook
from pacslift.extract.scripts.scriptheader import NAME, plain_name
from pacslift.extract.scripts.scriptrows import RowForm
from pacslift.extract.scripts.scriptrun import (
    EarlyEndError,
    Kept,
    Product,
    settled,
    surveyed,
    take_rows,
)
from pacslift.extract.scripts.statements import DOUBLED
from pacslift.extract.scripts.textsource import TextSource
from pacslift.extract.shapes import Batch, Column
from pacslift.patterns import compiled

SIGN = compiled(
    rb"^(?:CREATE SCHEMA \S+ AUTHORIZATION [^\s;]+\r?$|CREATE (?:MEMORY|CACHED|TEXT) TABLE |"
    rb"CREATE USER \S+ PASSWORD (?:DIGEST )?['\"]|SET DATABASE UNIQUE NAME )",
    re.MULTILINE,
)
UNPROVEN = "{name}: nothing in the script proves that it is complete"

_BLANK = compiled(rb"\s*+")
_LINE = compiled(rb"[^\n]*+\n?+")
_INSERT = compiled(rb"INSERT INTO ")
_CREATE = compiled(rb"CREATE (?:(?:GLOBAL )?+(?:TEMPORARY|TEMP) |MEMORY |CACHED |TEXT )?+TABLE ")
_SCHEMA = compiled(rb"(?:SET SCHEMA|CREATE SCHEMA) (" + NAME + rb")")
_TABLE = rb"SET TABLE (?:(?P<schema>" + NAME + rb")\.)?+(?P<table>" + NAME + rb") "
_ROOTS = compiled(_TABLE + rb"INDEX ?'(?P<roots>[-\d ]*+)'")
_FILE = compiled(_TABLE + rb"SOURCE (?!HEADER)")
_KNOWN = compiled(
    rb"(?:ALTER|COMMENT|COMMIT|CONNECT|CREATE|DECLARE|DELETE|DISCONNECT|DROP|GRANT|REVOKE|SET)\b|/\*"
)
_CHANGE = compiled(rb"(?:/\*C\d++\*/)?+(?:INSERT|DELETE|UPDATE|CREATE|DROP|ALTER)\b")

_ESCAPED = compiled(rb"(?:\\u[0-9A-Fa-f]{4})++")
_HEX = compiled(rb"[xX]?+'([0-9A-Fa-f]*+)'")
_NO_NUMBER = frozenset([b"0E0/0E0", b"1E0/0", b"-1E0/0", b"1E0/0E0", b"-1E0/0E0"])


def read_hsqldb(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a script. A *charset* has nothing to say: the file is ASCII."""
    del charset
    return ScriptReader("HSQLDB script", path, lambda: _Surveyor(path).survey())


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A Run whose rows are not in the script."""

    name: str
    where: str

    def batches(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """Refuse."""
        del wanted, done
        raise self._refusal(table)

    def count(self, table: ScriptTable, done: int) -> int:
        """Refuse."""
        del done
        raise self._refusal(table)

    def _refusal(self, table: ScriptTable) -> DumpFormatError:
        return DumpFormatError(
            f"{self.name}: the rows of table {table.shape.name} are not in it but in {self.where}. "
            "Open a copy of the database with HSQLDB and run SCRIPT 'all.sql', which writes them."
        )


class _Surveyor:
    """One pass over a script; holds what the lines read so far have set."""

    def __init__(self, path: DumpFile) -> None:
        self._file = source_of(path)
        self._source = TextSource(self._file, "utf-8", certain=True)
        self._book = TableBook()
        self._schema = "PUBLIC"

    def survey(self) -> Survey:
        _refuse_log(self._file)
        ends = surveyed(self._source, self._step, _BLANK)
        kept = [
            t for t in self._book.tables if t.schema not in {"SYSTEM_LOBS", "INFORMATION_SCHEMA"}
        ]
        return Survey(None, kept, (UNPROVEN.format(name=self._source.name),), settled(ends, kept))

    def _step(self, window: Window) -> None:
        if _INSERT.match(window.data, window.at):
            take_rows(window, self._source, PRODUCT, self._book, self._schema)
            return
        line = taken(window, _LINE)
        if not line.endswith(b"\n"):
            raise EarlyEndError("ends inside a line", self._book.latest)
        if not _KNOWN.match(line):
            raise DumpDamagedError(
                f"{self._source.name}: the line that ends at byte {window.offset} is no statement. "
                f"The last good one is {self._book.last_row()}. Copy the file again."
            )
        self._statement(line)

    def _statement(self, line: bytes) -> None:
        if _CREATE.match(line):
            self._create(_unescaped(line).decode("utf-8", "backslashreplace"))
        elif schema := _SCHEMA.match(line):
            self._schema = plain_name(schema[1])
        elif roots := _ROOTS.match(line):
            if any(int(root) >= 0 for root in roots["roots"].split()[:-1]):
                self._elsewhere(roots, "the .data file beside it, since it is a CACHED table")
        elif file := _FILE.match(line):
            self._elsewhere(file, "a file of its own, since it is a TEXT table")

    def _elsewhere(self, named: re.Match[bytes], where: str) -> None:
        schema = self._schema if named["schema"] is None else plain_name(named["schema"])
        table = self._book.table(schema, plain_name(named["table"]), None)
        table.runs.append(Elsewhere(self._source.name, where))

    def _create(self, text: str) -> None:
        try:
            created = read_create_table(text, "")
        except DdlError as error:
            raise DumpFormatError(f"{self._source.name}: {error}: {text[:60]!r}") from error
        self._book.add(created.schema or self._schema, created.shape)


def _refuse_log(script: Source) -> None:
    """Refuse a script beside which a .log says what has changed since."""
    log = script.folder.get(f"{script.stem}.log") if script.name.endswith(".script") else None
    if log is None:
        return
    with closing(log), log.opener()() as window:
        while window.hold(1):
            if _CHANGE.match(taken(window, _LINE)):
                raise DumpDamagedError(
                    f"{log} holds changes that {script} does not have: the database was not shut "
                    "down. Open a copy of all its files with HSQLDB and run SHUTDOWN SCRIPT."
                )


def _unescaped(text: bytes) -> bytes:
    return _ESCAPED.sub(_characters, text) if b"\\u" in text else text


def _characters(hit: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(hit.group().replace(b"\\u", b"").decode("ascii"))
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def literal_of(column: Column) -> Literal:
    """The function that gives a literal's value in *column*."""
    if _is_large(column):
        return _large
    return _bytes if column.binary else _text


def _is_large(column: Column) -> bool:
    large = ("BLOB", "CLOB", "BINARY LARGE", "CHARACTER LARGE")
    return column.declared.upper().startswith(large)


def _text(token: bytes) -> Value:
    if token.startswith(b"'"):
        return _unescaped(token[1:-1].replace(b"''", b"'"))
    if token in {b"TRUE", b"FALSE"} or token in _NO_NUMBER:
        return token
    return Kept(token) if token.startswith(b"ARRAY[") else number_or_null(token)


def _bytes(token: bytes) -> Value:
    if found := _HEX.fullmatch(token):
        return bytes.fromhex(found[1].decode("ascii"))
    return number_or_null(token)


def _large(token: bytes) -> Value:
    if token.isdigit():
        raise ValueError("its values are not in the script but in the database's .lobs file")
    return _bytes(token) if _HEX.fullmatch(token) else _text(token)


PRODUCT = Product(
    RowForm(
        text=DOUBLED,
        apart=rb"[ \t]*+\r?+\n",
        plain=rb"ARRAY\[(?:" + DOUBLED + rb"|[^'\]]++)*+\]|[^'(),\s]++",
    ),
    literal_of,
    special=("\\",),
    numeric=lambda column: not _is_large(column),
    kept="are arrays, the first in row {row}; they are kept as the script writes them",
)
