"""Delimited text files with a manifest, as one dump.

Each table is one or more text files; manifest.py says how they are written. Rows are counted
against the manifest where it promises a number: fewer is an early end, more is another file.
Character sets in which a delimiter can be part of another character are turned into UTF-8 while
they are read; bytes that are no text in them pass through and are found again as undecodable.
"""

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import polars as pl

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import cuttable
from pacslift.extract.charset.texts import TextDecoder
from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile, Source, explained
from pacslift.extract.packed.window import Window
from pacslift.extract.shapes import BATCH_ROWS, Batch, Column, TableShape, lowered, numbered
from pacslift.extract.terms import Terms
from pacslift.extract.text.delimitedfields import SpellingError, field_column, value
from pacslift.extract.text.delimitedform import TextForm
from pacslift.extract.text.delimitedrows import RowShape, delimited_rows, row_at
from pacslift.extract.text.manifest import Described, read_manifest
from pacslift.extract.truncation import Cut

_BOM = b"\xef\xbb\xbf"
_HEAD = 1 << 20  # bytes within which a header must end


class DelimitedSet:
    """DumpReader of the files that the manifest *path* describes.

    Raises DumpFormatError for a manifest that does not fit itself or its files.
    """

    format = "delimited text"
    server: str | None = None

    def __init__(self, path: DumpFile, terms: Terms | None = None) -> None:
        self._manifest = source_of(path)
        self.path = self._manifest.path
        self._terms = terms or Terms()
        self._tables = [
            _Table(described, self._terms)
            for described in read_manifest(self._manifest, self._terms.charsets)
        ]

    def shapes(self) -> Sequence[TableShape]:
        """Every table of the manifest, in its order."""
        return [table.shape for table in self._tables]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """The wanted rows; see DumpReader."""
        names = lowered(wanted)
        for table in self._tables:
            if table.shape.name.lower() in names:
                yield from table.batches(names[table.shape.name.lower()])

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table; every row is looked at."""
        return {
            table.shape.name: sum(batch.frame.height for batch in table.batches([]))
            for table in self._tables
        }

    def close(self) -> None:
        """End what is being unpacked."""
        self._manifest.close()
        for table in self._tables:
            table.close()


class _Table:
    """One table of the manifest, its header read where it has one."""

    def __init__(self, described: Described, terms: Terms) -> None:
        self._described = described
        self._form = described.form
        self._truncation = terms.truncation
        self._forced = terms.charsets.by_column(described.name)
        self._codec = described.codec if cuttable(described.codec) else "utf-8"
        self._refuse_forced_columns()
        self.shape = TableShape(described.name, self._columns())

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        """Rows of all the table's files, and the count of them held against the manifest."""
        chosen = self.shape.chosen(wanted)
        done = 0
        for source in self._described.files:
            for rows in self._rows(source, chosen, done):
                yield self._batch(source, chosen, rows, done)
                done += rows.height
            source.meet_end(self._truncation, self.shape.name, done)
        self._check_count(done)

    def close(self) -> None:
        """End what is being unpacked."""
        for source in self._described.files:
            source.close()

    def _refuse_forced_columns(self) -> None:
        codec = self._described.codec
        if self._forced and not cuttable(codec):
            raise DumpFormatError(
                f"table {self._described.name} is in {codec}, so that single columns of it cannot "
                "be in another codec; take the columns' lines out of [charset]"
            )

    def _rows(
        self, source: Source, chosen: Sequence[tuple[int, Column]], done: int
    ) -> Iterator[pl.DataFrame]:
        places = tuple(sorted(i for i, _ in chosen))
        width = len(self.shape.columns)
        shape = RowShape(
            self.shape.name, self._form, width, places, self._codec, mixed=bool(self._forced)
        )
        with explained(source), self._opened(source) as window:
            if self._form.header:
                _, window.at = _header_row(window, self._form) or ([], window.at)
            for rows in delimited_rows(window, shape, str(source), done, self._truncation):
                done += rows.height
                yield from (rows.slice(i, BATCH_ROWS) for i in range(0, rows.height, BATCH_ROWS))

    def _batch(
        self, source: Source, chosen: Sequence[tuple[int, Column]], rows: pl.DataFrame, done: int
    ) -> Batch:
        decoder = TextDecoder(self.shape.name.lower(), self._codec, done + 1)
        try:
            series = [self._series(column, rows[str(i)], decoder) for i, column in chosen]
        except SpellingError as error:
            raise DumpDamagedError(
                f"{source}: table {self.shape.name}, row {done + error.place + 1}, column "
                f"{error.column.name}: what the manifest declares as {error.column.declared} is "
                f"not spelled as {self._form.binary}. Mend `binary` in the manifest, or declare "
                "the column as text."
            ) from error
        numbers = range(done + 1, done + rows.height + 1)
        return Batch(decoder.table, numbered(series, numbers), decoder.undecodable)

    def _series(self, column: Column, fields: pl.Series, decoder: TextDecoder) -> pl.Series:
        codec = self._forced.get(column.name.lower(), self._codec)
        return field_column(column, fields, self._form, decoder, codec)

    def _check_count(self, found: int) -> None:
        promised = self._described.rows
        if promised is None or found == promised:
            return
        name = str(self._described.files[-1])
        said = (
            f"{name}: table {self.shape.name} has {found} rows, its manifest promises {promised}."
        )
        if found > promised:
            raise DumpDamagedError(f"{said} Is it the right file? Mend `rows`, or copy it again.")
        self._truncation.meet(Cut(name, self.shape.name, found), said)

    def _columns(self) -> tuple[Column, ...]:
        """The columns, by the header of each file where there is one."""
        columns = self._described.columns
        for source in self._described.files if self._form.header else ():
            found = self._header(source)
            if not columns:
                columns = tuple(Column(name, "") for name in found)
            if [name.lower() for name in found] != [c.name.lower() for c in columns]:
                raise DumpFormatError(
                    f"{source}: the header has the columns {', '.join(found)} where "
                    f"{', '.join(c.name for c in columns)} should be. Mend the manifest's columns."
                )
        return columns

    def _header(self, source: Source) -> list[str]:
        with self._opened(source) as window:
            found = _header_row(window, self._form)
        if found is None:
            raise DumpDamagedError(
                f"{source} has no whole header line, which its manifest says it has. Mend `header` "
                "or `row_terminator` there, or copy the file again."
            )
        names = [value(field, self._form) or b"" for field in found[0]]
        return [name.decode(self._codec, "backslashreplace").strip() for name in names]

    @contextmanager
    def _opened(self, source: Source) -> Iterator[Window]:
        """The file in a codec that can be cut, without a mark of its byte order."""
        codec = self._described.codec
        with source.opener()() as raw:
            window = raw
            if not cuttable(codec):
                window = Window(_in_utf8(raw, codec, str(source)), str(source))
            window.hold(_HEAD)
            if self._codec == "utf-8" and window.data.startswith(_BOM, window.at):
                window.at += len(_BOM)
            while self._form.chatty and window.data[window.at : window.at + 1] in {b"\n", b"\r"}:
                window.at += 1
            yield window


def _header_row(window: Window, form: TextForm) -> tuple[list[bytes], int] | None:
    """The first row of the file and where it ends, in the window's data."""
    window.hold(_HEAD)
    found = row_at(window.data, window.at, form)
    if found is None and form.open_end and window.ended:
        found = row_at(window.data + form.terminator, window.at, form)
    return found and (found[0], min(found[1], len(window.data)))


def _in_utf8(window: Window, codec: str, name: str) -> Callable[[int], bytes]:
    """A read of the window's bytes as UTF-8; what is no text in *codec* stays as it is."""
    decoder = codecs.getincrementaldecoder(codec)("surrogateescape")

    def read(size: int) -> bytes:
        piece = b""
        while not piece and not (window.ended and window.at == len(window.data)):
            window.hold(1)
            raw = window.data[window.at : window.at + max(size // 4, 1)]
            window.at += len(raw)
            try:
                text = decoder.decode(raw, final=window.ended and window.at == len(window.data))
            except UnicodeDecodeError as error:
                raise DumpDamagedError(
                    f"{name}: near byte {window.offset} is no text in {codec}: {error.reason}. "
                    "Mend `charset` in the manifest, or copy the file again."
                ) from error
            piece = text.encode("utf-8", "surrogateescape")
        return piece

    return read
