"""Whether compressed pixels have lost something already, as their codestream tells.

A native image that was once compressed with loss must go on saying so (PS3.3 C.7.6.1.1.5). The
transfer syntax alone tells it for JPEG with DCT only; JPEG-LS and JPEG 2000 carry it inside:
ISO/IEC 14495-1 C.2.3 (NEAR in the scan header), ISO/IEC 15444-1 A.6.1 (wavelet in COD).
"""

JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG_LS_NEAR, JPEG_2000 = "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"
HTJ2K = "1.2.840.10008.1.2.4.203"
MAYBE_LOSSY = frozenset({JPEG_BASELINE, JPEG_EXTENDED, JPEG_LS_NEAR, JPEG_2000, HTJ2K})

_METHODS = {  # defined terms of (0028,2114), PS3.3 C.7.6.1.1.5.1
    JPEG_BASELINE: "ISO_10918_1",
    JPEG_EXTENDED: "ISO_10918_1",
    JPEG_LS_NEAR: "ISO_14495_1",
    JPEG_2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
_SCAN, _CODING_STYLE = b"\xff\xda", b"\xff\x52"
_WAVELET = 13  # bytes from the COD marker to the byte that names the wavelet
_IRREVERSIBLE = 0


def lossy_method(transfer_syntax_uid: str, codestream: bytes) -> str | None:
    """Give the term for Lossy Image Compression Method; None where nothing says that loss was.

    Takes   the first frame's codestream, or its beginning with the headers.
    """
    method = _METHODS.get(transfer_syntax_uid)
    if method is None:
        return None
    if transfer_syntax_uid == JPEG_LS_NEAR:
        return method if _near(codestream) else None
    if transfer_syntax_uid in {JPEG_2000, HTJ2K}:
        return method if _irreversible(codestream) else None
    return method


def _near(codestream: bytes) -> int:
    """Give NEAR of the first scan; 0 where there is no scan."""
    at = codestream.find(_SCAN)
    if at < 0 or at + 5 > len(codestream):
        return 0
    near = at + 5 + 2 * codestream[at + 4]
    return codestream[near] if near < len(codestream) else 0


def _irreversible(codestream: bytes) -> bool:
    at = codestream.find(_CODING_STYLE)
    wavelet = codestream[at + _WAVELET : at + _WAVELET + 1] if at >= 0 else b""
    return wavelet == bytes([_IRREVERSIBLE])
