import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexdat import Abi
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.dcmqrscp import IndexFile, is_index
from pacslift.extract.shapes import Undecodable
from pacslift.extract.sniff import open_dump
from smalldumps import everything, file_of, frames_of, rows_of

LINUX = Abi()
ABIS = {
    "64 bits": LINUX,
    "64 bits, before 3.6.1": Abi(new=False),
    "i386": Abi(pointer=4, double=4),
    "i386, before 3.6.1": Abi(new=False, pointer=4, double=4),
    "32-bit Windows": Abi(pointer=4),
    "32-bit Windows, before 3.6.1": Abi(new=False, pointer=4),
    "64 bits, big endian": Abi(order=">"),
}
CT = "1.2.840.10008.5.1.4.1.1.2"


def image(abi: Abi, name: str = "/pacs/CT_1.dcm", **values: bytes) -> bytes:
    return abi.image(name, CT, 1795315647.0, 39082, values)


def study(abi: Abi, uid: str = "1.2.3", count: int = 2) -> bytes:
    return abi.study(uid, 240362, 1795315647.0, count)


def read(folder, content: bytes, charset: str | None = None) -> IndexFile:
    return IndexFile(file_of(folder, content, "index.dat"), charset)


def images(reader: IndexFile) -> list[dict]:
    return frames_of(reader)["idxrecord"].to_dicts()


@pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
@pytest.mark.parametrize("several", [1, 2, 5])
def test_the_index_of_any_version_and_compiler_is_read(tmp_path, abi, several):
    values = {
        "PatientName": b"A^B",
        "StudyDescription": b"one",
        "ProcedureDescription": b"two",
        "StudyInstanceUID": b"1.2.3",
        "PresentationLabel": b"L",
    }
    records = [
        image(abi, f"/pacs/{i}.dcm", **values, SOPInstanceUID=b"1.2.%d" % i) for i in range(several)
    ]
    reader = read(tmp_path, abi.file([study(abi)], records))
    found = images(reader)
    assert [row["sopinstanceuid"] for row in found] == [f"1.2.{i}" for i in range(several)]
    expected = {
        "filename": "/pacs/0.dcm",
        "sopclassuid": CT,
        "recordeddate": "1795315647",
        "imagesize": "39082",
        "patientname": "A^B",
        "studydescription": "one",
        "proceduredescription": "two",
        "studyinstanceuid": "1.2.3",
        "presentationlabel": "L",
        "patientid": "",
        "origin_row": 1,
    }
    assert expected.items() <= found[0].items()
    assert rows_of(reader, "studydesc") == [("1.2.3", "240362", "1795315647", "2")]


def test_the_version_of_the_index_is_told(tmp_path):
    reader = read(tmp_path, LINUX.file([], [image(LINUX)]))
    assert (reader.format, reader.server) == ("dcmqrscp index.dat", "DCMTK dcmqrscp, index 05")


def test_deleted_images_are_neither_live_nor_lost(tmp_path):
    records = [image(LINUX, "", SOPInstanceUID=b"1.2.0"), image(LINUX), image(LINUX, "")]
    reader = read(tmp_path, LINUX.file([study(LINUX), study(LINUX, "")], records))
    assert reader.row_counts() == {"IdxRecord": 1, "IdxRecord_deleted": 2, "StudyDesc": 1}
    assert [row["origin_row"] for row in images(reader)] == [2]
    assert frames_of(reader)["idxrecord_deleted"]["origin_row"].to_list() == [1, 3]


def test_an_index_without_images_is_read(tmp_path):
    reader = read(tmp_path, LINUX.file([study(LINUX)], []))
    assert reader.row_counts() == {"IdxRecord": 0, "IdxRecord_deleted": 0, "StudyDesc": 1}


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO_IR 100", "Müller"),
        ("ISO_IR 192", "Müller日"),
        ("ISO_IR 144", "Жук"),
        (r"\ISO 2022 IR 87", "山田"),
    ],
)
def test_text_is_read_in_each_images_own_character_set(tmp_path, charset, text):
    codec = {"ISO_IR 100": "latin1", "ISO_IR 192": "utf-8", "ISO_IR 144": "iso8859-5"}.get(
        charset, "iso2022_jp"
    )
    name = image(LINUX, PatientName=text.encode(codec), SpecificCharacterSet=charset.encode())
    assert images(read(tmp_path, LINUX.file([], [name])))[0]["patientname"] == text


def test_what_is_no_text_is_kept_counted_and_located_or_read_as_the_job_says(tmp_path):
    index = LINUX.file(
        [], [image(LINUX), image(LINUX, PatientName=b"\xe9", SpecificCharacterSet=b"nonsense")]
    )
    (batch,) = read(tmp_path, index).batches({"idxrecord": ["patientname"]})
    assert batch.frame["patientname"].to_list() == ["", r"\xe9"]
    assert batch.undecodable == (Undecodable("idxrecord", "patientname", 1, 2),)
    assert images(read(tmp_path, index, "latin1"))[1]["patientname"] == "é"


@pytest.mark.parametrize("abi", [LINUX, ABIS["64 bits, before 3.6.1"]])
def test_an_index_that_ends_inside_a_record_is_refused(tmp_path, abi):
    whole = abi.file([study(abi)], [image(abi)] * 3)
    length = len(image(abi))
    for cut in range(1, length, 97):
        with pytest.raises(
            DumpDamagedError, match=r"IdxRecord ends inside record 3; the last good one is 2"
        ):
            read(tmp_path, whole[:-cut])


@pytest.mark.parametrize("abi", [LINUX, ABIS["64 bits, before 3.6.1"]])
def test_an_index_cut_before_its_second_image_is_refused(tmp_path, abi):
    length = len(image(abi))
    whole = abi.file([study(abi)], [image(abi)] * 2)
    for cut in [*range(1, 2 * length, 61)]:
        if cut != length:
            with pytest.raises((DumpDamagedError, DumpFormatError)):
                open_dump(file_of(tmp_path, whole[:-cut]), tmp_path)


def test_an_index_cut_among_its_studies_is_damage(tmp_path):
    assert is_index(file_of(tmp_path, b"QRDB05" + bytes(1000)))
    with pytest.raises(DumpDamagedError, match="ends before its first image record"):
        read(tmp_path, b"QRDB05" + bytes(1000))


@given(st.data())
def test_a_damaged_index_is_read_or_refused_and_never_crashes(tmp_path_factory, data):
    index = bytearray(LINUX.file([study(LINUX)], [image(LINUX)] * 2))
    begin = len(index) - 2 * len(image(LINUX))
    for _ in range(data.draw(st.integers(1, 5))):
        index[data.draw(st.integers(begin, begin + 1000))] = data.draw(st.integers(0, 255))
    try:
        reader = read(tmp_path_factory.getbasetemp(), bytes(index))
        list(reader.batches(everything(reader)))
    except (DumpDamagedError, DumpFormatError):
        pass


def test_a_second_image_that_begins_inside_the_first_is_damage(tmp_path):
    """The reader takes the distance of the first two for the length of all."""
    whole = LINUX.file([], [image(LINUX)])
    first = whole[-len(image(LINUX)) :]
    path = file_of(tmp_path, whole[: -len(first)] + first[:600] + first[344:600])
    with pytest.raises(DumpDamagedError, match=r"begins \d+ bytes behind the first"):
        frames_of(open_dump(path, tmp_path))
