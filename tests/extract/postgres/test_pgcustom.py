import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_pgplain import HELD, NAMES, database

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed import window as windows
from pacslift.extract.packed.window import Window
from pacslift.extract.postgres.pgcustom import block_pieces, pass_pieces, read_pgcustom
from pgarchive import GZIP, LZ4, NONE, ZSTD, Archive, Table
from smalldumps import everything, file_of, frames_of, pieces_of, rows_of

__all__ = ["database"]  # the same database that the plain dumps are made of

FILES = Table(
    "files",
    "pk bigint, path text, attrs bytea",
    "pk, path, attrs",
    b"1\ta\\tb\t\\\\x00ff\n2\t\\N\t\\N\n\\.\n\n\n",
)
EMPTY = Table("empty_one", "a int", "a", b"\\.\n\n\n")
READ = [("1", "a\tb", b"\0\xff"), ("2", None, None)]


def read(folder, content: bytes):
    return read_pgcustom(file_of(folder, content))


VERSIONS = [
    *((version, method) for version in [(1, 12), (1, 13), (1, 14)] for method in (NONE, GZIP)),
    *((version, method) for version in [(1, 15), (1, 16)] for method in (NONE, GZIP, LZ4, ZSTD)),
]


@pytest.mark.parametrize(("version", "compression"), VERSIONS)
@pytest.mark.parametrize("int_size", [4, 8])
def test_every_version_and_compression_of_the_format_is_read(
    tmp_path, version, compression, int_size
):
    archive = Archive(version, compression, int_size).of([EMPTY, FILES, EMPTY])
    reader = read(tmp_path, archive)
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"empty_one": 0, "files": 2}
    assert reader.server == "PostgreSQL 15.20"


def test_rows_kept_as_insert_statements_are_read(tmp_path):
    insert = b"INSERT INTO public.files VALUES "
    rows = insert + b"(1, 'a\tb', '\\x00ff');\n" + insert + b"(2, NULL, NULL);\n\n\n"
    files = Table("files", FILES.columns, FILES.names, rows)
    nothing = Table("empty_one", "a int", "a", b"\n\n")
    reader = read(tmp_path, Archive().of([nothing, files], copy=False))
    assert rows_of(reader, "files") == READ
    assert reader.row_counts() == {"empty_one": 0, "files": 2}


def test_a_table_whose_data_was_left_out_on_purpose_has_no_rows(tmp_path):
    reader = read(tmp_path, Archive().of([Table("t", "a int", "a", None)]))
    assert reader.row_counts() == {"t": 0}


def test_text_is_read_in_the_archives_encoding(tmp_path):
    table = Table("t", "a text", "a", b"\xe9\n\\.\n")
    assert rows_of(read(tmp_path, Archive().of([table], encoding="LATIN1")), "t") == [("é",)]


def test_tables_of_one_name_in_two_schemas_are_not_mixed(tmp_path):
    other = Table("files", FILES.columns, FILES.names, FILES.data, "audit")
    with pytest.raises(DumpFormatError, match=r"public\.files and audit\.files are different"):
        list(read(tmp_path, Archive().of([FILES, other])).batches({"files": ["pk"]}))


@pytest.mark.parametrize(
    ("archive", "trouble"),
    [
        (Archive((1, 16), compression=4), "compressed with method 4; none, gzip, lz4, zstd are"),
        (Archive((1, 11)), "archive of version 1.11; 1.12 to 1.16 are read"),
        (Archive((1, 17)), "archive of version 1.17; 1.12 to 1.16 are read"),
        (Archive(form=3), "table of contents of a pg_dump in directory format; the dump is its"),
        (Archive(form=5), "archive of form 5, which pg_dump does not write"),
    ],
)
def test_an_archive_of_another_kind_is_refused_with_the_remedy(tmp_path, archive, trouble):
    with pytest.raises(DumpFormatError, match=trouble):
        read(tmp_path, archive.contents([FILES])).shapes()


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
def test_an_archive_cut_at_any_byte_is_refused(tmp_path, compression):
    archive = Archive((1, 16), compression).of([EMPTY, FILES])
    for cut in range(5, len(archive)):
        reader = read(tmp_path, archive[:cut])
        with pytest.raises((DumpDamagedError, DumpFormatError), match="dump"):
            list(reader.batches(everything(reader)))


def test_an_archive_cut_inside_a_table_names_it_and_the_last_good_row(tmp_path):
    archive = Archive(compression=0).of([EMPTY, FILES])
    with pytest.raises(DumpDamagedError, match=r"table files ends at .* The last good row is 1\."):
        read(tmp_path, archive[:-14]).shapes()


def test_an_archive_cut_before_a_table_names_it(tmp_path):
    archive = Archive(compression=0).of([FILES, EMPTY])
    with pytest.raises(DumpDamagedError, match="the data of table empty_one is not there"):
        read(tmp_path, archive[: archive.rindex(b"\x01\x00\x0b")]).shapes()


@given(st.data())
def test_a_damaged_archive_is_read_or_refused_and_never_crashes(tmp_path_factory, data):
    method = data.draw(st.sampled_from([NONE, GZIP, LZ4, ZSTD]))
    archive = bytearray(Archive((1, 16), method).of([EMPTY, FILES]))
    for _ in range(data.draw(st.integers(1, 4))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    try:
        reader = read(tmp_path_factory.getbasetemp(), bytes(archive))
        list(reader.batches(everything(reader)))
    except (DumpDamagedError, DumpFormatError):
        pass


@given(st.integers(1, 20))
def test_how_the_archive_is_cut_into_pieces_does_not_matter(tmp_path_factory, size):
    reader = read(tmp_path_factory.getbasetemp(), Archive().of([EMPTY, FILES]))
    with pieces_of(size):
        assert rows_of(reader, "files") == READ


@pytest.mark.parametrize(
    "options", [[], ["-Z0"], ["-Z9"], ["--inserts"], ["--rows-per-insert=2"]], ids=" ".join
)
@pytest.mark.parametrize("piped", [True, False])
def test_a_real_archive_gives_what_the_server_held(postgres, database, tmp_path, options, piped):
    path = tmp_path / "dump"
    to_file = [] if piped else ["--file", str(path)]
    written = postgres.dump("--format=custom", *options, *to_file, database)
    if piped:
        path.write_bytes(written)
    reader = read_pgcustom(path)
    frame = frames_of(reader)["t"]
    for name, read_as, held in zip(
        NAMES, frame.select(NAMES), zip(*HELD, strict=True), strict=True
    ):
        assert (name, read_as.to_list()) == (name, list(held))
    assert reader.row_counts() == {"t": 4, "empty_one": 0}


@given(st.lists(st.integers(1, 40), max_size=8), st.integers(1, 30), st.integers(0, 60))
def test_a_block_that_is_passed_over_ends_where_it_would_be_read_to(sizes, piece, cut):
    """Also where it is cut, and however it comes in."""
    chunks = b"".join(b"\0" + size.to_bytes(4, "little") + b"x" * size for size in sizes)
    content = chunks + b"\0" * 5 + b"next"
    content = content[: len(content) - cut] if cut < len(content) else content
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "PIECE", piece)
        read, passed = (Window(io.BytesIO(content).read, "dump") for _ in range(2))
        assert _ended(lambda: list(block_pieces(read, 4))) == _ended(lambda: pass_pieces(passed, 4))
        assert read.offset == passed.offset


def _ended(walk) -> str:
    try:
        walk()
    except DumpDamagedError as error:
        return str(error)
    return "whole"
