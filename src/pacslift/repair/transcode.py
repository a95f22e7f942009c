"""The same object in another transfer syntax, for a target that refuses its own.

Strategy: only after the refusal, and only without loss. What was compressed becomes native, or is
compressed anew where its compression was lossless; what was compressed with loss becomes native and
nothing else, since a second loss would be a new image (PS3.3 C.7.6.1.1.3). pydicom and its codecs
do the work on the Image Pixel module alone; the result is spliced in, so every other element keeps
its bytes. The pixels of the result are decoded again and compared with those of the original.
Memory: the object, its native pixels, and one copy of them; what is larger than MOST_BYTES stays
as it is.

PS3.5 8.2, A.4 (encapsulation); PS3.3 C.7.6.3 (Image Pixel), C.7.6.1.1.5 (lossy compression).
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from pydicom.config import IGNORE
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import compress, decompress
from pydicom.uid import UID

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import MemoryBytes, Segment
from pacslift.inventory.header import PIXEL_DATA, Encoding, walk
from pacslift.inventory.stored import StoredObject
from pacslift.inventory.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE, encoding_of
from pacslift.repair import frames, native
from pacslift.repair.lossy import MAYBE_LOSSY, lossy_method
from pacslift.repair.outgoing import Change, Outgoing
from pacslift.repair.segments import joined, total
from pacslift.repair.splice import Edits, encoded, splice

RULE = "TRANSCODE"
JPEG_LS, JPEG_2000, RLE = (
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
)
MOST_BYTES = 1 << 30  # of an object, and of its native pixels
_LOSSLESS = frozenset(
    {
        JPEG_LS,
        JPEG_2000,
        RLE,
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
        frames.DEFLATED_FRAMES,
    }
)
_NATIVE = (EXPLICIT_LITTLE, IMPLICIT_LITTLE)
_TO_LOSSLESS = (JPEG_LS, JPEG_2000, RLE)
_IMAGE_PIXEL = range(0x00280002, 0x00280104)
_SINGLE_BIT = 1
_BITS_ALLOCATED = 0x00280100
_ICON = 0x00880200
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002, 0x7FE00003)  # they speak of fragments
_GROUP_LENGTHS = (0x00280000, 0x7FE00000)
_IS_LOSSY, _RATIO, _METHOD = 0x00282110, 0x00282112, 0x00282114
_LOSSY_HEAD = 1 << 16  # bytes of a codestream in which its headers stand


def alternatives(transfer_syntax_uid: str) -> tuple[str, ...]:
    """Give the transfer syntaxes to try, best first, when a target refuses this one."""
    if transfer_syntax_uid in MAYBE_LOSSY:
        return _NATIVE
    if transfer_syntax_uid in _LOSSLESS or transfer_syntax_uid in _NATIVE:
        return tuple(uid for uid in (*_NATIVE, *_TO_LOSSLESS) if uid != transfer_syntax_uid)
    return ()


def transcoded(outgoing: Outgoing, syntax: str) -> Outgoing:
    """Give *outgoing* in the transfer syntax *syntax*, one of its alternatives().

    Its bytes are in memory; closing either closes the file of both.
    Raises  SetAsideError CONTEXT_REFUSED where the codec fails or the pixels would not be the same,
            PIXELS_DAMAGED, UNREADABLE and TRUNCATED as reading does.
    """
    if outgoing.transfer_syntax_uid == IMPLICIT_LITTLE:
        outgoing = _rewritten(outgoing, EXPLICIT_LITTLE)
    elif outgoing.transfer_syntax_uid == frames.DEFLATED_FRAMES:
        outgoing = _inflated(outgoing)
    if syntax not in {IMPLICIT_LITTLE, outgoing.transfer_syntax_uid}:
        return _recompressed(outgoing, syntax)
    if syntax == outgoing.transfer_syntax_uid:
        return outgoing
    if outgoing.transfer_syntax_uid != EXPLICIT_LITTLE:
        outgoing = _recompressed(outgoing, EXPLICIT_LITTLE)
    return _rewritten(outgoing, IMPLICIT_LITTLE)


def _inflated(outgoing: Outgoing) -> Outgoing:
    """Give deflated frames as native pixels, which needs no codec: they are the bytes inflated."""
    stored = _in_memory(outgoing)
    value = frames.native_pixels(stored)
    vr = "OB" if frames.number(stored, _BITS_ALLOCATED) <= 8 else "OW"  # noqa: PLR2004
    gone: Edits = dict.fromkeys((*_OFFSET_TABLES, *_GROUP_LENGTHS), ())
    segments = splice(stored, {**gone, PIXEL_DATA: (_written(PIXEL_DATA, vr, value),)})
    return _with(outgoing, EXPLICIT_LITTLE, segments, ())


def _rewritten(outgoing: Outgoing, syntax: str) -> Outgoing:
    """Give a native object in the other native transfer syntax."""
    stored = _in_memory(outgoing)
    write = native.in_implicit if syntax == IMPLICIT_LITTLE else native.in_explicit
    return _with(outgoing, syntax, tuple(write(stored)), ())


def _with(
    outgoing: Outgoing, syntax: str, segments: tuple[Segment, ...], changes: tuple[Change, ...]
) -> Outgoing:
    told = Change(RULE, "PixelData", _words(outgoing.transfer_syntax_uid), _words(syntax))
    return replace(
        outgoing,
        transfer_syntax_uid=syntax,
        segments=segments,
        length=total(segments),
        changes=(*outgoing.changes, told, *changes),
    )


def _recompressed(outgoing: Outgoing, syntax: str) -> Outgoing:
    """Give the object with its pixels decoded, or encoded, or both."""
    stored = _in_memory(outgoing)
    if PIXEL_DATA not in stored.header:
        raise _cannot("it has no Pixel Data to transcode")
    source = _image_pixel(stored)
    edits, changes = _edits(stored, source, syntax)
    new = _with(outgoing, syntax, splice(stored, edits), changes)
    _require_same_pixels(source, _image_pixel(_in_memory(new)))
    return new


def _in_memory(outgoing: Outgoing) -> StoredObject:
    if outgoing.length > MOST_BYTES:
        raise _cannot(f"{outgoing.length} bytes are too many to transcode")
    data = joined(outgoing.segments)
    outgoing.require_unchanged()
    header = walk(MemoryBytes(data), 0, len(data), encoding_of(outgoing.transfer_syntax_uid))
    return StoredObject(
        MemoryBytes(data), header, 0, len(data), outgoing.transfer_syntax_uid, None, None, ()
    )


def _image_pixel(stored: StoredObject) -> Dataset:
    """Give what a codec needs of an object: the Image Pixel module and Pixel Data."""
    elements = (stored.header.find(tag) for tag in stored.header.places)
    wanted = [e for e in elements if e and (e.tag in _IMAGE_PIXEL or e.tag == PIXEL_DATA)]
    raw = b"".join(stored.source.read(e.start, e.end - e.start) for e in wanted)
    dataset = read_dataset(BytesIO(raw), is_implicit_VR=False, is_little_endian=True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(stored.transfer_syntax_uid, IGNORE)
    _require_bounded(dataset)
    return dataset


def _require_bounded(dataset: Dataset) -> None:
    keywords = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
    with _Codec("counted"):
        numbers = [int(dataset.get(keyword) or 0) for keyword in keywords]
        bits = math.prod(numbers) * int(dataset.get("NumberOfFrames") or 1)
    if not 0 < bits <= MOST_BYTES * 8:
        raise _cannot(f"its native pixels would have {bits // 8} bytes")


def _edits(stored: StoredObject, source: Dataset, syntax: str) -> tuple[Edits, tuple[Change, ...]]:
    """Give the elements that are otherwise in *syntax*, and the record of them."""
    made = _converted(source, syntax)
    edits: dict[int, tuple[memoryview, ...]] = dict.fromkeys((*_OFFSET_TABLES, *_GROUP_LENGTHS), ())
    changes: list[Change] = []
    for element in made:
        before = source.get(element.tag)
        if element.tag != PIXEL_DATA and (before is None or before.value != element.value):
            value = _bytes_of(element.VR, element.value)
            edits[element.tag] = (_written(element.tag, element.VR, value),)
            old = None if before is None else str(before.value)
            changes.append(Change(RULE, element.keyword, old, str(element.value)))
    edits[PIXEL_DATA] = _pixel_element(made)
    for tag, vr, text in _lossy_attributes(stored, source, made):
        edits[tag] = (_written(tag, vr, text.encode()),)
        changes.append(Change(RULE, keyword_for_tag(tag), None, text))
    if _has_compressed_icon(stored):
        edits[_ICON] = ()
        changes.append(Change(RULE, "IconImageSequence", "compressed icon", None))
    return edits, tuple(changes)


def _converted(source: Dataset, syntax: str) -> Dataset:
    is_native = source.file_meta.TransferSyntaxUID == EXPLICIT_LITTLE
    native = source if is_native else _decompressed(source)
    return native if syntax == EXPLICIT_LITTLE else _compressed(native, syntax)


def _copy(source: Dataset, syntax: str) -> Dataset:
    made = Dataset()
    made.update(source)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(syntax, IGNORE)
    return made


def _decompressed(source: Dataset) -> Dataset:
    if source.BitsAllocated == _SINGLE_BIT:
        raise _cannot("compressed pixels of a single bit are not transcoded")
    made = _copy(source, source.file_meta.TransferSyntaxUID)
    with _Codec("decoded"):
        decompress(made, as_rgb=False, generate_instance_uid=False)
    if made.PhotometricInterpretation == "YBR_FULL_422":
        # The codec has given each pixel its chroma, and pydicom leaves the name (C.7.6.3.1.2).
        made.PhotometricInterpretation = "YBR_FULL"
    made["PixelData"].VR = _pixel_vr(made)
    return made


def _compressed(native: Dataset, syntax: str) -> Dataset:
    if native.BitsAllocated == _SINGLE_BIT:
        raise _cannot("pixels of a single bit are not compressed")
    made = _copy(native, EXPLICIT_LITTLE)
    with _Codec(f"written as {UID(syntax, IGNORE).name}"):
        compress(made, syntax, generate_instance_uid=False)
    return made


class _Codec:
    """Around a codec: whatever it raises means that these pixels cannot be converted."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, SetAsideError | MemoryError):
            raise _cannot(f"its pixels cannot be {self._what} ({type(error).__name__})") from error


def _pixel_vr(dataset: Dataset) -> str:
    return "OB" if dataset.BitsAllocated <= 8 else "OW"  # noqa: PLR2004 - PS3.5 A.2


def _pixel_element(made: Dataset) -> tuple[memoryview, ...]:
    pixels = made.PixelData
    if made.file_meta.TransferSyntaxUID.is_compressed:
        head = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"
        return memoryview(head), memoryview(pixels), memoryview(b"\xfe\xff\xdd\xe0\0\0\0\0")
    vr = made["PixelData"].VR
    return (_written(PIXEL_DATA, vr, pixels + b"\0" * (len(pixels) & 1)),)


def _written(tag: int, vr: str, value: bytes) -> memoryview:
    pad = b" " * (len(value) & 1)
    return encoded(tag, vr.encode(), value + pad, Encoding.EXPLICIT_LITTLE)


def _bytes_of(vr: str, value: object) -> bytes:
    return int(str(value)).to_bytes(2, "little") if vr == "US" else str(value).encode()


def _lossy_attributes(
    stored: StoredObject, source: Dataset, made: Dataset
) -> Iterator[tuple[int, str, str]]:
    """Give what a native image that was compressed with loss must say, where it does not yet."""
    first = next(iter(list(frames.fragments(stored))[1:]), b"") if _encapsulated(stored) else b""
    method = lossy_method(stored.transfer_syntax_uid, first[:_LOSSY_HEAD])
    if method is None or stored.uid(_IS_LOSSY) == "01":
        return
    ratio = len(made.PixelData) / max(len(source.PixelData), 1)
    yield _IS_LOSSY, "CS", "01"
    yield _RATIO, "DS", f"{ratio:.2f}"
    yield _METHOD, "CS", method


def _encapsulated(stored: StoredObject) -> bool:
    return PIXEL_DATA in stored.header.ends


def _has_compressed_icon(stored: StoredObject) -> bool:
    """Whether the icon holds fragments, which no native transfer syntax may have (PS3.5 A.4)."""
    value = stored.value(_ICON) or b""
    return b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" in value


def _require_same_pixels(before: Dataset, after: Dataset) -> None:
    if _digest(before) != _digest(after):
        raise _cannot("its pixels would not be the same afterwards")


def _digest(dataset: Dataset) -> str:
    """Give the sha256 of the decoded frames, hex; colour as the codec gives it."""
    digest = hashlib.sha256()
    with _Codec("decoded"):
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        for pixels, _ in decoder.iter_array(dataset, as_rgb=False):
            digest.update(pixels.tobytes())
    return digest.hexdigest()


def _cannot(what: str) -> SetAsideError:
    return SetAsideError(
        Cause.CONTEXT_REFUSED,
        what,
    )


def _words(syntax: str) -> str:
    return f"transfer syntax {syntax}"
