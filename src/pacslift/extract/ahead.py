"""One step ahead: while a value is worked on, the next is made by another thread.

What makes the values reads, inflates and searches, what works on them parses and writes; most of
that runs outside the interpreter's lock, so that two cores are in use.
Memory: the value that is worked on and the next.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(values: Iterator[T]) -> Iterator[T]:
    """The same *values*, and what making them raises, when its turn comes.

    Who stops early closes what this gives, as a for loop does when it is left; the thread has
    ended then.
    """
    with ThreadPoolExecutor(1) as other:
        made = other.submit(next, values, None)
        while (value := made.result()) is not None:
            made = other.submit(next, values, None)
            yield value
