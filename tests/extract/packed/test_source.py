import gzip
import io
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packedfiles import FILES, PACKERS, SETS, STREAMS, archive, mysql, split, tarred
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract import sqlite
from pacslift.extract.packed import packing
from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Truncation
from smalldumps import everything, file_of, frames_of, rows_of

reused_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8
)


def read(path, folder, truncation=None):
    """Format, rows per table and all cells of a dump."""
    reader = open_dump(path, folder / "work", Terms(truncation=truncation or Truncation()))
    try:
        return reader.format, reader.row_counts(), frames_of(reader)
    finally:
        reader.close()


def assert_same(found, plain):
    assert found[0].startswith(plain[0])
    assert found[1] == plain[1]
    assert found[2].keys() == plain[2].keys()
    assert all(found[2][table].equals(frame) for table, frame in plain[2].items())
    assert sum(plain[1].values()) > 1


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_dump_holds_what_the_plain_one_does(tmp_path, form, packer):
    content = FILES[form]()
    plain = read(file_of(tmp_path, content), tmp_path)
    found = read(file_of(tmp_path, PACKERS[packer](content)), tmp_path)
    assert_same(found, plain)
    assert found[0] != plain[0]


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("packer", ["", *STREAMS, "zip"])
@pytest.mark.parametrize("named", ["first", "folder"])
def test_a_dump_in_parts_holds_what_the_whole_one_does(tmp_path, form, packer, named):
    content = FILES[form]()
    plain = read(file_of(tmp_path, content), tmp_path)
    parts = tmp_path / "parts"
    parts.mkdir()
    first = split(parts, PACKERS[packer](content) if packer else content)
    found = read(first if named == "first" else parts, tmp_path)
    assert_same(found, plain)
    assert found[0].endswith(f"{packer} compressed, 5 parts" if packer else ", 5 parts")


@pytest.mark.parametrize("form", SETS)
@pytest.mark.parametrize("packer", [*STREAMS, "zip"])
def test_the_files_of_a_set_may_be_packed_one_by_one(tmp_path, form, packer):
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    suffix = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst", "zip": ".zip"}[packer]
    for folder in (plain, packed):
        folder.mkdir()
    for name, content in SETS[form].items():
        file_of(plain, content, name)
        packed_as = archive({name: content}) if packer == "zip" else PACKERS[packer](content)
        file_of(packed, packed_as, name + suffix)
    assert_same(read(packed, tmp_path), read(plain, tmp_path))


@pytest.mark.parametrize("form", SETS)
@pytest.mark.parametrize("below", ["", "export/", "./", "a/b/"])
@pytest.mark.parametrize("pack", [archive, tarred, lambda m: tarred(m, "w:gz")])
def test_an_archive_of_several_files_is_the_folder_that_it_holds(tmp_path, form, below, pack):
    plain = tmp_path / "plain"
    plain.mkdir()
    for name, content in SETS[form].items():
        file_of(plain, content, name)
    members = {below + name: content for name, content in SETS[form].items()}
    path = file_of(tmp_path, pack(members), "set")
    assert_same(read(path, tmp_path), read(plain, tmp_path))


def test_a_file_of_a_set_may_be_in_parts(tmp_path):
    for name, content in SETS["mysqldump --tab"].items():
        split(tmp_path, gzip.compress(content), name + ".gz")
    (tmp_path / "plain").mkdir()
    for name, content in SETS["mysqldump --tab"].items():
        file_of(tmp_path / "plain", content, name)
    assert_same(read(tmp_path, tmp_path), read(tmp_path / "plain", tmp_path))


def test_a_dbf_file_alone_finds_its_packed_memo_file(tmp_path):
    for name in ("T.DBF", "T.FPT"):
        file_of(tmp_path, gzip.compress(SETS["DBF set"][name]), name + ".gz")
    reader = open_dump(tmp_path / "T.DBF.gz", tmp_path)
    assert rows_of(reader, "T") == [("Befund " * 50,), ("",)]


def test_what_a_mac_adds_to_an_archive_is_no_dump(tmp_path):
    members = {"__MACOSX/._dump": b"\0\5\x16\7", ".DS_Store": b"\0", "dump": mysql()}
    assert read(file_of(tmp_path, archive(members)), tmp_path)[0] == "mysqldump, zip compressed"


def test_an_archive_of_several_dumps_is_refused_with_their_names(tmp_path):
    path = file_of(tmp_path, archive({"one.sql": mysql(), "two.sql": mysql()}))
    with pytest.raises(DumpFormatError, match=r"It holds one\.sql, two\.sql"):
        open_dump(path, tmp_path)


def test_the_words_say_how_a_dump_is_packed(tmp_path):
    parts = split(tmp_path, tarred({"dump": mysql()}, "w:gz"), "set.tgz")
    assert open_dump(parts, tmp_path).format == (
        "mysqldump, in a tar archive, gzip compressed, 5 parts"
    )


def test_messages_name_the_file_that_the_user_gave(tmp_path):
    whole = mysql()
    broken = whole.replace(b"(7,'value 49", b"7,'value 49")
    path = file_of(tmp_path, gzip.compress(broken), "dump.gz")
    with pytest.raises(DumpDamagedError, match=rf"{path}: table a, row 8 .* last good row is 7"):
        read(path, tmp_path)


def encrypted(content: bytes) -> bytes:
    packed = bytearray(archive({"dump": content}))
    packed[6] |= 1
    packed[packed.index(b"PK\1\2") + 8] |= 1
    return bytes(packed)


def with_method(content: bytes, method: int) -> bytes:
    packed = bytearray(archive({"dump": content}))
    packed[8] = method
    packed[packed.index(b"PK\1\2") + 10] = method
    return bytes(packed)


def sparse() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as target:
        info = tarfile.TarInfo("dump")
        info.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.size": "9",
            "GNU.sparse.map": "0,0",
        }
        target.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (encrypted(mysql()), "is encrypted. Unpack it with its password"),
        (with_method(mysql(), 9), "is packed with Deflate64, .* Unpack it, or pack it again"),
        (with_method(mysql(), 77), "is packed with method 77"),
        (b"PK\x07\x08PK\x03\x04" + mysql(), "is the first part of a zip archive .* `zip -s 0"),
        (gzip.compress(archive({"dump": mysql()})), "is a zip archive packed once more"),
        (archive({}), "is a folder without DBF files"),
        (sparse(), "is a sparse file"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_with_what_to_do(tmp_path, content, trouble):
    with pytest.raises(DumpFormatError, match=trouble):
        open_dump(file_of(tmp_path, content), tmp_path)


def test_a_dump_packed_again_and_again_is_refused(tmp_path):
    content = mysql()
    for _ in range(6):
        content = gzip.compress(content)
    with pytest.raises(DumpFormatError, match="is packed more than 4 times over"):
        open_dump(file_of(tmp_path, content), tmp_path)


def test_a_packed_sqlite_file_that_is_too_large_to_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "_MOST_HELD", 4096)
    for content in (gzip.compress(FILES["SQLite"]()), FILES["SQLite"]()):
        path = split(tmp_path, content)
        with pytest.raises(DumpFormatError, match=r"reads all over its file\. (Unpack|Join)"):
            open_dump(path, tmp_path)


def test_a_packed_sqlite_file_with_its_log_beside_it_is_refused(tmp_path):
    path = file_of(tmp_path, gzip.compress(FILES["SQLite"]()), "index.gz")
    file_of(tmp_path, gzip.compress(b"log"), "index-wal.gz")
    with pytest.raises(DumpFormatError, match="belong together"):
        open_dump(path, tmp_path)


ENDS_ITSELF = ["mysqldump", "pg_dump plain", "SQLite .dump", "Oracle script", "HSQLDB script"]


@pytest.mark.parametrize("form", [f for f in FILES if "SQLite" not in f or "dump" in f])
@pytest.mark.parametrize("packer", [*STREAMS, "zip"])
@reused_folder
@given(data=st.data())
def test_a_packed_dump_that_is_cut_is_refused_or_read_to_its_last_good_row(
    tmp_path, form, packer, data
):
    whole = FILES[form]()
    third = len(whole) // 3
    streams = [whole] if packer == "zip" else [whole[:third], whole[third:-third], whole[-third:]]
    packed = b"".join(PACKERS[packer](stream) for stream in streams)
    ends = {len(b"".join(PACKERS[packer](s) for s in streams[:n])) for n in range(3)}
    cut = data.draw(st.integers(len(packed) // 3, len(packed) - 1).filter(lambda c: c not in ends))
    plain = read(file_of(tmp_path, whole), tmp_path)
    (tmp_path / "cut").mkdir(exist_ok=True)
    path = file_of(tmp_path / "cut", packed[:cut])
    with pytest.raises(DumpDamagedError, match=str(path)) as refused:
        read(path, tmp_path)
    place = rf"{path} ends early.* data is cut off at byte {cut}"
    assert refused.match(place)
    accepted = Truncation(accepted=True)
    try:
        _, counts, frames = read(path, tmp_path, accepted)
    except DumpDamagedError:
        return  # nothing of it can be read at all
    assert accepted.cuts
    assert any(
        last.last_row in {0, *counts.values(), sum(counts.values())} for last in accepted.cuts
    )
    for table, frame in frames.items():
        assert frame.equals(plain[2][table].head(frame.height))


@pytest.mark.parametrize("packer", STREAMS)
def test_all_rows_are_there_but_the_packing_is_cut_is_an_early_end_too(tmp_path, packer):
    for form in SETS["delimited text"], SETS["mysqldump --tab"]:
        folder = tmp_path / f"{packer}{len(form)}{'t.sql' in form}"
        folder.mkdir()
        for name, content in form.items():
            file_of(folder, PACKERS[packer](content), name)
        rows = PACKERS[packer](form["t.txt"])
        file_of(folder, rows[:-3], "t.txt")
        with pytest.raises(DumpDamagedError, match=rf"t\.txt ends early.* at byte {len(rows) - 3}"):
            read(folder, tmp_path)
        accepted = Truncation(accepted=True)
        _, counts, _ = read(folder, tmp_path, accepted)
        assert {(cut.table, cut.last_row) for cut in accepted.cuts} == set(counts.items())


def test_a_set_whose_archive_is_cut_is_refused(tmp_path):
    packed = tarred(SETS["DBF set"], "w:gz")
    whole = tarred(SETS["DBF set"])
    for cut in [*range(600, len(packed), 97)]:
        with pytest.raises(DumpDamagedError, match=r"tar archive ends early|ends early: its gzip"):
            read(file_of(tmp_path, packed[:cut]), tmp_path)
    for cut in range(600, len(whole) - tarfile.RECORDSIZE, 511):
        with pytest.raises(DumpDamagedError, match="tar archive ends early"):
            read(file_of(tmp_path, whole[:cut]), tmp_path)
    zipped = archive(SETS["DBF set"])
    for cut in range(30, len(zipped), 97):
        with pytest.raises(DumpDamagedError):
            read(file_of(tmp_path, zipped[:cut]), tmp_path)


def test_damage_inside_is_refused_even_if_early_ends_are_accepted(tmp_path):
    for name, packer in PACKERS.items():
        packed = bytearray(packer(mysql()))
        packed[len(packed) // 2] ^= 0x55
        path = file_of(tmp_path, bytes(packed), "broken")
        if name == "tar":
            continue  # nothing in it could tell
        with pytest.raises(DumpDamagedError, match=str(path)):
            read(path, tmp_path, Truncation(accepted=True))


@reused_folder
@given(
    packer=st.sampled_from([*PACKERS]),
    at=st.floats(0, 1),
    junk=st.binary(max_size=40),
    drop=st.integers(0, 60),
)
def test_whatever_happens_to_a_packed_file_it_is_read_or_refused(tmp_path, packer, at, junk, drop):
    packed = PACKERS[packer](mysql())
    place = int(at * len(packed))
    path = file_of(tmp_path, packed[:place] + junk + packed[place + drop :], "hostile")
    try:
        reader = open_dump(path, tmp_path)
        list(reader.batches(everything(reader)))
        reader.close()
    except (DumpDamagedError, DumpFormatError):
        pass


def test_a_bomb_is_read_in_bounded_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "PIECE", 64 << 10)
    content = b"-- MySQL dump 9.1\n" + b"\n" * (8 << 20)
    for packer in STREAMS.values():
        read = io.BytesIO(packer(content)).read
        kind = packing.packing_of(packer(content)[:64])
        assert kind is not None
        pieces = [len(piece) for piece in packing.Unpacking(read, kind, "bomb").pieces()]
        assert sum(pieces) == len(content)
        assert max(pieces) <= 256 << 10


def test_a_zip_with_an_odd_directory_is_not_a_crash(tmp_path):
    whole = bytearray(archive({"dump": mysql()}))
    for at in range(whole.index(b"PK\1\2"), len(whole)):
        odd = bytearray(whole)
        odd[at] ^= 0xFF
        with suppress(DumpDamagedError, DumpFormatError):
            read(file_of(tmp_path, bytes(odd)), tmp_path)
    assert zipfile.is_zipfile(file_of(tmp_path, bytes(whole)))
