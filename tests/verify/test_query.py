"""Identifiers and answers as plain values, whatever bytes they hold."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pynetdicom.dsutils import decode, encode

from pacslift.verify.query import Row, askable, identifier, row_of

NOTHING = Row(None, None, None, None, None)


def answer(**values: bytes) -> Dataset:
    """An answer as it comes off the wire."""
    dataset = Dataset()
    tags = {
        "SpecificCharacterSet": 0x00080005,
        "SOPInstanceUID": 0x00080018,
        "PatientID": 0x00100020,
        "StudyInstanceUID": 0x0020000D,
        "NumberOfStudyRelatedInstances": 0x00201208,
        "NumberOfSeriesRelatedInstances": 0x00201209,
    }
    for keyword, value in values.items():
        tag = Tag(tags[keyword])
        dataset[tag] = RawDataElement(tag, None, len(value), value, 0, True, True)
    return dataset


def test_an_answer_without_anything_says_nothing():
    assert row_of(Dataset()) == NOTHING


def test_padding_is_taken_off():
    row = row_of(answer(StudyInstanceUID=b"1.2.3\0", PatientID=b" P1  "))
    assert (row.study_instance_uid, row.patient_id) == ("1.2.3", "P1")


def test_an_empty_patient_id_is_told_apart_from_none():
    assert row_of(answer(PatientID=b"")).patient_id == ""
    assert row_of(answer()).patient_id is None


def test_a_patient_id_is_read_in_the_character_set_of_the_answer():
    row = row_of(answer(SpecificCharacterSet=b"ISO_IR 192", PatientID="Ü1".encode()))
    assert row.patient_id == "Ü1"


@pytest.mark.parametrize("count", [b"", b"many", b"-1", b"1.5"])
def test_a_count_that_is_none_is_not_taken_for_one(count):
    assert row_of(answer(NumberOfStudyRelatedInstances=count)).instances is None


@pytest.mark.parametrize("level", ["Study", "Series"])
def test_the_count_of_either_level_is_read(level):
    assert row_of(answer(**{f"NumberOf{level}RelatedInstances": b"12 "})).instances == 12


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_no_answer_can_raise_an_error(value, character_set):
    row_of(answer(PatientID=value, SOPInstanceUID=value, SpecificCharacterSet=character_set))


@pytest.mark.parametrize("implicit", [True, False])
@given(uid=st.text(st.characters(codec="ascii", exclude_characters="\\ \0"), min_size=1))
def test_any_askable_uid_comes_through_the_wire_as_it_is(implicit, uid):
    assert askable(uid)
    sent = encode(identifier("IMAGE", {"SOPInstanceUID": uid}), implicit, is_little_endian=True)
    assert row_of(decode_bytes(sent, implicit=implicit)).sop_instance_uid == uid


def decode_bytes(encoded: bytes | None, *, implicit: bool) -> Dataset:
    assert encoded is not None
    return decode(BytesIO(encoded), implicit, is_little_endian=True)


@pytest.mark.parametrize("uid", ["", " 1.2", "1.2\0", "1.2\\1.3", "1.2.\u0663"])
def test_what_would_be_padded_listed_or_lost_is_not_askable(uid):
    assert not askable(uid)
