"""What is only pixels becomes a valid object, or is set aside with what is missing."""

import struct
from pathlib import Path

import headless
import numpy as np
import oracle
import pydicom
import pytest
from headless import ANYONE, CAPTURE, CR, CT, GREY_12, MR, OF_CT, OF_MR, RAW, UIDS, US, made, of

import bitstreams
import servers
from pacslift.adapter import Rebuild
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import FileSpan
from pacslift.inventory.stored import open_stored
from pacslift.repair.outgoing import Outgoing, prepare
from storedobjects import file_of, sent

END = b"\xff\xd9"
EXPLICIT = "1.2.840.10008.1.2.1"


def as_read(outgoing: Outgoing, folder: Path) -> pydicom.Dataset:
    """The object as another program reads it, judged by dciodvfy on the way."""
    servers.program("dciodvfy")
    (folder / "rebuilt.dcm").write_bytes(oracle.as_file(outgoing))
    errors, unreadable = oracle.errors_of(folder / "rebuilt.dcm")
    assert not errors
    assert not unreadable
    return pydicom.dcmread(folder / "rebuilt.dcm")


def refused(cause: Cause, *arguments, **more) -> str:
    with pytest.raises(SetAsideError) as error:
        made(*arguments, **more)
    assert error.value.cause is cause
    return error.value.detail


def rle(*segments: bytes) -> bytes:
    """An RLE frame of segments that are written as runs of one literal each."""
    packed = [bytes([len(one) - 1]) + one + b"\0" * (1 - len(one) % 2) for one in segments]
    offsets = [64 + sum(map(len, packed[:nth])) for nth in range(len(packed))]
    return struct.pack("<16I", len(packed), *offsets, *[0] * (15 - len(packed))) + b"".join(packed)


# the class


def test_pixels_of_which_the_database_knows_all_become_an_object_of_their_class(tmp_path):
    with made(tmp_path, RAW, OF_CT, GREY_12) as outgoing:
        found = as_read(outgoing, tmp_path)
        assert outgoing.changes[0][1:] == (
            "SOPClassUID", CT, f"{CT}: all that the class must have is known",
        )  # fmt: skip
    assert found.SOPClassUID == CT
    assert found.PixelData == RAW
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.ImageType == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert "ConversionType" not in found


def test_pixels_of_which_it_knows_too_little_become_a_secondary_capture(tmp_path):
    lacking = {tag: one for tag, one in OF_CT.items() if tag not in ("00200052", "00280030")}
    with made(tmp_path, RAW, lacking, GREY_12) as outgoing:
        found = as_read(outgoing, tmp_path)
        why = outgoing.changes[0].after
    assert found.SOPClassUID == CAPTURE
    assert "it must have FrameOfReferenceUID, PixelSpacing, which nobody knows" in why
    assert found.ConversionType == "WSD"
    assert found.ImageType == ["ORIGINAL", "PRIMARY", "AXIAL"], "the database's word stands"
    assert found.Modality == "CT"


def test_what_a_secondary_capture_cannot_have_is_left_out_and_on_record(tmp_path):
    with made(tmp_path, RAW, {**OF_CT, "00091001": of("LO", "theirs")}, GREY_12,
              rule=headless.AS_CAPTURE) as outgoing:  # fmt: skip
        found = as_read(outgoing, tmp_path)
        dropped = {c.keyword: c.before for c in outgoing.changes if c.after is None}
    assert found.SOPClassUID == CAPTURE
    assert "KVP" not in found
    assert dropped["KVP"] == "120"
    assert found[0x0009, 0x1001].value == "theirs"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (None, "the database names no class"),
        ("1.2.840.10008.5.1.4.1.1.88.11", "not one of images"),
        ("1.2.826.0.1.3680043.9.9", "not one of images"),
        (CAPTURE, "the database says so"),
    ],
)
def test_pixels_whose_class_is_no_image_class_become_a_secondary_capture(tmp_path, wanted, why):
    with made(tmp_path, RAW, ANYONE, GREY_12, wanted) as outgoing:
        assert as_read(outgoing, tmp_path).ImageType == ["DERIVED", "SECONDARY"]
        assert why in outgoing.changes[0].after


def test_pixels_that_the_class_does_not_have_become_a_secondary_capture(tmp_path):
    with made(tmp_path, bitstreams.jpeg(), OF_CT, {"00280004": of("CS", "MONOCHROME2")}) as out:
        found = as_read(out, tmp_path)
        assert "no 8 bits allocated" in out.changes[0].after
    assert (found.SOPClassUID, found.RescaleType) == (CAPTURE, "US")


def test_an_object_that_was_made_once_is_made_the_same_when_its_class_is_known_by_then(tmp_path):
    said = {**OF_CT, "00080064": of("CS", "SI")}
    with made(tmp_path, RAW, said, GREY_12, MR) as first:
        once, sop_class = sent(first), first.sop_class_uid
    assert sop_class == CAPTURE
    with made(tmp_path, RAW, said, GREY_12, sop_class) as second:
        assert sent(second) == once


@pytest.mark.parametrize(
    ("wanted", "attributes"), [(MR, OF_MR), (CR, {**ANYONE, "00080060": of("CS", "CR")})]
)
def test_every_class_is_valid_in_the_eyes_of_another_program(tmp_path, wanted, attributes):
    with made(tmp_path, RAW, attributes, GREY_12, wanted) as outgoing:
        assert as_read(outgoing, tmp_path).SOPClassUID == wanted


def test_frames_in_a_class_of_one_frame_need_a_secondary_capture_of_several(tmp_path):
    frames = {**GREY_12, "00280008": of("IS", "2")}
    detail = refused(Cause.NOT_REBUILT, tmp_path, RAW * 2, OF_CT, frames)
    assert "FrameIncrementPointer" in detail
    assert "BurnedInAnnotation" in detail
    more = {
        **ANYONE,
        "00280009": of("AT", "00181065"),
        "00181065": of("DS", "0", "40"),
        "00280301": of("CS", "NO"),
        "00281052": of("DS", "0"),
        "00281053": of("DS", "1"),
        "20500020": of("CS", "IDENTITY"),
    }
    with made(tmp_path, RAW * 2, more, frames) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert (found.SOPClassUID, found.pixel_array.shape) == (f"{CAPTURE}.3", (2, 4, 6))


# nothing is made up


def test_what_nobody_knows_of_the_pixels_is_named_and_not_made_up(tmp_path):
    unmarked = bitstreams.jpeg(0xC3, 1).replace(b"JFIF", b"Exif")
    detail = refused(Cause.NOT_REBUILT, tmp_path, unmarked, OF_CT, {})
    assert "PixelRepresentation, PhotometricInterpretation" in detail
    detail = refused(Cause.NOT_REBUILT, tmp_path, RAW, OF_CT, {})
    assert "Rows, Columns, SamplesPerPixel, BitsAllocated" in detail


def test_colours_that_nobody_can_read_are_not_guessed(tmp_path):
    rgb = {**GREY_12, "00280002": of("US", 3), "00280004": of("CS", "RGB"),
           **{tag: of("US", 8) for tag in ("00280100", "00280101")},
           "00280102": of("US", 7)}  # fmt: skip
    detail = refused(Cause.NOT_REBUILT, tmp_path, bytes(72), ANYONE, rgb, US)
    assert "PlanarConfiguration" in detail
    with made(tmp_path, bytes(72), ANYONE, {**rgb, "00280006": of("US", 1)}, US) as outgoing:
        assert as_read(outgoing, tmp_path).PlanarConfiguration == 1
    palette = {**GREY_12, "00280004": of("CS", "PALETTE COLOR")}
    detail = refused(Cause.NOT_REBUILT, tmp_path, RAW, ANYONE, palette, US)
    assert "RedPaletteColorLookupTableData" in detail


def test_a_modality_that_nobody_knows_is_not_made_up(tmp_path):
    nameless = {tag: one for tag, one in ANYONE.items() if tag != "00080060"}
    assert "Modality" in refused(Cause.NOT_REBUILT, tmp_path, RAW, nameless, GREY_12)


def test_an_empty_value_is_none(tmp_path):
    empty = {**OF_CT, "00200052": {"vr": "UI"}, "00280030": of("DS", None)}
    with made(tmp_path, RAW, empty, GREY_12) as outgoing:
        assert outgoing.sop_class_uid == CAPTURE


def test_what_may_be_empty_is_there_and_empty(tmp_path):
    with made(tmp_path, RAW, {"00080060": of("CS", "OT")}, GREY_12) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert [found[name].value for name in ("PatientID", "StudyDate", "AccessionNumber")] == [
        "", "", "",
    ]  # fmt: skip


# where it comes from


def test_names_are_written_in_the_smallest_character_set_that_holds_them(tmp_path):
    for name, characters in (("MUSTER^EVA", None), ("MÜLLER^EVA", "ISO_IR 100"),
                             ("ИВАНОВ^ИВАН", "ISO_IR 192")):  # fmt: skip
        attributes = {**OF_CT, "00100010": headless.person(name)}
        with made(tmp_path, RAW, attributes, GREY_12) as outgoing:
            found = as_read(outgoing, tmp_path)
            assert outgoing.patient_name == name
        assert (found.PatientName, found.get("SpecificCharacterSet")) == (name, characters)


def test_the_object_says_who_made_it_and_has_no_attributes_from_before(tmp_path):
    earlier = {"00080070": of("LO", "Scanner"), "0040A170": of("SQ", {
        "00080100": of("SH", "109101"), "00080102": of("SH", "DCM"),
        "00080104": of("LO", "Acquisition Equipment")})}  # fmt: skip
    with made(tmp_path, RAW, {**OF_CT, "0018A001": of("SQ", earlier)}, GREY_12) as outgoing:
        found = as_read(outgoing, tmp_path)
        told = {(change.rule, change.keyword) for change in outgoing.changes}
    makers = [item.Manufacturer for item in found.ContributingEquipmentSequence]
    assert makers == ["Scanner", "pacslift"]
    assert "OriginalAttributesSequence" not in found
    assert {("DB", "PatientName"), ("REBUILD", "Rows"), ("REBUILD", "SOPClassUID")} <= told


def test_a_mapping_is_named_where_it_knew(tmp_path):
    mapped = {**OF_CT, "00100020": {**of("LO", "NEW"), "rule": "MAP"}}
    with made(tmp_path, RAW, mapped, GREY_12) as outgoing:
        assert ("MAP", "PatientID", None, "NEW") in outgoing.changes
        assert outgoing.patient_id == "NEW"


def test_the_same_pixels_and_rows_give_the_same_bytes(tmp_path):
    both = []
    for attributes in (OF_CT, dict(reversed(OF_CT.items()))):
        with made(tmp_path, RAW, attributes, GREY_12) as outgoing:
            both.append(sent(outgoing))
    assert both[0] == both[1]


@pytest.mark.parametrize("content", [RAW, rle(bytes(24), bytes(24))], ids=["native", "RLE"])
def test_no_rule_finds_anything_to_repair_in_what_was_made(tmp_path, content):
    with made(tmp_path, content, OF_CT, GREY_12) as outgoing:
        once = sent(outgoing)
        fd = file_of(tmp_path, oracle.as_file(outgoing))
    with prepare(open_stored(fd), headless.orders(OF_CT, {})) as again:
        assert (again.changes, again.envelope) == ((), ())
        assert sent(again) == once


def test_native_words_in_big_endian_are_turned_where_the_adapter_says_so(tmp_path):
    words = np.frombuffer(RAW, "<u2").astype(">u2").tobytes()
    with made(tmp_path, words, OF_CT, GREY_12, rule=Rebuild("modality", "big")) as outgoing:
        found = as_read(outgoing, tmp_path)
        told = [change.before for change in outgoing.changes if change.keyword == "PixelData"]
    assert (found.PixelData, told) == (RAW, ["words in Big Endian"])
    eight = {**GREY_12, **{tag: of("US", 8) for tag in ("00280100", "00280101")},
             "00280102": of("US", 7)}  # fmt: skip
    with made(tmp_path, RAW[:24], OF_CT, eight, rule=Rebuild("modality", "big")) as outgoing:
        assert sent(outgoing).endswith(RAW[:24]), "bytes have no order"


def test_pixels_stay_in_their_file(tmp_path):
    large = {**GREY_12, "00280010": of("US", 400), "00280011": of("US", 600)}
    with made(tmp_path, bytes(480_000), OF_CT, large) as outgoing:
        kept = sum(part.length for part in outgoing.segments if isinstance(part, FileSpan))
    assert kept > 440_000


# bit streams


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm",
     "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm",
     "SC_rgb_jpeg_gdcm.dcm", "examples_rgb_color.dcm", "examples_palette.dcm",
     "SC_rgb_dcmtk_+eb+cr.dcm", "MR_small_implicit.dcm"],
)  # fmt: skip
def test_an_object_taken_apart_is_put_together_with_the_same_pixels(tmp_path, name):
    whole, pixels, attributes, facts = headless.taken_apart(name)
    with made(tmp_path, pixels, attributes, facts, str(whole.SOPClassUID)) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert found.SOPClassUID == whole.SOPClassUID
    assert np.array_equal(found.pixel_array, whole.pixel_array)
    assert found.PatientName == whole.PatientName
    if whole.file_meta.TransferSyntaxUID.is_encapsulated:
        assert found.file_meta.TransferSyntaxUID == whole.file_meta.TransferSyntaxUID


@pytest.mark.parametrize(
    ("stream", "syntax", "method"),
    [
        (bitstreams.jpeg(), "50", "ISO_10918_1"),
        (bitstreams.jpeg(0xC1), "51", "ISO_10918_1"),
        (bitstreams.jpeg(0xC3, 1), "70", None),
        (bitstreams.jpeg(0xC3, 4), "57", None),
        (bitstreams.jpeg(0xF7), "80", None),
        (bitstreams.jpeg(0xF7, 3), "81", "ISO_14495_1"),
    ],
)
def test_the_stream_says_how_it_is_compressed_and_if_something_was_lost(
    tmp_path, stream, syntax, method
):
    facts = {"00280004": of("CS", "MONOCHROME1"), "00280103": of("US", 0)}
    with made(tmp_path, stream, {**ANYONE, "00080060": of("CS", "CR")}, facts, CR) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert outgoing.transfer_syntax_uid == f"1.2.840.10008.1.2.4.{syntax}"
    assert (found.Rows, found.Columns, found.BitsStored, found.HighBit) == (4, 6, 8, 7)
    assert found.PhotometricInterpretation == "MONOCHROME1"
    assert found.get("LossyImageCompressionMethod") == method
    assert found.get("LossyImageCompression") == ("01" if method else None)
    assert found.PixelData.startswith(b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0")


def test_colours_are_those_that_the_stream_is_coded_in(tmp_path):
    stream = bitstreams.jpeg(sampling=(0x22, 0x11, 0x11))
    with made(tmp_path, stream, ANYONE, {"00280004": of("CS", "RGB")}, US) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert (found.PhotometricInterpretation, found.PlanarConfiguration) == ("YBR_FULL_422", 0)
    wavelet = bitstreams.jpeg2000(wavelet=0, transform=1) + END
    with made(tmp_path, wavelet, ANYONE, {}, US) as outgoing:
        assert as_read(outgoing, tmp_path).PhotometricInterpretation == "YBR_ICT"


def test_of_a_jp2_file_only_the_codestream_is_sent(tmp_path):
    stream = bitstreams.jpeg2000() + END
    colours = struct.pack(">I4sBBBI", 15, b"colr", 1, 0, 0, 16)
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I4s", 8 + len(colours), b"jp2h") + colours
    content = boxes + struct.pack(">I4s", 0, b"jp2c") + stream
    with made(tmp_path, content, ANYONE, {}, US) as outgoing:
        found = as_read(outgoing, tmp_path)
        assert "no RGB in this compression" in outgoing.changes[0].after
    assert (found.SOPClassUID, found.PhotometricInterpretation) == (CAPTURE, "RGB")
    assert found.PixelData[16:].startswith(stream)
    assert b"jP" not in found.PixelData
    cut = boxes + struct.pack(">I4s", 9999, b"jp2c") + stream
    refused(Cause.TRUNCATED, tmp_path, cut, ANYONE, {}, US)
    refused(Cause.PIXELS_DAMAGED, tmp_path, boxes, ANYONE, {}, US)


def test_an_rle_frame_must_unpack_to_its_rows_and_columns(tmp_path):
    frame = rle(bytes(24), bytes(range(24)))
    with made(tmp_path, frame, OF_CT, GREY_12) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert found.pixel_array.tolist() == [[6 * row + at for at in range(6)] for row in range(4)]
    detail = refused(Cause.PIXELS_DAMAGED, tmp_path, frame[:-9], OF_CT, GREY_12)
    assert "segment 2" in detail
    refused(Cause.PIXELS_DAMAGED, tmp_path, rle(bytes(24)), OF_CT, GREY_12)
    refused(Cause.NOT_REBUILT, tmp_path, rle(*[bytes(24)] * 5), OF_CT, GREY_12)


def test_native_pixels_that_look_like_rle_are_native_where_they_fit(tmp_path):
    look = struct.pack("<16I", 1, 64, *[0] * 14)
    shape = {**GREY_12, "00280010": of("US", 4), "00280011": of("US", 8)}
    with made(tmp_path, look, OF_CT, shape) as outgoing:
        assert outgoing.transfer_syntax_uid == EXPLICIT
        assert sent(outgoing).endswith(look)


# hostile


@pytest.mark.parametrize("stream", [bitstreams.jpeg(), bitstreams.jpeg2000() + END])
def test_a_stream_without_its_end_is_truncated(tmp_path, stream):
    refused(Cause.TRUNCATED, tmp_path, stream[:-2], ANYONE, {}, US)


@pytest.mark.parametrize("stream", [bitstreams.jpeg(), bitstreams.jpeg2000() + END])
def test_a_stream_cut_anywhere_is_set_aside_and_never_sent(tmp_path, stream):
    for length in range(3, len(stream) - 1):
        with pytest.raises(SetAsideError):
            made(tmp_path, stream[:length], ANYONE, GREY_12, US)


@pytest.mark.parametrize("size", [0, 47, 49, 96])
def test_native_pixels_must_fit_to_the_byte(tmp_path, size):
    cause = Cause.PIXELS_DAMAGED if size else Cause.EMPTY_FILE
    refused(cause, tmp_path, bytes(size), OF_CT, GREY_12)


@pytest.mark.parametrize("tag", ["00280010", "00280011", "00280002", "00280100", "00280103"])
def test_a_database_that_says_otherwise_than_the_stream_sets_it_aside(tmp_path, tag):
    detail = refused(Cause.PIXELS_DAMAGED, tmp_path, bitstreams.jpeg(), ANYONE,
                     {tag: of("US", 3)}, US)  # fmt: skip
    assert "is 3" in detail or "3 is said" in detail


def test_rows_and_columns_of_four_gigabytes_are_arithmetic_and_no_memory(tmp_path):
    largest = {**GREY_12, "00280010": of("US", 65535), "00280011": of("US", 65535)}
    refused(Cause.PIXELS_DAMAGED, tmp_path, RAW, OF_CT, largest)
    frames = {**largest, "00280008": of("IS", "999999999999")}
    refused(Cause.PIXELS_DAMAGED, tmp_path, RAW, OF_CT, frames)
    wide = bitstreams.jpeg2000().replace(struct.pack(">II", 6, 4), b"\xff\xff\xff\xf0" * 2, 1)
    refused(Cause.PIXELS_DAMAGED, tmp_path, wide + END, ANYONE, {}, US)


@pytest.mark.parametrize("value", ["four", -1, 0, 70000, 1.5, {}, []])
def test_a_number_that_is_none_sets_it_aside(tmp_path, value):
    with pytest.raises(SetAsideError):
        made(tmp_path, RAW, OF_CT, {**GREY_12, "00280010": of("US", value)})


def test_without_a_study_nothing_is_made(tmp_path):
    detail = refused(Cause.NOT_REBUILT, tmp_path, RAW, OF_CT, GREY_12,
                     uids=(UIDS[0], None, None))  # fmt: skip
    assert "StudyInstanceUID, SeriesInstanceUID" in detail


def test_the_file_is_closed_whatever_happens(tmp_path):
    before = headless.open_files()
    for content in (RAW, RAW[:-1], bitstreams.jpeg()[:-2], b""):
        with pytest.raises(SetAsideError):
            made(tmp_path, content, {}, GREY_12)
    with made(tmp_path, RAW, OF_CT, GREY_12):
        pass
    assert not headless.open_files() - before
