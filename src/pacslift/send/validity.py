"""How long a certificate is valid: the one fact that Python's ssl tells of verified ones alone.

RFC 5280 4.1 (Certificate, Validity), X.690 8.1 (tags and lengths). Only the way to the validity is
walked, and every length is held against what is there.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
_PEM = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_BEFORE_VALIDITY = 3  # serial number, signature algorithm, issuer


def valid_until(der: bytes) -> datetime | None:
    """The end of a certificate's validity; None if *der* is none that can be read."""
    try:
        ((_, certificate),) = _elements(der)
        _, signed = next(_elements(certificate))
        fields = [value for tag, value in _elements(signed) if tag != _VERSION]
        _, (tag, end) = _elements(fields[_BEFORE_VALIDITY])
        return _moment(tag, end.decode("ascii"))
    except (ValueError, IndexError, StopIteration):
        return None


def first_certificate(path: Path) -> bytes:
    """The first certificate of a PEM file, DER; b"" if there is none that can be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        start = text.index(_PEM[0])
        return ssl.PEM_cert_to_DER_cert(text[start : text.index(_PEM[1], start) + len(_PEM[1])])
    except (OSError, ValueError):
        return b""


def _moment(tag: int, text: str) -> datetime:
    """RFC 5280 4.1.2.5: two digits of the year stand for 1950 to 2049."""
    if tag == _UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(tag)
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and values of what stands one behind the other in *content*."""
    at = 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(content[at : at + size], "big")
            at += size
        if length > len(content) - at:
            raise ValueError(length)
        yield tag, content[at : at + length]
        at += length
