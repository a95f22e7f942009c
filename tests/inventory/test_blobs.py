"""Attribute blobs: what is read is what pydicom reads, and damage costs no more than it must."""

import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from pacslift.inventory.blobs import MOST_BYTES, decode_blob

CHARSETS = {
    "ISO_IR 100": "Müller^Jörg",
    "ISO_IR 192": "Müller^Jörg=山田^太郎",
    "GB18030": "王^小东",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    ("", "ISO 2022 IR 87"): "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ("", "ISO 2022 IR 149"): "Hong^Gildong=洪^吉洞=홍^길동",
}


def encoded(made, *, implicit=False, little=True):
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = little, implicit
    write_dataset(written, made)
    return written.getvalue()


def attributes(blob, **options):
    decoded = decode_blob(blob, **options)
    assert decoded.fault is None
    return json.loads(decoded.text)


def full():
    """One element of nearly every VR."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.ContentDate, made.ContentTime = "20140310", "101500.25"
    made.PatientName, made.PatientID = "Testperson^Änne", "FIX-001"
    made.PatientSex = ""
    made.PatientComments = "a backslash \\ is a character here"
    made.PatientAge, made.AcquisitionDateTime = "053Y", "20140310101500"
    made.StudyInstanceUID = "2.25.1"
    made.FrameIncrementPointer = [0x00181063, 0x00181065]
    made.Rows, made.Columns = 512, 7
    made.PixelSpacing, made.SeriesNumber = ["1.50", "0.250"], "3"
    made.SimpleFrameList = [1, 2, 70000]
    made.RecommendedDisplayFrameRateInFloat, made.EventTimeOffset = 1.5, 0.1
    made.add_new(0x00091001, "UN", b"\1\2\3\4")
    made.add_new(0x00282000, "OB", b"profile!")
    made.add_new(0x00091002, "SS", [-1, -2])
    made.add_new(0x00091003, "SL", -70000)
    made.add_new(0x00091004, "UV", 1 << 40)
    made.add_new(0x00091005, "UR", "http://nowhere.invalid/a")
    return made


def as_model(made):
    """What pydicom's own JSON says, with IS and DS as the text they are."""
    said = json.loads(made.to_json())
    said.pop("00080005", None)
    for element in made:
        if element.VR in {"IS", "DS"} and "Value" in said[f"{int(element.tag):08X}"]:
            values = element.value if element.VM > 1 else [element.value]
            said[f"{int(element.tag):08X}"]["Value"] = [str(value) for value in values]
    return said


def test_every_kind_of_value_is_read_as_pydicom_reads_it():
    assert attributes(encoded(full())) == as_model(full())


@pytest.mark.parametrize(("charset", "name"), CHARSETS.items(), ids=str)
def test_a_name_is_the_same_in_every_character_set(charset, name):
    made = Dataset()
    made.SpecificCharacterSet = list(charset) if isinstance(charset, tuple) else charset
    made.PatientName = name
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    said = attributes(encoded(made))
    assert said == {"00100010": {"vr": "PN", "Value": [dict(groups)]}}


@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_are_read_whatever_their_lengths_say(undefined):
    inner, outer = Dataset(), Dataset()
    inner.CodeValue, inner.CodeMeaning = "T-1", "Prüfung"
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    outer.PurposeOfReferenceCodeSequence = Sequence([inner, inner])
    made.ReferencedStudySequence = Sequence([outer, Dataset()])
    made.StudyID = "behind it"
    for item in (inner, outer):
        item.is_undefined_length_sequence_item = undefined
    made["ReferencedStudySequence"].is_undefined_length = undefined
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = undefined
    assert attributes(encoded(made)) == as_model(made)


def with_meta(syntax, data):
    meta = Dataset()
    meta.TransferSyntaxUID = syntax
    group = encoded(meta)
    return b"\x02\0\0\0UL\4\0" + len(group).to_bytes(4, "little") + group + data


def deflated(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("syntax", "data"),
    [
        ("1.2.840.10008.1.2.1", encoded(full())),
        ("1.2.840.10008.1.2.1.99", deflated(encoded(full()))),
        ("1.2.840.10008.1.2.1.99", deflated(encoded(full())) + b"\0"),
    ],
    ids=["explicit", "deflated", "deflated and padded"],
)
def test_a_transfer_syntax_in_front_is_honoured(syntax, data):
    assert attributes(with_meta(syntax, data)) == as_model(full())


@pytest.mark.parametrize(
    ("syntax", "implicit", "little"),
    [("1.2.840.10008.1.2", True, True), ("1.2.840.10008.1.2.2", False, False)],
)
def test_other_encodings_are_read_too(syntax, implicit, little):
    made = Dataset()
    made.PatientName, made.Rows, made.SeriesNumber = "Phantom^Otto", 512, "3"
    item = Dataset()
    item.CodeValue = "T-1"
    made.ProcedureCodeSequence = Sequence([item])
    blob = with_meta(syntax, encoded(made, implicit=implicit, little=little))
    assert attributes(blob) == as_model(made)


def test_the_archives_own_private_block_is_left_out_and_the_makers_stays():
    made = Dataset()
    made.add_new(0x00430010, "LO", "GEMS_PARM_01")
    made.add_new(0x00430011, "LO", "dcm4che/archive")
    made.add_new(0x00431010, "SH", "kept")
    made.add_new(0x00431110, "SH", "dropped")
    said = attributes(encoded(made), private_creators=frozenset({b"dcm4che/archive"}))
    assert list(said) == ["00430010", "00431010"]


def test_what_is_not_wanted_is_left_out():
    said = attributes(encoded(full()), leave_out=frozenset({0x00100010, 0x00280010}))
    assert not {"00100010", "00280010"} & set(said)
    assert "00100020" in said


def test_a_blob_that_was_cut_gives_what_stands_before_the_cut():
    whole = encoded(full())
    place = whole.index(b"FIX-001")
    decoded = decode_blob(whole[:place])
    assert "cut short" in decoded.fault
    before = {tag: said for tag, said in as_model(full()).items() if tag < "00100020"}
    assert json.loads(decoded.text) == before


def test_an_empty_value_among_others_is_null():
    made = Dataset()
    made.ImageType = ["ORIGINAL", "", "AXIAL"]
    assert attributes(encoded(made))["00080008"]["Value"] == ["ORIGINAL", None, "AXIAL"]


def test_a_deflated_blob_that_was_cut_gives_what_can_be_inflated():
    made = full()
    made.PatientComments = "".join(f"{n:07d}" for n in range(1400))
    packed = deflated(encoded(made))
    decoded = decode_blob(with_meta("1.2.840.10008.1.2.1.99", packed[: len(packed) // 2]))
    assert decoded.fault == "the deflated stream is cut short"
    assert json.loads(decoded.text)["00080008"] == as_model(made)["00080008"]


def test_a_text_that_its_character_set_lacks_is_left_out_and_told():
    made = Dataset()
    made.PatientID = "FIX-001"
    blob = encoded(made).replace(b"FIX-001 ", b"FIX-\xf6\xe4\xfc ")
    decoded = decode_blob(blob)
    assert decoded.text == "{}"
    assert "(0010,0020)" in decoded.fault
    assert "FIX" not in decoded.fault


@pytest.mark.parametrize("declared", [("", "ISO 2022 IR 87"), ("ISO 2022 IR 6", "ISO 2022 IR 149")])
def test_the_default_character_set_has_7_bits_also_where_others_extend_it(declared):
    made = Dataset()
    made.SpecificCharacterSet = list(declared)
    made.ReferringPhysicianName = "Zuweiser^Zo:"
    decoded = decode_blob(encoded(made).replace(b"Zo:", b"Zo\xeb"))
    assert decoded.text == "{}"
    assert "(0008,0090)" in decoded.fault


def test_a_stream_that_inflates_without_end_is_stopped():
    bomb = deflated(bytes(MOST_BYTES + 1))
    decoded = decode_blob(with_meta("1.2.840.10008.1.2.1.99", bomb))
    assert "more than" in decoded.fault


def test_sequences_without_end_within_each_other_are_refused():
    blob = b""
    for _ in range(5000):
        item = b"\xfe\xff\x00\xe0" + len(blob).to_bytes(4, "little") + blob
        blob = b"\x08\0\x10\x11SQ\0\0" + len(item).to_bytes(4, "little") + item
    assert "too deep" in decode_blob(blob).fault


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_raises(data):
    blob = bytearray(encoded(full()))
    for _ in range(data.draw(st.integers(1, 8))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    json.loads(decode_blob(bytes(blob)).text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(blob):
    json.loads(decode_blob(blob).text)
