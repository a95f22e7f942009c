r"""pg_dump's plain format, with COPY or INSERT, and pg_dumpall's.

Strategy: as in mysqldump.py, a survey finds the tables and where their rows begin, cutting the
script into statements as psql does; later passes go to the wanted rows. Function bodies, in
quotes, dollar quotes or BEGIN ATOMIC, and the statements of rules are never taken for data.
Schema names are dropped.
"""

import re
from collections import Counter

from pacslift.errors import DumpFormatError
from pacslift.extract.charset.charsets import job_codec, postgresql_codec
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.inserts.insertheader import CutHeaderError, take_insert_header, unquoted
from pacslift.extract.inserts.insertrun import InsertRun
from pacslift.extract.inserts.insertskip import skip_rows
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Opener, Window, opener, taken
from pacslift.extract.postgres.copyend import pass_block
from pacslift.extract.postgres.copyrun import CopyRun
from pacslift.extract.postgres.pgfamilies import Families
from pacslift.extract.scripts.script import EarlyEnd, ScriptReader, ScriptTable, Survey, TableBook
from pacslift.extract.scripts.statements import Dialect, next_statement, without_quoted
from pacslift.patterns import compiled

_NAME = rb"(?:\"(?:[^\"]|\"\")++\"|[\w$\x80-\xff]++)"
_BLANK = compiled(rb"[\s;]*+")
_COMMENT = compiled(rb"--[^\n]*+")
_ONLY_COMMENT = compiled(rb"/\*.*?\*/\s*+", re.DOTALL)
_CLIENT = compiled(rb"\\(\S*+)[ \t]*+([^\n]*+)")
_COPY = compiled(
    rb"COPY\s++(?:(?P<schema>" + _NAME + rb")\.)?(?P<table>" + _NAME + rb")\s*+"
    rb"(?:\((?P<columns>[^()\"]*+(?:\"[^\"]*+\"[^()\"]*+)*+)\)\s*+)?"
    rb"(?P<oids>WITH OIDS\s++)?FROM stdin[\s;]*\Z",
    re.IGNORECASE,
)
_ANY_COPY = compiled(rb"COPY\s", re.IGNORECASE)
_NAMES = compiled(_NAME)
_INSERT = compiled(rb"INSERT\s", re.IGNORECASE)
NO_VALUES = compiled(
    rb"INSERT\s++INTO\s++(?:" + _NAME + rb"\.)?+" + _NAME + rb"\s++DEFAULT VALUES", re.IGNORECASE
)
_CREATE = compiled(rb"CREATE\s++(?:UNLOGGED\s++|FOREIGN\s++)?+TABLE\s", re.IGNORECASE)
_ALTER = compiled(rb"ALTER\s", re.IGNORECASE)
_WITH_BODY = compiled(
    rb"CREATE\s++(?:OR\s++REPLACE\s++)?+(?:FUNCTION|PROCEDURE|RULE)\s", re.IGNORECASE
)
_ATOMIC = compiled(rb"\bBEGIN\s++ATOMIC\b", re.IGNORECASE)
_BLOCK = compiled(rb"\b(?:BEGIN|CASE|END)\b", re.IGNORECASE)
_SET = compiled(rb"SET\s++(\w++)\s*+(?:=|TO)\s*+'?([^';,]*+)", re.IGNORECASE)
_DBNAME = compiled(rb"dbname='((?:[^'\\]|\\.)*+)'")
_HEAD = compiled(rb"-- PostgreSQL database (?:cluster )?dump\s*\Z")
_DONE = compiled(rb"-- PostgreSQL database (?:cluster )?dump complete")
_LINE = compiled(rb"[^\n]*+\n?+")
_SERVER = compiled(rb"-- Dumped from database version (\S++)")


def read_pgplain(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a dump; *charset* overrides its client_encoding."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("pg_dump plain", path, lambda: _Surveyor(path, codec).survey())


class CopyHeader:
    """What a COPY statement says: schema, table, columns where it names them."""

    def __init__(self, found: re.Match[bytes]) -> None:
        schema, columns = found["schema"], found["columns"]
        self.schema = None if schema is None else unquoted(schema)
        self.table = unquoted(found["table"])
        names = [unquoted(name) for name in _NAMES.findall(columns or b"")]
        self.columns = None if columns is None else tuple(names)
        self.with_oids = found["oids"] is not None


def copy_header(statement: bytes) -> CopyHeader | None:
    """The header of a COPY … FROM stdin; None for any other statement."""
    found = _COPY.match(statement)
    return CopyHeader(found) if found else None


def _unknown_copy(path: DumpFile, trouble: str) -> DumpFormatError:
    return DumpFormatError(f"{path}: {trouble}. Make the dump with pg_dump.")


class _Surveyor:
    """One pass over a dump; holds what the statements read so far have set."""

    def __init__(self, path: DumpFile, codec: str | None) -> None:
        self._path = path
        self._forced = codec
        self._codec = codec or "utf-8"
        self._dialect = Dialect.POSTGRES
        self._database: str | None = None
        self._schema: str | None = None
        self._server: str | None = None
        self._end_is_promised = False
        self._ended = False
        self._early_end: EarlyEnd | None = None
        self._book = TableBook()
        self._families = Families()

    def survey(self) -> Survey:
        with opener(self._path)() as window:
            while self._early_end is None and self._more(window):
                self._step(window)
        if self._early_end is None and self._end_is_promised and not self._ended:
            self._cut("without its last line, '-- PostgreSQL database dump complete'")
        self._families.add_rows(self._book)
        ends = [self._early_end] if self._early_end else []
        return Survey(self._server, self._book.tables, early_ends=ends)

    def _cut(self, where: str) -> None:
        self._early_end = EarlyEnd(f"ends {where}", self._book.latest)

    def _more(self, window: Window) -> bool:
        """Move to the next thing that is no blank."""
        blank = window.match(_BLANK)
        window.at = blank.end() if blank else window.at
        return window.hold(4096)

    def _step(self, window: Window) -> None:
        """Take a comment, a psql command, rows or another statement."""
        if window.data.startswith(b"--", window.at):
            self._comment(taken(window, _COMMENT))
        elif window.data.startswith(b"\\", window.at):
            self._client(taken(window, _CLIENT))
        elif _INSERT.match(window.data, window.at):
            self._inserts(window)
        else:
            self._statement(window)

    def _comment(self, text: bytes) -> None:
        if _HEAD.match(text):
            self._end_is_promised = True
            self._ended = False
        elif _DONE.match(text):
            self._ended = True
        elif server := _SERVER.match(text):
            self._server = f"PostgreSQL {server[1].decode('ascii', 'replace')}"

    def _client(self, text: bytes) -> None:
        command = _CLIENT.match(text)
        if command and command[1] == b".":
            raise _unknown_copy(self._path, "rows end that none of its COPY statements began")
        if command and command[1] in {b"connect", b"c"} and (words := command[2].split()):
            named = _DBNAME.search(command[2])
            self._database = unquoted(named[1] if named else words[0])
            self._schema = None

    def _statement(self, window: Window) -> None:
        text, complete = self._whole(window)
        if not complete and not _ONLY_COMMENT.fullmatch(text):
            begin = " ".join(text[:40].decode("ascii", "replace").split())
            self._cut(f"inside the statement that begins {begin!r}")
        elif header := copy_header(text):
            self._copy(window, header)
        elif _ANY_COPY.match(text):
            raise _unknown_copy(self._path, "a COPY has options or is from a file")
        elif _CREATE.match(text):
            self._create(text)
            self._families.note(text, self._place)
        elif _ALTER.match(text):
            self._families.note(text, self._place)
        elif setting := _SET.match(text):
            self._set(setting[1].lower(), setting[2].strip().decode("ascii", "replace"))

    def _whole(self, window: Window) -> tuple[bytes, bool]:
        """A statement with the semicolons that stand in its body."""
        statement = next_statement(window, self._dialect)
        if not _WITH_BODY.match(statement.text):
            return statement.text, statement.complete
        body, parts = _Body(), [statement.text]
        while statement.complete and body.is_open_after(
            without_quoted(statement.text, self._dialect)
        ):
            statement = next_statement(window, self._dialect)
            parts.append(statement.text)
        return b";".join(parts), statement.complete

    def _set(self, name: bytes, value: str) -> None:
        if name == b"client_encoding":
            self._codec = self._forced or postgresql_codec(value)
        elif name == b"standard_conforming_strings":
            on = value.lower() in {"on", "true", "1"}
            self._dialect = Dialect.POSTGRES if on else Dialect.POSTGRES_ESCAPING
        elif name == b"search_path":
            self._schema = value.strip('" ') or None

    def _create(self, text: bytes) -> None:
        try:
            created = read_create_table(text.decode("utf-8", "backslashreplace"), "postgres")
        except DdlError:
            return  # its rows, if any, say which columns they have
        self._book.add(self._place(created.schema), created.shape)

    def _copy(self, window: Window, header: CopyHeader) -> None:
        taken(window, _LINE)
        table = self._book.table(self._place(header.schema), header.table, header.columns)
        start = window.offset
        size = window.offset - start if pass_block(window) else None
        rows = opener(self._path, start, size)
        table.runs.append(copy_run(str(self._path), table, header, rows, self._codec, size))
        if size is None:
            self._cut("inside its rows")
            return
        taken(window, _LINE)

    def _inserts(self, window: Window) -> None:
        if NO_VALUES.match(window.data, window.at):
            next_statement(window, self._dialect)
            return
        try:
            header = take_insert_header(window, str(self._path))
        except CutHeaderError:
            self._cut("at the beginning of rows")
            return
        table = self._book.table(self._place(header.schema), header.table, header.columns)
        rows = opener(self._path, window.offset)
        end = window.offset if skip_rows(window, header.text, self._dialect) else None
        table.runs.append(InsertRun(str(self._path), header, rows, self._dialect, self._codec, end))
        if end is None:
            self._cut("inside its rows")

    def _place(self, schema: str | None) -> str:
        """Where a table is, in words that tell it from another of its name."""
        return ".".join(part for part in (self._database, schema or self._schema) if part)


def copy_run(
    name: str,
    table: ScriptTable,
    header: CopyHeader,
    rows: Opener,
    codec: str,
    size: int | None = None,
) -> CopyRun:
    """The run of a COPY block; without a column list it has the table's, and the OID if asked.

    *size* is that of its lines where its end has been seen, and *rows* shows no more.
    """
    columns = header.columns or tuple(column.name for column in table.shape.columns)
    return CopyRun(name, ("oid",) * header.with_oids + columns, rows, codec, size)


class _Body:
    """Counts what opens and closes a body, in the stretches that its semicolons make."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._atomic = False
        self._words: Counter[bytes] = Counter()

    def is_open_after(self, code: bytes) -> bool:
        """Whether the semicolon behind *code*, the next stretch, ends no more than a part."""
        self._parentheses += code.count(b"(") - code.count(b")")
        self._atomic |= _ATOMIC.search(code) is not None
        self._words.update(word.upper() for word in _BLOCK.findall(code))
        if self._parentheses > 0:
            return True
        words = self._words
        return self._atomic and words[b"BEGIN"] + words[b"CASE"] > words[b"END"]
