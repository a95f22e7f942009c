"""Objects inside TAR files are read where they lie; damage costs the entries behind it."""

import io
import os
import tarfile
import threading
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import tars
from pacslift.inventory.bytesource import FileBytes, FileSpan
from pacslift.inventory.stored import open_stored
from pacslift.repair.outgoing import prepare
from storedobjects import INSTANCE, file_of, image, part10, sent

DIGEST = "0123456789abcdef0123456789abcdef"


def packed(entries, form=tarfile.USTAR_FORMAT):
    """A TAR file of name to bytes; None is a folder."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as tar:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    return written.getvalue()


def refused(fd, name):
    with pytest.raises(SetAsideError) as refusal:
        tars.entry_of(fd, name)
    return refusal.value


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_entry_is_a_stretch_of_the_file(tmp_path, form):
    long = "0A1B2C3D/" + "9" * 150
    long = long if form != tarfile.USTAR_FORMAT else long[:90]
    fd = file_of(tmp_path, packed({"folder": None, "a/1": b"first", long: b"second"}, form))
    found = tars.entry_of(fd, long)
    assert os.pread(fd, found.size, found.offset) == b"second"
    assert tars.names_in(fd) == {"a/1", long}


def test_the_list_in_front_says_names_and_digests(tmp_path):
    lines = f"{DIGEST}  0A1B2C3D/00000017\nno line of the list\n{DIGEST.upper()}  b/2\n"
    fd = file_of(tmp_path, packed({"MD5SUM": lines.encode(), "0A1B2C3D/00000017": b"x"}))
    assert tars.names_in(fd) == {"0A1B2C3D/00000017", "b/2"}
    assert tars.entry_of(fd, "0A1B2C3D/00000017").md5 == DIGEST
    assert refused(fd, "b/2").cause is Cause.MISSING_FILE


def test_an_entry_that_is_not_there_is_missing(tmp_path):
    fd = file_of(tmp_path, packed({"a": b"x"}))
    assert refused(fd, "b").cause is Cause.MISSING_FILE
    assert refused(fd, None).cause is Cause.MISSING_FILE


def test_what_is_no_tar_file_is_a_damaged_container(tmp_path):
    fd = file_of(tmp_path, b"not a TAR file at all" * 100)
    assert refused(fd, "a").cause is Cause.CONTAINER_DAMAGED
    with pytest.raises(SetAsideError, match="no TAR file"):
        tars.names_in(fd)


def test_a_cut_tar_file_gives_the_entries_before_the_cut(tmp_path):
    whole = packed({"a": b"1" * 600, "b": b"2" * 3000, "c": b"3"})
    fd = file_of(tmp_path, whole[:3000])
    assert tars.entry_of(fd, "a").size == 600
    assert refused(fd, "b").cause is Cause.TRUNCATED
    assert refused(fd, "c").cause is Cause.CONTAINER_DAMAGED


def test_a_header_that_asks_for_all_memory_is_refused(tmp_path):
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    fd = file_of(tmp_path, name.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    assert refused(fd, "a").cause is Cause.CONTAINER_DAMAGED


def test_a_tar_file_that_changed_is_read_anew(tmp_path):
    fd = file_of(tmp_path, packed({"a": b"x"}))
    assert tars.entry_of(fd, "a").size == 1
    fd = file_of(tmp_path, packed({"a": b"longer", "b": b"y"}))
    assert tars.entry_of(fd, "a").size == 6


def test_an_object_is_sent_out_of_its_tar_file_without_being_unpacked(tmp_path):
    big = part10(image(pixels=bytes(100_000)))
    fd = file_of(tmp_path, packed({"a/1": part10(image()), "a/2": big}))
    with prepare(open_stored(fd, "tar", "a/2")) as outgoing:
        assert outgoing.sop_instance_uid == INSTANCE
        assert any(isinstance(segment, FileSpan) for segment in outgoing.segments)
        assert sent(outgoing) in big


def test_a_stretch_of_a_file_ends_where_it_ends(tmp_path):
    source = FileBytes(file_of(tmp_path, b"abc" + bytes(range(100)) + b"xyz"), 3, 100)
    assert source.read(0, 1000) == bytes(range(100))
    assert source.read(98, 10) == bytes([98, 99])
    source.close()


def test_several_associations_may_look_into_one_tar_file(tmp_path):
    entries = {f"a/{n}": bytes([n % 256]) * n for n in range(200)}
    fd = file_of(tmp_path, packed(entries))
    wrong = []

    def look():
        for name, data in entries.items():
            found = tars.entry_of(fd, name)
            if os.pread(fd, found.size, found.offset) != data:
                wrong.append(name)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@settings(deadline=None)
@given(st.data())
def test_no_damage_raises_anything_else(tmp_path_factory, data):
    content = bytearray(packed({"MD5SUM": f"{DIGEST}  a\n".encode(), "a": b"x" * 700, "b": b""}))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    fd = file_of(tmp_path_factory.getbasetemp(), bytes(content))
    for look in (lambda: tars.names_in(fd), lambda: tars.entry_of(fd, "a")):
        with suppress(SetAsideError):
            look()
    os.close(fd)
