"""Escape sequences of character sets (PS3.3 tables C.12-3, C.12-4) among the bytes of a header.

Cost: one search for a byte, which nearly always finds nothing. A number may hold the byte as well,
and the tag behind it goes on like an escape sequence; only then the elements are looked at.
"""

import re
from bisect import bisect_right
from itertools import islice

from pacslift.inventory.header import Header
from pacslift.repair import values

_ESCAPE = b"\x1b"
_DESIGNATORS = re.compile(rb"\x1b[($)-]")
_MOST_LOOKED_AT = 1000
_NUMBERS = frozenset({b"AT", b"FD", b"FL", b"OD", b"OF", b"OL", b"OV", b"OW", b"SL", b"SS"}) | {
    b"SV", b"UL", b"US", b"UV"
}  # fmt: skip


def may_be_in(data: bytes, start: int, end: int, header: Header, base: int = 0) -> bool:
    """Say whether data[start:end] holds one elsewhere than in numbers.

    Takes   *data*, the source from its offset *base* on, and the *header* that was found in it.
    """
    if data.find(_ESCAPE, start, end) < 0:
        return False
    matches = islice(_DESIGNATORS.finditer(data, start, end), _MOST_LOOKED_AT)
    found = [base + match.start() for match in matches]
    if len(found) == _MOST_LOOKED_AT:
        return True
    return bool(found) and not _all_in_numbers(found, header)


def _all_in_numbers(offsets: list[int], header: Header) -> bool:
    starts = [place[1] for place in header.places.values()]
    places = list(header.places.items())
    for offset in offsets:
        tag, (vr, _, value, length) = places[bisect_right(starts, offset) - 1]
        if (vr or values.standard_vr(tag)) not in _NUMBERS or not value <= offset < value + length:
            return False
    return True
