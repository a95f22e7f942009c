r"""A folder of mysqldump --tab: for each table T.sql, which creates it, and T.txt with its rows.

Strategy: each T.sql is read as the mysqldump that it is. One compiled regular expression takes the
rows of T.txt to pieces: fields between tabs, a line end behind the last, each with a backslash
before it where it is part of a value, and \N for NULL.
The server does not escape BIT columns at all, so they are read by their width.
Character sets: --tab writes each column in its own one, whatever SET NAMES says in T.sql, unless
--default-character-set was given; what T.sql says is then the same. So a set that cannot be the
default is believed, and otherwise the column's own; where the two differ a finding says so.
Other separators than the default cannot be told from data for certain, and are refused.
Source: https://mariadb.com/kb/en/select-into-outfile/, and what MariaDB 10.11 writes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import job_codec, mysql_codec
from pacslift.extract.charset.texts import TextDecoder, as_utf8
from pacslift.extract.mysql.mysqldump import read_mysqldump
from pacslift.extract.mysql.taboptions import bit_bytes, odd_option
from pacslift.extract.packed.folder import Folder, folder_of
from pacslift.extract.packed.source import Source, explained
from pacslift.extract.scripts.script import ScriptReader, ScriptTable, Survey
from pacslift.extract.shapes import Batch, Column, TableShape, numbered
from pacslift.extract.truncation import Cut
from pacslift.patterns import compiled

_LONGEST = 16 << 20  # bytes of a T.sql
_STRETCH = 4 << 20  # bytes that are taken to pieces at once
_NULL = rb"\N"
_FIELD = rb"(?:[^\t\n\\]++|\\.)*+"
_WHOLE_LINE = compiled(rb"(?:[^\n\\]++|\\.)*+\n", re.DOTALL)
_ESCAPE = compiled(rb"\\(.)", re.DOTALL)
_LETTERS = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}
_HEAD = compiled(rb"(?:/\*M?!999999[^\n]*\n)?-- (?:MySQL|MariaDB) dump ")
_NAMES = compiled(rb"SET NAMES (\w+)")
_DEFAULT = frozenset(["utf8mb4", "utf8mb3", "utf8", "binary"])
_REMEDY = (
    "Dump again with --tab and no --fields-… or --lines-… option, or describe the .txt files in a "
    "manifest: `pacslift inspect --describe` drafts one."
)
UNPROVEN = "{name}: nothing in the .txt files of a --tab dump proves that they are complete"


def is_tab_folder(folder: Folder) -> bool:
    """Whether some T.sql in *folder* is of mysqldump and has its T.txt beside it."""
    names = {source.name for source in folder.sources()}
    return any(_rows_of(source) in names and _is_dump(source) for source in folder.sources())


def read_mysqltab(folder: Path | Folder, charset: str | None = None) -> ScriptReader:
    """Reader of a folder; *charset* overrides the character sets of all columns."""
    codec = None if charset is None else job_codec(charset)
    files = folder_of(folder)
    return ScriptReader("mysqldump --tab", files, lambda: _survey(files, codec))


def _survey(folder: Folder, codec: str | None) -> Survey:
    files = {source.name: source for source in folder.sources()}
    parts = [(source, read_mysqldump(source)) for source in files.values() if _is_dump(source)]
    _refuse_rows_alone(folder, files, {_rows_of(source) for source, _ in parts})
    tables: list[ScriptTable] = []
    findings = [UNPROVEN.format(name=folder.path)]
    for source, reader in parts:
        for table in reader.tables:
            tables.append(table)
            doubt = _add_rows(source, files.get(_rows_of(source)), table, codec)
            findings += [doubt] if doubt else []
    servers = {reader.server for _, reader in parts}
    return Survey(servers.pop() if len(servers) == 1 else None, tables, tuple(findings))


def _is_dump(source: Source) -> bool:
    return source.name.endswith(".sql") and _HEAD.match(source.head(4096)) is not None


def _rows_of(source: Source) -> str:
    return source.name.removesuffix(".sql") + ".txt"


def _refuse_rows_alone(folder: Folder, names: Iterable[str], described: set[str]) -> None:
    alone = sorted(name for name in names if name.endswith(".txt") and name not in described)
    if alone:
        raise DumpFormatError(
            f"{folder.path}: {', '.join(alone[:5])} has no .sql of mysqldump beside it that says "
            "which columns it has. Dump again without --no-create-info, or take it out of the "
            "folder."
        )


def _add_rows(
    source: Source, rows: Source | None, table: ScriptTable, codec: str | None
) -> str | None:
    """Give *table* its rows; gives a sentence where its character sets are in doubt."""
    if rows is None:
        raise DumpDamagedError(
            f"{source} creates table {table.shape.name}, but {_rows_of(source)} is not beside it. "
            "Copy the whole folder again, or dump again without --no-data."
        )
    said = _NAMES.search(source.head(_LONGEST))
    names = said[1].decode("ascii").lower() if said else "binary"
    if codec is None and names not in _DEFAULT:
        codec = mysql_codec(names)
    table.runs.append(TabRun(rows, codec))
    if codec is not None or names == "binary" or set(table.codecs.values()) <= {"utf-8"}:
        return None
    return (
        f"{rows}: its columns are read in the character sets that {source.name} gives them, as "
        "--tab writes them; if --default-character-set was given, say that set in job.toml instead"
    )


@dataclass(frozen=True, slots=True)
class TabRun:
    """The rows of one T.txt; *codec* is Python's for its text, None leaves it to the columns."""

    source: Source
    codec: str | None

    def batches(self, table: ScriptTable, wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """See Run."""
        chosen = table.shape.chosen(wanted)
        places = sorted(place for place, _ in chosen)
        for rows in self._rows(table, places, done):
            fields = dict(zip(places, zip(*rows, strict=True), strict=False))
            decoder = TextDecoder(table.shape.name.lower(), "utf-8", done + 1)
            series = [self._series(c, fields[i], table, decoder) for i, c in chosen]
            numbers = range(done + 1, done + len(rows) + 1)
            yield Batch(table.shape.name.lower(), numbered(series, numbers), decoder.undecodable)
            done += len(rows)

    def count(self, table: ScriptTable, done: int) -> int:
        """See Run."""
        return sum(len(rows) for rows in self._rows(table, [], done))

    def _rows(
        self, table: ScriptTable, places: Sequence[int], done: int
    ) -> Iterator[list[tuple[bytes, ...]]]:
        with explained(self.source):
            self._check_options(table)
            for rows in self._taken(table, _row_pattern(table.shape, places), done):
                yield rows
                done += len(rows)
        self.source.meet_end(table.terms.truncation, table.shape.name, done)

    def _taken(
        self, table: ScriptTable, pattern: re.Pattern[bytes], done: int
    ) -> Iterator[list[tuple[bytes, ...]]]:
        shape = table.shape
        stretch = _STRETCH
        with self.source.opener()() as window:
            while window.hold(stretch):
                end = min(len(window.data), window.at + stretch)
                rows = pattern.findall(window.data, window.at, end)
                rest = rows.pop()[-1] if rows and rows[-1][-1] else b""
                window.at = end - len(rest)
                done += len(rows)
                if rows:
                    yield rows
                last = window.ended and end == len(window.data)
                whole = _is_lined(shape) and _WHOLE_LINE.match(rest)
                if rest and (whole or (last and not done)):
                    raise self._damaged(shape, done, window.offset)
                if rest and last:
                    trouble = self._trouble(shape, done, window.offset)
                    table.terms.truncation.meet(Cut(str(self.source), shape.name, done), trouble)
                    return
                stretch = _STRETCH if rows else 2 * stretch

    def _check_options(self, table: ScriptTable) -> None:
        """Refuse a file with other separators, by its first rows."""
        columns = table.shape.columns
        pattern = _row_pattern(table.shape, range(len(columns)))
        rows = next(islice(self._taken(table, pattern, 0), 1), [])
        fields = dict(zip(columns, zip(*rows, strict=True), strict=False))
        if rows and (option := odd_option(fields)):
            raise DumpFormatError(f"{self.source} was made with {option}. {_REMEDY}")

    def _damaged(
        self, shape: TableShape, done: int, offset: int
    ) -> DumpDamagedError | DumpFormatError:
        trouble = self._trouble(shape, done, offset)
        if done == 0:
            return DumpFormatError(f"{trouble} {_REMEDY}")
        return DumpDamagedError(f"{trouble} Make a new dump, or copy it again.")

    def _trouble(self, shape: TableShape, done: int, offset: int) -> str:
        return (
            f"{self.source}: table {shape.name}, row {done + 1} at byte {offset} is not a line of "
            f"{len(shape.columns)} fields between tabs. The last good row is {done}."
        )

    def _series(
        self,
        column: Column,
        fields: Sequence[bytes],
        table: ScriptTable,
        decoder: TextDecoder,
    ) -> pl.Series:
        name = column.name.lower()
        if column.binary:
            return pl.Series(name, [_value(field) for field in fields], dtype=pl.Binary)
        if bit_bytes(column):
            return pl.Series(name, [_number(field) for field in fields], dtype=pl.String)
        codec = table.read_as(name, self.codec)
        raw = pl.Series(name, fields, dtype=pl.Binary)
        text = as_utf8(raw)
        odd = text.str.contains("\\", literal=True).fill_null(value=True)
        odd |= decoder.doubtful(raw, text, codec)
        return decoder.mended(text, odd, fields, _value, codec)


def _row_pattern(shape: TableShape, places: Sequence[int]) -> re.Pattern[bytes]:
    """A line of T.txt with the fields at *places*, and the remainder as the last group."""
    fields = []
    for place, column in enumerate(shape.columns):
        width = bit_bytes(column)
        field = rb"(?:\\N(?=[\t\n])|.{%d})" % width if width else _FIELD
        fields.append((rb"(" if place in places else rb"(?:") + field + rb")")
    count = rb"" if places else rb"()"
    return compiled(count + rb"\t".join(fields) + rb"\n|(.++)", re.DOTALL)


def _is_lined(shape: TableShape) -> bool:
    """Whether every line end in a value has a backslash."""
    return not any(map(bit_bytes, shape.columns))


def _value(field: bytes) -> bytes | None:
    if field == _NULL:
        return None
    return _ESCAPE.sub(_character, field) if b"\\" in field else field


def _character(hit: re.Match[bytes]) -> bytes:
    return _LETTERS.get(hit[1], hit[1])


def _number(field: bytes) -> str | None:
    return None if field == _NULL else str(int.from_bytes(field, "big"))
