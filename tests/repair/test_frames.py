"""Deflated frames become native pixels for a target that does not take them, bit for bit."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE
from pacslift.repair.frames import DEFLATED_FRAMES, packed
from pacslift.repair.outgoing import prepare
from pacslift.repair.transcode import transcoded
from storedobjects import element, file_of, fragments, identified, part10, sent


def deflated(frame: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    stream = deflater.compress(frame) + deflater.flush()
    return stream + b"\0" * (len(stream) % 2)


def segmentation(*frames: bytes, rows=2, columns=4, bits=16, count=None) -> bytes:
    number = struct.Struct("<H").pack
    text = str(len(frames) if count is None else count)
    return part10(
        identified()
        + element(0x00280002, "US", number(1))
        + element(0x00280008, "IS", (text + " " * (len(text) % 2)).encode())
        + element(0x00280010, "US", number(rows))
        + element(0x00280011, "US", number(columns))
        + element(0x00280100, "US", number(bits))
        + fragments(*map(deflated, frames)),
        DEFLATED_FRAMES,
    )


def fallen_back(tmp_path, content: bytes) -> bytes:
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        native = transcoded(outgoing, EXPLICIT_LITTLE)
        assert native.transfer_syntax_uid == EXPLICIT_LITTLE
        assert [change.rule for change in native.changes] == ["TRANSCODE"]
        return sent(native)


def test_frames_are_inflated_into_native_pixel_data(tmp_path):
    frames = bytes(range(16)), bytes(range(16, 32))
    data_set = fallen_back(tmp_path, segmentation(*frames))
    assert data_set.endswith(element(0x7FE00010, "OW", b"".join(frames)))


def test_as_long_as_the_target_takes_them_the_frames_stay_as_they_are(tmp_path):
    content = segmentation(bytes(16))
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        assert outgoing.transfer_syntax_uid == DEFLATED_FRAMES
        assert sent(outgoing) in content
        assert outgoing.changes == ()


@pytest.mark.parametrize(
    "content",
    [
        segmentation(bytes(15)),
        segmentation(bytes(17)),
        segmentation(bytes(16), count=2),
        segmentation(bytes(16), rows=0),
    ],
)
def test_frames_that_do_not_fit_the_header_are_not_sent(tmp_path, content):
    with pytest.raises(SetAsideError) as refused:
        fallen_back(tmp_path, content)
    assert refused.value.cause is Cause.PIXELS_DAMAGED


def test_a_frame_that_would_inflate_without_end_is_stopped_at_its_size(tmp_path):
    with pytest.raises(SetAsideError, match="does not inflate to the 16 bytes"):
        fallen_back(tmp_path, segmentation(bytes(50_000_000)))


@given(
    st.integers(1, 40).flatmap(
        lambda bits: st.lists(
            st.lists(st.booleans(), min_size=bits, max_size=bits), min_size=1, max_size=6
        )
    )
)
def test_single_bits_of_every_frame_follow_one_another_without_a_gap(frames):
    bits = len(frames[0])
    pieces = (np.packbits(frame, bitorder="little").tobytes() for frame in frames)
    whole = np.packbits(np.array(frames).ravel(), bitorder="little").tobytes()
    assert packed(pieces, len(frames), bits) == whole
