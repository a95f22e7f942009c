"""Pixel Data and transfer syntax that contradict each other, settled by the bit stream itself.

Fragments under a native syntax, one bare stream without fragments (P08), native pixels under a
compressed syntax (P09), another compression than declared (P10), GE's private syntax with pixel
words in Big Endian (E22). Where bytes have to move, the data set is copied; the payload stays as
it is, byte for byte, but for E22. What the stream leaves in doubt is set aside. PS3.5 A.1 to A.4.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import Struct

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bitstream import MOST, NEEDED, Stream, contradicts, stream_of
from pacslift.inventory.bytesource import ByteSource, MemoryBytes
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Element, Encoding, Header, walk
from pacslift.inventory.inflate import collected
from pacslift.inventory.mend import MOST_BYTES, mend
from pacslift.inventory.pixelsize import Shape
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE, compressed, native

GE_BIG_PIXELS = "1.2.840.113619.5.2"
_CHUNK = 1 << 20
_ITEM = Struct("<HHI")
_HEAD = Struct("<HH2sxxI")
_ITEM_TAG, _EMPTY_ITEM = 0xE000, b"\xfe\xff\x00\xe0\0\0\0\0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_WORD_BITS = 16
_MOST_FRAMES_DIGITS = 10
BARE_STREAMS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")  # how native pixels do not begin, as a rule


@dataclass(frozen=True, slots=True)
class DataSet:
    """Where a data set lies in *source*, and how it is written.

    The source is the one it was looked for in, or a mended copy.
    """

    source: ByteSource
    header: Header
    transfer_syntax_uid: str
    envelope: tuple[str, ...]


def settled(found: DataSet) -> DataSet:
    """Give the data set with the transfer syntax that its Pixel Data has.

    Raises  SetAsideError PIXELS_DAMAGED where neither header nor stream says what it is.
    """
    pixels = found.header.find(PIXEL_DATA)
    syntax = found.transfer_syntax_uid
    if syntax == GE_BIG_PIXELS:
        return little_words(found, pixels)
    if pixels is None or not pixels.length:
        return found
    uncompressed = native(syntax) or syntax == EXPLICIT_LITTLE
    if pixels.length == UNDEFINED:
        stream = _fragment_stream(found.source, pixels)
        if uncompressed:
            return _declared(found, stream)
        wrong = stream is not None and contradicts(syntax, stream)
        return _named(found, stream, "P10") if wrong and stream else found
    if compressed(syntax):
        return _in_one_piece(found, pixels)
    return _perhaps_bare_stream(found, pixels) if uncompressed else found


def _declared(found: DataSet, stream: Stream | None) -> DataSet:
    """Fragments under a syntax for native pixels (P08)."""
    if stream is None:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"Pixel Data is in fragments, which transfer syntax {found.transfer_syntax_uid} does "
            "not allow, and their bit stream is none that is known",
        )
    return _named(explicit(found), stream, "P08")


def _in_one_piece(found: DataSet, pixels: Element) -> DataSet:
    """Pixel Data of defined length under a compressed syntax: native (P09), or bare (P08)."""
    if pixels.length == _native_length(found):
        envelope = (*found.envelope, "P09")
        return replace(found, transfer_syntax_uid=EXPLICIT_LITTLE, envelope=envelope)
    stream = stream_of(found.source.read(pixels.value, min(pixels.length, MOST)))
    if stream is None or not _same_size(found, stream):
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"Pixel Data of {pixels.length} bytes is not in fragments, as transfer syntax "
            f"{found.transfer_syntax_uid} wants, and is neither native nor a known bit stream",
        )
    return _wrapped(found, pixels, stream)


def _perhaps_bare_stream(found: DataSet, pixels: Element) -> DataSet:
    """Pixel Data of defined length under a native syntax that is a bit stream all the same."""
    if not found.source.read(pixels.value, 4).startswith(BARE_STREAMS):
        return found
    stream = stream_of(found.source.read(pixels.value, min(pixels.length, MOST)))
    if stream is None or pixels.length == _native_length(found) or not _same_size(found, stream):
        return found
    return _wrapped(explicit(found), None, stream)


def _wrapped(found: DataSet, pixels: Element | None, stream: Stream) -> DataSet:
    """Put a bare stream into one fragment behind an empty offset table (P08)."""
    pixels = pixels or found.header.find(PIXEL_DATA)
    if pixels is None or _frames(found) > 1:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED, "one bit stream without fragments stands for several frames"
        )
    length = pixels.length + pixels.length % 2
    head = _HEAD.pack(0x7FE0, 0x0010, b"OB", UNDEFINED) + _EMPTY_ITEM
    head += _ITEM.pack(0xFFFE, _ITEM_TAG, length)
    tail = b"\0" * (pixels.length % 2) + _SEQUENCE_END
    copy = _copied(found, pixels, head, _read(found.source, pixels.value, pixels.end), tail)
    return _named(copy, stream, "P08")


def _named(found: DataSet, stream: Stream, rule: str) -> DataSet:
    """The data set with the transfer syntax of its stream."""
    return replace(
        found, transfer_syntax_uid=stream.transfer_syntax_uid, envelope=(*found.envelope, rule)
    )


def explicit(found: DataSet) -> DataSet:
    """The data set in Explicit VR Little Endian, as all compressed syntaxes want (PS3.5 A.4)."""
    header = found.header
    if header.encoding is Encoding.EXPLICIT_LITTLE:
        return found
    anew = None
    if header.encoding is Encoding.IMPLICIT_LITTLE and header.stop - header.start <= MOST_BYTES:
        data = found.source.read(header.start, header.stop - header.start)
        anew = mend(data, implicit=True, explicit_out=True)
    if anew is None:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED,
            f"Pixel Data is compressed inside a data set in {header.encoding}, which cannot be "
            "written in Explicit VR Little Endian as compressed pixels need it",
        )
    source = MemoryBytes(anew.data)
    anew_header = walk(source, 0, source.size, Encoding.EXPLICIT_LITTLE)
    return DataSet(source, anew_header, EXPLICIT_LITTLE, found.envelope)


def little_words(found: DataSet, pixels: Element | None) -> DataSet:
    """GE's private syntax: Implicit VR Little Endian, but pixel words in Big Endian (E22)."""
    envelope = (*found.envelope, "E22")
    if pixels is None or _shape(found).allocated != _WORD_BITS:
        return replace(found, transfer_syntax_uid=IMPLICIT_LITTLE, envelope=envelope)
    if pixels.length == UNDEFINED or pixels.length % 2:
        raise SetAsideError(
            Cause.PIXELS_DAMAGED, f"transfer syntax {GE_BIG_PIXELS} with pixels that are no words"
        )
    head = found.source.read(pixels.start, pixels.value - pixels.start)
    words = (_swapped(piece) for piece in _read(found.source, pixels.value, pixels.end))
    copy = _copied(found, pixels, head, words, b"")
    return replace(copy, transfer_syntax_uid=IMPLICIT_LITTLE, envelope=envelope)


def _swapped(piece: bytes) -> bytes:
    swapped = bytearray(piece)
    swapped[0::2], swapped[1::2] = piece[1::2], piece[0::2]
    return bytes(swapped)


def _copied(
    found: DataSet, pixels: Element, head: bytes, value: Iterator[bytes], tail: bytes
) -> DataSet:
    """A copy of the data set with Pixel Data written anew."""
    header = found.header

    def pieces() -> Iterator[bytes]:
        yield from _read(found.source, header.start, pixels.start)
        yield head
        yield from value
        yield tail
        yield from _read(found.source, pixels.end, header.stop)

    copy = collected(pieces())
    return replace(found, source=copy, header=walk(copy, 0, copy.size, header.encoding))


def _read(source: ByteSource, start: int, end: int) -> Iterator[bytes]:
    """Bytes in pieces of even length, but for the last."""
    for offset in range(start, end, _CHUNK):
        yield source.read(offset, min(_CHUNK, end - offset))


def _fragment_stream(source: ByteSource, pixels: Element) -> Stream | None:
    """The stream of the first fragment, of which a part may be enough to say what it is."""
    position = pixels.value
    for _ in range(2):  # the Basic Offset Table is the first item
        head = source.read(position, _ITEM.size)
        if len(head) < _ITEM.size or head[:4] != _EMPTY_ITEM[:4]:
            return None
        length = _ITEM.unpack(head)[2]
        start, position = position + _ITEM.size, position + _ITEM.size + length
    first = source.read(start, min(length, NEEDED))
    stream = stream_of(first)
    if stream is None and length > NEEDED and first.startswith((b"\xff\xd8", b"\xff\x4f")):
        stream = stream_of(source.read(start, min(length, MOST)))
    return stream


def _same_size(found: DataSet, stream: Stream) -> bool:
    shape = _shape(found)
    return not stream.rows or (stream.rows, stream.columns) == (shape.rows, shape.columns)


def _native_length(found: DataSet) -> int:
    """Even length that native pixels have by the header; 0 where it does not say enough."""
    length = _shape(found).length(_frames(found))
    return length + length % 2


def _shape(found: DataSet) -> Shape:
    big = found.header.encoding is Encoding.EXPLICIT_BIG
    rows, columns, samples, allocated = (
        int.from_bytes(_value(found, tag)[:2], "big" if big else "little")
        for tag in (0x00280010, 0x00280011, 0x00280002, 0x00280100)
    )
    photometric = _value(found, 0x00280004).decode("latin-1").strip("\0 ")
    return Shape(rows, columns, samples, allocated, photometric)


def _frames(found: DataSet) -> int:
    text = _value(found, 0x00280008).strip(b"\0 ") or b"1"
    return int(text) if text.isdigit() and len(text) < _MOST_FRAMES_DIGITS else 0


def _value(found: DataSet, tag: int) -> bytes:
    element = found.header.find(tag)
    return found.source.read(element.value, min(element.length, 64)) if element else b""
