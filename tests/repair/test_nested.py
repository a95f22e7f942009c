"""Sequences are read to any depth, and written anew with all else as it was."""

import os
from pathlib import Path

import pytest
from pydicom.data import get_testdata_files

from pacslift.errors import SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.nested import REMOVED
from pacslift.repair.orders import Orders
from pacslift.repair.view import View
from storedobjects import (
    BIG,
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    SYNTAX,
    element,
    file_of,
    identified,
    item,
    item_until_delimiter,
    opened,
    part10,
)

OUTER, INNER, MEANING = 0x00400555, 0x00081115, 0x00080104


@pytest.fixture
def view_of(tmp_path):
    opened_objects = []

    def make(data, encoding=EXPLICIT):
        content = part10(identified(encoding) + data, SYNTAX[encoding])
        opened_objects.append(open_stored(file_of(tmp_path, content)))
        return View(opened_objects[-1], Orders())

    yield make
    for stored in opened_objects:
        stored.close()


def two_levels(encoding, meaning=b"old "):
    code = element(MEANING, "LO", meaning, encoding)
    inner = element(INNER, "SQ", item(code), encoding)
    return element(
        OUTER, "SQ", item(inner + element(0x00091001, "LO", b"ours", encoding)), encoding
    )


def test_every_sequence_of_the_collection_is_written_as_it_was_when_nothing_changes():
    met = 0
    for path in map(Path, get_testdata_files()):
        if not path.is_file():
            continue
        try:
            stored = open_stored(os.open(path, os.O_RDONLY))
        except SetAsideError:
            continue
        view = View(stored, Orders())
        for tag in view.sequences():
            met += len(list(view.inner(tag)))
            assert view.rewritten(tag, lambda inner: inner.value or None) is None, path
        stored.close()
    assert met > 2000


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_a_longer_value_makes_the_lengths_around_it_longer(view_of, encoding):
    view = view_of(two_levels(encoding), encoding)
    new = view.rewritten(OUTER, lambda one: b"newer" if one.tag == MEANING else None)
    assert element(OUTER, "SQ", new, encoding) == two_levels(encoding, b"newer ")


def test_an_element_inside_can_be_removed(view_of):
    view = view_of(two_levels(EXPLICIT))
    new = view.rewritten(OUTER, lambda one: REMOVED if one.tag == INNER else None)
    assert new == item(element(0x00091001, "LO", b"ours"))


def test_undefined_lengths_stay_undefined_inside_and_end_at_the_top(view_of):
    inner = opened(INNER, "SQ") + item_until_delimiter(element(MEANING, "LO", b"old ")) + DELIMITER
    view = view_of(opened(OUTER, "SQ") + item_until_delimiter(inner) + DELIMITER)
    new = view.rewritten(OUTER, lambda one: b"new!" if one.tag == MEANING else None)
    assert new == item_until_delimiter(inner.replace(b"old ", b"new!"))


def test_unknown_elements_of_undefined_length_are_read_as_implicit(view_of):
    inside = element(MEANING, "LO", b"old ", IMPLICIT)
    view = view_of(opened(0x00410010, "UN") + item(inside) + DELIMITER)
    assert list(view.sequences()) == [0x00410010]
    assert [one.value for one in view.inner(0x00410010)] == [b"old "]
    new = view.rewritten(0x00410010, lambda one: b"new!")
    assert new == item(inside.replace(b"old ", b"new!")) + DELIMITER


def test_a_rule_is_told_where_an_element_stands(view_of):
    own = element(0x00080005, "CS", b"ISO_IR 192")
    view = view_of(element(OUTER, "SQ", item(b"") + item(own + two_levels(EXPLICIT))))
    (met,) = [one for one in view.inner(OUTER) if one.tag == MEANING]
    assert met.path == (OUTER, INNER)
    assert (met.item, met.character_set, met.vr) == (4, b"ISO_IR 192", b"LO")


def test_a_value_that_its_vr_cannot_hold_sets_the_object_aside(view_of):
    view = view_of(two_levels(EXPLICIT))
    with pytest.raises(SetAsideError, match="does not fit"):
        view.rewritten(OUTER, lambda one: b"x" * 70_000 if one.tag == MEANING else None)


def test_big_endian_lengths_are_written_big_endian(view_of):
    head = b"\xff\xfe\xe0\x00"
    code = element(MEANING, "LO", b"old ", BIG)
    view = view_of(element(OUTER, "SQ", head + len(code).to_bytes(4, "big") + code, BIG), BIG)
    new = view.rewritten(OUTER, lambda one: b"newer!")
    longer = element(MEANING, "LO", b"newer!", BIG)
    assert new == head + len(longer).to_bytes(4, "big") + longer
