"""Elements are changed between the bytes of the original, which stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory.bytesource import FIRST_BLOCK, FileSpan
from pacslift.inventory.stored import open_stored
from pacslift.repair.splice import encoded, splice
from storedobjects import EXPLICIT, IMPLICIT, element, file_of, image, part10

TAGS = [0x00080005, 0x00080016, 0x00080018, 0x00100020, 0x0020000D, 0x0020000E, 0x7FE00010]
OTHERS = [0x00080001, 0x00080017, 0x00100010, 0x00200010, 0x7FDF0010, 0xFFFCFFFC]


def spliced(folder, content, edits):
    stored = open_stored(file_of(folder, content))
    parts = splice(stored, edits)
    found = b"".join(
        bytes(part)
        if isinstance(part, memoryview)
        else stored.source.read(part.offset, part.length)
        for part in parts
    )
    stored.close()
    return found


def elementwise(content):
    """The elements of image() by tag."""
    places = [
        content.index(tag.to_bytes(4, "big")[1::-1] + tag.to_bytes(4, "big")[:1:-1]) for tag in TAGS
    ]
    return {
        tag: content[start:end]
        for tag, start, end in zip(TAGS, places, [*places[1:], len(content)], strict=True)
    }


def test_without_edits_nothing_changes(tmp_path):
    assert spliced(tmp_path, part10(image()), {}) == image()


@given(
    edits=st.dictionaries(
        st.sampled_from(TAGS + OTHERS), st.none() | st.binary(max_size=8).map(lambda v: v + v)
    )
)
@pytest.mark.parametrize("order", [1, -1], ids=["in order", "out of order"])
def test_every_edit_lands_in_tag_order_and_all_else_stays(tmp_path_factory, order, edits):
    expected = elementwise(image())
    content = b"".join(list(expected.values())[::order])
    new = {tag: element(tag, "UN", value) for tag, value in edits.items() if value is not None}
    expected = {tag: data for tag, data in expected.items() if tag not in edits} | new
    result = spliced(
        tmp_path_factory.getbasetemp(),
        part10(content),
        {tag: (memoryview(new[tag]),) if tag in new else () for tag in edits},
    )
    assert result == b"".join(expected[tag] for tag in sorted(expected))


def test_pixels_stay_in_the_file(tmp_path):
    pixels = bytes(4 * FIRST_BLOCK)
    stored = open_stored(file_of(tmp_path, part10(image(pixels=pixels))))
    *_, last = splice(stored, {0x00100020: (encoded(0x00100020, b"LO", b"new ", EXPLICIT),)})
    stored.close()
    assert isinstance(last, FileSpan)
    assert last.length >= len(pixels) - FIRST_BLOCK


def test_an_element_is_written_as_its_encoding_wants():
    assert bytes(encoded(0x00100020, b"LO", b"12", EXPLICIT)) == b"\x10\0\x20\0LO\2\x0012"
    assert bytes(encoded(0x00100020, b"LO", b"12", IMPLICIT)) == b"\x10\0\x20\0\2\0\0\x0012"
    assert bytes(encoded(0x7FE00010, b"OW", b"12", EXPLICIT)) == b"\xe0\x7f\x10\0OW\0\0\2\0\0\x0012"
