"""Packed data, read from any place on.

A place in packed data is reached by unpacking all before it. Therefore a pass that was left is kept
on a Shelf, with what it read last: readers take the tables of a dump in the dump's order, and the
next one goes on where the last one ended. Only the last pass is kept, so that any number of files
costs no more memory than one.
"""

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

from pacslift.extract.packed.bytesfrom import Bytes, Read, Stretch
from pacslift.extract.packed.packing import Packing, Unpacking
from pacslift.extract.packed.pump import Pump

_KEPT = 16 << 20  # bytes of a pass that can be read again; windows read ahead by less


class Shelf:
    """Keeps the pass over packed bytes that was left last."""

    def __init__(self) -> None:
        self._kept: tuple[Unpacked, _Pass] | None = None

    def take(self, owner: "Unpacked", start: int) -> "_Pass | None":
        """The pass over *owner* if it can go on at *start*; ends one that is of no use."""
        while self._kept is not None and not _rests_on(owner, self._kept[0]):
            (of, kept), self._kept = self._kept, None
            if of is owner and kept.low <= start:
                return kept
            kept.close()  # may put one here that it read from
        return None

    def put(self, owner: "Unpacked", left: "_Pass") -> None:
        """Keep a pass that was left."""
        self.close()
        self._kept = owner, left

    def close(self) -> None:
        """End what is kept."""
        while self._kept is not None:
            (_, kept), self._kept = self._kept, None
            kept.close()


def _rests_on(owner: "Unpacked", other: "Unpacked") -> bool:
    """Whether *owner* is unpacked from what *other* gives."""
    below = owner.inner
    while below is not other and isinstance(below, Unpacked | Stretch):
        below = below.inner
    return below is other


class Unpacked:
    """What *inner* unpacks to; *name* is the packed file's. DumpDamagedError while reading.

    *check* is put before each pass, and sees all its pieces. *base* is added to places in messages.
    """

    random = False

    def __init__(
        self,
        inner: Bytes,
        packing: Packing,
        name: str,
        shelf: Shelf,
        check: "Check | None" = None,
        base: int = 0,
    ) -> None:
        self.inner = inner
        self.packing = packing
        self.name = name
        self.check = check
        self.early: str | None = None
        self.base = base
        self.shelf = shelf
        self._size: int | None = None

    @property
    def size(self) -> int:
        """See Bytes."""
        if self._size is None:
            with _Passing(self, self.shelf, 0) as passing:
                self._size = passing.end()
        return self._size

    def reading(self, start: int) -> AbstractContextManager[Read]:
        """See Bytes."""
        return _Reading(_Passing(self, self.shelf, start))


Check = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Passes pieces on, and raises DumpDamagedError at the end where they are not what they should."""


class _Passing:
    """Takes a pass from the shelf, or begins one, and puts it back unless something is raised.

    No generator, since garbage may be collected in any thread, the pass's own among them.
    """

    def __init__(self, owner: Unpacked, shelf: Shelf, start: int) -> None:
        self._owner = owner
        self._shelf = shelf
        self._start = start
        self._pass: _Pass | None = None

    def __enter__(self) -> "_Pass":
        self._pass = self._shelf.take(self._owner, self._start) or _Pass(self._owner)
        self._pass.go(self._start)
        return self._pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        left, self._pass = self._pass, None
        if left is not None and kind is None:
            self._shelf.put(self._owner, left)
        elif left is not None:
            left.close()


class _Reading(AbstractContextManager[Read]):
    """What a pass reads."""

    def __init__(self, passing: _Passing) -> None:
        self._passing = passing

    def __enter__(self) -> Read:
        return self._passing.__enter__().read

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._passing.__exit__(kind)


class _Pass:
    """One pass over what is unpacked, in a thread of its own."""

    def __init__(self, owner: Unpacked) -> None:
        self._owner = owner
        self._stack = ExitStack()
        read = self._stack.enter_context(owner.inner.reading(0))
        self._unpacking = Unpacking(read, owner.packing, owner.name, owner.base)
        pieces = self._unpacking.pieces()
        self._pump = Pump(owner.check(pieces) if owner.check else pieces)
        self._stack.callback(self._pump.close)
        weakref.finalize(self, self._stack.close)  # where nobody closes it
        self._recent: deque[tuple[int, bytes]] = deque()  # places and pieces, without gaps
        self._high = 0
        self._at = 0

    @property
    def low(self) -> int:
        """The first place that can be read still."""
        return self._recent[0][0] if self._recent else self._high

    def go(self, place: int) -> None:
        """Read on from *place*, which must not be below `low`."""
        self._at = place

    def end(self) -> int:
        """Pass over all that is left; gives the place of the end."""
        while self._more():
            pass
        return self._high

    def read(self, most: int) -> bytes:
        """See Read."""
        while self._at >= self._high:
            if not self._more():
                return b""
        for place, piece in reversed(self._recent):
            if place <= self._at:
                found = piece[self._at - place : self._at - place + most]
                self._at += len(found)
                return found
        raise IndexError(self._at)

    def close(self) -> None:
        """End it."""
        self._stack.close()

    def _more(self) -> bool:
        piece = self._pump.next()
        if not piece:
            self._owner.early = self._unpacking.early
            return False
        self._recent.append((self._high, piece))
        self._high += len(piece)
        while len(self._recent) > 1 and self._high - self._recent[1][0] >= _KEPT:
            self._recent.popleft()
        return True
