"""Small dumps for tests, and what a reader makes of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pacslift.extract.inserts import insertrows
from pacslift.extract.packed import window
from pacslift.extract.shapes import ORIGIN_ROW, DumpReader

Row = tuple[Any, ...]

MYSQL_HEAD = (
    "-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)\n"
    "--\n"
    "-- Server version\t10.11.19-MariaDB-0+deb12u1\n\n"
    "/*!40101 SET NAMES utf8mb4 */;\n\n"
)
MYSQL_TAIL = "\n-- Dump completed on 2026-01-01  0:00:00\n"
POSTGRES_HEAD = (
    "--\n-- PostgreSQL database dump\n--\n\n"
    "-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)\n\n"
    "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n"
)
POSTGRES_TAIL = "\n--\n-- PostgreSQL database dump complete\n--\n\n"


def mysqldump(*statements: str | bytes) -> bytes:
    """A complete mysqldump of *statements*."""
    return _joined(MYSQL_HEAD, *statements, MYSQL_TAIL)


def pg_dump(*statements: str | bytes) -> bytes:
    """A complete plain pg_dump of *statements*."""
    return _joined(POSTGRES_HEAD, *statements, POSTGRES_TAIL)


def _joined(*parts: str | bytes) -> bytes:
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)


def file_of(folder: Path, content: bytes, name: str = "dump") -> Path:
    """A file with *content*."""
    path = folder / name
    path.write_bytes(content)
    return path


def everything(reader: DumpReader) -> dict[str, list[str]]:
    """All columns of all tables."""
    return {shape.name: [c.name for c in shape.columns] for shape in reader.shapes()}


def frames_of(reader: DumpReader) -> dict[str, pl.DataFrame]:
    """Every table that has rows, whole."""
    found: dict[str, list[pl.DataFrame]] = {}
    for batch in reader.batches(everything(reader)):
        found.setdefault(batch.table, []).append(batch.frame)
    return {table: pl.concat(frames) for table, frames in found.items()}


def rows_of(reader: DumpReader, table: str) -> list[Row]:
    """The rows of *table* without their numbers, which must count from 1."""
    frame = frames_of(reader).get(table.lower())
    if frame is None:
        return []
    assert frame[ORIGIN_ROW].to_list() == list(range(1, frame.height + 1))
    return frame.drop(ORIGIN_ROW).rows()


@contextmanager
def pieces_of(size: int) -> Iterator[None]:
    """Readers take in their dump in pieces of so many bytes, where they have the choice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "PIECE", size)
        patch.setattr(insertrows, "_STRETCH", size)
        yield


def in_turn(data: bytes, sizes: Sequence[int]) -> "_InTurn":
    """A read that gives *data* in pieces of *sizes*, again and again."""
    return _InTurn(data, sizes)


class _InTurn:
    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data = data
        self._sizes = sizes
        self._calls = 0

    def __call__(self, most: int) -> bytes:
        size = min(most, self._sizes[self._calls % len(self._sizes)])
        self._calls += 1
        piece, self._data = self._data[:size], self._data[size:]
        return piece
