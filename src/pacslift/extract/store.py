"""The table store: one Parquet file a table, and tables.json, which says where each came from.

Strategy: batches are collected to parts of a good size, parts are written as they fill, and at
the end the parts of a table are streamed into its one file, so that memory is bounded by a part.
All is written into a folder beside the store's, which takes its place when it is complete.
Several dumps may hold the same table (one index.dat a storage area): their rows follow each other,
and ORIGIN_DUMP says which dump a row is from.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from pacslift.errors import JobFolderError
from pacslift.events import TableRead
from pacslift.extract.charset.suspects import Mender, Suspects
from pacslift.extract.inturn import Piece, in_turn
from pacslift.extract.shapes import (
    ORIGIN_ROW,
    Batch,
    Column,
    DumpReader,
    TableShape,
    Undecodable,
    lowered,
)
from pacslift.extract.terms import Charsets

ORIGIN_DUMP = "origin_dump"  # UInt32, number of the dump in tables.json, from 1
_MANIFEST = "tables.json"
_PART_BYTES = 96 << 20
_COMPRESSION: Final = "lz4"  # half again as large as zstd's, written in half the time, read once


@dataclass(frozen=True, slots=True)
class Extracted:
    """What is in the store now: rows per table (lower-case), and what the operator should know."""

    tables: Mapping[str, int]
    findings: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())


def extract_tables(
    readers: Sequence[DumpReader],
    wanted: Mapping[str, Sequence[str]],
    folder: Path,
    tell: Callable[[TableRead], object],
    charsets: Charsets | None = None,
) -> Extracted:
    """Write the *wanted* columns of the *wanted* tables from all *readers* into *folder*.

    A wanted column that no reader has is null throughout, a wanted table that no reader has is
    empty; whether that may be is for columns.needed_columns to say. Each table's file has its
    columns as pl.String or pl.Binary, ORIGIN_ROW and ORIGIN_DUMP.
    Text is mended as *charsets* says, and a sample of it is judged.
    Raises what the readers raise; the store is then as it was.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    mender, suspects = Mender(charsets or Charsets()), Suspects()
    try:
        parts = {
            table: _Parts(partial, table, _kinds(readers, table, columns))
            for table, columns in lowered(wanted).items()
        }
        for number, reader in enumerate(readers, 1):
            for batch in reader.batches(lowered(wanted)):
                mended = mender.mended(batch)
                suspects.look(mended)
                parts[mended.table].add(mended, number)
        for part in in_turn(Piece(part.finished) for part in parts.values()):
            tell(TableRead(part.table, part.rows))
        _write_manifest(partial, readers, parts)
        _put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    findings = (*_findings(parts.values()), *mender.findings(), *suspects.findings())
    return Extracted({t: p.rows for t, p in parts.items()}, findings)


def load_tables(folder: Path) -> dict[str, pl.LazyFrame]:
    """Every table of the store, by its lower-case name. JobFolderError where there is no store."""
    manifest = folder / _MANIFEST
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        return {table: pl.scan_parquet(_file(folder, table)) for table in said["tables"]}
    except (OSError, ValueError, KeyError) as error:
        raise JobFolderError(
            f"{manifest} cannot be read: {error}. Run `pacslift extract` again."
        ) from error


@dataclass(slots=True)
class _Parts:
    """One table on its way into the store."""

    folder: Path
    table: str
    kinds: dict[str, type[pl.DataType]]
    rows: int = 0
    undecodable: list[Undecodable] = field(default_factory=list)
    _waiting: list[pl.DataFrame] = field(default_factory=list)
    _size: float = 0
    _written: list[Path] = field(default_factory=list)

    def add(self, batch: Batch, dump: int) -> None:
        """Take a batch of dump number *dump*."""
        frame = self._fitted(batch.frame, dump)
        self._waiting.append(frame)
        self._size += frame.estimated_size()
        self.rows += frame.height
        self.undecodable += batch.undecodable
        if self._size >= _PART_BYTES:
            self._write()

    def finished(self) -> "_Parts":
        """Itself, with the table's one file made."""
        if self._waiting or not self._written:
            self._write()
        final = _file(self.folder, self.table)
        if len(self._written) == 1:
            self._written[0].rename(final)
            return self
        pl.scan_parquet(self._written).sink_parquet(final, compression=_COMPRESSION)
        for path in self._written:
            path.unlink()
        return self

    def _write(self) -> None:
        path = self.folder / f"{quote(self.table, safe='')}.part{len(self._written)}"
        schema: dict[str, type[pl.DataType]] = {
            **self.kinds,
            ORIGIN_ROW: pl.UInt64,
            ORIGIN_DUMP: pl.UInt32,
        }
        frame = pl.concat([pl.DataFrame(schema=schema), *self._waiting])
        frame.write_parquet(path, compression=_COMPRESSION)
        self._written.append(path)
        self._waiting.clear()
        self._size = 0

    def _fitted(self, frame: pl.DataFrame, dump: int) -> pl.DataFrame:
        """The frame with exactly the table's columns, null where the dump has none."""
        columns = [
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in self.kinds.items()
        ]
        number = pl.lit(dump, dtype=pl.UInt32).alias(ORIGIN_DUMP)
        return frame.select(*columns, pl.col(ORIGIN_ROW), number)


def _file(folder: Path, table: str) -> Path:
    return folder / f"{quote(table, safe='')}.parquet"


def _shapes(readers: Sequence[DumpReader], table: str) -> list[TableShape]:
    return [s for reader in readers for s in reader.shapes() if s.name.lower() == table]


def _kinds(
    readers: Sequence[DumpReader], table: str, columns: Sequence[str]
) -> dict[str, type[pl.DataType]]:
    """Binary where some dump declares a column so; String otherwise, and where it is missing."""
    found: list[Column] = [c for s in _shapes(readers, table) for _, c in s.chosen(columns)]
    binary = {column.name.lower() for column in found if column.binary}
    return {name: pl.Binary if name in binary else pl.String for name in dict.fromkeys(columns)}


def _write_manifest(
    folder: Path, readers: Sequence[DumpReader], parts: Mapping[str, _Parts]
) -> None:
    said: dict[str, Any] = {
        "dumps": [{"path": str(r.path), "format": r.format, "server": r.server} for r in readers],
        "tables": {table: _described(readers, part) for table, part in sorted(parts.items())},
    }
    text = json.dumps(said, indent=1, ensure_ascii=False)
    (folder / _MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def _described(readers: Sequence[DumpReader], part: _Parts) -> dict[str, Any]:
    shapes = _shapes(readers, part.table)
    declared = {c.name.lower(): c.declared for s in shapes for c in s.columns}
    return {
        "name": shapes[0].name if shapes else None,
        "rows": part.rows,
        "columns": {name: declared.get(name) for name in part.kinds},
    }


def _put_in_place(partial: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _findings(parts: Iterable[_Parts]) -> tuple[str, ...]:
    """One sentence per column that held values whose meaning could not be told."""
    counted: dict[tuple[str, str, str], list[int]] = {}
    for part in parts:
        for bad in part.undecodable:
            seen = counted.setdefault((bad.table, bad.column, bad.trouble), [0, bad.first_row])
            seen[0] += bad.rows
    return tuple(
        f"table {table}, column {column}: {rows} values {trouble.format(row=first)}"
        for (table, column, trouble), (rows, first) in counted.items()
    )
