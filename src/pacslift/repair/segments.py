"""Values as pieces: views of memory and spans of a file that are read only when they are sent."""

from collections.abc import Iterable, Iterator, Sequence

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat
from pacslift.inventory.bytesource import FileSpan, Segment

_CHUNK = 1 << 20


def total(segments: Sequence[Segment]) -> int:
    """Give the bytes that the segments have together."""
    return sum(len(one) if isinstance(one, memoryview) else one.length for one in segments)


def joined(segments: Iterable[Segment]) -> bytes:
    """Read the segments into memory. Raises what pieces() raises."""
    return b"".join(piece for one in segments for piece in pieces(one))


def pieces(segment: Segment) -> Iterator[bytes | memoryview]:
    """Give a segment piece by piece, at most a megabyte each.

    Raises SetAsideError UNREADABLE when the disk fails, TRUNCATED when the file has shrunk.
    """
    if isinstance(segment, memoryview):
        yield segment
        return
    yield from _pieces(segment)


def _pieces(span: FileSpan) -> Iterator[bytes]:
    end = span.offset + span.length
    for offset in range(span.offset, end, _CHUNK):
        wanted = min(_CHUNK, end - offset)
        try:
            piece = readat.read_at(span.fd, wanted, offset)
        except OSError as error:
            raise SetAsideError(
                Cause.UNREADABLE, f"reading at byte {offset} fails: {error.strerror}"
            ) from error
        if len(piece) != wanted:
            raise SetAsideError(
                Cause.TRUNCATED, f"the file ends at byte {offset + len(piece)}; it has shrunk"
            )
        yield piece
