"""How a file can be packed, told by its first bytes, and one pass over what is packed.

Strategy: each kind has a decoder that gives bounded pieces however much a few bytes unpack to.
Streams may follow each other in one file, as parallel packers and appending make them: they are
read to the last. Behind it only zeros may stand, which tapes and block copies add.
An end inside a stream is no error here but noted, since the dump's reader knows the last good row.
Sources: RFC 1952 (gzip), RFC 8878 (zstd), xz-file-format.txt, bzip2's manual.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

import zstandard

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.zstdframe import ZstdFrame
from pacslift.patterns import compiled

PIECE = 4 << 20  # unpacked at once: while it lasts, the thread that reads rows is not in the way
_PACKED = 1 << 20  # read at once
_LONGEST_SIGN = 16
_XZ_MEMORY = 256 << 20  # xz -9 needs 65 MiB


class Decoder(Protocol):
    """One stream; bz2.BZ2Decompressor and lzma.LZMADecompressor are such."""

    @property
    def eof(self) -> bool:
        """Whether the stream's end was met."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out of what was put in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was put in and lies behind the stream's end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Put in *data*, take out about *max_length* bytes at most."""
        ...


class Inflater:
    """A Decoder of deflated data; *wbits* as for zlib.decompressobj."""

    def __init__(self, wbits: int) -> None:
        self._inflate = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """See Decoder."""
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        """See Decoder."""
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """See Decoder."""
        found = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self.needs_input = not self._inflate.unconsumed_tail and len(found) < max_length
        return found


@dataclass(frozen=True, slots=True)
class Packing:
    """A way of packing: its name, how a file of it begins, and how a further stream in it does."""

    word: str
    sign: re.Pattern[bytes]
    again: tuple[bytes, ...]
    decoder: Callable[[], Decoder]
    suffixes: tuple[tuple[str, str], ...] = ()  # and what stays of them

    def unpacked_name(self, name: str) -> str:
        """The *name* of a file without what tells that it is packed."""
        for suffix, left in self.suffixes:
            if name.lower().endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)] + left
        return name

    def goes_on(self, data: bytes) -> bool:
        """Whether *data*, or what it is the beginning of, begins another stream."""
        return any(data.startswith(sign) or sign.startswith(data) for sign in self.again)


PACKINGS = (
    Packing(
        "gzip",
        compiled(rb"\x1f\x8b\x08"),
        (b"\x1f\x8b\x08",),
        lambda: Inflater(16 + zlib.MAX_WBITS),
        ((".gz", ""), (".tgz", ".tar")),
    ),
    Packing(
        "bzip2",
        compiled(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
        (b"BZh",),
        bz2.BZ2Decompressor,
        ((".bz2", ""), (".bz", ""), (".tbz2", ".tar"), (".tbz", ".tar")),
    ),
    Packing(
        "xz",
        compiled(rb"\xfd7zXZ\0"),
        (b"\xfd7zXZ\0",),
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
        ((".xz", ""), (".txz", ".tar")),
    ),
    Packing(
        "zstd",
        compiled(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
        (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + i, 0x2A, 0x4D, 0x18]) for i in range(16))),
        ZstdFrame,
        ((".zst", ""), (".zstd", ""), (".tzst", ".tar")),
    ),
)


def packing_of(head: bytes) -> Packing | None:
    """How a file that begins with *head* is packed."""
    return next((packing for packing in PACKINGS if packing.sign.match(head)), None)


class Unpacking:
    """One pass over packed bytes, from place *base* of the file *name* on, as *read* gives them.

    *early* says, once all pieces were given, where the last stream is cut off, if it is.
    """

    def __init__(
        self, read: Callable[[int], bytes], packing: Packing, name: str, base: int = 0
    ) -> None:
        self._read = read
        self._packing = packing
        self._name = name
        self._taken = base
        self.early: str | None = None

    def pieces(self) -> Iterator[bytes]:
        """What is unpacked. Raises DumpDamagedError for what is damaged, naming the place."""
        rest = self._take()
        if not rest:
            self._cut_off()
        while rest and self.early is None:
            rest = yield from self._stream(rest)
            rest = self._next_stream(rest)

    def _stream(self, rest: bytes) -> Generator[bytes, None, bytes]:
        """One stream, which begins with *rest*; gives what was read behind it."""
        decoder = self._packing.decoder()
        while not decoder.eof:
            data = b""
            if decoder.needs_input:
                data, rest = rest or self._take(), b""
            piece = self._decoded(decoder, data)
            if piece:
                yield piece
            elif not data and decoder.needs_input and not decoder.eof:
                self._cut_off()
                return b""
        return decoder.unused_data + rest

    def _cut_off(self) -> None:
        self.early = f"its {self._packing.word} data is cut off at byte {self._taken}"

    def _next_stream(self, rest: bytes) -> bytes:
        """The beginning of the stream that follows; empty where there is none."""
        while len(rest := rest.lstrip(b"\0")) < _LONGEST_SIGN and (more := self._take()):
            rest += more
        if rest and self.early is None and not self._packing.goes_on(rest):
            raise DumpDamagedError(
                f"{self._name}: behind its {self._packing.word} data, at byte "
                f"{self._taken - len(rest)}, is something else. The file was damaged, or another "
                "was appended to it; copy it again."
            )
        return rest

    def _decoded(self, decoder: Decoder, data: bytes) -> bytes:
        try:
            return decoder.decompress(data, PIECE)
        except zlib.error as error:
            trouble = str(error).partition(": ")[2] or str(error)
        except (OSError, EOFError, lzma.LZMAError, zstandard.ZstdError, MemoryError) as error:
            trouble = str(error)
        if "emory" in trouble:
            raise DumpFormatError(
                f"{self._name} was packed with {self._packing.word} so that unpacking it takes "
                f"more memory than pacslift allows itself ({trouble}). Unpack it first."
            )
        raise DumpDamagedError(
            f"{self._name}: the {self._packing.word} data is damaged near byte {self._taken}: "
            f"{trouble}. Copy it again, or make a new dump."
        )

    def _take(self) -> bytes:
        data = self._read(_PACKED)
        self._taken += len(data)
        return data
