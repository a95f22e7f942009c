"""Where the search begins: small right inputs of each target."""

import io
import os
import sqlite3
import struct
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from fuzz.targets import MYSQL_HEAD, PAIR, POSTGRES_HEAD, SEAM

TESTS = Path(__file__).parents[1]
FIXTURES = TESTS.parent / "fixtures"
sys.path += [str(TESTS), str(TESTS / "extract" / "dbase"), str(FIXTURES)]

from pydicom.data import get_testdata_file  # noqa: E402
from test_dbf import dbf  # noqa: E402
from test_foxpro import dbt3, dbt4, fpt, table  # noqa: E402

import storedobjects as so  # noqa: E402
from indexdat import Abi  # noqa: E402 - the builders of the tests lie beside them
from pgarchive import Archive, Table  # noqa: E402
from scripted import data_pdu, store_response  # noqa: E402

WHOLE, SMALL, CUT = 2, 16 | 2, 1
LONGEST = 6_000  # bytes of one seed; a fixture that is longer is none

INTO = b"INSERT INTO "  # apart, so that no linter takes a seed for a query put together
SCRIPTS = {
    "insert_rows": [
        b"(1,'a\\'b',NULL),(2,'\\\\',0x41FF),(3,_binary 'x\\0y','')",
        b"(1,'),(',NULL);\n" + INTO + b"`t` VALUES (2,'\xc3\xbc',X'41')",
    ],
    "copy_rows": [b"1\ta\\tb\\\\\t\\\\x41ff\n2\t\\N\t\n", b"3\t\xc3\xbc\t\\\\000\n"],
    "sqlite_dump": [
        INTO + b"t VALUES(1,'a''b',X'41ff');\n",
        INTO + b"t VALUES(NULL,replace('a\\nb','\\n',char(10)),-1.5e+10);\n",
        INTO + b"\"t\" VALUES('x;',unistr('\\u000a'),NULL);\nCREATE INDEX i ON t(a);\n",
    ],
    "tsql": [
        b"INSERT [dbo].[t] ([a], [b], [c]) VALUES (1, N'a''b', 0x41FF)\r\nGO\r\n",
        b"INSERT [dbo].[t] ([a], [b]) VALUES (CAST(2 AS Numeric(19, 0)), NULL)\r\n",
        b"INSERT [dbo].[t] VALUES (1, N'x\r\nGO\r\ny', 0x), (2, '', NULL)\r\nGO\r\n",
    ],
    "oracle": [
        b"Insert into PACS.T (A,B,C) values (1,'a''b',HEXTORAW('41FF'));\n",
        b"Insert into PACS.T (A,B,C) values (2,q'[x]y]',null);\n",
        b"Insert into PACS.T (A,B) values ('3','x'||chr(10));\n",
        b"Insert into PACS.T (B) values (to_timestamp('07-06-17','DD-MM-RR HH24:MI:SSXFF'));\n",
    ],
    "hsqldb": [
        INTO + b"T VALUES(1,'a''b','41ff')\n" + INTO + b"T VALUES(2,NULL,X'00')\n",
        INTO + b"T VALUES(-3,'\\u00fc\\u000a',NULL)\nSET WRITE_DELAY 10 MILLIS\n",
    ],
    "mysqldump": [
        b"CREATE TABLE `o;k` (\n `a` int COMMENT ');',\n KEY `k` (`a`)\n) CHARSET=latin1;\n",
        b"CREATE TABLE `u` (\n `a` int\n);\nINSERT  IGNORE INTO `u` (`a`) VALUES (1),(-2.5e1);\n",
        b"/*!50003 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET a=1; END */;\n",
        b"DELIMITER ;;\nCREATE PROCEDURE p() SELECT 1 ;;\nDELIMITER ;\n",
    ],
    "pg_plain": [
        b"CREATE TABLE public.\"T t\" (a bigint DEFAULT 'x;'::text NOT NULL);\n",
        b"CREATE TABLE t (a text);\n" + INTO + b"t (a) VALUES (E'\\\\x'), ('y');\n",
        b"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $_$ SELECT ';' $_$;\n",
        b"CREATE TABLE a (b text);\nCOPY a (b) FROM stdin;\nx\n\\.\n",
    ],
}


def seeds_of(target: str) -> Iterator[bytes]:
    """The seeds of *target*, with the byte in front that says how they are read."""
    for body in SCRIPTS.get(target, ()):
        for choice in (WHOLE, SMALL, CUT):
            yield bytes([choice]) + body
    yield from globals().get(f"{target}_seeds", list)()


def pg_custom_seeds() -> Iterator[bytes]:
    tables = [
        Table("t", "a int, b text", "a, b", b"1\tx\n2\t\\N\n\\.\n\n\n"),
        Table("u", "c int", "c", None),
    ]
    for version, compression in (((1, 12), 1), ((1, 14), 0), ((1, 16), 1)):
        whole = Archive(version, compression).of(tables)
        yield bytes([0]) + whole.removeprefix(b"PGDMP")


def sqlite_file_seeds() -> Iterator[bytes]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(
            "PRAGMA page_size=512; CREATE TABLE t(a, b TEXT, c BLOB); "
            "INSERT INTO t VALUES(1, 'x', x'41'), (NULL, 'ü', NULL), (2.5, 3, 4)"
        )
        yield bytes([0]) + made.serialize().removeprefix(b"SQLite format 3\0")


def dbf_seeds() -> Iterator[bytes]:
    fields = [("A", "M", 10, 0)]
    yield b"\0" + dbf() + SEAM
    yield b"\x10" + dbf(fields, [(b" ", b"         1")], version=0x83) + SEAM + dbt3(b"text")
    yield b"\0" + dbf(fields, [(b" ", b"0000000001")], version=0x8B) + SEAM + dbt4(b"text")


def dbf_memo_seeds() -> Iterator[bytes]:
    fields = [("A", "M", 4, 0, 0), ("I", "I", 4, 0, 0), ("V", "V", 9, 0, 2)]
    rows = [struct.pack("<ii", 8, -5) + b"ab      \x02\0", struct.pack("<ii", 0, 1) + bytes(10)]
    yield b"\0" + table(fields, rows, nullflags=1) + SEAM + fpt(b"a memo")
    yield b"\x11" + table([("D", "T", 8, 0, 0), ("B", "B", 8, 2, 0)], [bytes(16)]) + SEAM


def index_dat_seeds() -> Iterator[bytes]:
    values = {"PatientID": b"P1", "StudyInstanceUID": b"1.2", "SOPInstanceUID": b"1.2.3"}
    yield b"\0" + Abi().image("a.dcm", PAIR[0], 1.0, 100, values)


def delimited_seeds() -> Iterator[bytes]:
    said = b'files = ["t.txt"]\ndialect = "%s"\ncharset = "utf-8"\n'
    said += b'columns = [["a", "text"], ["b", "blob"]]\n'
    for dialect, rows in (
        (b"bcp", b"1\tx\n2\t\n"),
        (b"informix", b"a\\|b|41ff|\n|\\ |\n"),
        (b"db2", b'1,41ff\n,""\n'),
        (b"sqlplus", b'\n"A","B"\n1,""\n\n1 row selected.\n'),
        (b"csv", b'"x\n""y",41\r\n2,\r\n'),
    ):
        for choice in (b"\0", b"\x10"):
            yield choice + said % dialect + SEAM + rows


def mysql_tab_seeds() -> Iterator[bytes]:
    yield b"\0" + SEAM + b"1\ta\\\nb\tx\\0\n2\t\\\\\t\\N\n"
    yield b"\x10" + SEAM + b"1\ta\\tb\t\xff\n"


def any_dump_seeds() -> Iterator[bytes]:
    yield b"\0" + MYSQL_HEAD
    yield b"\0" + POSTGRES_HEAD
    for path in sorted(FIXTURES.glob("*/*/*.sql")):
        if path.stat().st_size <= LONGEST:
            yield b"\0" + path.read_bytes()


def charset_guess_seeds() -> Iterator[bytes]:
    for codec in ("utf-8", "latin-1", "cp850"):
        yield "Müller^Jörg\nGroß, Renée".encode(codec)
    yield "山田^太郎".encode("shift_jis") + b"\n" + "Иванов".encode("cp1251")
    yield "MÃ¼ller".encode()
    yield b"\\xfc\\xe4"


def draft_manifest_seeds() -> Iterator[bytes]:
    for seed in delimited_seeds():
        yield seed.partition(SEAM)[2]


def header_walk_seeds() -> Iterator[bytes]:
    for encoding in so.SYNTAX:
        yield so.image(encoding)
    yield so.identified() + so.fragments(b"\xff\xd8", b"ab")
    yield so.opened(0x00081115, "SQ") + so.item_until_delimiter(so.identified()) + so.DELIMITER


def stored_object_seeds() -> Iterator[bytes]:
    for encoding, syntax in so.SYNTAX.items():
        yield b"\0" + so.part10(so.image(encoding), syntax)
        yield b"\2" + so.image(encoding)
    yield b"\0" + so.part10(so.identified() + so.fragments(b"\xff\xd8", b"ab"), so.JPEG)
    for name in ("image_dfl.dcm", "rtplan.dcm", "nested_priv_SQ.dcm", "no_meta.dcm"):
        path = get_testdata_file(name)
        if path and os.path.getsize(path) <= LONGEST:  # noqa: PTH202 - pydicom gives a text
            yield b"\0" + Path(path).read_bytes()


def prepared_seeds() -> Iterator[bytes]:
    for number, seed in enumerate(stored_object_seeds()):
        yield bytes([seed[0] | number % 6 << 2]) + seed[1:]
    texts = [
        so.element(0x00080016, "UI", so.uid(so.CT)),
        so.element(0x00080018, "UI", so.uid(so.INSTANCE)),
        so.opened(0x00081140, "SQ") + so.item_until_delimiter(so.identified()) + so.DELIMITER,
        so.element(0x00100010, "PN", "Müller^Jürgen".encode()),
    ]
    for choice in (0 << 2, 4 << 2, 5 << 2):
        yield bytes([choice]) + so.part10(b"".join(texts))


def json_blob_seeds() -> Iterator[bytes]:
    for encoding, syntax in so.SYNTAX.items():
        yield b"\0" + so.meta(syntax) + so.identified(encoding)
    items = so.item_until_delimiter(so.identified()) + so.DELIMITER
    yield b"\0" + so.element(0x00080008, "CS", b"A\\B") + so.opened(0x00081115, "SQ") + items
    yield b"\0" + so.element(0x00200013, "IS", b"1 ") + so.element(0x00080070, "FD", bytes(8))
    yield b"\0" + so.element(0x00090010, "LO", b"ACME") + so.element(0x00091001, "UN", b"12")


def mapping_csv_seeds() -> Iterator[bytes]:
    yield b"\0accession_number,new_accession_number\nA1,B1\n"
    yield b"\1what;value;reason\npatient_id;1;test\nsop_instance_uid;1.2;x\n"
    head = b"patient_id,issuer_of_patient_id,new_patient_id,new_patient_name,note\n"
    yield b"\2" + head + b'1,,2,"A^B=C",\n"2",X,,"",n\n'
    yield b"\2\xef\xbb\xbfpatient_id,new_patient_birth_date,new_patient_sex\r\n1,20010203,F\r\n"


def tar_file_seeds() -> Iterator[bytes]:
    listed = b"0123456789abcdef0123456789abcdef  a/1\n"
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=form) as tar:
            for name, body in (("MD5SUM", listed), ("a/1", so.image()), ("b" * 150, b"x")):
                if form != tarfile.USTAR_FORMAT or len(name) < 100:
                    info = tarfile.TarInfo(name)
                    info.size = len(body)
                    tar.addfile(info, io.BytesIO(body))
        yield made.getvalue().rstrip(b"\0") + bytes(1024)


def association_seeds() -> Iterator[bytes]:
    answer = data_pdu(
        1, store_response(1, 0xB000, ErrorComment="odd", OffendingElement=[0x00100010])
    )
    yield b"\x03" + answer
    yield b"\x0f" + answer
    yield b"\x01" + bytes.fromhex("05000000000400000000")  # A-RELEASE-RQ
    yield b"\x00" + bytes.fromhex("03000000000400010107")  # A-ASSOCIATE-RJ
    yield b"\x03" + bytes.fromhex("07000000000400000206")  # A-ABORT
