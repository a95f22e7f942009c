import gzip
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_pgcustom import EMPTY, FILES, READ, VERSIONS
from test_pgplain import HELD, NAMES, database

from packedfiles import archive as zip_of
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.postgres.pgunpack import unpacked
from pacslift.extract.sniff import open_dump
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Cut, Truncation
from pgarchive import (
    ENDINGS,
    GZIP,
    IN_FILES,
    LZ4,
    NONE,
    PACK,
    ZSTD,
    Archive,
    Table,
    folder_of,
    tar_of,
)
from smalldumps import everything, file_of, frames_of, pieces_of, rows_of

__all__ = ["database"]  # the same database that the plain dumps are made of

LINES = b"".join(b"%d\tpath %d\t\\N\n" % (i, i * 7919) for i in range(1, 2001))
LONG = Table("long", FILES.columns, FILES.names, LINES + b"\\.\n\n\n")
INSERT = b"INSERT INTO public.files VALUES "
INSERTS = Table(
    "files",
    FILES.columns,
    FILES.names,
    INSERT + b"(1, 'a\tb', '\\x00ff');\n" + INSERT + b"(2, NULL, NULL);\n\n\n",
)


def archive(version=(1, 16), compression=NONE) -> Archive:
    return Archive(version, compression, form=IN_FILES)


def read(path, folder, truncation=None):
    return open_dump(path, folder, Terms(truncation=truncation or Truncation()))


@pytest.mark.parametrize(("version", "compression"), VERSIONS)
def test_a_directory_of_every_version_and_compression_is_read(tmp_path, version, compression):
    files = archive(version, compression).files([EMPTY, FILES, LONG])
    reader = read(folder_of(tmp_path / "dump", files), tmp_path)
    assert reader.format == "pg_dump directory"
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"empty_one": 0, "files": 2, "long": 2000}
    assert reader.server == "PostgreSQL 15.20"


@pytest.mark.parametrize("version", [(1, 12), (1, 14), (1, 16)])
def test_a_tar_file_is_read_whatever_its_name(tmp_path, version):
    files = archive(version).files([EMPTY, FILES, LONG]) | {"restore.sql": b"-- by hand\n"}
    reader = read(file_of(tmp_path, tar_of(files), "photo.jpg"), tmp_path)
    assert reader.format == "pg_dump tar"
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"empty_one": 0, "files": 2, "long": 2000}


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
def test_a_directory_with_insert_statements_is_read(tmp_path, compression):
    nothing = Table("empty_one", "a int", "a", b"\n\n")
    files = archive(compression=compression).files([nothing, INSERTS], copy=False)
    reader = read(folder_of(tmp_path / "dump", files), tmp_path)
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"empty_one": 0, "files": 2}


def test_a_table_of_contents_packed_by_hand_is_read(tmp_path):
    files = archive(compression=GZIP).files([FILES])
    files["toc.dat.gz"] = gzip.compress(files.pop("toc.dat"))
    assert rows_of(read(folder_of(tmp_path / "dump", files), tmp_path), "files") == READ


def test_a_file_packed_by_hand_in_two_members_is_read(tmp_path):
    files = archive(compression=GZIP).files([FILES])
    files["10.dat.gz"] = gzip.compress(FILES.data[:9]) + gzip.compress(FILES.data[9:])
    assert rows_of(read(folder_of(tmp_path / "dump", files), tmp_path), "files") == READ


def test_large_objects_are_not_opened(tmp_path):
    files = archive(compression=ZSTD).files([FILES])
    del files["blob_9999.dat.zst"], files["blobs.toc"]
    assert rows_of(read(folder_of(tmp_path / "dump", files), tmp_path), "files") == READ


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
@given(data=st.data())
def test_a_cut_file_names_itself_the_table_and_the_last_good_row(
    tmp_path_factory, compression, data
):
    files = archive(compression=compression).files([FILES, LONG])
    name = f"11.dat{ENDINGS[compression]}"
    cut = data.draw(st.integers(0, len(files[name]) - (4 if compression == NONE else 40)))
    files[name] = files[name][:cut]
    folder = tmp_path_factory.mktemp("cut")
    path = folder_of(folder / "dump", files)
    reader = read(path, folder)
    with pytest.raises(DumpDamagedError, match=rf"{name}: table long ends .* last good row is "):
        list(reader.batches(everything(reader)))

    accepted = Truncation(accepted=True)
    reader = read(path, folder, accepted)
    rows = rows_of(reader, "long")
    assert rows == [(str(i), f"path {i * 7919}", None) for i in range(1, len(rows) + 1)]
    assert rows_of(reader, "files") == READ
    assert accepted.cuts == (Cut(str(path / name), "long", len(rows)),)
    shutil.rmtree(folder)


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
def test_insert_statements_cut_at_any_byte_are_refused_or_lack_no_row(tmp_path, compression):
    whole = archive(compression=compression).files([INSERTS], copy=False)
    name = f"10.dat{ENDINGS[compression]}"
    refused = 0
    for cut in range(len(whole[name])):
        path = folder_of(tmp_path / "dump", whole | {name: whole[name][:cut]})
        reader = read(path, tmp_path)
        try:
            assert rows_of(reader, "files") == READ  # a checksum may be missing, but no row
        except (DumpDamagedError, DumpFormatError):
            refused += 1
    assert refused >= len(whole[name]) - 12


def test_a_missing_file_names_its_table(tmp_path):
    files = archive().files([FILES, LONG])
    del files["11.dat"]
    path = folder_of(tmp_path / "dump", files)
    with pytest.raises(DumpDamagedError, match="the data of table long is not there or not whole"):
        read(path, tmp_path).shapes()
    accepted = Truncation(accepted=True)
    reader = read(path, tmp_path, accepted)
    assert reader.row_counts() == {"files": 2, "long": 0}
    assert accepted.cuts == (Cut(str(path), "long", 0),)


def test_a_file_outside_the_directory_is_not_opened(tmp_path):
    file_of(tmp_path, FILES.data, "10.dat")
    files = archive().files([FILES])
    files["toc.dat"] = files["toc.dat"].replace(b"\6\0\0\0" + b"10.dat", b"\t\0\0\0../10.dat")
    del files["10.dat"]
    with pytest.raises(DumpDamagedError, match="the data of table files is not there"):
        read(folder_of(tmp_path / "dump", files), tmp_path).shapes()


def test_a_tar_file_cut_anywhere_is_refused(tmp_path):
    whole = tar_of(archive().files([EMPTY, FILES]))
    for cut in range(520, whole.index(FILES.data) + len(FILES.data) - 3, 7):
        reader = read(file_of(tmp_path, whole[:cut]), tmp_path)
        with pytest.raises(DumpDamagedError, match="dump"):
            list(reader.batches(everything(reader)))


@given(st.data())
def test_a_damaged_directory_is_read_or_refused_and_never_crashes(tmp_path_factory, data):
    compression = data.draw(st.sampled_from([NONE, GZIP, LZ4, ZSTD]))
    files = archive(compression=compression).files([EMPTY, FILES])
    name = data.draw(st.sampled_from(["toc.dat", f"11.dat{ENDINGS[compression]}"]))
    content = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder_of(tmp_path_factory.getbasetemp() / "damaged", files | {name: bytes(content)})
    for other in set(ENDINGS.values()) - {ENDINGS[compression]}:
        (path / f"11.dat{other}").unlink(missing_ok=True)
    try:
        reader = read(path, path)
        list(reader.batches(everything(reader)))
    except (DumpDamagedError, DumpFormatError):
        pass


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
@given(size=st.integers(1, 50))
def test_how_the_files_are_cut_into_pieces_does_not_matter(tmp_path_factory, compression, size):
    folder = tmp_path_factory.mktemp("pieces")
    files = archive(compression=compression).files([EMPTY, FILES])
    path = folder_of(folder / "dump", files)
    with pieces_of(size):
        assert rows_of(read(path, folder), "files") == READ
    shutil.rmtree(folder)


@pytest.mark.parametrize("method", [GZIP, LZ4, ZSTD])
def test_a_few_bytes_that_stand_for_very_many_do_not_fill_the_memory(tmp_path, method):
    packed = PACK[method](bytes(1 << 27))
    names = {GZIP: "gzip", LZ4: "lz4", ZSTD: "zstd"}
    pieces = unpacked(iter([packed]), names[method], "x")
    sizes = [len(piece) for piece in pieces]
    assert sum(sizes) == 1 << 27
    assert max(sizes) <= 1 << 22


@pytest.mark.parametrize(
    "options", [[], ["-Z0"], ["-Z9"], ["--inserts"], ["--jobs=2"]], ids=" ".join
)
def test_a_real_directory_gives_what_the_server_held(postgres, database, tmp_path, options):
    path = tmp_path / "dump"
    postgres.dump("--format=directory", *options, "--file", str(path), database)
    held_by(read(path, tmp_path))


def test_a_real_tar_file_gives_what_the_server_held(postgres, database, tmp_path):
    held_by(read(file_of(tmp_path, postgres.dump("--format=tar", database)), tmp_path))


def held_by(reader) -> None:
    frame = frames_of(reader)["t"]
    for name, read_as, held in zip(
        NAMES, frame.select(NAMES), zip(*HELD, strict=True), strict=True
    ):
        assert (name, read_as.to_list()) == (name, list(held))
    assert reader.row_counts() == {"t": 4, "empty_one": 0}


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
@pytest.mark.parametrize("pack", [zip_of, tar_of, lambda files: gzip.compress(tar_of(files))])
@pytest.mark.parametrize("below", ["", "pacs.dump/"])
def test_a_directory_in_an_archive_is_read(tmp_path, compression, pack, below):
    files = archive(compression=compression).files([EMPTY, FILES, LONG])
    inside = {below + name: content for name, content in reversed(files.items())}
    reader = read(file_of(tmp_path, pack(inside)), tmp_path)
    assert reader.format.startswith("pg_dump directory, ")
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"empty_one": 0, "files": 2, "long": 2000}
    reader.close()


def test_a_packed_tar_file_of_pg_dump_is_read(tmp_path):
    files = archive().files([EMPTY, FILES, LONG])
    reader = read(file_of(tmp_path, gzip.compress(tar_of(files))), tmp_path)
    assert reader.format == "pg_dump tar, gzip compressed"
    assert reader.row_counts() == {"empty_one": 0, "files": 2, "long": 2000}
    reader.close()
