"""Whether compressed pixels have lost something already, as their codestream tells.

A native image that was once compressed with loss must go on saying so (PS3.3 C.7.6.1.1.5). The
transfer syntax alone tells it for JPEG with DCT only; the syntaxes of JPEG-LS and JPEG 2000 that
allow loss hold lossless streams as well, so there the stream's own markers decide (bitstream.py).
"""

from pacslift.inventory.bitstream import stream_of

_BY_DCT = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
_METHODS = {  # defined terms of (0028,2114), PS3.3 C.7.6.1.1.5.1
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",
    "1.2.840.10008.1.2.4.203": "ISO_15444_15",
}
MAYBE_LOSSY = frozenset(_METHODS)


def lossy_method(transfer_syntax_uid: str, codestream: bytes) -> str | None:
    """Give the term for Lossy Image Compression Method; None where nothing says that loss was.

    Takes   the first frame's codestream, or its beginning with the headers.
    """
    if transfer_syntax_uid in _BY_DCT:
        return _METHODS[transfer_syntax_uid]
    stream = stream_of(codestream) if transfer_syntax_uid in MAYBE_LOSSY else None
    return _METHODS.get(stream.transfer_syntax_uid) if stream else None
