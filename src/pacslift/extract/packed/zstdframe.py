"""One zstd frame, a few blocks at a time.

The library's own streams either unpack all they are given, however much that is, or do not tell a
frame that is cut off from one that is whole. So the frame is cut into its blocks here, each of
which unpacks to 128 KiB at most, and its end is known.
Source: RFC 8878, 3.1.1 (frames and blocks) and 3.1.2 (skippable frames).
"""

import zstandard

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_WINDOW = 128 << 20  # as much as the zstd program takes without being told to
_DICTIONARY = (0, 1, 2, 4)  # bytes of its number, by flag
_SIZE = (0, 2, 4, 8)  # bytes of the content's size, by flag
_RLE, _RESERVED = 1, 3


class ZstdFrame:
    """A Decoder, see packing.py, of one frame. Raises zstandard.ZstdError for damage."""

    def __init__(self) -> None:
        self._unpack = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._data = b""
        self._at = 0
        self._begun = False
        self._checked = False  # whether four bytes of checksum come last
        self._last = False  # whether the last block was met
        self._skip = 0  # bytes of a skippable frame that are still to come
        self.eof = False
        self.needs_input = True

    @property
    def unused_data(self) -> bytes:
        """What lies behind the frame."""
        return self._data[self._at :] if self.eof else b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Put in *data*; gives blocks until they have *max_length* bytes or more."""
        self._data = self._data[self._at :] + data
        self._at = 0
        found: list[bytes] = []
        left = max_length
        while left > 0 and not self.eof and (part := self._next_part()) is not None:
            piece = self._unpack.decompress(part) if part else b""
            found.append(piece)
            left -= len(piece)
        self.needs_input = left > 0
        return b"".join(found)

    def _next_part(self) -> bytes | None:
        """The frame's next header, block or checksum; None where it is not all there."""
        if self._skip:
            return self._skipped()
        if not self._begun:
            return self._header()
        if self._last:
            part = self._taken(4)
            self.eof = part is not None
            return part
        return self._block()

    def _header(self) -> bytes | None:
        head = self._data[self._at : self._at + 8]
        if len(head) < 8:  # noqa: PLR2004 - the shortest frame has nine
            return None
        if head[1:4] == _SKIPPABLE and head[0] >> 4 == 5:  # noqa: PLR2004
            self._at += 8
            self._skip = int.from_bytes(head[4:], "little")
            self._begun = True
            self.eof = not self._skip
            return b""
        if not head.startswith(_MAGIC):
            raise zstandard.ZstdError("no frame begins here")
        flags = head[4]
        single = flags >> 5 & 1
        size = _SIZE[flags >> 6] or single
        part = self._taken(5 + (not single) + _DICTIONARY[flags & 3] + size)
        self._begun = part is not None
        self._checked = bool(flags & 4)
        return part

    def _skipped(self) -> bytes | None:
        """Pass over as much of a skippable frame as is there."""
        passed = min(self._skip, len(self._data) - self._at)
        self._at += passed
        self._skip -= passed
        self.eof = not self._skip
        return b"" if passed else None

    def _block(self) -> bytes | None:
        if len(self._data) - self._at < 3:  # noqa: PLR2004 - bytes of a block's head
            return None
        head = int.from_bytes(self._data[self._at : self._at + 3], "little")
        kind = head >> 1 & 3
        if kind == _RESERVED:
            raise zstandard.ZstdError("a block is of no known kind")
        part = self._taken(3 + (1 if kind == _RLE else head >> 3))
        if part is not None:
            self._last = bool(head & 1)
            self.eof = self._last and not self._checked
        return part

    def _taken(self, size: int) -> bytes | None:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            return None
        self._at += size
        return part
