"""The members of a zip archive, unpacked as they are read.

The list of members stands at the archive's end. Where that end is missing, the first member can be
read all the same if nothing follows it: it is the dump, and it ends early.
Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3 (records), 4.4.5 (methods).
"""

import bz2
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.bytesfrom import Bytes, Stretch, file_of, head_of
from pacslift.extract.packed.packing import Decoder, Inflater, Packing
from pacslift.extract.packed.unpacked import Check, Shelf, Unpacked
from pacslift.extract.packed.zstdframe import ZstdFrame
from pacslift.patterns import compiled

SIGN = compiled(rb"PK(?:\x03\x04|\x05\x06)")
SPANNED = compiled(rb"PK\x07\x08")
_LOCAL = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 1
_DEFLATED = 8
_METHODS: dict[int, Callable[[], Decoder]] = {
    _DEFLATED: lambda: Inflater(-zlib.MAX_WBITS),
    12: bz2.BZ2Decompressor,
    93: ZstdFrame,
}
_NAMES = {9: "Deflate64", 14: "LZMA", 95: "xz", 98: "PPMd", 99: "AES encryption"}


class _Stored:
    """A Decoder of what is not packed at all."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.needs_input = True
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        """See Decoder."""
        return not self._left

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """See Decoder; what is put in is never more than *max_length*."""
        del max_length
        found, self.unused_data = data[: self._left], data[self._left :]
        self._left -= len(found)
        return found


def zip_members(archive: Bytes, name: str, shelf: Shelf) -> dict[str, Bytes]:
    """The files in *archive*, by name, in its order; *name* is its own, for messages.

    Raises DumpFormatError for what is encrypted or packed in a way that is not read,
    DumpDamagedError for a broken list of members.
    """
    if not archive.random:
        raise DumpFormatError(
            f"{name} is a zip archive packed once more. Unpack the outer packing."
        )
    try:
        with file_of(archive) as file, zipfile.ZipFile(file) as listed:
            infos = [info for info in listed.infolist() if _is_of_interest(info.filename)]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        lone = _lone_member(archive, name, shelf)
        if lone is None:
            raise DumpDamagedError(
                f"{name}: the list of members at the end of the zip archive cannot be read: "
                f"{error}. Copy it again."
            ) from error
        return lone
    return {info.filename: _member(archive, info, name, shelf) for info in infos}


def _is_of_interest(name: str) -> bool:
    """Whether a member is a file, and none in which macOS keeps its own notes."""
    path = PurePosixPath(name)
    return not (name.endswith("/") or path.name.startswith(".") or "__MACOSX" in path.parts)


def _member(archive: Bytes, info: zipfile.ZipInfo, name: str, shelf: Shelf) -> Bytes:
    shown = f"{name}/{info.filename}"
    if info.flag_bits & _ENCRYPTED:
        raise DumpFormatError(f"{shown} is encrypted. Unpack it with its password.")
    size = info.file_size
    decoder = _METHODS.get(info.compress_type)
    if info.compress_type == zipfile.ZIP_STORED:
        decoder = lambda: _Stored(size)  # noqa: E731
    if decoder is None:
        method = _NAMES.get(info.compress_type, f"method {info.compress_type}")
        raise DumpFormatError(
            f"{shown} is packed with {method}, which pacslift does not read. Unpack it, or pack it "
            "again with gzip, xz or zstd."
        )
    at = _data_at(archive, info.header_offset)
    if at is None:
        raise DumpDamagedError(f"{shown}: no member begins where the archive says. Copy it again.")
    packing = Packing("zip", SIGN, (), decoder)
    packed = Stretch(archive, at, info.compress_size)
    return Unpacked(packed, packing, shown, shelf, _checked(info.CRC, size, shown), at)


def _data_at(archive: Bytes, at: int) -> int | None:
    """Where a member's data begins, by its header at *at*."""
    head = head_of(Stretch(archive, at, _LOCAL.size), _LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        return None
    *_, name_length, extra_length = _LOCAL.unpack(head)
    return at + _LOCAL.size + int(name_length) + int(extra_length)


def _checked(crc: int, size: int, name: str) -> Check:
    """Compares a member with its checksum, once it was read to the end."""

    def check(pieces: Iterator[bytes]) -> Iterator[bytes]:
        found, length = 0, 0
        for piece in pieces:
            found = zlib.crc32(piece, found)
            length += len(piece)
            yield piece
        if (found, length) != (crc, size):
            raise DumpDamagedError(
                f"{name}: its checksum in the zip archive is not that of its {length} bytes. It "
                "was damaged; copy it again."
            )

    return check


def _lone_member(archive: Bytes, name: str, shelf: Shelf) -> dict[str, Bytes] | None:
    """The first member of an archive without its end; None where another follows, or it is odd."""
    head = head_of(archive, _LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        return None
    _, _, flags, method, *_, packed_size, _, name_length, _ = _LOCAL.unpack(head)
    at = _data_at(archive, 0)
    if flags & _ENCRYPTED or method != _DEFLATED or at is None:
        return None
    behind = Stretch(archive, at + packed_size, 4)
    if packed_size and packed_size < archive.size and head_of(behind, 4) == b"PK\x03\x04":
        return None
    called = head_of(Stretch(archive, _LOCAL.size, name_length), name_length)
    packing = Packing("zip", SIGN, (b"PK", b""), _EndlessInflater)
    rest = Stretch(archive, at, max(0, archive.size - at))
    return {
        called.decode("utf-8", "replace") or name: Unpacked(rest, packing, name, shelf, base=at)
    }


class _EndlessInflater(Inflater):
    """Takes the end of what is deflated for no end, since the archive's own is missing."""

    def __init__(self) -> None:
        super().__init__(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        """See Decoder."""
        return False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """See Decoder."""
        if self._inflate.eof:
            self.needs_input = True
            return b""
        return super().decompress(data, max_length)
