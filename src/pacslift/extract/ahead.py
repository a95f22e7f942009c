"""Work on several values at once, with the outcomes in their order.

Reading and searching is done by who asks for the outcomes, the work by other threads; most of it
runs outside the interpreter's lock, so that both are under way and all cores in use.
Memory: the values and outcomes of one more than there are threads.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

THREADS = 2

T = TypeVar("T")
R = TypeVar("R")


def worked(work: Callable[[T], R], values: Iterable[T]) -> Iterator[R]:
    """What *work* makes of each of the *values*, in their order; what it raises comes in its turn.

    Values are taken ahead of their turn, and work that has begun is waited for when the iterator
    is closed, as it is when a for loop is left.
    """
    with ThreadPoolExecutor(THREADS) as others:
        begun: deque[Future[R]] = deque()
        for value in values:
            begun.append(others.submit(work, value))
            if len(begun) > THREADS:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
