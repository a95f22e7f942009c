"""What an object says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.probe import Probed, probe
from storedobjects import CT, EXPLICIT, INSTANCE, SERIES, STUDY, SYNTAX, element, part10, uid


def patient_id(folder, charset, value):
    content = element(0x00080005, "CS", charset) if charset is not None else b""
    content += element(0x00080016, "UI", uid(CT)) + element(0x00080018, "UI", uid(INSTANCE))
    (folder / "object").write_bytes(part10(content + element(0x00100020, "LO", value)))
    return probe(folder, "object").patient_id


def test_the_identity_comes_without_its_padding(tmp_path):
    content = (
        element(0x00080016, "UI", CT.encode() + b"\0\0")
        + element(0x00080018, "UI", b" " + INSTANCE.encode() + b" ")
        + element(0x00100020, "LO", b" 4711 \0")
        + element(0x0020000D, "UI", uid(STUDY))
        + element(0x0020000E, "UI", uid(SERIES))
    )
    (tmp_path / "object").write_bytes(part10(content))
    assert probe(tmp_path, "object") == Probed(
        CT, INSTANCE, STUDY, SERIES, "4711", SYNTAX[EXPLICIT]
    )


@pytest.mark.parametrize(
    ("charset", "value", "text"),
    [
        (None, b"4711", "4711"),
        (b"ISO_IR 100", b"M\xfcller", "Müller"),
        (b"ISO_IR 144", b"\xbb\xee\xda", "Люк"),
        (b"ISO_IR 192", "Müller".encode(), "Müller"),
        (b"GB18030 ", "王".encode("gb18030"), "王"),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(J", "山田"),
        (b"ISO_IR 192", b"M\xfcller", "M�ller"),
        (b"nonsense", b"M\xfcller", "Müller"),
        (b"\\ISO 2022 IR 87", b"4711", "4711"),
        (b"", b"", ""),
    ],
)
def test_a_patient_id_is_read_by_the_objects_own_character_set(tmp_path, charset, value, text):
    assert patient_id(tmp_path, charset, value) == text


@given(charset=st.binary(max_size=20), value=st.binary(max_size=40))
def test_no_character_set_and_no_bytes_stop_the_probe(tmp_path_factory, charset, value):
    assert isinstance(patient_id(tmp_path_factory.getbasetemp(), charset, value), str)


@pytest.mark.parametrize("lacking", [0x00080016, 0x00080018])
def test_an_object_without_identity_is_told(tmp_path, lacking):
    tags = {0x00080016: CT, 0x00080018: INSTANCE, 0x0020000D: STUDY}
    (tmp_path / "object").write_bytes(
        part10(b"".join(element(tag, "UI", uid(tags[tag])) for tag in tags if tag != lacking))
    )
    with pytest.raises(SetAsideError) as refused:
        probe(tmp_path, "object")
    assert refused.value.cause is Cause.IDENTITY_MISSING


def test_what_has_no_study_is_an_object_all_the_same(tmp_path):
    content = element(0x00080016, "UI", uid(CT)) + element(0x00080018, "UI", uid(INSTANCE))
    (tmp_path / "object").write_bytes(part10(content))
    assert probe(tmp_path, "object").study_instance_uid == ""
