"""What a compressed Pixel Data says of itself: its transfer syntax, from the first bytes.

A declared transfer syntax that its bit stream contradicts is corrected (repair.md P08 to P10): the
decoder goes by the stream's own markers anyway, and a target that goes by the declared syntax shows
nothing. Cost: a few microseconds for each compressed object, on bytes that are mostly read already.
ITU-T T.81 B.2 (JPEG), T.87 C.2 (JPEG-LS), T.800 A.5, A.6 (JPEG 2000), T.814 A.3 (HTJ2K), PS3.5 G.5
(RLE), PS3.5 A.4.
"""

import itertools
from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple

JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"
_BASELINE, _EXTENDED, _LOSSLESS, _FIRST_ORDER = (JPEG + end for end in ("50", "51", "57", "70"))
_LS, _LS_NEAR, _J2K_LOSSLESS, _J2K = (JPEG + end for end in ("80", "81", "90", "91"))
_HT_LOSSLESS, _HT_RPCL, _HT = (JPEG + end for end in ("201", "202", "203"))
# Declared syntax to what its stream may be: a syntax for all streams holds the lossless ones, too.
_HOLDS = {
    _BASELINE: {_BASELINE},
    _EXTENDED: {_EXTENDED, _BASELINE},
    _LOSSLESS: {_LOSSLESS, _FIRST_ORDER},
    _FIRST_ORDER: {_FIRST_ORDER},
    _LS: {_LS},
    _LS_NEAR: {_LS_NEAR, _LS},
    _J2K_LOSSLESS: {_J2K_LOSSLESS},
    _J2K: {_J2K, _J2K_LOSSLESS},
    _HT_LOSSLESS: {_HT_LOSSLESS},
    _HT_RPCL: {_HT_LOSSLESS},
    _HT: {_HT, _HT_LOSSLESS},
    RLE: {RLE},
}
NEEDED = 4 * 1024  # bytes of a stream that are enough, but for large application segments
MOST = 64 * 1024
_PAIR = Struct(">HH")
_SOI, _SOS = 0xFFD8, 0xFFDA
_FRAME_OF = {0xFFC0: _BASELINE, 0xFFC1: _EXTENDED, 0xFFC3: _LOSSLESS, 0xFFF7: _LS}
_BY_DCT = frozenset({0xFFC0, 0xFFC1})  # unsigned by PS3.5 8.2.1
_APP0, _APP14, _ADOBE_TRANSFORM = 0xFFE0, 0xFFEE, 11
_SIZ, _COD, _CAP, _SOT = 0xFF51, 0xFF52, 0xFF50, 0xFF90
_FIRST_MARKER = 0xFF01
_RLE_HEADER = Struct("<16I")


class Stream(NamedTuple):
    """A bit stream's transfer syntax, its size, and how its colours are coded.

    *subsampled*: chroma has fewer columns than luma (YBR_FULL_422). *transformed*: JPEG 2000's own
    colour transform is used (YBR_RCT if lossless, else YBR_ICT). *precision*: bits of a sample, 0
    where the stream does not say it, -1 where its components differ. *signed*: None where the
    stream does not say it. *photometric*: Photometric Interpretation where the stream itself, by
    a marker for it, says how it is coded; else empty.
    """

    transfer_syntax_uid: str
    rows: int = 0
    columns: int = 0
    samples: int = 0
    subsampled: bool = False
    transformed: bool = False
    precision: int = 0
    signed: bool | None = None
    photometric: str = ""


def contradicts(transfer_syntax_uid: str, stream: Stream) -> bool:
    """Say whether a declared syntax cannot be that of *stream*; not for syntaxes unknown here."""
    holds = _HOLDS.get(transfer_syntax_uid)
    return holds is not None and stream.transfer_syntax_uid not in holds


def stream_of(first: bytes) -> Stream | None:
    """What a stream that begins with *first* is; None for any doubt. Never fails."""
    if first.startswith(b"\xff\xd8\xff"):
        return _jpeg(first)
    if first.startswith(b"\xff\x4f\xff\x51"):
        return _jpeg2000(first)
    if len(first) >= _RLE_HEADER.size:
        count, *offsets = _RLE_HEADER.unpack_from(first)
        used = offsets[:count]
        if 1 <= count < len(offsets) and used[0] == _RLE_HEADER.size:
            ordered = all(one < next_one for one, next_one in itertools.pairwise(used))
            return Stream(RLE) if ordered and not any(offsets[count:]) else None
    return None


def _segments(first: bytes, position: int) -> "dict[int, bytes] | None":
    """Marker to its first segment, up to and with the first scan or tile; None if cut short."""
    found: dict[int, bytes] = {}
    while position + _PAIR.size <= len(first):
        marker, length = _PAIR.unpack_from(first, position)
        if marker < _FIRST_MARKER or length < 2:  # noqa: PLR2004 - the length counts itself
            return None
        if marker == 0xFFFF:  # noqa: PLR2004 - a fill byte, T.81 B.1.1.2
            position += 1
            continue
        found.setdefault(marker, first[position + 4 : position + 2 + length])
        if marker in {_SOS, _SOT}:
            return found
        position += 2 + length
    return None


def _jpeg(first: bytes) -> Stream | None:
    segments = _segments(first, 2)
    frame = next((marker for marker in segments or () if marker in _FRAME_OF), None)
    if segments is None or frame is None or _SOS not in segments:
        return None
    shape, scan = segments[frame], segments[_SOS]
    if len(shape) < 6 or not scan or len(scan) < 4 + 2 * scan[0]:  # noqa: PLR2004 - T.81 B.2.2
        return None
    rows, columns = _PAIR.unpack_from(shape, 1)
    selection = scan[1 + 2 * scan[0]]  # predictor of lossless JPEG, NEAR of JPEG-LS
    syntax = _FRAME_OF[frame]
    if syntax == _LOSSLESS and selection == 1:
        syntax = _FIRST_ORDER
    elif syntax == _LS and selection:
        syntax = _LS_NEAR
    sampling = shape[7::3]
    subsampled = len(sampling) > 1 and sampling[0] != sampling[1]
    signed = False if frame in _BY_DCT else None
    told = _jpeg_colours(segments, shape, subsampled=subsampled)
    return Stream(syntax, rows, columns, shape[5], subsampled, False, shape[0], signed, told)


def _jpeg_colours(segments: Mapping[int, bytes], shape: bytes, *, subsampled: bool) -> str:
    """What JFIF (ISO/IEC 10918-5 6.1) or Adobe's marker (10918-6 6.5.3) say of the colours."""
    samples, adobe = shape[5], segments.get(_APP14, b"")
    if segments.get(_APP0, b"").startswith(b"JFIF\0"):
        transform = 1
    elif adobe.startswith(b"Adobe") and len(adobe) > _ADOBE_TRANSFORM:
        transform = adobe[_ADOBE_TRANSFORM]
    else:
        return ""
    if samples == 1:
        return "MONOCHROME2"
    if samples != 3 or transform not in {0, 1}:  # noqa: PLR2004 - colour
        return ""
    return "RGB" if not transform else "YBR_FULL_422" if subsampled else "YBR_FULL"


def _jpeg2000(first: bytes) -> Stream | None:
    segments = _segments(first, 2)
    if segments is None or _COD not in segments:
        return None
    size, style = segments[_SIZ], segments[_COD]
    if len(size) < 36 or len(style) < 10:  # noqa: PLR2004 - T.800 A.5.1, A.6.1
        return None
    right, bottom, left, top = Struct(">4I").unpack_from(size, 2)
    lossless = style[9] == 1  # the 5-3 wavelet
    syntax = _J2K_LOSSLESS if lossless else _J2K
    if _CAP in segments:
        syntax = _HT_LOSSLESS if lossless else _HT
    samples = int.from_bytes(size[34:36], "big")
    depths = set(size[36 : 36 + 3 * samples : 3])
    depth = depths.pop() if len(depths) == 1 else None
    transformed = style[4] == 1
    coded = ("YBR_RCT" if lossless else "YBR_ICT") if transformed and samples == 3 else ""  # noqa: PLR2004
    return Stream(
        syntax,
        bottom - top,
        right - left,
        samples,
        transformed=transformed,
        precision=-1 if depth is None else (depth & 0x7F) + 1,
        signed=None if depth is None else bool(depth & 0x80),
        photometric=coded,
    )
