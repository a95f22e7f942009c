"""What is fuzzed: one target a reader, each a function that takes any bytes.

A target gives its bytes to the reader as a hospital's file would come, and lets through only what a
caller is told to expect: pacslift's own errors. A crash, a hang, memory without bound, a lost file
descriptor, or rows that the count does not have, is a fault.

The first byte of every dump says how it is read (see `Reading`); the rest is put behind the
beginning by which the format is recognised, so that the search is not spent on finding that. Where
a reader takes two files they stand behind each other, with SEAM between.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from pacslift.errors import PacsliftError, SetAsideError, TryAgainError
from pacslift.extract.charsets import decoded
from pacslift.extract.describe import describe_delimited
from pacslift.extract.mojibake import best_codecs, controls_as_cp1252, is_plausible, utf8_once
from pacslift.extract.sniff import open_dump
from pacslift.extract.suspects import accident, undone
from pacslift.extract.terms import Charsets, Recoding, Terms
from pacslift.extract.truncation import Truncation
from pacslift.inventory import tars
from pacslift.inventory.blobs import decode_blob
from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.header import Encoding, walk
from pacslift.inventory.stored import open_stored
from pacslift.plan.contexts import number
from pacslift.plan.mapping import COLUMNS, read_mapping
from pacslift.repair.jsonmodel import JSONModelError
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.provenance import Provenance
from pacslift.send.machine import Machine
from pacslift.send.negotiation import Proposal

SEAM = b"\n#=#\n"
PAIR = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
OWN_FILES = Path("/proc/self/fd")
MEMORY = Path("/dev/shm")  # noqa: S108 - files of a moment, in a folder of our own

# Where readers take in their dump in pieces: large ones, or so small that every seam is met.
SMALL = {"PIECE": 48, "_PIECE": 48, "_STRETCH": 48, "_STEP": 48, "_LOOK": 64}
PIECES = {
    (module, name): size
    for where, module in sorted(sys.modules.items())
    for name, size in SMALL.items()
    if where.startswith("pacslift.extract.") and isinstance(getattr(module, name, None), int)
}
AS_SHIPPED = {place: getattr(*place) for place in PIECES}

CHARSETS: tuple[Mapping[str, str], ...] = (
    {},
    {"*": "cp1252"},
    {"*": "shift_jis"},
    {"t.b": "latin-1"},
)
CODECS = ("utf-8", "cp1252", "latin-1", "shift_jis", "gb18030", "euc_jp", "cp850", "utf-16-le")

MYSQL_HEAD = (
    b"-- MySQL dump 10.13  Distrib 5.7.40, for Linux (x86_64)\n-- Server version\t5.7.40\n\n"
    b"/*!40101 SET NAMES utf8 */;\n"
)
MYSQL_TAIL = b"\n-- Dump completed on 2026-01-01  0:00:00\n"
MYSQL_TABLE = b"CREATE TABLE `t` (\n `a` int,\n `b` text,\n `c` blob\n) DEFAULT CHARSET=utf8;\n"
POSTGRES_HEAD = (
    b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.20\n\n"
    b"SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n"
)
POSTGRES_TAIL = b"\n--\n-- PostgreSQL database dump complete\n--\n\n"
POSTGRES_COPY = b"CREATE TABLE t (a int, b text, c bytea);\n\nCOPY t (a, b, c) FROM stdin;\n"
TSQL_HEAD = (
    b"USE [pacs]\r\nGO\r\nCREATE TABLE [dbo].[t](\r\n\t[a] [int] NOT NULL,\r\n\t[b] [nvarchar](255)"
    b" NULL,\r\n\t[c] [image] NULL\r\n) ON [PRIMARY]\r\nGO\r\n"
)
ORACLE_HEAD = (
    b'  CREATE TABLE "PACS"."T"\n   (\t"A" NUMBER(38,0), \n\t"B" VARCHAR2(255 BYTE), \n\t"C" BLOB\n'
    b"   ) ;\nREM INSERTING into PACS.T\nSET DEFINE OFF;\n"
)
HSQLDB_HEAD = (
    b"CREATE SCHEMA PUBLIC AUTHORIZATION DBA\nCREATE MEMORY TABLE T(A BIGINT,B VARCHAR(256),"
    b"C VARBINARY)\nSET WRITE_DELAY 10\nSET SCHEMA PUBLIC\n"
)
SQLITE_HEAD = b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a, b TEXT, c BLOB);\n"
INDEX_HEAD = b"QRDB05" + bytes(88 * 500)  # without studies; DCMTK 3.6.1 and later, 64 bits


class Reading:
    """How a dump is read, by one byte: bit 0 accepts an early end, bit 1 makes the dump end as the
    product would have it, bits 2 and 3 choose a line of [charset], bit 4 takes small pieces."""

    def __init__(self, choice: int) -> None:
        self.terms = Terms(
            Charsets.of(CHARSETS[choice >> 2 & 3]), Truncation(accepted=bool(choice & 1))
        )
        self.whole = bool(choice & 2)
        self.pieces = PIECES if choice & 16 else AS_SHIPPED


def scratch() -> Path:
    """A folder of this process, in memory where there is such a thing."""
    base = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    folder = base / f"pacslift-fuzz-{os.getpid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def emptied() -> Path:
    """The scratch folder, with nothing in it."""
    folder = scratch()
    for path in folder.iterdir():
        path.unlink()
    return folder


def left_open() -> list[str]:
    """The files of the scratch folder that this process has open; none where nothing tells."""
    if not OWN_FILES.is_dir():
        return []
    links = (os.readlink(link) for link in OWN_FILES.iterdir() if os.path.lexists(link))  # noqa: PTH115
    return [link for link in links if link.startswith(str(scratch()))]


def read(path: Path, reading: Reading) -> None:
    """Read all that the dump at *path* has; it is counted as it is read."""
    for (module, name), size in reading.pieces.items():
        setattr(module, name, size)
    open_files = left_open()
    try:
        read_all(path, reading.terms)
    except PacsliftError:
        pass
    finally:
        for (module, name), size in AS_SHIPPED.items():
            setattr(module, name, size)
    assert left_open() == open_files, "a file was left open"


def read_all(path: Path, terms: Terms) -> None:
    reader = open_dump(path, scratch(), terms)
    try:
        wanted = {shape.name: [c.name for c in shape.columns] for shape in reader.shapes()}
        counted = sum(reader.row_counts().values())
        rows = sum(batch.frame.height for batch in reader.batches(wanted))
        assert rows == counted, f"{counted} rows were counted and {rows} read"
    finally:
        reader.close()


def script(head: bytes, tail: bytes = b"") -> Callable[[bytes], None]:
    """A target that reads its bytes between *head* and *tail*."""

    def target(data: bytes) -> None:
        reading, body = Reading(data[0] if data else 0), data[1:]
        path = emptied() / "dump"
        path.write_bytes(head + body + (tail if reading.whole else b""))
        read(path, reading)

    return target


def pair(first: str, second: str, head: bytes = b"", *, folder: bool = False):
    """A target that reads two files, the first of them behind *head*."""

    def target(data: bytes) -> None:
        reading, (one, _, two) = Reading(data[0] if data else 0), data[1:].partition(SEAM)
        place = emptied()
        (place / first).write_bytes(head + one)
        (place / second).write_bytes(two)
        read(place if folder else place / first, reading)

    return target


def mysql_tab(data: bytes) -> None:
    """A description and its rows, as mysqldump --tab writes them."""
    reading, (one, _, two) = Reading(data[0] if data else 0), data[1:].partition(SEAM)
    place = emptied()
    (place / "t.sql").write_bytes(MYSQL_HEAD + MYSQL_TABLE + one + MYSQL_TAIL)
    (place / "t.txt").write_bytes(two)
    read(place, reading)


def charset_guess(data: bytes) -> None:
    """Bytes as texts, each lost, mended and judged."""
    values = data.split(b"\n")[:20]
    fit = best_codecs(values)
    assert fit.plausible <= fit.of == len(values)
    for value in values:
        for codec in CODECS:
            text, _ = decoded(value, codec)
            accident(text)
            is_plausible(text)
            utf8_once(text)
            controls_as_cp1252(text)
            for recoding in Recoding:
                undone(text, recoding)


def draft_manifest(data: bytes) -> None:
    """Delimited text whose manifest is drafted from what it looks like."""
    path = emptied() / "t.txt"
    path.write_bytes(data)
    with suppress(PacsliftError):
        describe_delimited(path)


def header_walk(data: bytes) -> None:
    """A data set in each encoding. Nothing raises; what is found lies inside and in order."""
    for encoding in Encoding:
        header = walk(MemoryBytes(data), 0, len(data), encoding)
        assert header.start <= header.stop <= len(data)
        for element in header.elements():
            assert 0 <= element.start < element.value <= element.end <= len(data)


def stored_object(data: bytes) -> None:
    """A file of the storage, as far as it is made fit to be sent."""
    path = emptied() / "object"
    path.write_bytes(data[1:])
    container = (None, "part10", "bare", "orthanc-zlib")[data[0] & 3 if data else 0]
    open_files = left_open()
    try:
        with prepare(open_stored(os.open(path, os.O_RDONLY), container)) as outgoing:
            assert outgoing.length % 2 == 0
            outgoing.digest()
    except SetAsideError:
        pass
    assert left_open() == open_files, "a file was left open"


SAID = Provenance("pacslift fuzz", "20261122120000+0000", "OLD@SITE", "0.1.0")
ANY = {"SOPClassUID": PAIR[0], "planar": 1, "tag": "00091010", "creators": {"0009": "A"},
       "charset": "ISO_IR 192"}  # fmt: skip
ALL_RULES = RuleSettings(
    on=frozenset(rule.id for rule in RULES),
    parameters={
        "E20": {"pixel_bytes": 2},
        "I11": {"issuer": "SITE"},
        "T01": {"charset": "ISO_IR 100"},
        **{rule: {"devices": [ANY]} for rule in ("E23", "P14", "S20", "S21", "T02")},
    },
)
AS_SHIPPED_RULES = RuleSettings()
NAMES = ("Doe^Jane", "M\xfcller^J\xfcrgen", "\u5c71\u7530^\u592a\u90ce")


def overlay_of(name: str) -> dict[str, dict[str, object]]:
    """An overlay as dcm4chee's blobs give it: names, an empty value, an item, an old identity."""
    item = {"00400031": {"vr": "UT", "Value": [name]}}
    return {
        "00080020": {"vr": "DA", "Value": ["20010203"]},
        "00080051": {"vr": "SQ", "Value": [item, {}]},
        "00081030": {"vr": "LO", "Value": ["\xdf", None, "x"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]},
        "00100020": {"vr": "LO", "Value": ["4711"], "rule": "MAP"},
        "00100030": {"vr": "DA"},
        "00101030": {"vr": "DS", "Value": ["1.50"]},
    }


ORDERED = [
    Orders(
        compile_overlay(overlay_of(name)),
        rules,
        SAID,
        {
            "patient_name": name,
            "texts": {0x00081030: "Stra\xdfe", 0x00080090: name},
            "modality": "CT",
            "pixels": True,
            "study_instance_uid": "1.2.3",
            "sop_class_uid": PAIR[0],
            "sop_instance_uid": "1.2.3.4",
            "study_patients": 2,
            "study_patient_id": name,
        },
    )
    for rules in (AS_SHIPPED_RULES, ALL_RULES)
    for name in NAMES
]
OUR_FAULT = "a fault of pacslift"


def prepared(data: bytes) -> None:
    """The same with an overlay, facts and provenance, by the usual rules or by all of them."""
    path = emptied() / "object"
    path.write_bytes(data[1:])
    choice = data[0] if data else 0
    container = (None, "part10", "bare", "orthanc-zlib")[choice & 3]
    orders = ORDERED[(choice >> 2) % len(ORDERED)]
    open_files = left_open()
    try:
        with prepare(open_stored(os.open(path, os.O_RDONLY), container), orders) as outgoing:
            assert outgoing.length % 2 == 0
            outgoing.digest()
    except SetAsideError as error:
        if OUR_FAULT in error.detail:
            raise AssertionError(error.detail) from error
    assert left_open() == open_files, "a file was left open"


def json_blob(data: bytes) -> None:
    """Attributes of an old database: JSON whatever the bytes, and an overlay or a named tag."""
    said = decode_blob(data[1:], private_creators=frozenset({b"ACME"}))
    assert said == decode_blob(data[1:], private_creators=frozenset({b"ACME"}))
    model = json.loads(said.text)
    assert b"\xef\xbf\xbd" not in said.text.encode(), "what cannot be read is not said"
    with suppress(JSONModelError):
        compile_overlay(model)


def mapping_csv(data: bytes) -> None:
    """A table that a person filled in, of the kind that the first byte names."""
    path = emptied() / "table.csv"
    path.write_bytes(data[1:])
    kind = sorted(COLUMNS)[(data[0] if data else 0) % len(COLUMNS)]
    with suppress(PacsliftError):
        reviewed = read_mapping({kind: [path]})
        assert all(line.number > 1 for line in reviewed.lines)


def tar_file(data: bytes) -> None:
    """A TAR file; every entry that it names is read or refused."""
    path = emptied() / "study.tar"
    path.write_bytes(data)
    open_files = left_open()
    fd = os.open(path, os.O_RDONLY)
    try:
        for name in sorted(tars.names_in(fd)):
            with suppress(SetAsideError):
                entry = tars.entry_of(fd, name)
                assert 0 <= entry.offset <= entry.offset + entry.size <= len(data)
                prepare(open_stored(os.dup(fd), tars.CONTAINER, name)).close()
    except SetAsideError:
        pass
    finally:
        os.close(fd)
    assert left_open() == open_files, "a file was left open"


def association(data: bytes) -> None:
    """What a target says on an association; the first byte says in which state and pieces."""
    choice, data = data[0] if data else 0, data[1:]
    machine = Machine(Proposal("ARCHIVE", "PACSLIFT", number([PAIR]), 1))
    machine.associate()
    if choice & 1:
        machine.feed(ACCEPTED)
        assert machine.next_event() is not None
        if choice & 2:
            machine.store(PAIR, "1.2.3", 2)
    step = choice >> 2 or len(data) or 1
    for start in range(0, len(data), step):
        machine.feed(data[start : start + step])
        try:
            while machine.next_event() is not None:
                pass
        except TryAgainError:
            break
        finally:
            machine.owed()


# An A-ASSOCIATE-AC for context 1 in Explicit VR Little Endian, PS3.8 9.3.3.
def _item(kind: int, body: bytes) -> bytes:
    return bytes([kind, 0]) + len(body).to_bytes(2, "big") + body


_CONTEXT = _item(0x21, b"\x01\0\0\0" + _item(0x40, PAIR[1].encode()))
_USER = _item(0x50, _item(0x51, (16384).to_bytes(4, "big")))
_BODY = b"\0\1\0\0" + b" " * 32 + bytes(32) + _item(0x10, b"1.2.840.10008.3.1.1.1")
_BODY += _CONTEXT + _USER
ACCEPTED = b"\x02\0" + len(_BODY).to_bytes(4, "big") + _BODY

TARGETS: dict[str, Callable[[bytes], None]] = {
    "mysqldump": script(MYSQL_HEAD, MYSQL_TAIL),
    "insert_rows": script(MYSQL_HEAD + MYSQL_TABLE + b"INSERT INTO `t` VALUES ", b";" + MYSQL_TAIL),
    "pg_plain": script(POSTGRES_HEAD, POSTGRES_TAIL),
    "copy_rows": script(POSTGRES_HEAD + POSTGRES_COPY, b"\\.\n\n" + POSTGRES_TAIL),
    "pg_custom": script(b"PGDMP"),
    "sqlite_dump": script(SQLITE_HEAD, b"COMMIT;\n"),
    "sqlite_file": script(b"SQLite format 3\0"),
    "tsql": script(TSQL_HEAD, b"\r\nGO\r\n"),
    "oracle": script(ORACLE_HEAD, b"\ncommit;\n"),
    "hsqldb": script(HSQLDB_HEAD, b"\n"),
    "dbf": pair("t.dbf", "t.dbt"),
    "dbf_memo": pair("t.dbf", "t.fpt"),
    "index_dat": script(INDEX_HEAD),
    "delimited": pair("tables.toml", "t.txt", b"delimited = 1\n\n[table.t]\n"),
    "mysql_tab": mysql_tab,
    "any_dump": script(b""),
    "charset_guess": charset_guess,
    "draft_manifest": draft_manifest,
    "header_walk": header_walk,
    "stored_object": stored_object,
    "prepared": prepared,
    "json_blob": json_blob,
    "mapping_csv": mapping_csv,
    "tar_file": tar_file,
    "association": association,
}
