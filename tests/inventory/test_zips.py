"""Objects inside ZIP files are read where they lie; what is damaged is set aside with the cause."""

import io
import os
import struct
import zipfile
import zlib
from contextlib import suppress
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import lookinside, zips
from pacslift.inventory.bytesource import FileSpan
from pacslift.inventory.catalog import SCHEMAS
from pacslift.inventory.reconcile import DISK, PLACES
from pacslift.inventory.stored import open_stored
from pacslift.inventory.unnamed import Owners, objects_within
from pacslift.ledger import Candidate, Planned
from pacslift.repair.outgoing import prepare
from pacslift.send.load import load
from storedobjects import CT, INSTANCE, image, part10, sent

OBJECT = part10(image())
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
BOTH = pytest.mark.parametrize("method", [STORED, DEFLATED], ids=["stored", "deflated"])
NAME = "1.2.3/1.2.4/1.2.5.dcm"


def packed(entries, method=STORED):
    """A ZIP file of name to bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return written.getvalue()


def opened(folder, content, name="study.zip"):
    (folder / name).write_bytes(content)
    return os.open(folder / name, os.O_RDONLY)


def refused(folder, content, name=NAME):
    with pytest.raises(SetAsideError) as refusal:
        open_stored(opened(folder, content), "zip", name).close()
    return refusal.value


@BOTH
def test_an_object_is_sent_out_of_its_zip_file(tmp_path, method):
    content = packed({"1.2.3/": b"", "other": b"x" * 999, NAME: OBJECT}, method)
    fd = opened(tmp_path, content)
    with prepare(open_stored(fd, "zip", NAME)) as outgoing:
        assert outgoing.sop_instance_uid == INSTANCE
        assert sent(outgoing) == image()
    assert zips.names_in(opened(tmp_path, content)) == {"other", NAME}


def test_a_stored_object_is_not_read_into_memory(tmp_path):
    large = part10(image(pixels=bytes(200_000)))
    fd = opened(tmp_path, packed({NAME: large}))
    with prepare(open_stored(fd, "zip", NAME)) as outgoing:
        assert any(isinstance(one, FileSpan) and one.fd == fd for one in outgoing.segments)


def test_zip64_is_read(tmp_path):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file, file.open(NAME, "w", force_zip64=True) as entry:
        entry.write(OBJECT)
    open_stored(opened(tmp_path, written.getvalue()), "zip", NAME).close()


def test_an_entry_that_is_not_there_is_missing(tmp_path):
    fault = refused(tmp_path, packed({"a": b"x"}), NAME)
    assert (fault.cause, NAME in fault.detail) == (Cause.MISSING_FILE, True)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", OBJECT, packed({NAME: OBJECT})[:-30]])
def test_what_is_no_zip_file_or_cut_is_a_damaged_container(tmp_path, content):
    assert refused(tmp_path, content).cause is Cause.CONTAINER_DAMAGED


def test_a_deflated_entry_that_was_changed_is_set_aside(tmp_path):
    content = bytearray(packed({NAME: OBJECT}, DEFLATED))
    content[len(content) // 2 - 60] ^= 0xFF
    assert refused(tmp_path, bytes(content)).cause is Cause.CONTAINER_DAMAGED


def test_an_entry_that_is_larger_than_it_says_is_a_bomb(tmp_path):
    """Ten megabytes of zero bytes in an entry that promises a hundred."""
    content = bytearray(packed({NAME: bytes(10_000_000)}, DEFLATED))
    directory = content.rindex(b"PK\1\2")
    struct.pack_into("<I", content, directory + 24, 100)
    fault = refused(tmp_path, bytes(content))
    assert (fault.cause, "more than 100 bytes" in fault.detail) == (Cause.CONTAINER_DAMAGED, True)


def test_an_entry_that_says_it_is_enormous_is_refused_before_it_is_opened(tmp_path):
    content = bytearray(packed({NAME: OBJECT}, DEFLATED))
    directory = content.rindex(b"PK\1\2")
    extra = struct.pack("<HHQ", 1, 8, 1 << 50)
    content[directory + 24 : directory + 28] = b"\xff" * 4
    struct.pack_into("<H", content, directory + 30, len(extra))
    at = directory + 46 + len(NAME)
    content[at:at] = extra
    end = content.rindex(b"PK\5\6")
    size = struct.unpack_from("<I", content, end + 12)[0]
    struct.pack_into("<I", content, end + 12, size + len(extra))
    fault = refused(tmp_path, bytes(content))
    assert (fault.cause, "are unpacked" in fault.detail) == (Cause.CONTAINER_DAMAGED, True)


@pytest.mark.parametrize(("at", "value", "word"), [(8, 1, "encrypted"), (10, 14, "method 14")])
def test_an_entry_that_nobody_can_read_is_named_with_its_way(tmp_path, at, value, word):
    content = bytearray(packed({NAME: OBJECT}))
    struct.pack_into("<H", content, content.rindex(b"PK\1\2") + at, value)
    fault = refused(tmp_path, bytes(content))
    assert (fault.cause, word in fault.detail) == (Cause.CONTAINER_UNKNOWN, True)


# ---------------------------------------------------------------------------------------------
# Against the database


def planned(folder, **recorded):
    known = {"size_bytes": None, "digest_algorithm": None, "digest": None, **recorded}
    copy = Candidate(str(folder), "study.zip", "zip", member=NAME, **known)
    return Planned("k", INSTANCE, CT, None, None, None, None, (copy,))


@BOTH
def test_size_and_digest_are_those_of_the_object_not_of_the_zip_file(tmp_path, method):
    os.close(opened(tmp_path, packed({NAME: OBJECT}, method)))
    right = {"size_bytes": len(OBJECT), "digest_algorithm": "sha256",
             "digest": sha256(OBJECT).hexdigest()}  # fmt: skip
    with load(planned(tmp_path, **right))[0] as outgoing:
        assert sent(outgoing) == image()
    for wrong, cause in (
        ({**right, "size_bytes": 7}, Cause.SIZE_DIFFERS),
        ({**right, "digest": "0" * 64}, Cause.DIGEST_DIFFERS),
    ):
        with pytest.raises(SetAsideError) as refusal:
            load(planned(tmp_path, **wrong))
        assert refusal.value.cause is cause
        assert f"study.zip!{NAME}" in refusal.value.detail


def test_a_stored_entry_that_was_changed_is_found_by_its_checksum(tmp_path):
    content = packed({NAME: OBJECT}).replace(b"DICM", b"DICN", 1)
    os.close(opened(tmp_path, content))
    with pytest.raises(SetAsideError) as refusal:
        load(planned(tmp_path))
    assert refusal.value.cause is Cause.CONTAINER_DAMAGED
    assert f"{zlib.crc32(OBJECT):08x}" in refusal.value.detail


def test_entries_that_no_row_names_are_orphans_and_missing_ones_are_told(tmp_path):
    other = {"readme.txt": b"no object", "2/1.dcm": OBJECT}
    os.close(opened(tmp_path, packed({NAME: OBJECT, **other}, DEFLATED)))
    place = {"mount": str(tmp_path), "relative": "study.zip", "container": "zip"}
    places = pl.DataFrame([{**place, "member": NAME}, {**place, "member": "lost"}], schema=PLACES)
    disk = pl.DataFrame([{"mount": str(tmp_path), "relative": "study.zip"}], schema=DISK)
    nobody = Owners(pl.LazyFrame(schema=SCHEMAS["instances"]))
    beside = pl.DataFrame(schema={"mount": pl.String(), "relative": pl.String()})
    judged, entries = lookinside.look_inside(nobody, places, disk, beside)
    assert judged["cause"].to_list() == [None, "missing_file"]
    assert dict(entries.select("relative", "state").iter_rows()) == {
        "study.zip!2/1.dcm": "orphan",
        "study.zip!readme.txt": "not_dicom",
    }


def test_a_zip_file_that_no_row_names_is_called_so(tmp_path):
    os.close(opened(tmp_path, packed({NAME: OBJECT})))
    said = objects_within(tmp_path, "study.zip")
    assert said == "a ZIP file of 1 entry, which no row names"
    os.close(opened(tmp_path, packed({NAME: OBJECT})[:-30]))
    said = objects_within(tmp_path, "study.zip")
    assert said.startswith("a ZIP file that no row names; it is no ZIP file")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_raises_anything_else(tmp_path_factory, data):
    whole = packed({NAME: OBJECT}, data.draw(st.sampled_from([STORED, DEFLATED])))
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    fd = opened(tmp_path_factory.mktemp("zip"), bytes(content[: data.draw(st.just(cut))]))
    with suppress(SetAsideError):
        open_stored(fd, "zip", NAME).close()
