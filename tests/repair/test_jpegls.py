"""JPEG-LS as dcm4chee 2 wrote it decodes to other pixels; repaired, to the right ones.

DCMTK's dcmcjpls compresses with dcm4chee's thresholds and names them; without that segment the
stream is what dcm4chee left behind.
"""

import subprocess
from io import BytesIO

import jpeg_ls
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from pacslift.inventory.stored import open_stored
from pacslift.repair import jpegls
from pacslift.repair.outgoing import prepare
from servers import program
from storedobjects import file_of, sent

SIZE = 48
SEGMENT = 15  # bytes of the LSE segment behind SOI and SOF55


def picture(bits, seed):
    """Samples with edges and noise, so that every threshold matters."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    smooth = (x * 7 + y * 13 + seed) * ((1 << bits) // 2048)
    edge = np.where((x - 20) ** 2 + (y - 24) ** 2 < 150, (1 << bits) // 2, 0)
    noise = np.random.default_rng(seed).integers(0, 1 << (bits - 4), (SIZE, SIZE))
    return ((smooth + edge + noise) & ((1 << bits) - 1)).astype("<u2")


def image(bits, frames):
    """An object as it came in, uncompressed."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
    made.StudyInstanceUID, made.SeriesInstanceUID = "2.25.2", "2.25.3"
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.NumberOfFrames = frames
    made.Rows = made.Columns = SIZE
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, bits, bits - 1
    made.PixelRepresentation = 0
    made.add_new(0x7FE00010, "OW", b"".join(picture(bits, n).tobytes() for n in range(frames)))
    return made


def compressed(tmp_path, bits, frames, thresholds):
    """The code streams of each frame, with their thresholds named."""
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    image(bits, frames).save_as(plain, implicit_vr=False, little_endian=True)
    named = [text for n, t in enumerate(thresholds, 1) for text in (f"--threshold{n}", str(t))]
    subprocess.run([program("dcmcjpls"), "--prefer-cooked", *named, plain, packed], check=True)
    return list(generate_frames(dcmread(packed, force=True).PixelData, number_of_frames=frames))


def written_by(writer, streams, bits, *, extended=False):
    """The object as an archive with this Implementation Class UID keeps it."""
    made = image(bits, len(streams))
    if extended:
        pixels, offsets, lengths = encapsulate_extended(streams)
        made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = offsets, lengths
    else:
        pixels = encapsulate(streams, has_bot=True)
    made.add_new(0x7FE00010, "OB", pixels)
    made["PixelData"].is_undefined_length = True
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = UID(jpegls.LOSSLESS)
    made.file_meta.ImplementationClassUID = UID(writer)
    file = BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def without_thresholds(stream):
    assert stream[15:17] == b"\xff\xf8"
    bare = stream[:15] + stream[15 + SEGMENT :]
    return bare + b"\0" * (len(bare) % 2)


def decoded(stream):
    """Samples by CharLS; None for a stream that it refuses."""
    try:
        pixels, _ = jpeg_ls.decode_pixel_data(stream)
    except RuntimeError:
        return None
    return np.frombuffer(bytes(pixels), "<u2").reshape(SIZE, SIZE)


def parsed(data):
    """The data set of explicit VR bytes."""
    return read_dataset(BytesIO(data), is_implicit_VR=False, is_little_endian=True)


@pytest.mark.parametrize("bits", jpegls.THRESHOLDS)
def test_every_depth_decodes_to_the_pixels_that_came_in(tmp_path, bits):
    streams = compressed(tmp_path, bits, 2, jpegls.THRESHOLDS[bits])
    faulty = [without_thresholds(stream) for stream in streams]
    for number, stream in enumerate(faulty):
        wrong = decoded(stream)
        assert wrong is None or not np.array_equal(wrong, picture(bits, number))
    with prepare(
        open_stored(file_of(tmp_path, written_by(jpegls.WRITER, faulty, bits)))
    ) as outgoing:
        data, changes = sent(outgoing), outgoing.changes
    frames = list(generate_frames(parsed(data).PixelData, number_of_frames=2))
    for number, stream in enumerate(frames):
        assert np.array_equal(decoded(stream), picture(bits, number))
    assert [change.rule for change in changes] == ["LSE"]


def test_the_offset_table_names_the_fragments_where_they_are_now(tmp_path):
    streams = compressed(tmp_path, 16, 3, jpegls.THRESHOLDS[16])
    faulty = written_by(jpegls.WRITER, [without_thresholds(s) for s in streams], 16)
    with prepare(open_stored(file_of(tmp_path, faulty))) as outgoing:
        pixels = parsed(sent(outgoing)).PixelData
    count = int.from_bytes(pixels[4:8], "little") // 4
    offsets = [int.from_bytes(pixels[8 + 4 * n : 12 + 4 * n], "little") for n in range(count)]
    assert count == 3
    for offset in offsets:
        item = 8 + 4 * count + offset
        assert pixels[item : item + 4] == b"\xfe\xff\x00\xe0"
        assert pixels[item + 8 : item + 12] == b"\xff\xd8\xff\xf7"


def test_an_extended_offset_table_is_moved_too(tmp_path):
    streams = compressed(tmp_path, 14, 2, jpegls.THRESHOLDS[14])
    bare = [without_thresholds(stream) for stream in streams]
    faulty = written_by(jpegls.WRITER, bare, 14, extended=True)
    with prepare(open_stored(file_of(tmp_path, faulty))) as outgoing:
        made = parsed(sent(outgoing))
    table = made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths
    frames = list(generate_frames(made.PixelData, number_of_frames=2, extended_offsets=table))
    for number, stream in enumerate(frames):
        assert np.array_equal(decoded(stream), picture(14, number))


@pytest.mark.parametrize(
    ("writer", "bits", "strip"),
    [("1.2.40.0.13.1.1.1", 16, True), (jpegls.WRITER, 12, True), (jpegls.WRITER, 16, False)],
    ids=["another writer", "12 bits", "thresholds there"],
)
def test_what_is_right_goes_out_as_it_is(tmp_path, writer, bits, strip):
    usual = {12: (18, 67, 276)}
    streams = compressed(tmp_path, bits, 1, {**usual, **jpegls.THRESHOLDS}[bits])
    streams = [without_thresholds(stream) if strip else stream for stream in streams]
    content = written_by(writer, streams, bits)
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        assert sent(outgoing) in content
        assert outgoing.changes == ()


def test_what_was_repaired_needs_no_repair(tmp_path):
    streams = compressed(tmp_path, 13, 2, jpegls.THRESHOLDS[13])
    faulty = written_by(jpegls.WRITER, [without_thresholds(s) for s in streams], 13)
    with prepare(open_stored(file_of(tmp_path, faulty))) as outgoing:
        once = sent(outgoing)
    head = faulty[: faulty.index(once[:40])]
    with prepare(open_stored(file_of(tmp_path, head + once))) as outgoing:
        assert sent(outgoing) == once
        assert outgoing.changes == ()


@pytest.mark.parametrize("cut", [2, 10, 16])
def test_a_fragment_cut_in_its_header_is_left_alone(tmp_path, cut):
    streams = compressed(tmp_path, 16, 1, jpegls.THRESHOLDS[16])
    content = written_by(jpegls.WRITER, [without_thresholds(streams[0])[:cut]], 16)
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        assert outgoing.changes == ()
