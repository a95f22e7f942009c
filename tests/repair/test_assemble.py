"""A header and its pixels in two files are one object again, or are set aside."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import oracle
import pydicom
import pytest
from headless import GREY_12, RAW, of, open_files, put_together

import bitstreams
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import FileSpan
from storedobjects import (
    BIG,
    CT,
    EXPLICIT,
    IMPLICIT,
    INSTANCE,
    SYNTAX,
    element,
    identified,
    part10,
    sent,
    uid,
)

GREY = [(0x00280002, 1), (0x00280010, 4), (0x00280011, 6), (0x00280100, 16), (0x00280101, 12),
        (0x00280102, 11), (0x00280103, 0)]  # fmt: skip


def header(encoding=EXPLICIT, *, without: tuple[int, ...] = (), more: bytes = b"") -> bytes:
    """The data set of an image of 4 rows and 6 columns without its pixels."""
    order = "big" if encoding is BIG else "little"
    said = {
        tag: element(tag, "US", value.to_bytes(2, order), encoding)
        for tag, value in GREY
        if tag not in without
    }
    if 0x00280004 not in without:
        said[0x00280004] = element(0x00280004, "CS", b"MONOCHROME2 ", encoding)
    return identified(encoding) + b"".join(said[tag] for tag in sorted(said)) + more


def as_read(outgoing, folder: Path) -> pydicom.Dataset:
    (folder / "whole.dcm").write_bytes(oracle.as_file(outgoing))
    return pydicom.dcmread(folder / "whole.dcm")


def refused(cause: Cause, *arguments, **more) -> str:
    with pytest.raises(SetAsideError) as error:
        put_together(*arguments, **more)
    assert error.value.cause is cause
    return error.value.detail


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_native_pixels_go_behind_their_header_which_stays_as_it_is(tmp_path, encoding):
    content = header(encoding)
    with put_together(tmp_path, RAW, part10(content, SYNTAX[encoding])) as outgoing:
        assert sent(outgoing) == content + element(0x7FE00010, "OW", RAW, encoding)
        assert outgoing.transfer_syntax_uid == SYNTAX[encoding]
        assert [change.keyword for change in outgoing.changes] == ["PixelData"]


def test_a_header_in_big_endian_has_pixels_in_big_endian(tmp_path):
    with put_together(tmp_path, RAW, part10(header(BIG), SYNTAX[BIG])) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert found.PixelData == np.frombuffer(RAW, ">u2").astype("<u2").tobytes()


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT, BIG])
def test_a_stream_goes_into_a_fragment_whatever_the_header_is_written_in(tmp_path, encoding):
    eight = (0x00280100, 0x00280101, 0x00280102)
    content = part10(header(encoding, without=eight), SYNTAX[encoding])
    with put_together(tmp_path, bitstreams.jpeg(), content) as outgoing:
        found = as_read(outgoing, tmp_path)
    assert outgoing.transfer_syntax_uid == "1.2.840.10008.1.2.4.50"
    assert (found.Rows, found.BitsAllocated, found.BitsStored, found.HighBit) == (4, 8, 8, 7)
    assert found.LossyImageCompression == "01"
    assert str(found.PatientID) == "Müller"
    assert bitstreams.jpeg() in found.PixelData


def test_what_stands_behind_the_pixels_stays_behind_them(tmp_path):
    tail = element(0xFFFCFFFC, "OB", bytes(4))
    content = header(more=tail)
    with put_together(tmp_path, RAW, part10(content)) as outgoing:
        assert sent(outgoing).endswith(RAW + tail)


def test_a_bare_header_is_one_too(tmp_path):
    with put_together(tmp_path, RAW, header()) as outgoing:
        assert as_read(outgoing, tmp_path).PixelData == RAW


def test_what_the_header_lacks_of_the_pixels_comes_from_the_database(tmp_path):
    content = part10(header(without=(0x00280101, 0x00280102, 0x00280004)))
    facts = {tag: GREY_12[tag] for tag in ("00280101", "00280004")}
    with put_together(tmp_path, RAW, content, facts=facts) as outgoing:
        found = as_read(outgoing, tmp_path)
        told = {change.keyword: change.rule for change in outgoing.changes}
    assert (found.BitsStored, found.HighBit) == (12, 11)
    assert told == dict.fromkeys(
        ("PixelData", "BitsStored", "HighBit", "PhotometricInterpretation"), "REBUILD"
    )


def test_what_the_database_corrects_is_kept_as_original_attribute(tmp_path):
    overlay = {"00100020": of("LO", "P9")}
    with put_together(tmp_path, RAW, part10(header()), overlay) as outgoing:
        found = as_read(outgoing, tmp_path)
    item = found.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert (found.PatientID, item.PatientID) == ("P9", "Müller")


def test_uids_that_the_header_lacks_come_from_the_catalog(tmp_path):
    nameless = header()[len(identified()) :]
    content = part10(element(0x00080016, "UI", uid(CT)) + nameless)
    with put_together(tmp_path, RAW, content) as outgoing:
        assert outgoing.sop_instance_uid == INSTANCE
        assert (outgoing.study_instance_uid, outgoing.series_instance_uid) == ("1.2.3", "1.2.3.1")


@pytest.mark.parametrize(
    ("tag", "value"), [(0x00280010, 5), (0x00280011, 600), (0x00280100, 8), (0x00280002, 3)]
)
def test_a_header_that_lies_about_the_pixels_sets_the_object_aside(tmp_path, tag, value):
    lie = part10(header().replace(
        element(tag, "US", dict(GREY)[tag].to_bytes(2, "little")),
        element(tag, "US", value.to_bytes(2, "little")),
    ))  # fmt: skip
    refused(Cause.PIXELS_DAMAGED, tmp_path, RAW, lie)


def test_a_header_with_rows_that_the_stream_has_not_sets_the_object_aside(tmp_path):
    detail = refused(Cause.PIXELS_DAMAGED, tmp_path, bitstreams.jpeg(), part10(header()))
    assert "BitsAllocated is 8 in the bit stream" in detail


def test_a_header_with_pixels_of_its_own_is_no_header_alone(tmp_path):
    whole = part10(header(more=element(0x7FE00010, "OW", RAW)))
    refused(Cause.NOT_REBUILT, tmp_path, RAW, whole)


def test_a_header_that_says_nothing_of_its_pixels_is_not_enough(tmp_path):
    detail = refused(Cause.NOT_REBUILT, tmp_path, RAW, part10(identified()))
    assert "Rows, Columns" in detail


def test_pixels_stay_in_their_file(tmp_path):
    content = header().replace(
        element(0x00280010, "US", b"\4\0"),
        element(0x00280010, "US", (40_000).to_bytes(2, "little")),
    )
    with put_together(tmp_path, bytes(480_000), part10(content)) as outgoing:
        kept = sum(part.length for part in outgoing.segments if isinstance(part, FileSpan))
    assert kept > 440_000


def test_both_files_are_closed_whatever_happens(tmp_path):
    before = open_files()
    for pixels, content in (
        (RAW, part10(header(IMPLICIT), SYNTAX[IMPLICIT])),
        (RAW[:-2], part10(header())),
        (bitstreams.jpeg(), part10(header(BIG), SYNTAX[BIG])),
        (bitstreams.jpeg(), part10(header(BIG, without=(0x00280100,)), SYNTAX[BIG])),
    ):
        with suppress(SetAsideError):
            put_together(tmp_path, pixels, content).close()
    assert not open_files() - before
