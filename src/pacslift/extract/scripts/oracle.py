"""INSERT scripts of Oracle, as SQL Developer, SQLcl and SQL*Plus users make them.

Strategy: as in mysqldump.py, a survey finds the tables and where their rows lie; later passes go to
the rows that are wanted. A statement ends with a semicolon or with a slash on a line of its own;
SQL Developer may leave both out, so that the next statement's first words end it too. Lines that
are commands of SQL*Plus are passed over, and procedures with their bodies.
A table need not be created in the script: then its columns are those that its INSERTs name, and
one whose first values are HEXTORAW(…) is taken for a RAW. Scripts often name the owner in one place
and not in the other; that is one table.
Nothing in a script proves that it is complete.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.inserts.insertrows import InsertShape
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Window, taken
from pacslift.extract.scripts.oraclevalues import KEPT, TEXT, is_binary, literal_of
from pacslift.extract.scripts.script import EarlyEnd, ScriptReader, ScriptTable, Survey, TableBook
from pacslift.extract.scripts.scriptrows import RowForm, script_rows
from pacslift.extract.scripts.scriptrun import (
    EarlyEndError,
    Product,
    ScriptRun,
    settled,
    surveyed,
    take_rows,
)
from pacslift.extract.scripts.textsource import TextSource
from pacslift.extract.shapes import Column, TableShape
from pacslift.extract.truncation import Truncation
from pacslift.patterns import compiled

SIGN = compiled(
    rb"^REM(?:ARK)?\s|^SET DEFINE OFF|\bN?VARCHAR2\s?\(|\bNUMBER\s?\(\d|"
    rb"\b(?:TO_DATE|TO_TIMESTAMP|HEXTORAW|TO_CLOB|EMPTY_[BC]LOB)\s?\(",
    re.MULTILINE | re.IGNORECASE,
)
UNPROVEN = (
    "{name}: nothing in such a script proves that it is complete; compare the rows of each table "
    "with the database where it still runs"
)
_LOOKING = Truncation(accepted=True)  # an early end is met when rows are counted or read
_SAMPLE = 3  # batches of rows in which a type that nobody declares is looked for

_BLANK = compiled(rb"[\s;]*+")
_LINE = compiled(rb"[^\n]*+")
_COMMENT = rb"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_COMMENTS = compiled(_COMMENT)
_SLASH = rb"/(?=[ \t]*+(?:\r?\n|\r?\Z))"
_COMMAND = compiled(
    _SLASH
    + rb"|@|!|(?:REM|REMARK|PROMPT|SET|SPOOL|WHENEVER|EXIT|QUIT|CONN|CONNECT|DISC|DISCONNECT|"
    rb"SHOW|SHO|DEFINE|DEF|UNDEFINE|COLUMN|COL|ACCEPT|PAUSE|CLEAR|BREAK|TTITLE|BTITLE|HOST|START|"
    rb"VARIABLE|VAR|PRINT|TIMING|EXECUTE|EXEC|DESCRIBE|DESC)(?=[\s;]|\Z)",
    re.IGNORECASE,
)
_INSERT = compiled(rb"INSERT\b", re.IGNORECASE)
_CREATE = compiled(rb"CREATE\s++(?:GLOBAL\s++TEMPORARY\s++)?+TABLE\b", re.IGNORECASE)
_BLOCK = compiled(
    rb"BEGIN\b|DECLARE\b|<<|CREATE\s++(?:OR\s++REPLACE\s++)?+(?:(?:NON)?+EDITIONABLE\s++)?+"
    rb"(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|TYPE|LIBRARY|AND\s++)\b",
    re.IGNORECASE,
)
_QUOTED = (
    rb"|[qQ](?!')|\"[^\"]*+(?:\"|\Z)|" + TEXT + rb"|" + _COMMENT + rb"|[/\-\n]"  # or else no quote
)
_NEXT = rb"\n[ \t]*+(?:" + _SLASH + rb"|(?:REM|REMARK|INSERT|CREATE|ALTER|COMMENT\s++ON)\b)"
_STATEMENT = compiled(
    rb"(?:(?!" + _NEXT + rb")(?:[^'\"/\-\n;qQ]++" + _QUOTED + rb"))++(?P<end>;)?+",
    re.IGNORECASE | re.DOTALL,
)
_WHOLE_BLOCK = compiled(
    rb"(?:(?!\n[ \t]*+" + _SLASH + rb")(?:[^'\"/\-\nqQ]++" + _QUOTED + rb"))++",
    re.IGNORECASE | re.DOTALL,
)
_ROWS_IN_BLOCK = compiled(rb"\bINSERT\s++INTO\b.{0,100000}?\bVALUES\b", re.IGNORECASE | re.DOTALL)
_KNOWN = compiled(
    rb"(?:ALTER|ANALYZE|AUDIT|CALL|COMMENT|COMMIT|CREATE|DELETE|DROP|EXPLAIN|FLASHBACK|GRANT|LOCK|"
    rb"MERGE|NOAUDIT|PURGE|RENAME|REVOKE|ROLLBACK|SAVEPOINT|SELECT|TRUNCATE|UPDATE|WITH)\b",
    re.IGNORECASE,
)
_FILLER = (
    rb"(?:[\s;]++|" + _SLASH + rb"|COMMIT(?:\s++WORK)?+\s*+;|REM(?:ARK)?+[ \t][^\n]*+\n|"
    rb"SET\s++DEFINE\s++OFF(?=[\s;])|PROMPT\b[^\n]*+\n|--[^\n]*+\n)*+"
)
PRODUCT = Product(
    RowForm(
        text=TEXT,
        apart=rb"(?:\s*+;|[ \t\r]*+\n\s*+" + _SLASH + rb")" + _FILLER,
        plain=rb"(?:[^'(),\sqQ]++|[qQ](?!'))++",
        loose=rb"(?:[^'()qQ]++|[qQ](?!'))++",
    ),
    literal_of,
    kept=KEPT,
)


def read_oracle(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a script; *charset* is that of one without a byte order mark, else UTF-8."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("Oracle script", path, lambda: _Surveyor(path, codec).survey())


class _Surveyor:
    """One pass over a script; holds what the statements read so far have set."""

    def __init__(self, path: DumpFile, codec: str | None) -> None:
        self._source = TextSource(path, codec)
        self._book = TableBook()

    def survey(self) -> Survey:
        ends = surveyed(self._source, self._step, _BLANK)
        if self._source.odd and not ends:
            ends = [EarlyEnd("ends inside a character", self._book.latest)]
        tables = [_typed(table) for table in merged(self._book.tables)]
        return Survey(
            None, tables, (UNPROVEN.format(name=self._source.name),), settled(ends, tables)
        )

    def _step(self, window: Window) -> None:
        data, at = window.data, window.at
        if _COMMENTS.match(data, at):
            taken(window, _COMMENTS)
        elif _COMMAND.match(data, at):
            taken(window, _LINE)
        elif _INSERT.match(data, at):
            take_rows(window, self._source, PRODUCT, self._book, "")
        elif _BLOCK.match(data, at):
            self._block(taken(window, _WHOLE_BLOCK))
        else:
            self._statement(window)

    def _block(self, text: bytes) -> None:
        if not text.upper().startswith(b"CREATE") and _ROWS_IN_BLOCK.search(text):
            raise DumpFormatError(
                f"{self._source.name}: after {self._book.last_row()}, rows are put in by a PL/SQL "
                "block. Make the script again with plain INSERT statements."
            )

    def _statement(self, window: Window) -> None:
        text = taken(window, _STATEMENT)
        if _CREATE.match(text):
            self._create(text.rstrip(b";").decode("utf-8", "backslashreplace"), window)
        elif not _KNOWN.match(text):
            if not window.hold(1):
                raise EarlyEndError("ends inside a statement", self._book.latest)
            raise DumpDamagedError(
                f"{self._source.name}: what ends at byte {window.offset} is neither a row nor a "
                f"statement. The last good one is {self._book.last_row()}. Make the script again, "
                "or copy it again."
            )

    def _create(self, text: str, window: Window) -> None:
        try:
            created = read_create_table(text, "oracle")
        except DdlError as error:
            if not window.hold(1):
                raise EarlyEndError("ends inside a CREATE TABLE", self._book.latest) from error
            return  # its rows say which columns they have
        self._book.add(created.schema or "", created.shape)


def merged(tables: Iterable[ScriptTable]) -> Iterator[ScriptTable]:
    """*tables* with those made one whose owner is named in some places and not in others."""
    namesakes: dict[str, list[ScriptTable]] = {}
    for table in tables:
        namesakes.setdefault(table.shape.name.lower(), []).append(table)
    for found in namesakes.values():
        owners = {table.schema.lower() for table in found} - {""}
        if len(owners) > 1:
            yield from found
        else:
            yield _as_one(found)


def _as_one(tables: Sequence[ScriptTable]) -> ScriptTable:
    columns: dict[str, Column] = {}
    for table in sorted(tables, key=lambda table: not any(c.declared for c in table.shape.columns)):
        for column in table.shape.columns:
            columns.setdefault(column.name.lower(), column)
    first = next((table for table in tables if table.runs), tables[0])
    runs = [run for table in tables for run in table.runs]
    shape = TableShape(first.shape.name, tuple(columns.values()))
    return ScriptTable(first.schema, shape, first.codecs, runs)


def _typed(table: ScriptTable) -> ScriptTable:
    """The table with RAW for columns without a type whose first values can be nothing else."""
    if any(column.declared for column in table.shape.columns):
        return table
    binary = {name for run in table.runs[:_SAMPLE] for name in _binary_columns(run, table)}
    columns = (
        Column(c.name, "RAW" if c.name.lower() in binary else "") for c in table.shape.columns
    )
    table.shape = TableShape(table.shape.name, tuple(columns))
    return table


def _binary_columns(run: object, table: ScriptTable) -> Iterator[str]:
    if not isinstance(run, ScriptRun) or run.header.columns is None:
        return
    names = [name.lower() for name in run.header.columns]
    shape = InsertShape(table.shape.name, run.header.text, len(names), tuple(range(len(names))))
    with run.opened() as window:
        found = script_rows(window, shape, PRODUCT.form, run.name, truncation=_LOOKING)
        for rows in islice(found, _SAMPLE):
            for name, tokens in zip(names, zip(*rows, strict=True), strict=False):
                if any(map(is_binary, tokens)):
                    yield name
