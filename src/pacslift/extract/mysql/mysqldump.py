"""mysqldump and mariadb-dump.

Strategy: a first pass over the whole dump (the survey) finds its tables, where the rows of each
begin, and whether the dump is complete; it takes no row to pieces. Later passes go straight to the
rows that are wanted. Text in a trigger, a routine or a comment is never taken for data, because
the dump is cut into statements as the mysql client does, DELIMITER included.
Tables that stand in for views (CREATE TABLE inside a version comment) are no tables, and those of
the server's own databases are left out.
Source: client/mysqldump.c of MySQL and MariaDB.
"""

import re

from pacslift.extract.charset.charsets import job_codec, mysql_codec
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.inserts.insertheader import CutHeaderError, take_insert_header, unquoted
from pacslift.extract.inserts.insertrun import InsertRun
from pacslift.extract.inserts.insertskip import skip_rows
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Window, opener, taken
from pacslift.extract.scripts.script import EarlyEnd, ScriptReader, Survey, TableBook
from pacslift.extract.scripts.statements import Dialect, Statement, next_statement
from pacslift.patterns import compiled

_SYSTEM = frozenset(["mysql", "information_schema", "performance_schema", "sys"])

_BLANK = compiled(rb"[\s;]*+")
_COMMENT = compiled(rb"(?:--(?=\s|\Z)|#)[^\n]*+")
_ONLY_COMMENT = compiled(rb"/\*(?!M?!).*?\*/\s*+", re.DOTALL)
_SANDBOX = compiled(rb"/\*M?!999999[^*]*+\*/")  # MariaDB's first line, which has no semicolon
_DELIMITER = compiled(rb"DELIMITER[ \t]++(\S*+)[^\n]*+", re.IGNORECASE)
_INSERT = compiled(rb"(?:INSERT|REPLACE)\s", re.IGNORECASE)
_CREATE = compiled(rb"CREATE\s++(?:TEMPORARY\s++)?+TABLE\s", re.IGNORECASE)
_USE = compiled(rb"USE\s++(`[^`]++`|\S++)", re.IGNORECASE)
_CHARSET = compiled(rb"SET\s++NAMES\s++'?+(\w++)", re.IGNORECASE)
_HEAD = compiled(rb"-- (?:MySQL|MariaDB) dump (\d+)\.(\d+)")
_SERVER = compiled(rb"-- Server version\s++([\d.]++)(\S*+)")
_DONE = compiled(rb"-- Dump completed")
_RESTORED = compiled(rb"/\*!\d++ SET SQL_NOTES=@OLD_SQL_NOTES \*/")
# mysqldump of MySQL 4.1; earlier ones end without a sign and know no character set but latin1.
_FIRST_WITH_END = (10, 9)


def read_mysqldump(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a dump; *charset* overrides the character set the dump names."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("mysqldump", path, lambda: _Surveyor(path, codec).survey())


class _Surveyor:
    """One pass over a dump; holds what the statements read so far have set."""

    def __init__(self, path: DumpFile, codec: str | None) -> None:
        self._path = path
        self._forced = codec
        self._codec: str | None = "utf-8"  # mysqldump's own where it does not set one
        self._schema = ""
        self._delimiter = b";"
        self._server: str | None = None
        self._end_is_promised = False
        self._ended = False
        self._early_end: EarlyEnd | None = None
        self._book = TableBook()

    def survey(self) -> Survey:
        with opener(self._path)() as window:
            while self._early_end is None and self._more(window):
                self._step(window)
        if self._early_end is None and self._end_is_promised and not self._ended:
            trouble = "ends without its last line, '-- Dump completed'"
            self._early_end = EarlyEnd(trouble, self._book.latest)
        kept = [t for t in self._book.tables if t.schema.lower() not in _SYSTEM]
        return Survey(self._server, kept, early_ends=[self._early_end] if self._early_end else [])

    def _more(self, window: Window) -> bool:
        """Move to the next thing that is no blank."""
        blank = window.match(_BLANK)
        window.at = blank.end() if blank else window.at
        return window.hold(4096)

    def _step(self, window: Window) -> None:
        """Take a comment, a DELIMITER line, rows or another statement."""
        if _COMMENT.match(window.data, window.at):
            self._comment(taken(window, _COMMENT))
        elif _SANDBOX.match(window.data, window.at):
            taken(window, _SANDBOX)
        elif line := _DELIMITER.match(window.data, window.at):
            self._delimiter = line[1] or b";"
            window.at = line.end()
        elif self._delimiter == b";" and _INSERT.match(window.data, window.at):
            self._rows(window)
        else:
            self._statement(next_statement(window, Dialect.MYSQL, self._delimiter))

    def _comment(self, text: bytes) -> None:
        if head := _HEAD.match(text):
            old = (int(head[1]), int(head[2])) < _FIRST_WITH_END
            self._codec = "cp1252" if old else self._codec
            self._end_is_promised = not old
            self._ended = False
        elif server := _SERVER.match(text):
            product = "MariaDB" if b"mariadb" in server[2].lower() else "MySQL"
            self._server = f"{product} {server[1].decode('ascii')}"
        elif _DONE.match(text):
            self._ended = True

    def _statement(self, statement: Statement) -> None:
        text = statement.text
        if not statement.complete and not _ONLY_COMMENT.fullmatch(text):
            self._cut(text)
        elif _CREATE.match(text):
            self._create(text)
        elif used := _USE.match(text):
            self._schema = unquoted(used[1])
        elif named := _CHARSET.search(text, 0, 200):
            charset = named[1].decode("ascii").lower()
            self._codec = None if charset == "binary" else mysql_codec(charset)
        elif _RESTORED.match(text):
            self._ended = True

    def _create(self, text: bytes) -> None:
        try:
            created = read_create_table(text.decode("utf-8", "backslashreplace"), "mysql")
        except DdlError:
            return  # its rows, if any, are refused with the reason when they are wanted
        codecs = {
            column.lower(): mysql_codec(charset)
            for column, charset in {**created.column_charsets, "": created.charset}.items()
            if charset and charset != "binary"
        }
        self._book.add(created.schema or self._schema, created.shape, codecs)

    def _rows(self, window: Window) -> None:
        try:
            header = take_insert_header(window, str(self._path))
        except CutHeaderError:
            self._cut(b"INSERT INTO")
            return
        place = header.schema or self._schema
        table = self._book.table(place, header.table, header.columns)
        codec = self._forced or self._codec
        rows = opener(self._path, window.offset)
        end = window.offset if skip_rows(window, header.text, Dialect.MYSQL) else None
        table.runs.append(InsertRun(str(self._path), header, rows, Dialect.MYSQL, codec, end))
        if end is None:
            self._cut(header.text)

    def _cut(self, text: bytes) -> None:
        begin = " ".join(text[:40].decode("ascii", "replace").split())
        trouble = f"ends inside the statement that begins {begin!r}"
        self._early_end = EarlyEnd(trouble, self._book.latest)
