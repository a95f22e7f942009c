"""A target that refuses a transfer syntax gets the same pixels in another, or nothing at all."""

import io
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from bitstreams import jpeg, jpeg2000
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE
from pacslift.repair.lossy import lossy_method
from pacslift.repair.outgoing import Outgoing, prepare
from pacslift.repair.transcode import (
    JPEG_2000,
    JPEG_LS,
    RLE,
    alternatives,
    transcoded,
)
from storedobjects import element, file_of, fragments, identified, part10, sent

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
BASELINE, NEAR_LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.81"
LOSSLESS = [
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_2frame.dcm",
    "examples_jpeg2k.dcm",
]
LOSSY = ["examples_ybr_color.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm", "JPEGLSNearLossless_16.dcm"]


def opened(name: str) -> Outgoing:
    return prepare(open_stored(os.open(SAMPLES / name, os.O_RDONLY)))


def read(outgoing: Outgoing) -> Dataset:
    dataset = read_dataset(
        io.BytesIO(sent(outgoing)),
        is_implicit_VR=outgoing.transfer_syntax_uid == IMPLICIT_LITTLE,
        is_little_endian=True,
    )
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(outgoing.transfer_syntax_uid)
    return dataset


def grey(
    *pixels: bytes, syntax: str = EXPLICIT_LITTLE, bits: int = 16, rows: int = 4, columns: int = 4
) -> bytes:
    """A monochrome object with the native *pixels* or these fragments."""
    short = {
        0x00280002: 1,
        0x00280010: rows,
        0x00280011: columns,
        0x00280100: bits,
        0x00280101: bits,
        0x00280102: bits - 1,
        0x00280103: 0,
    }
    elements = {t: element(t, "US", v.to_bytes(2, "little")) for t, v in short.items()}
    elements[0x00280004] = element(0x00280004, "CS", b"MONOCHROME2 ")
    header = identified() + b"".join(elements[tag] for tag in sorted(elements))
    native = element(0x7FE00010, "OW", pixels[0])
    return part10(header + (native if syntax == EXPLICIT_LITTLE else fragments(*pixels)), syntax)


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY])
def test_every_alternative_shows_the_same_pixels(name):
    with opened(name) as outgoing:
        before = pydicom.dcmread(SAMPLES / name)
        expected = before.pixel_array
        for syntax in alternatives(outgoing.transfer_syntax_uid):
            after = read(transcoded(outgoing, syntax))
            assert np.array_equal(after.pixel_array, expected), syntax


@pytest.mark.parametrize("name", LOSSLESS)
def test_everything_but_the_pixels_keeps_its_bytes(name):
    with opened(name) as outgoing:
        before, new = read(outgoing), transcoded(outgoing, EXPLICIT_LITTLE)
        changed = {change.keyword for change in new.changes} | {"PixelData"}
        after = read(new)
        kept = [e for e in before if e.keyword not in changed and e.tag.element]
        assert kept
        assert all(after[e.tag] == e for e in kept)
        assert {e.keyword for e in after} <= {e.keyword for e in before} | changed


@pytest.mark.parametrize("name", LOSSY)
def test_what_was_compressed_with_loss_is_never_compressed_again(name):
    with opened(name) as outgoing:
        assert alternatives(outgoing.transfer_syntax_uid) == (EXPLICIT_LITTLE, IMPLICIT_LITTLE)


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_lossy_gdcm.dcm", "JPEGLSNearLossless_16.dcm"])
def test_pixels_that_lost_something_go_on_saying_so(name):
    with opened(name) as outgoing:
        assert read(transcoded(outgoing, EXPLICIT_LITTLE)).LossyImageCompression == "01"


def test_a_loss_that_the_header_hid_is_written_into_it_with_its_method():
    with opened("JPEGLSNearLossless_16.dcm") as outgoing:
        new = transcoded(outgoing, EXPLICIT_LITTLE)
        assert read(new).LossyImageCompressionMethod == "ISO_14495_1"
        assert ("LossyImageCompression", None, "01") in {c[1:] for c in map(tuple_of, new.changes)}


def tuple_of(change):
    return (change.rule, change.keyword, change.before, change.after)


def test_pixels_without_loss_do_not_say_that_there_was_any():
    with opened("MR_small_jpeg_ls_lossless.dcm") as outgoing:
        assert "LossyImageCompression" not in read(transcoded(outgoing, EXPLICIT_LITTLE))


@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000, RLE])
def test_native_pixels_are_compressed_for_a_target_that_wants_it(tmp_path, syntax):
    pixels = bytes(range(256)) * 32
    content = grey(pixels, rows=64, columns=64)
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        assert syntax in alternatives(outgoing.transfer_syntax_uid)
        new = transcoded(outgoing, syntax)
        assert new.transfer_syntax_uid == syntax
        assert read(new).pixel_array.tobytes() == pixels


def test_the_same_object_gives_the_same_bytes_each_time():
    with opened("MR_small_RLE.dcm") as outgoing:
        assert sent(transcoded(outgoing, JPEG_LS)) == sent(transcoded(outgoing, JPEG_LS))


def test_the_record_tells_both_transfer_syntaxes():
    with opened("MR_small_RLE.dcm") as outgoing:
        change = transcoded(outgoing, EXPLICIT_LITTLE).changes[-1]
        assert tuple_of(change) == (
            "TRANSCODE", "PixelData", f"transfer syntax {RLE}",
            f"transfer syntax {EXPLICIT_LITTLE}",
        )  # fmt: skip


def refused(tmp_path, content: bytes, syntax: str) -> SetAsideError:
    with (
        prepare(open_stored(file_of(tmp_path, content))) as outgoing,
        pytest.raises(SetAsideError) as caught,
    ):
        transcoded(outgoing, syntax)
    return caught.value


@pytest.mark.parametrize("codestream", [b"", b"\xff\xd8\xff\xd9", b"no jpeg at all, or was it?"])
def test_a_broken_codestream_is_set_aside_and_says_what_to_do(tmp_path, codestream):
    error = refused(tmp_path, grey(codestream, syntax=BASELINE), EXPLICIT_LITTLE)
    assert error.cause is Cause.CONTEXT_REFUSED
    assert "cannot be decoded" in error.detail


def test_pixels_that_would_fill_the_memory_are_refused_before_they_are_decoded(tmp_path):
    content = grey(b"\xff\xd8\xff\xd9", syntax=BASELINE, rows=0xFFFF)
    frames = element(0x00280008, "IS", b"4294967295")
    content = content.replace(element(0x00280010, "US", b"\xff\xff"),
                              frames + element(0x00280010, "US", b"\xff\xff"))  # fmt: skip
    assert "native pixels would have" in refused(tmp_path, content, EXPLICIT_LITTLE).detail


def test_an_object_without_pixels_has_none_to_transcode(tmp_path):
    assert "no Pixel Data" in refused(tmp_path, part10(identified()), RLE).detail


J2K = "1.2.840.10008.1.2.4.91"
JPEG_LS_FRAME = 0xF7


@pytest.mark.parametrize(
    ("syntax", "stream", "method"),
    [
        (J2K, jpeg2000(wavelet=0), "ISO_15444_1"),
        (J2K, jpeg2000(wavelet=1), None),
        (NEAR_LOSSLESS, jpeg(JPEG_LS_FRAME, selection=3), "ISO_14495_1"),
        (NEAR_LOSSLESS, jpeg(JPEG_LS_FRAME, selection=0), None),
        (NEAR_LOSSLESS, b"\xff\xda\0", None),
        (BASELINE, b"", "ISO_10918_1"),
        (RLE, b"", None),
    ],
)
def test_the_codestream_tells_whether_something_was_lost(syntax, stream, method):
    assert lossy_method(syntax, stream) == method


def test_a_marker_inside_a_comment_is_not_taken_for_the_codestreams_own():
    stream = jpeg2000(wavelet=1)
    comment = b"\xff\x64\0\x14" + b"\xff\x52\0\x0c" + bytes(14)
    at = stream.index(b"\xff\x52")
    assert lossy_method(J2K, stream[:at] + comment + stream[at:]) is None
