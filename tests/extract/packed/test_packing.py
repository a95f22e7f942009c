import bz2
import gzip
import io
import lzma

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from packedfiles import STREAMS
from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed import packing
from pacslift.extract.packed.packing import Unpacking, packing_of
from smalldumps import in_turn

CONTENT = bytes(range(256)) * 2000
KINDS = {kind.word: kind for kind in packing.PACKINGS}
packed = {word: pack(CONTENT) for word, pack in STREAMS.items()}
words = st.sampled_from([*STREAMS])


def unpack(data, word, sizes=(1 << 20,)):
    """What *data*, read in pieces of *sizes*, unpacks to, and where it ends early."""
    work = Unpacking(in_turn(data, sizes), KINDS[word], "dump.packed")
    return b"".join(work.pieces()), work.early


def zstd_frames(content, *, checksum, size, single):
    out = io.BytesIO()
    parameters = zstandard.ZstdCompressionParameters(
        write_checksum=checksum, write_content_size=size, compression_level=1
    )
    writer = zstandard.ZstdCompressor(compression_params=parameters).stream_writer(
        out, closefd=False, size=len(content) if single else -1
    )
    writer.write(content)
    writer.close()
    return out.getvalue()


@given(word=words, sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=4))
def test_in_what_pieces_packed_data_is_read_never_matters(word, sizes):
    assert unpack(packed[word], word, sizes) == (CONTENT, None)


@given(
    word=words,
    contents=st.lists(st.binary(max_size=3000) | st.just(b"\0" * 300_000), max_size=4),
    zeros=st.integers(0, 2000),
)
def test_streams_that_follow_each_other_are_read_to_the_last(word, contents, zeros):
    data = b"".join(STREAMS[word](content) for content in [b"x", *contents])
    assert unpack(data + bytes(zeros), word, [97]) == (b"x" + b"".join(contents), None)


@given(word=words, content=st.binary(max_size=4000), data=st.data())
def test_a_stream_cut_anywhere_gives_its_beginning_and_the_place(word, content, data):
    whole = STREAMS[word](b"first") + STREAMS[word](content)
    first = len(STREAMS[word](b"first"))
    cut = data.draw(st.integers(1, len(whole) - 1))
    found, early = unpack(whole[:cut], word)
    assert (b"first" + content).startswith(found)
    assert early == (None if cut == first else f"its {word} data is cut off at byte {cut}")


@pytest.mark.parametrize("word", STREAMS)
def test_what_follows_the_packed_data_is_told_with_its_place(word):
    data = packed[word]
    with pytest.raises(DumpDamagedError, match=rf"behind its {word} data, at byte {len(data)},"):
        unpack(data + b"something else", word)


@pytest.mark.parametrize("word", STREAMS)
def test_damage_is_told_with_the_name_of_the_file(word):
    for at in range(len(packed[word]) // 3, len(packed[word]), len(packed[word]) // 7):
        broken = bytearray(packed[word])
        broken[at] ^= 0x10
        with pytest.raises(DumpDamagedError, match=r"^dump\.packed: "):
            unpack(bytes(broken), word)


@given(
    content=st.binary(max_size=9) | st.just(CONTENT) | st.just(bytes(600_000)),
    checksum=st.booleans(),
    size=st.booleans(),
    single=st.booleans(),
    skipped=st.lists(st.integers(0, 5000), max_size=2),
)
def test_every_form_of_a_zstd_frame_is_read(content, checksum, size, single, skipped):
    skippable = b"".join(b"\x5e\x2a\x4d\x18" + n.to_bytes(4, "little") + bytes(n) for n in skipped)
    frame = zstd_frames(content, checksum=checksum, size=size, single=single)
    data = skippable + frame + skippable
    assert unpack(data, "zstd", [1000]) == (content, None)
    found, early = unpack(data[: len(skippable + frame) - 1], "zstd")
    assert content.startswith(found)
    assert early is not None


@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("xz", lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}])),
        ("zstd", b"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00"),  # a window of 1 GiB
    ],
)
def test_what_takes_too_much_memory_to_unpack_is_refused(word, data):
    with pytest.raises(DumpFormatError, match="takes more memory than pacslift allows itself"):
        unpack(data, word)


@pytest.mark.parametrize("word", STREAMS)
def test_a_packing_is_known_by_how_it_begins(word):
    found = packing_of(packed[word][:16])
    assert found is not None
    assert found.word == word


@pytest.mark.parametrize(
    "head", [b"", b"\x1f\x8b", b"BZh9 is how a text may begin", b"\xfd7zXZ", b"(\xb5", b"PK"]
)
def test_what_only_looks_like_a_packing_is_none(head):
    assert packing_of(head) is None


@pytest.mark.parametrize(
    "empty", [gzip.compress(b"", mtime=0), bz2.compress(b""), lzma.compress(b"")]
)
def test_nothing_packed_is_nothing(empty):
    kind = packing_of(empty)
    assert kind is not None
    assert unpack(empty, kind.word) == (b"", None)


def test_a_bomb_is_unpacked_in_bounded_pieces(monkeypatch):
    monkeypatch.setattr(packing, "PIECE", 64 << 10)
    for word, pack in STREAMS.items():
        work = Unpacking(io.BytesIO(pack(bytes(8 << 20))).read, KINDS[word], "bomb")
        pieces = [len(piece) for piece in work.pieces()]
        assert sum(pieces) == 8 << 20
        assert max(pieces) < 200 << 10


@pytest.mark.parametrize(
    ("word", "name", "left"),
    [
        ("gzip", "PATIENT.DBF.GZ", "PATIENT.DBF"),
        ("gzip", "set.tgz", "set.tar"),
        ("gzip", "index", "index"),
        ("gzip", ".gz", ".gz"),
        ("bzip2", "a.sql.bz2", "a.sql"),
        ("xz", "a.b.xz", "a.b"),
        ("zstd", "a.zst", "a"),
    ],
)
def test_a_packed_file_is_called_as_it_was_before(word, name, left):
    assert KINDS[word].unpacked_name(name) == left
