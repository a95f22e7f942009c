"""What was written wrong by a fault of the program is kept back."""

import pytest

from pacslift.errors import SetAsideError
from pacslift.inventory.bytesource import FIRST_BLOCK, FileSpan
from pacslift.inventory.stored import open_stored
from pacslift.repair.invariant import check
from pacslift.repair.splice import encoded, splice
from storedobjects import EXPLICIT, element, file_of, image, part10

NAME, PATIENT = 0x00100010, 0x00100020


@pytest.fixture
def stored(tmp_path):
    content = part10(image(pixels=bytes(2 * FIRST_BLOCK)))
    opened = open_stored(file_of(tmp_path, content))
    yield opened
    opened.close()


def edits_of(name=b"DOE^JANE"):
    return {NAME: (encoded(NAME, b"PN", name, EXPLICIT),), PATIENT: ()}


@pytest.mark.parametrize("again", [True, False])
def test_what_was_spliced_as_it_should_be_passes(stored, again):
    check(stored, edits_of(), splice(stored, edits_of()), again=again)


def test_a_byte_too_few_or_too_many_is_noticed(stored):
    first, *rest = splice(stored, edits_of())
    for wrong in (first[:-2], memoryview(bytes(first) + b"\0\0")):
        with pytest.raises(SetAsideError, match="fault of pacslift"):
            check(stored, edits_of(), (wrong, *rest), again=False)


def test_an_element_under_another_tag_is_noticed(stored):
    wrong = {NAME: (memoryview(element(PATIENT, "PN", b"DOE^JANE")),), PATIENT: ()}
    with pytest.raises(SetAsideError, match="0010,0010"):
        check(stored, wrong, splice(stored, wrong), again=False)


def test_an_element_whose_header_lies_about_its_length_is_noticed(stored):
    lying = bytearray(element(NAME, "PN", b"DOE^JANE"))
    lying[6] = 6
    wrong = {NAME: (memoryview(bytes(lying)),), PATIENT: ()}
    with pytest.raises(SetAsideError, match="fault of pacslift"):
        check(stored, wrong, splice(stored, wrong))


def test_pixels_of_another_place_in_the_file_are_noticed(stored):
    *first, last = splice(stored, edits_of())
    assert isinstance(last, FileSpan)
    moved = FileSpan(last.fd, last.offset - 2, last.length)
    with pytest.raises(SetAsideError, match="7FE0,0010"):
        check(stored, edits_of(), (*first, moved), again=False)


def test_an_element_that_was_lost_is_noticed_when_the_header_is_walked(stored):
    *_, last = splice(stored, {})
    whole = b"".join(bytes(one) for one in splice(stored, {}) if isinstance(one, memoryview))
    study = element(0x0020000D, "UI", b"1.2.3\0")
    assert study in whole
    filler = element(0x00090010, "LO", study[8:])
    swapped = whole.replace(study, b"").replace(
        element(PATIENT, "LO", b"M\xfcller"), filler + element(PATIENT, "LO", b"M\xfcller")
    )
    with pytest.raises(SetAsideError, match="fault of pacslift"):
        check(stored, {}, (memoryview(swapped), last))
