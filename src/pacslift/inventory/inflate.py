"""Unpack zlib and deflate streams of unknown honesty: bounded memory, size and ratio.

What unpacks to more than a few megabytes goes to a temporary file without a name, which the system
takes back when it is closed; so memory does not grow with the object and nothing is left behind.
"""

import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import ByteSource, FileBytes, MemoryBytes

MOST_BYTES = 8 * 1024**3  # an unpacked object; the largest real ones are near 4 GiB
MOST_IN_MEMORY = 16 * 1024**2
# Blank images do reach deflate's limit of 1032:1, but no large object is blank altogether.
MOST_RATIO, RATIO_FREE = 250, 64 * 1024**2
_CHUNK = 256 * 1024
RAW, WRAPPED, GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS, zlib.MAX_WBITS | 16


def inflate(source: ByteSource, start: int, kind: int, most: int = MOST_BYTES) -> ByteSource:
    """Unpack the stream from *start* to the end of *source*; the source stays open.

    Takes   *kind*, RAW, WRAPPED or GZIP (RFC 1951, 1950, 1952); *most*, the size not to pass.
    Gives   the result as a source of its own.
    Raises  SetAsideError CONTAINER_DAMAGED when the stream is broken, ends early or passes a limit.
    """
    return collected(_pieces(source, start, kind, most))


def collected(pieces: Iterable[bytes]) -> ByteSource:
    """Put the pieces into memory or, when they are many, into a file without a name.

    Raises  SetAsideError UNREADABLE when that does not fit on the disk.
    """
    held = bytearray()
    spilled = -1
    try:
        for piece in pieces:
            held += piece
            if len(held) > MOST_IN_MEMORY:
                spilled = spilled if spilled >= 0 else _nameless_file()
                _write(spilled, held)
                held.clear()
        if spilled >= 0:
            _write(spilled, held)
    except BaseException:
        if spilled >= 0:
            os.close(spilled)
        raise
    return MemoryBytes(bytes(held)) if spilled < 0 else FileBytes(spilled)


def _pieces(source: ByteSource, start: int, kind: int, most: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(kind)
    position, made = start, 0
    while not stream.eof:
        packed = stream.unconsumed_tail or source.read(position, _CHUNK)
        if not stream.unconsumed_tail:
            position += len(packed)
        try:
            piece = stream.decompress(packed, _CHUNK)
        except zlib.error as error:
            raise SetAsideError(
                Cause.CONTAINER_DAMAGED, f"the compressed stream is broken near byte {position}"
            ) from error
        if not packed and not piece:
            raise SetAsideError(
                Cause.CONTAINER_DAMAGED, f"the compressed stream ends early, at byte {position}"
            )
        made += len(piece)
        _refuse_bomb(made, position - start, most)
        yield piece


def _refuse_bomb(made: int, packed: int, most: int) -> None:
    if made > most:
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED, f"the compressed stream gives more than {most} bytes"
        )
    if made > RATIO_FREE and made > MOST_RATIO * packed:
        raise SetAsideError(
            Cause.CONTAINER_DAMAGED,
            f"the compressed stream gives more than {MOST_RATIO} times its own bytes",
        )


def _nameless_file() -> int:
    with tempfile.TemporaryFile(prefix="pacslift-") as file:
        return os.dup(file.fileno())


def _write(fd: int, data: bytearray) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError as error:
        raise SetAsideError(
            Cause.UNREADABLE,
            f"the unpacked object does not fit into {tempfile.gettempdir()}: {error.strerror}; "
            "give TMPDIR more room and retry",
        ) from error
    finally:
        view.release()
