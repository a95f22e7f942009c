"""One dump of every format, and every way to pack it."""

import bz2
import gzip
import io
import lzma
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import zstandard
from test_dbf import dbf
from test_dcmqrscp import image
from test_foxpro import fpt
from test_foxpro import table as foxpro
from test_hsqldb import script as hsqldb
from test_oracle import script as oracle
from test_tsql import HEAD, INSERT, TAIL

from indexdat import Abi
from pgarchive import Archive, Table
from smalldumps import mysqldump, pg_dump

COUNT = 300
TEXTS = [f"value {i * i} é'" for i in range(COUNT)]


def mysql() -> bytes:
    """Two tables, so that a reader has to go on behind the first."""
    values = ",".join(f"({i},'{t.replace(chr(39), chr(39) * 2)}')" for i, t in enumerate(TEXTS))
    tables = [f"CREATE TABLE `{n}` (\n `i` int,\n `s` text\n);\n" for n in "ab"]
    inserts = [f"INSERT INTO `{n}` VALUES {values};\n" for n in "ab"]
    return mysqldump(tables[0], inserts[0], tables[1], inserts[1])


def lines() -> str:
    return "".join(f"{i}\t{text}\n" for i, text in enumerate(TEXTS))


def postgres() -> bytes:
    create = "CREATE TABLE {0} (i int, s text);\n\nCOPY {0} (i, s) FROM stdin;\n"
    return pg_dump(*(create.format(n) + lines() + "\\.\n\n\n" for n in "ab"))


def custom() -> bytes:
    data = lines().encode() + b"\\.\n\n\n"
    tables = [Table(n, "i int, s text", "i, s", data) for n in "ab"]
    return Archive().of(tables)


def sqlite(*, dump: bool = False, wal: bool = False) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (i, s TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", enumerate(TEXTS))
        database.commit()
        if dump:
            return "\n".join(database.iterdump()).encode() + b"\n"
        content = bytearray(database.serialize())
        content[18:20] = b"\2\2" if wal else b"\1\1"
        return bytes(content)


def tsql(encoding: str) -> bytes:
    rows = "".join(
        INSERT + f"({i}, N'{t.replace(chr(39), chr(39) * 2)}', 0x00, NULL)\n"
        for i, t in enumerate(TEXTS)
    )
    return (HEAD + rows + "GO\n" + TAIL).encode(encoding)


def index() -> bytes:
    abi = Abi()
    return abi.file([], [image(abi, f"/pacs/{i}.dcm") for i in range(40)])


FILES: Mapping[str, Callable[[], bytes]] = {
    "mysqldump": mysql,
    "pg_dump plain": postgres,
    "pg_dump custom": custom,
    "SQLite": sqlite,
    "SQLite in WAL mode": lambda: sqlite(wal=True),
    "SQLite .dump": lambda: sqlite(dump=True),
    "T-SQL script": lambda: tsql("utf-8"),
    "T-SQL script in UTF-16": lambda: tsql("utf-16"),
    "Oracle script": lambda: oracle(
        [(i, text, b"\0", None, "plain") for i, text in enumerate(TEXTS)]
    ).encode(),
    "HSQLDB script": lambda: hsqldb([(i, t, b"\0", True) for i, t in enumerate(TEXTS)]),
    "DBF set": lambda: dbf(
        records=[(b"* "[i % 2 : i % 2 + 1], b"%-6d" % i, b"%5d" % i, b"T") for i in range(COUNT)]
    ),
    "dcmqrscp index.dat": index,
}

MANIFEST = (
    'delimited = 1\n[table.t]\nfiles = ["t.txt"]\ndialect = "csv"\ncharset = "utf-8"\n'
    'columns = [["a", "text"], ["b", "text"]]\n'
)
SETS: Mapping[str, Mapping[str, bytes]] = {
    "DBF set": {
        "T.DBF": foxpro([("A", "M", 4, 0, 0)], [struct.pack("<i", 8), b"\0" * 4]),
        "T.FPT": fpt(b"Befund " * 50),
        "U.DBF": dbf(),
    },
    "mysqldump --tab": {
        "t.sql": mysqldump(
            "CREATE TABLE `t` (\n `a` int,\n `b` text\n) DEFAULT CHARSET=utf8mb4;\n"
        ),
        "t.txt": lines().encode(),
    },
    "delimited text": {
        "tables.toml": MANIFEST.encode(),
        "t.txt": "".join(f'{i},"{text}"\n' for i, text in enumerate(TEXTS)).encode(),
    },
}


def zstd(content: bytes) -> bytes:
    """With a checksum, as the zstd program writes it."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return archive({"dump": content}, method)


def archive(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return out.getvalue()


def tarred(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as target:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return out.getvalue()


STREAMS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}
PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    **STREAMS,
    "zip": zipped,
    "zip, stored": lambda content: zipped(content, zipfile.ZIP_STORED),
    "zip, bzip2": lambda content: zipped(content, zipfile.ZIP_BZIP2),
    "tar": lambda content: tarred({"dump": content}),
    "tar.gz": lambda content: tarred({"dump": content}, "w:gz"),
    "gzip in zip": lambda content: archive({"dump.gz": gzip.compress(content)}),
}


def split(folder: Path, content: bytes, name: str = "dump", marks: str = "") -> Path:
    """*content* in five parts; gives the first."""
    size = -(-len(content) // 5)
    suffixes = marks.split() or ["aa", "ab", "ac", "ad", "ae"]
    for i, suffix in enumerate(suffixes):
        (folder / f"{name}.{suffix}").write_bytes(content[i * size : (i + 1) * size])
    return folder / f"{name}.{suffixes[0]}"
