r"""Which bytes of a MySQL script stand in quoted text, for millions of bytes at a time.

Strategy: the places of a byte are a set of bits, 64 to a word, and quotes and backslashes are
resolved by a few operations on all words: an addition carries along a run of backslashes to tell
which byte is escaped, and a running exclusive or of the quotes gives the bytes between them. That
is what the statement's regular expression (statements.py, BACKSLASHED) finds, ten times faster.
A doubled quote ends a text and begins the next one, which leaves the same bytes outside.
The rule for backslashes holds within text. Where a quote is escaped outside of it, all bits from
there on are void, and `void` says where that is.
Cost: some twenty passes over an eighth of the bytes; no branch depends on what they are.
Source: G. Langdale and D. Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28 (2019).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Text = NDArray[np.uint8]
Bits = NDArray[np.uint64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

WORD = 64
_ONE = np.uint64(1)
_LAST = np.uint64(63)
_EVEN = np.uint64(0x5555_5555_5555_5555)
_FULL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_QUOTE, _BACKSLASH = ord("'"), ord("\\")


def bits_of(flags: Flags) -> Bits:
    """*flags* as a set of bits, the first in the lowest bit of the first word."""
    packed = np.packbits(flags, bitorder="little")
    if missing := -len(packed) % 8:
        packed = np.concatenate([packed, np.zeros(missing, np.uint8)])
    return packed.view("<u8")


def bits_of_any(text: Text, values: bytes) -> Bits:
    """Where one of *values* stands in *text*."""
    found = bits_of(text == values[0])
    for value in values[1:]:
        found |= bits_of(text == value)
    return found


def places_of(bits: Bits) -> Places:
    """The places of the bits that are set, ascending."""
    used = np.flatnonzero(bits)
    is_sparse = 4 * len(used) < len(bits)
    words = bits[used] if is_sparse else bits
    places = np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_))
    return used[places // WORD] * WORD + places % WORD if is_sparse else places


def count_before(end: int, bits: Bits) -> int:
    """How many bits before place *end* are set."""
    whole, rest = divmod(end, WORD)
    last = bits[whole : whole + 1] & np.uint64((1 << rest) - 1)
    return int(np.bitwise_count(bits[:whole]).sum() + np.bitwise_count(last).sum())


def shifted(bits: Bits) -> Bits:
    """The bytes that follow those in *bits*."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> _LAST
    return moved


def stand_at(text: Text, places: Places, word: Text) -> Flags:
    """At which *places* of *text* the *word* stands."""
    found: Flags = places + len(word) <= len(text)
    left = np.flatnonzero(found)
    for i, byte in enumerate(word):
        right = text[places[left] + i] == byte
        found[left] = right
        left = left if right.all() else left[right]
    return found


@dataclass(frozen=True, slots=True)
class Quotes:
    """Quoted text in a piece: *inside* from each opening quote up to before the closing one.

    *marks* are the quotes that begin or end a text, doubled ones among them. From place *void* on
    nothing is certain.
    """

    marks: Bits
    inside: Bits
    escapes: bool
    void: int | None

    def outside(self, bits: Bits) -> Bits:
        """Those *bits* that are not in text."""
        return bits & ~self.inside


class Quoting:
    """Takes a script piece by piece, from a place outside of text on.

    Every piece but the last is a multiple of WORD bytes.
    """

    def __init__(self) -> None:
        self._inside = np.uint64(0)
        self._escaped = np.uint64(0)

    def take(self, piece: Text) -> Quotes:
        """The quoted text in the next *piece*."""
        quotes = bits_of(piece == _QUOTE)
        backslashes = bits_of(piece == _BACKSLASH)
        if not self._escaped and not backslashes.any():
            return Quotes(quotes, self._between(quotes), escapes=False, void=None)
        escaped = self._behind_backslashes(backslashes)
        marks = quotes & ~escaped
        inside = self._between(marks)
        stray = quotes & escaped & ~inside
        void = int(places_of(stray)[0]) if stray.any() else None
        return Quotes(marks, inside, escapes=True, void=void)

    def escaped_and_quotes(self, piece: Text) -> tuple[Bits, Bits]:
        """Of a *piece* that is all text the escaped bytes, and the quotes that are not escaped."""
        escaped = self._behind_backslashes(bits_of(piece == _BACKSLASH))
        return escaped, bits_of(piece == _QUOTE) & ~escaped

    def _between(self, marks: Bits) -> Bits:
        """Bytes with an odd number of *marks* at and before them."""
        odd = marks ^ (marks << _ONE)
        for step in (2, 4, 8, 16, 32):
            odd ^= odd << np.uint64(step)
        state = np.bitwise_xor.accumulate(odd >> _LAST) ^ self._inside
        before = _behind(self._inside, state)
        self._inside = state[-1]
        odd ^= np.negative(before)  # 1 becomes a word of ones
        return odd

    def _behind_backslashes(self, backslashes: Bits) -> Bits:
        """Bytes that a backslash before them escapes; see find_escaped in the paper's code."""
        carried = _behind(self._escaped, self._carries(backslashes))
        free = backslashes & ~carried
        after = (free << _ONE) | carried
        odd_starts = free & ~_EVEN & ~after
        escaped: Bits = (_EVEN ^ ((odd_starts + free) << _ONE)) & after
        return escaped

    def _carries(self, backslashes: Bits) -> Bits:
        """For each word, 1 where its last byte escapes the first byte of the next word.

        That is where the run at its end is odd. It depends on the word before only where all 64
        bytes are backslashes: then it is what that word's is.
        """
        odd_starts = backslashes & ~_EVEN & ~(backslashes << _ONE)
        carries = (odd_starts + backslashes < backslashes).astype(np.uint64)
        full = backslashes == _FULL
        if full.any():
            carries = _passed_on(carries, full, self._escaped)
        self._escaped = carries[-1]
        return carries


def _behind(first: Any, words: Bits) -> Bits:  # noqa: ANN401 - a NumPy scalar
    """*words* moved on by one, *first* in front."""
    moved = np.empty_like(words)
    moved[0] = first
    moved[1:] = words[:-1]
    return moved


def _passed_on(carries: Bits, full: Flags, first: Any) -> Bits:  # noqa: ANN401 - a NumPy scalar
    """*carries*, of *full* words that of the last word before them that is not full."""
    source = np.maximum.accumulate(np.where(full, -1, np.arange(len(full))))
    return np.where(source < 0, first, carries[source])
