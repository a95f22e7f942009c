import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.dbase.dbf import DbfSet
from pacslift.extract.shapes import ORIGIN_ROW
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Cut, Truncation
from smalldumps import everything, file_of, frames_of

NULLABLE = 0x02


def table(fields, records, version=0x30, nullflags=0) -> bytes:
    """A DBF of (name, type, width, decimals, flags); Visual FoxPro's bits come last."""
    fields = [*fields, *([("_NullFlags", "0", nullflags, 0, 5)] if nullflags else [])]
    described = b"".join(
        struct.pack(
            "<11scIBBB13x",
            name.encode(),
            kind.encode(),
            0,
            width & 255,
            decimals or width >> 8,
            flags,
        )
        for name, kind, width, decimals, flags in fields
    )
    backlink = bytes(263) if version in {0x30, 0x31, 0x32} else b""
    head = struct.pack(
        "<B3BIHH17xB2x",
        version,
        *(26, 11, 22),
        len(records),
        32 + len(described) + 1 + len(backlink),
        1 + sum(width for _, _, width, _, _ in fields),
        0x03,
    )
    return head + described + b"\r" + backlink + b"".join(b" " + r for r in records) + b"\x1a"


def values(folder, content, name="t.dbf", terms=None):
    reader = DbfSet(file_of(folder, content, name), terms=terms)
    return frames_of(reader)["t"].drop(ORIGIN_ROW).rows()


@pytest.mark.parametrize(
    ("kind", "width", "raw", "text"),
    [
        ("I", 4, struct.pack("<i", -5), "-5"),
        ("+", 4, struct.pack("<i", 7), "7"),
        ("B", 8, struct.pack("<d", 0.1), "0.1"),
        ("B", 8, struct.pack("<d", 3), "3"),
        ("Y", 8, struct.pack("<q", -12345), "-1.2345"),
        ("T", 8, struct.pack("<ii", 2_440_588, 3_661_000), "1970-01-01 01:01:01"),
        ("T", 8, struct.pack("<ii", 2_460_000, 86_399_999), "2023-02-25 00:00:00"),
        ("T", 8, struct.pack("<ii", 2_440_588, 500), "1970-01-01 00:00:00.500"),
        ("T", 8, bytes(8), ""),
        ("D", 8, b"20260131", "20260131"),
        ("D", 8, b"        ", ""),
        ("L", 1, b"y", "T"),
        ("L", 1, b"N", "F"),
        ("L", 1, b"?", ""),
        ("N", 6, b"  1.50", "1.50"),
        ("F", 6, b"-2    ", "-2"),
        ("C", 300, b"x" * 300, "x" * 300),
    ],
)
def test_each_type_is_given_as_text(tmp_path, kind, width, raw, text):
    assert values(tmp_path, table([("A", kind, width, 0, 0)], [raw])) == [(text,)]


def test_null_is_what_the_bits_say_and_a_blank_is_empty(tmp_path):
    fields = [("A", "C", 2, 0, NULLABLE), ("B", "N", 2, 0, 0), ("C", "I", 4, 0, NULLABLE)]
    one, none = struct.pack("<i", 1), bytes(4)
    records = [
        b"xy" + b" 1" + one + b"\0",
        b"  " + b"  " + none + b"\3",
        b"  " + b"  " + one + b"\1",
    ]
    assert values(tmp_path, table(fields, records, nullflags=1)) == [
        ("xy", "1", "1"),
        (None, "", None),
        (None, "", "1"),
    ]


def test_a_text_of_varying_length_keeps_its_blanks_and_has_its_length_behind_it(tmp_path):
    fields = [("A", "V", 4, 0, NULLABLE), ("B", "Q", 3, 0, 0)]
    records = [b"a \0\2" + b"\1\2\3" + b"\1", b"full" + b"\0\0\0" + b"\4", b"    " + b"   " + b"\2"]
    found = values(tmp_path, table(fields, records, version=0x32, nullflags=1))
    assert found == [("a ", b"\1\2\3"), ("full", b""), (None, b"   ")]


def test_a_length_that_cannot_be_is_damage(tmp_path):
    content = table([("A", "V", 4, 0, 0)], [b"abc\x09" + b"\1"], version=0x32, nullflags=1)
    with pytest.raises(DumpDamagedError, match=r"record 1, column A: its length is said to be 9"):
        values(tmp_path, content)


def test_a_field_that_varies_but_has_no_room_for_its_length_is_refused(tmp_path):
    content = table([("A", "V", 0, 0, 0)], [b"\1"], version=0x32, nullflags=1)
    with pytest.raises(DumpDamagedError, match=r"column A of the type V has a width of 0"):
        values(tmp_path, content)


def fpt(text: bytes, block=64, kind=1) -> bytes:
    head = struct.pack(">IHH", 0, 0, block).ljust(512, b"\0")
    return head + struct.pack(">II", kind, len(text)) + text


def dbt3(text: bytes) -> bytes:
    return bytes(512) + text + b"\x1a\x1a"


def dbt4(text: bytes) -> bytes:
    head = bytes(20) + struct.pack("<H", 512)
    return head.ljust(512, b"\0") + b"\xff\xff\x08\0" + struct.pack("<I", len(text) + 8) + text


LONG = "Befund: Müller " * 100
KINDS = [
    (0x30, 4, struct.pack("<i", 8), "T.FPT", fpt),
    (0xF5, 10, b"         8", "t.fpt", fpt),
    (0x83, 10, b"         1", "t.dbt", dbt3),
    (0x8B, 10, b"0000000001", "t.DBT", dbt4),
]


@pytest.mark.parametrize(("version", "width", "raw", "name", "memo"), KINDS)
@pytest.mark.parametrize("text", [LONG, "", "x"])
def test_a_memo_is_the_text_in_the_file_beside(tmp_path, version, width, raw, name, memo, text):
    file_of(tmp_path, memo(text.encode("cp1252")), name)
    content = table([("A", "M", width, 0, 0)], [raw, b"\0" * width], version)
    assert values(tmp_path, content) == [(text,), ("",)]


def test_pictures_and_objects_are_bytes(tmp_path):
    file_of(tmp_path, fpt(b"\0\xff", kind=0), "t.fpt")
    fields = [(name, name, 4, 0, 0) for name in "GPW"]
    pointers = struct.pack("<i", 8) * 3
    with pytest.raises(DumpDamagedError, match="is named by several records"):
        values(tmp_path, table(fields, [pointers] * 300))
    assert values(tmp_path, table(fields, [pointers])) == [(b"\0\xff",) * 3]


@pytest.mark.parametrize(
    ("memo", "trouble"),
    [
        (fpt(b"")[:500], "lies behind its end"),
        (fpt(b"abc")[:-1], "is said to have 3 bytes, more than are there"),
        (fpt(b"")[:-4] + b"\xff" * 4, "more than are there"),
    ],
)
def test_a_memo_that_is_not_there_names_the_record(tmp_path, memo, trouble):
    file_of(tmp_path, memo, "t.fpt")
    with pytest.raises(DumpDamagedError, match=f"record 1, column A: .*{trouble}"):
        values(tmp_path, table([("A", "M", 4, 0, 0)], [struct.pack("<i", 8)]))


def test_a_memo_without_end_is_damage(tmp_path):
    file_of(tmp_path, bytes(512) + b"never ending", "t.dbt")
    with pytest.raises(DumpDamagedError, match="has no end"):
        values(tmp_path, table([("A", "M", 10, 0, 0)], [b"         1"], 0x83))


def test_a_missing_memo_file_is_asked_for_only_when_a_text_is_read(tmp_path):
    content = table([("A", "M", 4, 0, 0)], [struct.pack("<i", 8)])
    with pytest.raises(DumpDamagedError, match=r"keeps texts in t\.fpt, which is not beside it"):
        values(tmp_path, content)
    assert values(tmp_path, table([("A", "M", 4, 0, 0)], [bytes(4)])) == [("",)]


def test_records_that_are_not_there_can_be_done_without(tmp_path):
    whole = table([("A", "C", 2, 0, 0)], [b"aa", b"bb", b"cc"])
    with pytest.raises(DumpDamagedError, match="ends after record 2, the last good one"):
        values(tmp_path, whole[:-2])
    accepted = Truncation(accepted=True)
    assert values(tmp_path, whole[:-2], terms=Terms(truncation=accepted)) == [("aa",), ("bb",)]
    assert accepted.cuts == (Cut(str(tmp_path / "t.dbf"), "t", 2),)


@given(st.binary(max_size=60), st.binary(max_size=600), st.sampled_from("MGPWTIYBVQ@+C0"))
def test_any_records_and_memos_are_read_or_refused(tmp_path_factory, record, memo, kind):
    folder = tmp_path_factory.getbasetemp()
    file_of(folder, memo, "hostile.fpt")
    width = {"T": 8, "Y": 8, "B": 8, "@": 8}.get(kind, 4)
    raw = record.ljust(width + 1, b"\0")[: width + 1]
    content = table([("A", kind, width, 0, NULLABLE)], [raw], nullflags=1)
    try:
        reader = DbfSet(file_of(folder, content, "hostile.dbf"))
        list(reader.batches(everything(reader)))
    except (DumpDamagedError, DumpFormatError):
        pass
