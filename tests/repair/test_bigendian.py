"""Objects in Explicit VR Big Endian leave in little endian, and read as before."""

import io
import os
import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import inflate
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from storedobjects import BIG, SYNTAX, element, file_of, identified, opened, part10, sent

DOSE = "rtdose_expb_1frame.dcm"
PAIRS = [
    ("MR_small_bigendian.dcm", "MR_small.dcm"),
    ("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd.dcm"),
    (DOSE, "rtdose_1frame.dcm"),
]
BY_FOUR = Orders(rules=RuleSettings(parameters={"E20": {"pixel_bytes": 4}}))


def little(path, orders=BY_FOUR):
    with prepare(open_stored(os.open(path, os.O_RDONLY)), orders) as outgoing:
        assert outgoing.transfer_syntax_uid == "1.2.840.10008.1.2.1"
        assert "E20" in outgoing.envelope
        return pydicom.dcmread(io.BytesIO(part10(sent(outgoing))))


@pytest.mark.parametrize(("big", "small"), PAIRS)
def test_the_elements_read_as_those_of_the_twin_in_little_endian(big, small):
    ours, theirs = little(get_testdata_file(big)), pydicom.dcmread(get_testdata_file(big))
    twin = pydicom.dcmread(get_testdata_file(small))
    assert ours.PixelData == twin.PixelData
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in theirs:
            if one.tag != 0x7FE00010 and one.tag.element:
                assert ours[one.tag] == one


def test_pixels_of_32_bits_wait_for_a_person_to_say_how_they_are_written():
    with pytest.raises(SetAsideError, match=r"rules.E20") as refused:
        little(get_testdata_file(DOSE), Orders())
    assert refused.value.cause is Cause.PIXELS_DAMAGED


def test_an_object_too_large_for_the_memory_is_turned_around_in_a_file(monkeypatch):
    monkeypatch.setattr(inflate, "MOST_IN_MEMORY", 1000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    name = "MR_small_bigendian.dcm"
    assert (
        little(get_testdata_file(name)).PixelData
        == pydicom.dcmread(get_testdata_file("MR_small.dcm")).PixelData
    )
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_numbers_inside_sequences_are_turned_around_and_unknown_bytes_are_not(tmp_path):
    head = struct.Struct(">HHI")
    inner = element(0x00280010, "US", b"\x02\x01", BIG) + element(0x00091001, "UN", b"\1\2", BIG)
    item = head.pack(0xFFFE, 0xE000, 0xFFFFFFFF) + inner + head.pack(0xFFFE, 0xE00D, 0)
    sequence = opened(0x00400555, "SQ", BIG) + item + head.pack(0xFFFE, 0xE0DD, 0)
    private = element(0x00410010, "UN", b"\3\4", BIG)
    content = part10(identified(BIG) + sequence + private, SYNTAX[BIG])
    with prepare(open_stored(file_of(tmp_path, content))) as outgoing:
        ds = pydicom.dcmread(io.BytesIO(part10(sent(outgoing))))
    assert ds[0x00400555].value[0].Rows == 0x0201
    assert ds[0x00400555].value[0].get_item(0x00091001).value == b"\1\2"
    assert ds.get_item(0x00410010).value == b"\3\4"


def test_the_rule_can_be_switched_off_for_a_target_that_takes_them():
    path = get_testdata_file("MR_small_bigendian.dcm")
    orders = Orders(rules=RuleSettings(off=frozenset({"E20"})))
    with prepare(open_stored(os.open(path, os.O_RDONLY)), orders) as outgoing:
        assert outgoing.transfer_syntax_uid == SYNTAX[BIG]
        assert sent(outgoing) in Path(path).read_bytes()
