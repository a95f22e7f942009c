"""What pg_dump has compressed, unpacked while it is read.

Strategy: the bytes pass as an iterator of pieces, the packed ones in and the plain ones out, no
piece of which is longer than window.PIECE, however much a few packed bytes stand for.
A stream that ends early is no error here: pg_dump marks the end of a table's rows in the rows
themselves, and who reads them names the last good one.
Sources: src/bin/pg_dump/compress_gzip.c, compress_lz4.c (an LZ4 frame) and compress_zstd.c (a
Zstandard frame); a file that was packed by hand may have several members or frames.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import lz4.frame
import zstandard

from pacslift.errors import DumpDamagedError
from pacslift.extract.packed import window
from pacslift.extract.packed.window import Window

_EITHER_HEAD = 32 + zlib.MAX_WBITS  # zlib's, which archives have, or gzip's, which files have
_ZSTD_MEMORY = 1 << 27  # bytes back that a frame may refer to: what zstd's own tool allows

Pieces = Iterator[bytes]


def pieces_of(view: Window) -> Pieces:
    """What *view* shows, to its end."""
    while view.hold(1):
        piece, view.at = view.data[view.at :], len(view.data)
        yield piece


def read_of(pieces: Pieces) -> Callable[[int], bytes]:
    """*pieces* as a file's read(): at most as many bytes as asked, none at the end."""
    rest = b""

    def read(size: int) -> bytes:
        nonlocal rest
        rest = rest or next(filter(None, pieces), b"")
        piece, rest = rest[:size], rest[size:]
        return piece

    return read


def unpacked(pieces: Pieces, method: str, name: str) -> Pieces:
    """The content of *pieces*, which *method* packed. DumpDamagedError names the file *name*."""
    try:
        yield from _METHODS[method](pieces)
    except (zlib.error, zstandard.ZstdError, RuntimeError, MemoryError) as error:
        raise DumpDamagedError(
            f"{name}: what is compressed with {method} is damaged: {error}. Make a new dump, or "
            "copy it again."
        ) from error


def _inflated(pieces: Pieces) -> Pieces:
    member = zlib.decompressobj(_EITHER_HEAD)
    for piece in pieces:
        packed = piece
        while packed:
            if member.eof:
                member = zlib.decompressobj(_EITHER_HEAD)
            yield member.decompress(packed, window.PIECE)
            packed = member.unused_data if member.eof else member.unconsumed_tail
    while content := member.decompress(b"", window.PIECE):
        yield content


def _unpacked_lz4(pieces: Pieces) -> Pieces:
    frame: Any = lz4.frame.LZ4FrameDecompressor()
    for piece in pieces:
        packed = piece
        while packed or not (frame.needs_input or frame.eof):
            if frame.eof:
                frame = lz4.frame.LZ4FrameDecompressor()
            yield frame.decompress(packed, window.PIECE)
            packed = (frame.unused_data or b"") if frame.eof else b""


def _unpacked_zstd(pieces: Pieces) -> Pieces:
    packed = io.BufferedReader(_File(read_of(pieces)), window.PIECE)
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MEMORY)
    with unpacker.stream_reader(packed, read_across_frames=True) as content:
        while piece := content.read(window.PIECE):
            yield piece


class _File(io.RawIOBase):
    """A read() as the kind of file that libraries ask for."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:  # noqa: ANN401 - any writable buffer
        piece = self._read(len(room))
        room[: len(piece)] = piece
        return len(piece)


_METHODS: dict[str, Callable[[Pieces], Pieces]] = {
    "none": lambda pieces: pieces,
    "gzip": _inflated,
    "lz4": _unpacked_lz4,
    "zstd": _unpacked_zstd,
}
