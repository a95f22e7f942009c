"""Names that Windows takes for something else; and where pacslift runs there, no row opens them."""

import ntpath
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import roots
from pacslift.inventory.roots import Mounts, open_inside
from pacslift.inventory.winnames import means_something_else, verbatim


@pytest.mark.parametrize(
    "name",
    ["NUL", "nul", "Con.dcm", "AUX .tar.gz", "com1", "LPT9.txt", "COM²", "CONIN$", "a.", "a ",
     "a.dcm:stream", "C:", "a.dcm::$DATA", "a?b", "a*", 'a"b', "a<b", "a|b", "a\tb", "a\0b"],
)  # fmt: skip
def test_a_device_a_stream_and_a_name_that_is_shortened_are_told(name):
    assert means_something_else(name)


@pytest.mark.parametrize(
    "name",
    ["a", "1.2.840.10008", "IM0001.dcm", "nullify", "console", "COM", "com10", "lpt", "a b", ".a",
     "Müller", "CT$", "auxiliary.dcm", "x.nul"],
)  # fmt: skip
def test_a_plain_name_is_a_plain_name(name):
    assert not means_something_else(name)


@pytest.mark.parametrize(
    ("path", "long"),
    [
        ("D:\\images", "\\\\?\\D:\\images"),
        ("D:\\", "\\\\?\\D:\\"),
        ("\\\\nas\\img\\x", "\\\\?\\UNC\\nas\\img\\x"),
        ("\\\\?\\D:\\images", "\\\\?\\D:\\images"),
    ],
)
def test_a_path_of_any_length_is_said_verbatim(path, long):
    assert verbatim(path) == long
    assert ntpath.isabs(long)


@pytest.fixture
def on_windows(monkeypatch):
    monkeypatch.setattr(roots, "_ON_WINDOWS", True)


MOUNTS = Mounts({"D:\\pacs": Path("/now/a"), "": Path("/now/b")})


@pytest.mark.parametrize(
    "path",
    ["2005\\NUL", "2005/aux.dcm/1", "2005/1.dcm:other", "1.dcm::$DATA", "D:\\pacs\\2005\\a.",
     "\\\\.\\COM1", "\\\\?\\C:\\Windows\\win.ini", "C:\\Windows\\win.ini", "D:x", "..\\x"],
)  # fmt: skip
def test_no_row_names_a_device_a_stream_or_another_drive(on_windows, path):
    with pytest.raises(SetAsideError) as refused:
        MOUNTS.locate(None, path)
    assert refused.value.cause in {Cause.OUTSIDE_ROOT, Cause.ROOT_NOT_MOUNTED}


@given(path=st.text(alphabet='aC:\\/. ?*<|"$NUL1', max_size=12))
def test_whatever_a_row_says_the_place_is_one_file_below_its_folder(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roots, "_ON_WINDOWS", True)
        try:
            located = MOUNTS.locate(None, path)
        except SetAsideError:
            return
    parts = located.relative.split("/")
    assert parts
    assert not any(means_something_else(part) or part in {"", ".", ".."} for part in parts)
    joined = ntpath.normpath(ntpath.join("E:\\now", *parts))
    assert joined == "\\".join(["E:\\now", *parts])


def test_the_option_to_add_is_quoted_as_windows_shells_take_it(on_windows):
    with pytest.raises(SetAsideError, match='add --storage "E:=DIR"'):
        Mounts({}).locate(None, "E:\\x y")


def test_elsewhere_such_files_are_files(tmp_path):
    for name in ("NUL", "a.", "1.dcm:other"):
        (tmp_path / name).write_bytes(b"bytes")
        located = Mounts({"": tmp_path}).locate(None, name)
        os.close(open_inside(located.mount, located.relative))
