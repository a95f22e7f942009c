"""A file that is written to while it is read is found out."""

import os

import pytest

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.roots import opened_inside

BEFORE = 1_700_000_000  # seconds; a time that no write of today leaves


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "object"
    path.write_bytes(b"as it was")
    os.utime(path, (BEFORE, BEFORE))
    return path


@pytest.fixture(params=["open", "closed"])
def file(request, path):
    """The file, still open, or closed since a copy was made of it."""
    opened = opened_inside(str(path.parent), path.name)
    if request.param == "closed":
        os.close(opened.fd)
    yield opened
    if request.param == "open":
        os.close(opened.fd)


def test_a_file_that_nobody_touches_is_as_it_was(file):
    file.watched.require_unchanged()


@pytest.mark.parametrize("written", [b"as it IS ", b"as it is now", b""])
def test_a_file_that_is_written_to_is_set_aside_by_name(file, path, written):
    path.write_bytes(written)
    with pytest.raises(SetAsideError, match=f"{path} was written to while it was read") as caught:
        file.watched.require_unchanged()
    assert caught.value.cause is Cause.CHANGED_WHILE_READ
    assert f"9 bytes before and {len(written)} now" in caught.value.detail


def test_a_file_that_is_removed_stays_as_it_was_for_who_has_it_open(file, path):
    path.unlink()
    file.watched.require_unchanged()


def test_a_file_that_another_takes_the_place_of_stays_as_it_was_for_who_has_it_open(file, path):
    other = path.with_name("other")
    other.write_bytes(b"another one")
    other.replace(path)
    file.watched.require_unchanged()


def test_who_may_read_it_and_when_it_was_read_is_no_change(file, path):
    path.chmod(0o400)
    path.read_bytes()
    file.watched.require_unchanged()


def test_a_number_that_another_file_has_by_now_is_not_taken_for_the_file(path):
    opened = opened_inside(str(path.parent), path.name)
    other = path.with_name("other")
    other.write_bytes(b"another one")
    with other.open("rb") as file:
        os.dup2(file.fileno(), opened.fd)
        opened.watched.require_unchanged()
        path.write_bytes(b"as it IS ")
        with pytest.raises(SetAsideError):
            opened.watched.require_unchanged()
    os.close(opened.fd)
