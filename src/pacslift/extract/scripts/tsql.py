"""T-SQL scripts with data, as SQL Server Management Studio generates them.

Strategy: as in mysqldump.py, a survey finds the tables and where their rows lie; later passes go to
the rows that are wanted. Statements have no terminator: one ends where a line begins with GO,
INSERT or CREATE TABLE outside of quotes and comments, and a procedure, function, trigger or view
with its batch, so that INSERTs in its body are no data.
Nothing in a script proves that it is complete. What does show is a cut: SET IDENTITY_INSERT left
ON, or the rows of the last table without the GO that those of every table before it had.
"""

import re

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Window, taken
from pacslift.extract.scripts.script import EarlyEnd, ScriptReader, Survey, TableBook
from pacslift.extract.scripts.scriptheader import NAME
from pacslift.extract.scripts.scriptrows import RowForm
from pacslift.extract.scripts.scriptrun import EarlyEndError, Product, surveyed, take_rows
from pacslift.extract.scripts.statements import DOUBLED
from pacslift.extract.scripts.textsource import TextSource
from pacslift.extract.scripts.tsqlvalues import KEPT, literal_of
from pacslift.extract.shapes import Column, TableShape
from pacslift.patterns import compiled

SIGN = compiled(
    rb"^(?:GO[ \t]*\r?$|INSERT (?:INTO )?\[|SET IDENTITY_INSERT |CREATE TABLE \[|USE \[)",
    re.MULTILINE | re.IGNORECASE,
)

_BLANK = compiled(rb"[\s;]*+")
_LINE_COMMENT = rb"--[^\n]*+"
_COMMENT = rb"/\*(?:[^*/]++|\*(?!/)|/(?!\*)|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z))*+(?:\*/|\Z)"
_COMMENTS = compiled(_LINE_COMMENT + rb"|" + _COMMENT)
_GO = compiled(rb"GO(?=[\s;]|\Z)[ \t]*+(?P<times>\d*+)[^\n]*+", re.IGNORECASE)
_INSERT = compiled(rb"INSERT\b", re.IGNORECASE)
_QUOTED = DOUBLED + rb"|\"[^\"]*+(?:\"|\Z)|\[(?:[^\]]|\]\])*+(?:\]|\Z)|"
_TEXT = rb"[^'\"\[/\-\n]++|" + _QUOTED + _LINE_COMMENT + rb"|" + _COMMENT + rb"|[/\-]|\n"
_BEGINS = rb"[ \t]*+(?:GO(?=[\s;]|\Z)|INSERT\b|CREATE\s++TABLE\b)"
_STATEMENT = compiled(rb"(?:(?!\n" + _BEGINS + rb")(?:" + _TEXT + rb"))++", re.IGNORECASE)
_BATCH = compiled(rb"(?:(?!\n[ \t]*+GO(?=[\s;]|\Z))(?:" + _TEXT + rb"))++", re.IGNORECASE)
_MODULE = compiled(
    rb"(?:CREATE|ALTER)\s++(?:OR\s++ALTER\s++)?+(?:PROC|FUNCTION|TRIGGER|VIEW)", re.IGNORECASE
)
_CREATE = compiled(rb"CREATE\s++TABLE\b", re.IGNORECASE)
_KNOWN = compiled(
    rb"(?:ADD|ALTER|BEGIN|BULK|CHECKPOINT|COMMIT|CREATE|DBCC|DECLARE|DELETE|DENY|DISABLE|DROP|ELSE|"
    rb"ENABLE|END|EXEC|EXECUTE|GRANT|IF|MERGE|PRINT|RAISERROR|RETURN|REVOKE|ROLLBACK|SAVE|SELECT|"
    rb"SET|THROW|TRUNCATE|UPDATE|USE|WAITFOR|WHILE|WITH)\b|:",
    re.IGNORECASE,
)
_IDENTITY = compiled(
    rb"SET\s++IDENTITY_INSERT\s++(?P<table>" + NAME + rb"(?:\s*+\.\s*+" + NAME + rb")*+)\s++"
    rb"(?P<state>ON|OFF)\b",
    re.IGNORECASE,
)
_SCHEMA = "dbo"
_NO_TYPE = compiled(
    r"\s*\b(?:IDENTITY|ROWGUIDCOL|SPARSE|MASKED|FILESTREAM|AS)\b.*", re.IGNORECASE | re.DOTALL
)
UNPROVEN = (
    "{name}: nothing in such a script proves that it is complete; compare the rows of each table "
    "with the database where it still runs"
)
PRODUCT = Product(
    RowForm(
        text=DOUBLED,
        apart=rb"(?:[\s;]++|GO(?=[\s;]|\Z)(?![ \t]*+\d)|PRINT\s++N?+'(?:[^']++|'')*+'|"
        rb"--[^\n]*+(?=\n)|/\*(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/)*+",
    ),
    literal_of,
    kept=KEPT,
)


def read_tsql(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a script; *charset* is that of one without a byte order mark, else UTF-8."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("T-SQL script", path, lambda: _Surveyor(path, codec).survey())


class _Surveyor:
    """One pass over a script; holds what the statements read so far have set."""

    def __init__(self, path: DumpFile, codec: str | None) -> None:
        self._source = TextSource(path, codec)
        self._book = TableBook()
        self._identity: str | None = None  # the table that it is ON for
        self._met_rows = False
        self._last_closed = True  # whether GO or IDENTITY_INSERT OFF follows the last rows
        self._closed: set[bool] = set()  # the same of all tables before

    def survey(self) -> Survey:
        ends = surveyed(self._source, self._step, _BLANK)
        if not ends and (trouble := self._early_end()):
            ends = [EarlyEnd(trouble, self._book.latest)]
        return Survey(None, self._book.tables, (UNPROVEN.format(name=self._source.name),), ends)

    def _early_end(self) -> str | None:
        """How it shows that the script is cut off between two statements."""
        if self._source.odd:
            return "ends inside a character"
        if self._identity is not None:
            return f"ends without SET IDENTITY_INSERT {self._identity} OFF"
        return "ends without GO" if not self._last_closed and self._closed == {True} else None

    def _step(self, window: Window) -> None:
        if _COMMENTS.match(window.data, window.at):
            taken(window, _COMMENTS)
        elif _GO.match(window.data, window.at):
            self._go(taken(window, _GO))
        elif _INSERT.match(window.data, window.at):
            self._rows(window)
        else:
            self._statement(window)

    def _go(self, line: bytes) -> None:
        self._last_closed = True
        found = _GO.match(line)
        if found and found["times"] not in {b"", b"1"}:
            raise DumpFormatError(
                f"{self._source.name}: after {self._book.last_row()}, {line.strip().decode()!r} "
                "runs what is before it several times. Make the script again without."
            )

    def _rows(self, window: Window) -> None:
        if self._met_rows:
            self._closed.add(self._last_closed)
        self._met_rows = True
        parting = take_rows(window, self._source, PRODUCT, self._book, _SCHEMA)
        self._last_closed = re.search(rb"\bGO\b", parting, re.IGNORECASE) is not None

    def _statement(self, window: Window) -> None:
        text = taken(window, _BATCH if _MODULE.match(window.data, window.at) else _STATEMENT)
        if identity := _IDENTITY.match(text):
            on = identity["state"].upper() == b"ON"
            self._identity = identity["table"].decode("utf-8", "replace") if on else None
            self._last_closed |= not on
        elif _CREATE.match(text):
            self._create(text.decode("utf-8", "backslashreplace"), last=not window.hold(1))
        elif not _KNOWN.match(text):
            if not window.hold(1):
                raise EarlyEndError("ends inside a statement", self._book.latest)
            raise DumpDamagedError(
                f"{self._source.name}: what ends at byte {window.offset} is neither a row nor a "
                f"statement. The last good one is {self._book.last_row()}. Make the script again, "
                "or copy it again."
            )

    def _create(self, text: str, *, last: bool) -> None:
        try:
            created = read_create_table(text, "tsql")
        except DdlError as error:
            if last:
                raise EarlyEndError("ends inside a CREATE TABLE", self._book.latest) from error
            return  # its rows say which columns they have
        columns = tuple(Column(c.name, _plain_type(c.declared)) for c in created.shape.columns)
        self._book.add(created.schema or _SCHEMA, TableShape(created.shape.name, columns))


def _plain_type(declared: str) -> str:
    """Give "[numeric](19, 0) IDENTITY(1,1)" without brackets and what is no type."""
    return _NO_TYPE.sub("", declared.replace("[", "").replace("]", ""))
