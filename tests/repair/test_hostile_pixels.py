"""Whatever a file of pixels holds and a database says: an object that reads, or set aside."""

from io import BytesIO

import headless
import oracle
import pydicom
from headless import ANYONE, CT, GREY_12, OF_CT, RAW, US, made, of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bitstreams
from pacslift.adapter import Rebuild
from pacslift.errors import SetAsideError

END = b"\xff\xd9"
JP2 = b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x17jp2h\0\0\0\x0fcolr\1\0\0\0\0\0\x10\0\0\0\0jp2c"
STREAMS = [
    RAW,
    bitstreams.jpeg(),
    bitstreams.jpeg(0xF7, 3, (0x11, 0x11, 0x11)),
    bitstreams.jpeg2000() + END,
    JP2 + bitstreams.jpeg2000() + END,
    headless.taken_apart("MR_small_RLE.dcm")[1],
]
ODD = st.one_of(st.none(), st.integers(-2, 70_000), st.text(max_size=3), st.floats(), st.just([]),
                st.just({}), st.just("MONOCHROME2"), st.just("RGB"))  # fmt: skip
hostile = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A stream with some bytes changed, and perhaps cut."""
    content = bytearray(draw(st.sampled_from(STREAMS)))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, min(len(content), 120) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


def read_or_set_aside(folder, content, attributes, facts, wanted) -> None:
    before = headless.open_files()
    try:
        with made(folder, content, attributes, facts, wanted, Rebuild("modality")) as outgoing:
            found = pydicom.dcmread(BytesIO(oracle.as_file(outgoing)))
    except SetAsideError:
        pass
    else:
        assert found.Rows * found.Columns > 0
        assert found.SOPInstanceUID == "1.2.3.4"
        assert found.PixelData
        assert 0 < found.BitsStored <= found.HighBit + 1 <= found.BitsAllocated
        assert found.PixelRepresentation in {0, 1}
        assert found.get("PlanarConfiguration", 0) in {0, 1}
    assert not headless.open_files() - before


@hostile
@given(mutated())
def test_a_broken_stream_is_an_object_that_reads_or_set_aside(tmp_path, content):
    read_or_set_aside(tmp_path, content, ANYONE, {"00280103": of("US", 0)}, US)
    read_or_set_aside(tmp_path, content, OF_CT, GREY_12, CT)


@hostile
@given(st.sampled_from(STREAMS), st.dictionaries(st.sampled_from(sorted(GREY_12)), ODD))
def test_a_database_may_say_anything_of_the_pixels(tmp_path, content, said):
    facts = {**GREY_12, **{tag: of("US", value) for tag, value in said.items()}}
    read_or_set_aside(tmp_path, content, OF_CT, facts, CT)


@hostile
@given(st.sampled_from(STREAMS), st.sampled_from(["00280008", "00080016", "00280004"]),
       st.one_of(ODD, ODD.map(lambda one: {"vr": "IS", "Value": one})))  # fmt: skip
def test_a_fact_may_be_no_element(tmp_path, content, tag, said):
    read_or_set_aside(tmp_path, content, OF_CT, {**GREY_12, tag: said}, None)
