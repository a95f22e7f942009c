import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.dbase.dbf import DbfSet
from pacslift.extract.dbase.dbfheader import is_dbf
from pacslift.extract.shapes import Column, TableShape, Undecodable
from smalldumps import everything, file_of, frames_of

FIELDS = [("NAME", "C", 6, 0), ("SIZE", "N", 5, 1), ("OK", "L", 1, 0)]
RECORDS = [
    (b" ", b"M\x81ller", b"  1.5", b"T"),
    (b"*", b"gone  ", b"    2", b"F"),
    (b" ", b" a\0\0  ", b"     ", b" "),
]


def dbf(fields=FIELDS, records=RECORDS, mark=0x03, version=0x03, count=None) -> bytes:
    described = b"".join(
        struct.pack(
            "<11sc4xBB14x", name.encode(), kind.encode(), width & 255, decimals or width >> 8
        )
        for name, kind, width, decimals in fields
    )
    length = 1 + sum(width for _, _, width, _ in fields)
    head = struct.pack(
        "<B3BIHH17xB2x",
        version,
        126,
        11,
        22,
        len(records) if count is None else count,
        32 + len(described) + 1,
        length,
        mark,
    )
    return head + described + b"\r" + b"".join(b"".join(record) for record in records) + b"\x1a"


def columns(reader, table: str) -> dict:
    return frames_of(reader)[table].to_dict(as_series=False)


def test_a_file_is_a_table_of_its_name_with_trimmed_values(tmp_path):
    reader = DbfSet(file_of(tmp_path, dbf(mark=0x01), "Images.DBF"))
    shape = tuple(Column(*c) for c in [("NAME", "C(6)"), ("SIZE", "N(5,1)"), ("OK", "L(1)")])
    assert reader.shapes() == [TableShape("Images", shape), TableShape("Images_deleted", shape)]
    assert columns(reader, "images") == {
        "name": ["Müller", " a"],
        "size": ["1.5", ""],
        "ok": ["T", ""],
        "origin_row": [1, 3],
    }


def test_deleted_rows_are_neither_live_nor_lost(tmp_path):
    reader = DbfSet(file_of(tmp_path, dbf(), "Images.DBF"))
    assert columns(reader, "images_deleted")["name"] == ["gone"]
    assert columns(reader, "images_deleted")["origin_row"] == [2]
    assert reader.row_counts() == {"Images": 2, "Images_deleted": 1}


def test_a_folder_is_a_set_of_tables_and_other_files_in_it_are_none(tmp_path):
    for name in ("B.dbf", "A.DBF", "c"):
        file_of(tmp_path, dbf(), name)
    file_of(tmp_path, b"no table", "dicom.ini")
    (tmp_path / "folder").mkdir()
    reader = DbfSet(tmp_path)
    assert [s.name for s in reader.shapes()][::2] == ["A", "B", "c"]


def test_a_table_without_deleted_rows_is_listed_alone(tmp_path):
    reader = DbfSet(file_of(tmp_path, dbf(records=[RECORDS[0], RECORDS[2]]), "Images.DBF"))
    assert [shape.name for shape in reader.shapes()] == ["Images"]
    assert reader.row_counts() == {"Images": 2}
    assert list(reader.batches({"images_deleted": ["name"]})) == []


def test_a_file_with_the_name_of_a_table_that_is_none_is_damage(tmp_path):
    file_of(tmp_path, dbf()[:20], "A.DBF")
    with pytest.raises(DumpDamagedError, match=r"A\.DBF has no DBF header"):
        DbfSet(tmp_path)


def test_columns_come_in_the_order_asked_for(tmp_path):
    (batch,) = DbfSet(file_of(tmp_path, dbf(), "t")).batches({"T": ["ok", "NAME", "missing"]})
    assert batch.frame.columns == ["ok", "name", "origin_row"]


@pytest.mark.parametrize(
    ("mark", "codec"), [(0x03, "cp1252"), (0x02, "cp850"), (0xC9, "cp1251"), (0, "utf-8")]
)
def test_text_is_read_in_the_code_page_the_header_names(tmp_path, mark, codec):
    text = "Жук" if codec == "cp1251" else "é"
    record = (b" ", text.encode(codec).ljust(6))
    assert columns(DbfSet(file_of(tmp_path, dbf(FIELDS[:1], [record], mark), "t")), "t")[
        "name"
    ] == [text]


def test_the_job_can_say_which_character_set_the_set_is_in(tmp_path):
    path = file_of(tmp_path, dbf(FIELDS[:1], [(b" ", b"\xe9     ")], mark=0), "t")
    assert columns(DbfSet(path, "latin1"), "t")["name"] == ["é"]


def test_an_unknown_code_page_is_not_guessed(tmp_path):
    with pytest.raises(DumpFormatError, match="code page mark 0xEE"):
        DbfSet(file_of(tmp_path, dbf(mark=0xEE), "t"))


def test_what_is_no_text_is_kept_counted_and_located_by_record(tmp_path):
    records = [(b"*", b"gone  "), (b" ", b"a     "), (b" ", b"\xff     ")]
    (batch,) = DbfSet(file_of(tmp_path, dbf(FIELDS[:1], records, mark=0), "t")).batches(
        {"t": ["name"]}
    )
    assert batch.frame["name"].to_list() == ["a", r"\xff"]
    assert batch.undecodable == (Undecodable("t", "name", 1, 3),)


def test_a_text_can_be_wider_than_a_byte_counts(tmp_path):
    path = file_of(tmp_path, dbf([("LONG", "C", 300, 0)], [(b" ", b"x" * 300)]), "t")
    assert columns(DbfSet(path), "t")["long"] == ["x" * 300]


def test_a_type_that_is_not_known_is_refused_when_it_is_wanted(tmp_path):
    fields = [("ODD", "~", 10, 0), ("A", "C", 1, 0)]
    reader = DbfSet(file_of(tmp_path, dbf(fields, [(b" ", b" " * 10, b"x")]), "t"))
    assert len(list(reader.batches({"t": ["a"]}))) == 1
    with pytest.raises(DumpFormatError, match="column ODD is of the DBF type ~"):
        list(reader.batches({"t": ["odd"]}))


def test_a_file_cut_at_any_byte_is_refused(tmp_path):
    whole = dbf()
    for cut in range(33, len(whole) - 1):
        with pytest.raises(DumpDamagedError, match=r"t(\.DBF)?(:| ends)"):
            DbfSet(file_of(tmp_path, whole[:cut], "t.DBF"))


def test_a_file_cut_inside_its_records_names_the_last_good_one(tmp_path):
    with pytest.raises(
        DumpDamagedError, match="has 3 records by its header and ends after record 2"
    ):
        DbfSet(file_of(tmp_path, dbf()[:-5], "t"))


def test_a_header_that_contradicts_itself_is_damage(tmp_path):
    broken = bytearray(dbf())
    broken[10] = 5
    with pytest.raises(
        DumpDamagedError, match="the fields take 13 bytes, the header says a record has 5"
    ):
        DbfSet(file_of(tmp_path, bytes(broken), "t"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = file_of(tmp_path_factory.getbasetemp(), b"\x03" + content, "t")
    if is_dbf(path):
        try:
            reader = DbfSet(path)
            list(reader.batches(everything(reader)))
        except (DumpDamagedError, DumpFormatError):
            pass
