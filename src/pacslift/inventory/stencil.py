"""A stencil: bytes of which some must be the same, and the others may be anything.

Cost: one masked comparison, about a nanosecond for each eight bytes, however many stretches.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pacslift.inventory.header import Header

Bytes: TypeAlias = npt.NDArray[np.uint8]

WORD = 8  # bytes that are compared at once


class Stencil:
    """What must be the same. *size* is how many bytes it lies over: whole words."""

    __slots__ = ("_count", "_mask", "_wanted", "size")

    def __init__(self, data: bytes, tight: Bytes) -> None:
        """Take *data* to be compared with where *tight*, of its length in whole words, is 0xFF."""
        self._mask = tight.view(np.uint64)
        self._count = len(self._mask)
        self._wanted = (np.frombuffer(data, np.uint64, self._count) & self._mask).tobytes()
        self.size = len(tight)

    def fits(self, data: bytes) -> bool:
        """Say whether *data*, of at least *size* bytes, is the same where it must be."""
        words = np.frombuffer(data, np.uint64, self._count)
        return (words & self._mask).tobytes() == self._wanted

    def differences(self, data: bytes) -> npt.NDArray[np.intp]:
        """Give the offsets at which *data* is otherwise than it must be, ascending."""
        words = np.frombuffer(data, np.uint64, self._count)
        wanted = np.frombuffer(self._wanted, np.uint64)
        return np.flatnonzero(((words & self._mask) ^ wanted).view(np.uint8))


def whole_words(size: int) -> int:
    """Give the size in whole words that holds so many bytes."""
    return -(-size // WORD) * WORD


def loose(size: int) -> Bytes:
    """Give a mask under which nothing need be the same."""
    return np.zeros(whole_words(size), np.uint8)


def tighten(mask: Bytes, spans: Iterable[tuple[int, int]]) -> None:
    """Ask for these spans to be the same."""
    for start, end in spans:
        mask[start:end] = 0xFF


def tighten_headers(mask: Bytes, header: Header) -> None:
    """Ask for the header of every element to be the same: its tag, its VR, its length."""
    changes = np.zeros(len(mask) + 1, np.int8)
    starts = [place[1] for place in header.places.values()]
    changes[starts] += 1
    changes[[place[2] for place in header.places.values()]] -= 1
    mask[np.cumsum(changes[:-1], dtype=np.int8) > 0] = 0xFF
