"""Attributes that an old database keeps as an encoded data set, as the DICOM JSON model.

Strategy: one pass over the bytes; each element of the top level becomes its own piece of JSON text,
and pieces are remembered, since the elements of an archive repeat a million times (Modality CT).
Damage raises nothing: what stands before it counts, and the fault says where it is.
Cost: some ten microseconds for a blob of twenty elements, most of it for those never met before.

PS3.18 F (the model; IS and DS as text, so that 1.50 stays 1.50), PS3.5 6.1.2.3 (character sets),
PS3.5 7.8 (private blocks).
"""

import zlib
from dataclasses import dataclass

from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.filemeta import read_meta
from pacslift.inventory.header import Encoding
from pacslift.inventory.jsonmodel import CHARACTER_SET, Piece, UnsaidError, element_at, piece_of
from pacslift.inventory.nesting import BIG, LITTLE, Content
from pacslift.inventory.syntaxes import INFLATED, encoding_of

MOST_BYTES = 64 << 20  # of an inflated blob; attributes without pixels stay far below
_CONTENTS = {
    Encoding.EXPLICIT_LITTLE: Content(implicit=False, order=LITTLE),
    Encoding.IMPLICIT_LITTLE: Content(implicit=True, order=LITTLE),
    Encoding.EXPLICIT_BIG: Content(implicit=False, order=BIG),
}
_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a blob says: *text* is the DICOM JSON model, *fault* why it says no more; or None."""

    text: str
    fault: str | None = None


def decode_blob(
    blob: bytes,
    *,
    leave_out: frozenset[int] = _NOTHING,
    private_creators: frozenset[bytes] = frozenset(),
) -> Attributes:
    """Decode a bare data set, or one with group 2 in front of it, never with a preamble.

    Takes   *leave_out*: tags of the top level that are not wanted; *private_creators*: those whose
            blocks are the old system's own and no part of the object.
    Gives   all whole elements in front of a fault. Specific Character Set is left out, because the
            texts are Unicode here; so are group lengths.
    """
    data, encoding, fault = _dataset(blob)
    pieces, late = _pieces(data, _CONTENTS[encoding], leave_out, private_creators)
    return Attributes("{" + ",".join(pieces) + "}", fault or late)


def _dataset(blob: bytes) -> tuple[bytes, Encoding, str | None]:
    """The data set of a blob, how it is written, and the fault of its envelope."""
    if blob[:2] != b"\x02\x00":
        return blob, Encoding.EXPLICIT_LITTLE, None
    meta = read_meta(MemoryBytes(blob))
    data, syntax = blob[meta.start :], meta.transfer_syntax_uid
    if syntax is None:
        return b"", Encoding.EXPLICIT_LITTLE, "the file meta information names no transfer syntax"
    if syntax not in INFLATED:
        return data, encoding_of(syntax), None
    plain, fault = _inflated(data)
    return plain, encoding_of(INFLATED[syntax]), fault


def _inflated(data: bytes) -> tuple[bytes, str | None]:
    """As much of a raw deflate stream (PS3.5 A.5) as can be inflated."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = bytearray()
    try:
        for start in range(0, len(data), 1024):  # in pieces: what comes before damage is kept
            plain += inflater.decompress(data[start : start + 1024], MOST_BYTES - len(plain))
            if len(plain) >= MOST_BYTES:
                return bytes(plain), f"the stream inflates to more than {MOST_BYTES} bytes"
    except zlib.error:
        return bytes(plain), "the deflated stream is damaged"
    return bytes(plain), None if inflater.eof else "the deflated stream is cut short"


def _pieces(
    data: bytes, content: Content, leave_out: frozenset[int], creators: frozenset[bytes]
) -> tuple[list[str], str | None]:
    """The JSON of each element, and the fault that ended the walk or spoilt an element."""
    pieces: list[str] = []
    charset, fault = b"", None
    foreign: set[int] = set()  # (gggg,xx) of private blocks that are left out
    position, end = 0, len(data)
    while position < end:
        found = element_at(data, position, end, content)
        if found is None:
            return pieces, f"cut short or damaged at byte {position} of {end}"
        position, tag = found.behind, found.tag
        if tag == CHARACTER_SET:
            charset = data[found.value : found.stop]
        elif tag in leave_out or not tag & 0xFFFF:
            continue
        elif not tag & 0x10000 or not _foreign(data, found, creators, foreign):
            try:
                pieces.append(piece_of(data, found, charset, content))
            except UnsaidError as error:
                fault = fault or str(error)
            except RecursionError:  # hostile: real sequences nest five deep
                fault = fault or "its sequences nest too deep"
    return pieces, fault


def _foreign(data: bytes, found: Piece, creators: frozenset[bytes], foreign: set[int]) -> bool:
    """Whether a private element is of a block that is left out; a creator opens its block."""
    group, element = found.tag >> 16, found.tag & 0xFFFF
    if element > 0xFF:  # noqa: PLR2004 - PS3.5 7.8.1: (gggg,0010-00FF) name the blocks
        return group << 8 | element >> 8 in foreign
    if data[found.value : found.stop].strip(b"\0 ") in creators:
        foreign.add(group << 8 | element)
        return True
    return False
