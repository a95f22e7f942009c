"""Writes small archives as pg_dump -Fc does, of any version, for tests."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass


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
        return b"".join(parts) + bytes([state]) + bytes(8)

    def block(self, number: int, data: bytes, piece: int = 7) -> bytes:
        stored = zlib.compress(data) if self.compression else data
        pieces = [stored[i : i + piece] for i in range(0, len(stored), piece)]
        body = b"".join(self.integer(len(p)) + p for p in pieces)
        return b"\x01" + self.integer(number) + body + self.integer(0)

    def blobs(self, number: int) -> bytes:
        piece = self.integer(3) + b"abc" + self.integer(0)
        return b"\x03" + self.integer(number) + self.integer(9999) + piece + self.integer(0)

    def of(self, tables: Sequence[Table], encoding: str = "UTF8", copy: bool = True) -> bytes:
        """The whole archive, with a large object between the tables' data."""
        entries = [self.entry(1, "ENCODING", "ENCODING", f"SET client_encoding = '{encoding}';\n")]
        entries += [
            self.entry(2, "STDSTRINGS", "STDSTRINGS", "SET standard_conforming_strings = 'on';\n")
        ]
        blocks = [self.blobs(3)]
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
            if table.data is not None:
                blocks.append(self.block(number, table.data))
        return self.head + self.integer(len(entries)) + b"".join(entries) + b"".join(blocks)
