"""Every entry below a storage root is named."""

import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from pacslift.inventory import walkfiles
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


def test_the_root_of_a_disk_may_be_a_storage_root(tmp_path):
    """Its path ends with a slash, as D:\\ ends with a backslash."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2").write_bytes(b"22")
    assert list(walk_files(SlashBehind(tmp_path))) == [Found("b/2", 2, Kind.FILE)]


@dataclass(frozen=True)
class SlashBehind:
    """A path as that of a disk's root is: with the separator at its end."""

    path: Path

    def __fspath__(self) -> str:
        return f"{self.path}/"


@dataclass(frozen=True)
class Junction:
    """What Windows lists for a junction: a folder, no symbolic link, with a mark."""

    path: bytes
    name: bytes = b"old"

    def is_symlink(self) -> bool:
        return False

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        return True

    def stat(self, *, follow_symlinks: bool) -> SimpleNamespace:
        return SimpleNamespace(st_mode=0o40777, st_reparse_tag=0xA0000003, st_size=0)


def test_a_junction_of_windows_is_not_followed(monkeypatch):
    monkeypatch.setattr(walkfiles, "_MOUNT_POINT", 0xA0000003)
    assert walkfiles._look_at(Junction(b"D:/x/old"), 5) == Found("old", 0, Kind.SYMLINK)
