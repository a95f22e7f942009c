"""Work that may go on side by side, its results in their order.

Threads serve where the work is done by NumPy and Polars, which let others run meanwhile.
Memory: as many pieces of work as there are threads, and one result that waits; a large piece is
worked on alone.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_THREADS = 2  # Polars adds threads of its own


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """A piece of work, and whether what it works on is *large*."""

    do: Callable[[], T]
    large: bool = False


def in_turn(work: Iterator[Piece[T]]) -> Iterator[T]:
    """What each piece of *work* gives, in its order; raises what it raises."""
    with ThreadPoolExecutor(_THREADS) as pool:
        begun: deque[Future[T]] = deque()
        for piece in work:
            begun.append(pool.submit(piece.do))
            while len(begun) > (0 if piece.large else _THREADS):
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
