"""Rows as text: tab separated for LOAD DATA and COPY, and a dump as mariadb-dump writes it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from orthancrows import Table, Value

STATEMENT_BYTES = 1 << 20  # mariadb-dump's --net-buffer-length
PIECE = 4 << 20

_MYSQL_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "\n": r"\n"})
_BYTE_ESCAPES = ((b"\\", rb"\\"), (b"\0", rb"\0"), (b"\n", rb"\n"), (b"\r", rb"\r"),
                 (b"'", rb"\'"), (b'"', rb"\""), (b"\x1a", rb"\Z"))  # fmt: skip


def write_fields(path: Path, table: Table, blocks: int) -> int:
    r"""Write the table's rows with tabs between fields; blobs are \x and hexadecimal digits."""
    lines = ("\t".join(map(_field, row)) + "\n" for b in range(blocks) for row in table.rows(b))
    count = 0
    with path.open("w", encoding="utf-8", buffering=PIECE) as out:
        while some := list(islice(lines, 10_000)):
            out.writelines(some)
            count += len(some)
    return count


def _field(value: Value) -> str:
    if isinstance(value, str):
        return value.replace("\\", "\\\\")
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    return r"\N" if value is None else str(value)


def write_mysqldump(path: Path, tables: Sequence[Table], blocks: int) -> int:
    """Write a dump of *tables* without a server, as mariadb-dump would. Gives its rows."""
    count = 0
    with path.open("wb", buffering=PIECE) as out:
        out.write(b"-- MariaDB dump 10.19  Distrib 10.11.14-MariaDB, for debian-linux-gnu\n--\n")
        out.write(b"-- Server version\t10.11.14-MariaDB\n\n/*!40101 SET NAMES utf8mb4 */;\n\n")
        for table in tables:
            out.write(_create(table).encode())
            header = f"INSERT INTO `{table.name}` VALUES\n".encode()
            for values, rows in _statements(table, blocks):
                out.write(header + values + b";\n")
                count += rows
        out.write(b"\n-- Dump completed on 2026-11-20 12:00:00\n")
    return count


def _create(table: Table) -> str:
    columns = table.columns.format(tag="VARCHAR(255)", text="LONGTEXT", blob="LONGBLOB")
    return f"CREATE TABLE `{table.name}` ({columns}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"


def _statements(table: Table, blocks: int) -> Iterator[tuple[bytes, int]]:
    """The VALUES of extended INSERT statements, and how many rows they are."""
    waiting: list[bytes] = []
    size = 0
    for row in (row for block in range(blocks) for row in table.rows(block)):
        waiting.append(b"(" + b",".join(map(_literal, row)) + b")")
        size += len(waiting[-1])
        if size >= STATEMENT_BYTES:
            yield b",\n".join(waiting), len(waiting)
            waiting, size = [], 0
    if waiting:
        yield b",\n".join(waiting), len(waiting)


def _literal(value: Value) -> bytes:
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, str):
        return b"'" + value.translate(_MYSQL_ESCAPES).encode() + b"'"
    if value is None:
        return b"NULL"
    for plain, escaped in _BYTE_ESCAPES:
        value = value.replace(plain, escaped)
    return b"_binary '" + value + b"'"
