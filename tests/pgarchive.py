"""Writes small archives as pg_dump does, of any version, format and compression, for tests.

Debian's pg_dump 15 writes version 1.14 and knows zlib alone; archives of 16 and 17 with LZ4 and
Zstandard are made here, from the layout in pg_backup_archiver.c and compress_*.c of PostgreSQL 17.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import lz4.frame
import zstandard

CUSTOM, IN_FILES = 1, 3
NONE, GZIP, LZ4, ZSTD = range(4)
PACK: dict[int, Callable[[bytes], bytes]] = {
    NONE: bytes,
    GZIP: zlib.compress,
    LZ4: lz4.frame.compress,
    ZSTD: zstandard.compress,
}
ENDINGS = {NONE: "", GZIP: ".gz", LZ4: ".lz4", ZSTD: ".zst"}


@dataclass(frozen=True)
class Table:
    """A table of the archive; *data* is None where it was not dumped."""

    name: str
    columns: str  # as in CREATE TABLE
    names: str  # as in COPY
    data: bytes | None
    schema: str = "public"


class Archive:
    """The bytes of an archive."""

    def __init__(self, version=(1, 14), compression=1, int_size=4, form=1) -> None:
        self.version = version
        self.form = form
        self.int_size = int_size
        self.compression = compression
        head = b"PGDMP" + bytes([*version, 0, int_size, 8, form])
        if version >= (1, 15):
            head += bytes([compression])
        else:
            head += self.integer(-1 if compression else 0)
        self.head = head + b"".join(map(self.integer, [0, 0, 0, 1, 0, 111, 0]))
        self.head += self.text("pacs") + self.text("15.20 (Debian)") + self.text("15.20")

    def integer(self, number: int) -> bytes:
        return bytes([number < 0]) + abs(number).to_bytes(self.int_size, "little")

    def text(self, value: str | None) -> bytes:
        if value is None:
            return self.integer(-1)
        return self.integer(len(value.encode())) + value.encode()

    def entry(self, number, desc, tag, defn="", copy=None, schema=None, state=3) -> bytes:
        has_data = desc == "TABLE DATA"
        parts = [
            self.integer(number),
            self.integer(has_data),
            self.text("1259"),
            self.text("16384"),
        ]
        parts += [self.text(tag), self.text(desc), self.integer(3), self.text(defn), self.text("")]
        parts += [self.text(copy), self.text(schema), self.text("")]
        if self.version >= (1, 14):
            parts.append(self.text("heap"))
        if self.version >= (1, 16):
            parts.append(self.integer(ord("r")))
        parts += [self.text("pacs"), self.text("false"), self.text("1"), self.text(None)]
        if self.form == IN_FILES:
            parts.append(self.text(f"{number}.dat" if has_data and state == 1 else ""))
        else:
            parts.append(bytes([state]) + bytes(8))
        return b"".join(parts)

    def block(self, number: int, data: bytes, piece: int = 7) -> bytes:
        stored = PACK[self.compression](data)
        pieces = [stored[i : i + piece] for i in range(0, len(stored), piece)]
        body = b"".join(self.integer(len(p)) + p for p in pieces)
        return b"\x01" + self.integer(number) + body + self.integer(0)

    def blobs(self, number: int) -> bytes:
        piece = self.integer(3) + b"abc" + self.integer(0)
        return b"\x03" + self.integer(number) + self.integer(9999) + piece + self.integer(0)

    def contents(self, tables: Sequence[Table], encoding: str = "UTF8", copy: bool = True) -> bytes:
        """Head and table of contents; the data of tables has the IDs 10, 11, …"""
        entries = [self.entry(1, "ENCODING", "ENCODING", f"SET client_encoding = '{encoding}';\n")]
        entries += [
            self.entry(2, "STDSTRINGS", "STDSTRINGS", "SET standard_conforming_strings = 'on';\n")
        ]
        for number, table in enumerate(tables, 10):
            name = f"{table.schema}.{table.name}"
            create = f"CREATE TABLE {name} ({table.columns});\n"
            entries.append(
                self.entry(100 + number, "TABLE", table.name, create, schema=table.schema)
            )
            into = f"COPY {name} ({table.names}) FROM stdin;\n" if copy else None
            state = 3 if table.data is None else 1
            entries.append(
                self.entry(number, "TABLE DATA", table.name, "", into, table.schema, state)
            )
        return self.head + self.integer(len(entries)) + b"".join(entries)

    def of(self, tables: Sequence[Table], encoding: str = "UTF8", copy: bool = True) -> bytes:
        """The whole archive, with a large object between the tables' data."""
        blocks = [
            self.block(number, table.data)
            for number, table in enumerate(tables, 10)
            if table.data is not None
        ]
        return b"".join([self.contents(tables, encoding, copy), self.blobs(3), *blocks])

    def files(self, tables: Sequence[Table], copy: bool = True) -> dict[str, bytes]:
        """The files of a directory, by name, with a large object."""
        packed = gzip.compress if self.compression == GZIP else PACK[self.compression]
        found = {"toc.dat": self.contents(tables, copy=copy), "blobs.toc": b"9999 blob_9999.dat\n"}
        found[f"blob_9999.dat{ENDINGS[self.compression]}"] = packed(b"abc")
        for number, table in enumerate(tables, 10):
            if table.data is not None:
                found[f"{number}.dat{ENDINGS[self.compression]}"] = packed(table.data)
        return found


def folder_of(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with *files*."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def tar_of(files: dict[str, bytes]) -> bytes:
    """A tar file with *files*, in their order."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return whole.getvalue()
