"""The bytes of an outgoing object, in batches that fit into memory.

Strategy: a header is many short pieces in memory and the rest is in a file. Both are put into one
buffer, one behind the other, so that reading, sending and digesting are each one call for a batch;
the buffer is used again, so a batch must be sent before the next is asked for. It takes a CT slice
of 512 by 512 with its header at once, and fits with the socket's copy into a core's cache. Long
pieces in memory are passed on as they are.
Memory: the buffer, whatever the object's size.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import cast

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory import readat
from pacslift.repair.outgoing import FileSpan, Segment

BUFFER_LENGTH = 0x90000
COPIED = 0x10000  # bytes in memory that are rather copied than sent apart


def batches(
    segments: Iterable[Segment], buffer: memoryview, when_read: Callable[[], None] = lambda: None
) -> Iterator[list[memoryview]]:
    """The bytes of *segments* in order, in lists of views.

    Views into *buffer* are valid until the next list is asked for. *when_read* is called when all
    that is in a file has been read, and before the last list is given: what it raises keeps an
    object that is not to be from being whole. Raises SetAsideError
    TRUNCATED if a file is shorter than it was, UNREADABLE if it cannot be read.
    """
    gathered, is_read = _Batch(buffer), False
    for kind, run in groupby(segments, type):
        if kind is memoryview:
            gathered.add(cast("list[memoryview]", list(run)))
        else:
            for span in cast("Iterator[FileSpan]", run):
                yield from gathered.read(span)
            is_read = True
    if is_read:
        when_read()
    if last := gathered.taken():
        yield last


class _Batch:
    """What is gathered, part of it in the buffer."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self._views: list[memoryview] = []
        self._begun = self._used = 0  # in the buffer: what no view is of yet

    def add(self, views: list[memoryview]) -> None:
        """Take in what is in memory: copied into the buffer if it is short."""
        length = sum(map(len, views))
        end = self._used + length
        if length > COPIED or end > len(self._buffer):
            self._close_view()
            self._views += views
            return
        self._buffer[self._used : end] = b"".join(views)
        self._used = end

    def read(self, span: FileSpan) -> Iterator[list[memoryview]]:
        """Take in what is in a file; gives the batches that are full on the way."""
        at, end = span.offset, span.offset + span.length
        while at < end:
            if self._used == len(self._buffer):
                yield self.taken()
                self._begun = self._used = 0
            count = _read(span, at, self._buffer[self._used : self._used + end - at])
            self._used += count
            at += count

    def taken(self) -> list[memoryview]:
        """All that is gathered; what follows makes another batch."""
        self._close_view()
        views, self._views = self._views, []
        return views

    def _close_view(self) -> None:
        if self._begun < self._used:
            self._views.append(self._buffer[self._begun : self._used])
            self._begun = self._used


def _read(span: FileSpan, at: int, into: memoryview) -> int:
    """Fill *into* from the file, as far as one call does; at least one byte."""
    try:
        count = readat.fill_at(span.fd, [into], at)
    except OSError as fault:
        raise SetAsideError(
            Cause.UNREADABLE,
            f"reading the file failed at byte {at} while it was being sent: {fault.strerror}",
        ) from fault
    if count == 0:
        raise SetAsideError(
            Cause.TRUNCATED,
            f"the file ends at byte {at} or before, {span.offset + span.length} were there when "
            "it was opened; it was cut while it was being sent",
        )
    return count
