"""Every entry below a storage root is named."""

import os

from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory.walkfiles import Found, Kind, walk_files


def test_files_come_folder_by_folder_with_their_sizes(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2").write_bytes(b"22")
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "c").touch()
    assert list(walk_files(tmp_path)) == [
        Found("a", 1, Kind.FILE),
        Found("c", 0, Kind.FILE),
        Found("b/2", 2, Kind.FILE),
    ]


def test_links_and_pipes_are_noted_and_not_followed(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    kinds = {found.relative: found.kind for found in walk_files(tmp_path)}
    assert kinds == {"loop": Kind.SYMLINK, "pipe": Kind.SPECIAL}


def test_a_folder_that_cannot_be_read_is_an_entry(tmp_path):
    (found,) = walk_files(tmp_path / "nothing")
    assert (found.kind, found.detail) == (Kind.UNREADABLE, "No such file or directory")


def test_a_name_that_is_no_utf_8_is_still_named(tmp_path):
    (tmp_path / os.fsdecode(b"M\xfcller")).touch()
    assert [found.relative for found in walk_files(tmp_path)] == ["M\\xfcller"]


@given(depth=st.integers(1, 60), width=st.integers(1, 5))
def test_no_file_is_left_out(tmp_path_factory, depth, width):
    folder = root = tmp_path_factory.mktemp("root")
    for _ in range(depth):
        folder = folder / "d"
        folder.mkdir()
        for number in range(width):
            (folder / str(number)).touch()
    assert len(list(walk_files(root))) == depth * width
