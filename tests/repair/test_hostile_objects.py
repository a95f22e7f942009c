"""Real objects, damaged at random, are sent whole or set aside; nothing else ever happens."""

import time
import warnings
from functools import cache
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import prepare
from storedobjects import CT, file_of, identified, part10, sent

SHIPPED = Path(pydicom.__file__).parent / "data"
LARGEST = 30_000  # bytes
SECONDS = 5.0  # of a processor for one small object
DELIMITERS = [b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xff\xff\xff\xff"]


@cache
def objects():
    paths = sorted(path for path in SHIPPED.rglob("*") if path.suffix in {".dcm", ""})
    return [
        path.read_bytes() for path in paths if path.is_file() and path.stat().st_size <= LARGEST
    ]


@st.composite
def damaged_objects(draw):
    content = bytearray(draw(st.sampled_from(objects())))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(content)))
        size = draw(st.integers(0, 12))
        new = draw(st.binary(max_size=12) | st.sampled_from(DELIMITERS))
        content[at : at + size] = new
    return bytes(content)


@given(content=damaged_objects(), container=st.sampled_from([None, "bare", "orthanc-zlib"]))
def test_a_damaged_object_is_sent_whole_or_set_aside(tmp_path_factory, content, container):
    started = time.process_time()
    try:
        outgoing = prepare(open_stored(file_of(tmp_path_factory.getbasetemp(), content), container))
    except SetAsideError:
        pass
    else:
        with outgoing:
            assert len(sent(outgoing)) == outgoing.length
            assert outgoing.length % 2 == 0
            assert outgoing.sop_instance_uid
    assert time.process_time() - started < SECONDS


def test_what_stands_where_a_uid_belongs_goes_into_no_warning(tmp_path, recwarn):
    name = b"DOE^JANE 1961 M\xfcller".ljust(len(CT), b"\0")
    content = part10(identified().replace(CT.encode(), name))
    with prepare(open_stored(file_of(tmp_path, content)), Orders(facts={"pixels": True})):
        assert not recwarn.list


@pytest.mark.parametrize("content", objects(), ids=lambda content: str(len(content)))
def test_what_is_sent_of_a_sound_object_is_what_the_library_reads(tmp_path, content):
    try:
        outgoing = prepare(open_stored(file_of(tmp_path, content)))
    except SetAsideError:
        return
    with outgoing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(tmp_path / "object", force=True)
        assert outgoing.sop_instance_uid == theirs.SOPInstanceUID
        assert outgoing.study_instance_uid == theirs.get("StudyInstanceUID", "")
        assert outgoing.patient_id == str(theirs.get("PatientID", ""))
