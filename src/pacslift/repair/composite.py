"""An object put together from pieces: memory, and stretches of files that stay where they are."""

from collections.abc import Callable
from itertools import accumulate

from pacslift.inventory.bytesource import FileSpan, Segment
from pacslift.repair import segments


class Composite:
    """A ByteSource over *pieces* in their order; *close* gives back the files they lie in."""

    def __init__(self, pieces: tuple[Segment, ...], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._close = close
        sizes = [segments.total((one,)) for one in pieces]
        self._starts = list(accumulate(sizes, initial=0))
        self.size = self._starts[-1]

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource. Raises SetAsideError UNREADABLE or TRUNCATED as files do."""
        return segments.joined(self.segments(offset, min(offset + length, self.size)))

    def segments(self, start: int, end: int) -> tuple[Segment, ...]:
        """See ByteSource."""
        found: list[Segment] = []
        for piece, at, behind in zip(self._pieces, self._starts, self._starts[1:], strict=False):
            first, last = max(start, at) - at, min(end, behind) - at
            if first < last:
                found.append(_cut(piece, first, last))
        return tuple(found)

    def close(self) -> None:
        """See ByteSource."""
        self._close()


def _cut(piece: Segment, first: int, last: int) -> Segment:
    if isinstance(piece, FileSpan):
        return FileSpan(piece.fd, piece.offset + first, last - first)
    return piece[first:last]
