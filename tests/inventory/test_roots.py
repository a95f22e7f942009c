"""A row of the old database to a file below a folder that is mounted here."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.roots import Located, Mounts, open_inside

DEVICE, OLD, DRIVE, SERVER, WORD, ONLY = (Path(f"/now/{name}") for name in "abcdef")
MOUNTS = Mounts(
    {
        "MAG0": DEVICE,
        "/srv/oldpacs": OLD,
        "D:\\pacs": DRIVE,
        "\\\\nas\\img": SERVER,
        "archive": WORD,
        "": ONLY,
    },
    only_root="/var/lib/store",
)


@pytest.mark.parametrize(
    ("root", "path", "folder", "relative"),
    [
        ("MAG0", "HEAD\\0001.v2", DEVICE, "HEAD/0001.v2"),
        ("MAG0", "HEAD\\\\0001.v2", DEVICE, "HEAD/0001.v2"),
        ("MAG0/", "./HEAD//0001.v2", DEVICE, "HEAD/0001.v2"),
        (None, "/srv/oldpacs/MR_1.dcm", OLD, "MR_1.dcm"),
        ("/srv", "oldpacs/MR_1.dcm", OLD, "MR_1.dcm"),
        ("/srv/oldpacs/", "2005/1", OLD, "2005/1"),
        ("d:/PACS", "2005\\A", DRIVE, "2005/A"),
        ("D:\\\\pacs\\\\", "A", DRIVE, "A"),
        (None, "D:\\Pacs\\2005\\a.dcm", DRIVE, "2005/a.dcm"),
        ("\\\\NAS\\img\\2005", "a", SERVER, "2005/a"),
        ("//nas/img", "a", SERVER, "a"),
        ("archive", "a/b", WORD, "a/b"),
        ("archive/2005", "b", WORD, "2005/b"),
        (None, "ab/cd/abcd", ONLY, "ab/cd/abcd"),
        ("", "ab/cd/abcd", ONLY, "ab/cd/abcd"),
        ("/var/lib/store", "x", ONLY, "x"),
        ("/var/lib/store", "/var/lib/store/x", ONLY, "x"),
    ],
)
def test_a_row_is_found_below_the_folder_that_stands_for_its_root(root, path, folder, relative):
    assert MOUNTS.locate(root, path) == Located(folder, relative)


def test_the_longest_name_wins():
    mounts = Mounts({"/srv": Path("/a"), "/srv/vol2": Path("/b")})
    assert mounts.locate("/srv", "vol2/x") == Located(Path("/b"), "x")
    assert mounts.locate("/srv", "vol22/x") == Located(Path("/a"), "vol22/x")


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("MAG0", "../../etc/shadow"),
        ("MAG0", "a/..\\..\\b"),
        ("MAG0", "/etc/shadow"),
        ("MAG0", "C:\\windows\\system.ini"),
        ("MAG0", "a/C:/b"),
        ("MAG0", "a\0b"),
        ("MAG0", ""),
        ("MAG0", "."),
        (None, ""),
        (None, "../x"),
        (None, "/srv/oldpacs"),
        (None, "/srv/oldpacs/../x"),
        (None, "/elsewhere/../srv/x"),
        ("unknown", "../x"),
    ],
)
def test_a_path_that_could_leave_its_root_is_refused(root, path):
    with pytest.raises(SetAsideError) as refused:
        MOUNTS.locate(root, path)
    assert refused.value.cause is Cause.OUTSIDE_ROOT


@pytest.mark.parametrize(
    ("root", "path", "option"),
    [
        ("MAG7", "x", "--storage MAG7=DIR"),
        ("/srv/oldpacs2", "x", "--storage /srv/oldpacs2=DIR"),
        ("E:\\img", "x", "--storage 'E:\\img=DIR'"),
        (None, "/srv/other/MR_1.dcm", "--storage /srv/other=DIR"),
        (None, "F:\\img\\1.dcm", "--storage 'F:\\img=DIR'"),
    ],
)
def test_a_root_that_nobody_mounted_is_named_as_the_option_to_add(root, path, option):
    with pytest.raises(SetAsideError) as refused:
        MOUNTS.locate(root, path)
    assert refused.value.cause is Cause.ROOT_NOT_MOUNTED
    assert option in str(refused.value)


def test_without_any_mount_the_option_for_the_only_root_is_named():
    with pytest.raises(SetAsideError, match=r"--storage DIR"):
        Mounts({}).locate(None, "ab/cd")


def test_the_nameless_folder_does_not_stand_for_one_of_several_roots():
    with pytest.raises(SetAsideError) as refused:
        Mounts({"": ONLY}).locate("MAG0", "x")
    assert refused.value.cause is Cause.ROOT_NOT_MOUNTED


components = st.sampled_from(["a", "..", ".", "", "C:", "\\", "/", "\0", "MAG0", "srv", "x y"])
spellings = st.lists(components, max_size=6).map("/".join) | st.text(max_size=12)


@given(root=st.none() | spellings, path=spellings)
def test_whatever_the_database_says_no_path_leads_out(root, path):
    try:
        located = MOUNTS.locate(root, path)
    except SetAsideError:
        return
    joined = os.path.normpath(located.mount / located.relative)
    assert Path(joined).is_relative_to(located.mount)
    assert joined != str(located.mount)


@pytest.fixture
def mount(tmp_path):
    folder = tmp_path / "mount"
    folder.mkdir()
    (folder / "object").write_bytes(b"bytes")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def cause_of(mount, relative):
    with pytest.raises(SetAsideError) as refused:
        open_inside(mount, relative)
    return refused.value.cause


def test_a_file_is_opened_for_reading_only(mount):
    fd = open_inside(mount, "object")
    with pytest.raises(OSError, match="descriptor"):
        os.write(fd, b"x")
    assert os.pread(fd, 9, 0) == b"bytes"
    os.close(fd)


def test_reading_leaves_the_access_time_alone(mount):
    path = mount / "object"
    os.utime(path, (1, 2_000_000_000))  # relatime would move this one
    fd = open_inside(mount, "object")
    os.pread(fd, 5, 0)
    os.close(fd)
    assert path.stat().st_atime == 1


def test_a_link_within_the_mount_is_followed(mount):
    (mount / "link").symlink_to("object")
    os.close(open_inside(mount, "link"))


def test_a_link_that_leaves_the_mount_is_refused(mount):
    (mount / "link").symlink_to("../secret")
    (mount / "folder").symlink_to("..")
    assert cause_of(mount, "link") is Cause.OUTSIDE_ROOT
    assert cause_of(mount, "folder/secret") is Cause.OUTSIDE_ROOT


def test_a_sibling_whose_name_begins_like_the_mount_is_outside(mount):
    mount.with_name("mount2").mkdir()
    (mount.with_name("mount2") / "x").write_bytes(b"x")
    (mount / "link").symlink_to("../mount2/x")
    assert cause_of(mount, "link") is Cause.OUTSIDE_ROOT


def test_a_mount_may_itself_be_a_link(mount):
    mount.with_name("alias").symlink_to(mount)
    os.close(open_inside(mount.with_name("alias"), "object"))


@pytest.mark.parametrize("name", ["nothing", "object/below", "x" * 300, "loop"])
def test_what_is_not_there_is_missing_or_unreadable(mount, name):
    (mount / "loop").symlink_to("loop")
    assert cause_of(mount, name) in {Cause.MISSING_FILE, Cause.UNREADABLE}


def test_an_empty_file_has_its_own_cause(mount):
    (mount / "empty").touch()
    assert cause_of(mount, "empty") is Cause.EMPTY_FILE


def test_a_pipe_a_socket_or_a_folder_neither_blocks_nor_opens(mount, monkeypatch):
    os.mkfifo(mount / "pipe")
    (mount / "folder").mkdir()
    monkeypatch.chdir(mount)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        causes = {cause_of(mount, name) for name in ("pipe", "socket", "folder")}
    assert causes == {Cause.UNREADABLE}


def test_a_name_with_a_nul_byte_is_refused(mount):
    assert cause_of(mount, "a\0b") is Cause.OUTSIDE_ROOT


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(mount):
    (mount / "object").chmod(0)
    assert cause_of(mount, "object") is Cause.UNREADABLE


def test_no_descriptor_is_left_open_by_a_refusal(mount):
    (mount / "empty").touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("empty", "nothing", "."):
        cause_of(mount, name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
