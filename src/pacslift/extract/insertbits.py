"""Pass over the rows of a mysqldump with sets of bits (quoting.py); see insertskip.py."""

import re
from collections.abc import Callable

import numpy as np

from pacslift.extract.inserts.insertrows import APART, BLANKS
from pacslift.extract.inserts.quoting import WORD, Places, Quoting, bits_of_any, places_of, stand_at
from pacslift.extract.packed import window as windows
from pacslift.extract.packed.window import Window
from pacslift.patterns import compiled


def skip_by_bits(window: Window, header: bytes) -> bool | None:
    """As skip_rows() for MySQL; None where it has to go on by patterns, from the place on."""
    quoting = Quoting()
    is_again = _followed_by(header)
    ahead = len(header) + BLANKS + WORD
    while window.hold(max(windows.PIECE, 2 * ahead)):
        size = len(window.data) - window.at
        if not window.ended:
            size = (size - ahead) // WORD * WORD
        piece = np.frombuffer(window.data, np.uint8, size, window.at)
        quotes = quoting.take(piece)
        ends = places_of(quotes.outside(bits_of_any(piece, b";")))
        if quotes.void is not None:
            ends = ends[ends < quotes.void]
        last = is_again(window.data, window.at, ends)
        if last is not None:
            window.at += last + 1
            return True
        if quotes.void is not None:
            window.at += quotes.void
            return None
        window.at += size
    return False


def _followed_by(header: bytes) -> Callable[[bytes, int, Places], int | None]:
    """Gives the first of some semicolons behind which *header* does not follow, None if all do."""
    usual = np.frombuffer(b"\n" + header, np.uint8)
    others = compiled(APART + re.escape(header))

    def first_other(data: bytes, start: int, ends: Places) -> int | None:
        text = np.frombuffer(data, np.uint8)
        for end in ends[~stand_at(text, ends + (start + 1), usual)].tolist():
            if not others.match(data, start + end):
                return int(end)
        return None

    return first_other
