"""An object whose UIDs are written with the VR UN gets the dictionary's VRs, or nobody files it."""

import pytest

from pacslift.inventory.stored import open_stored
from pacslift.repair.outgoing import prepare
from storedobjects import CT, INSTANCE, SERIES, STUDY, element, file_of, part10, sent, uid


def data_set(vr_of_uids: str, *more: bytes) -> bytes:
    uids = {0x00080016: CT, 0x00080018: INSTANCE, 0x0020000D: STUDY, 0x0020000E: SERIES}
    parts = [element(tag, vr_of_uids, uid(value)) for tag, value in uids.items()]
    return b"".join(sorted([*parts, *more], key=lambda one: one[1::-1] + one[3:1:-1]))


def sent_as(tmp_path, content: bytes):
    with prepare(open_stored(file_of(tmp_path, part10(content, "1.2.840.10008.1.2.1")))) as out:
        return sent(out), [(change.rule, change.keyword) for change in out.changes]


def test_only_the_two_letters_of_the_vr_change_and_each_change_is_recorded(tmp_path):
    name = element(0x00100010, "UN", b"TEST^UN ")
    bytes_, changes = sent_as(tmp_path, data_set("UN", name))
    assert bytes_ == data_set("UI", element(0x00100010, "PN", b"TEST^UN "))
    assert ("S18", "PatientName") in changes
    assert len(changes) == 5


@pytest.mark.parametrize(
    "kept",
    [
        element(0x00131010, "UN", b"private."),  # who knows what it is
        element(0x00280106, "UN", b"\x01\x00"),  # US or SS
        element(0x00081140, "UN", b""),  # a sequence
        element(0x00990010, "UN", b"no such element."),
    ],
)
def test_what_the_dictionary_does_not_settle_stays_unknown(tmp_path, kept):
    bytes_, _ = sent_as(tmp_path, data_set("UN", kept))
    assert kept in bytes_


def test_an_object_that_can_be_filed_keeps_its_unknown_elements(tmp_path):
    content = data_set("UI", element(0x00100010, "UN", b"TEST^UN "))
    assert sent_as(tmp_path, content) == (content, [])
