"""The bytes of an outgoing object, in batches that fit into memory.

Strategy: what is in memory already is passed on as it is; spans of a file are read into one
buffer that is used again for every batch, so a batch must be sent before the next is asked for.
Memory: the buffer, whatever the object's size.
"""

import os
from collections.abc import Iterable, Iterator

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.outgoing import FileSpan, Segment

BUFFER_LENGTH = 0x40000


def batches(segments: Iterable[Segment], buffer: memoryview) -> Iterator[list[memoryview]]:
    """The bytes of *segments* in order, in lists of views.

    Views into *buffer* are valid until the next list is asked for. Raises SetAsideError
    TRUNCATED if a file is shorter than it was, UNREADABLE if it cannot be read.
    """
    batch: list[memoryview] = []
    used = 0
    for segment in segments:
        if isinstance(segment, memoryview):
            batch.append(segment)
            continue
        at, end = segment.offset, segment.offset + segment.length
        while at < end:
            if used == len(buffer):
                yield batch
                batch, used = [], 0
            part = buffer[used : used + end - at]
            count = _read(segment, at, part)
            batch.append(part[:count])
            used += count
            at += count
    if batch:
        yield batch


def _read(span: FileSpan, at: int, into: memoryview) -> int:
    """Fill *into* from the file, as far as one call does; at least one byte."""
    try:
        count = os.preadv(span.fd, [into], at)
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
