"""Files that say the same as one before them wherever opening looks, and so are opened as it was.

Strategy: of the objects of a series not only the elements are the same, but most lengths, too. What
opening finds in an object (stored.py) follows from the file meta, from the headers of its elements
and from very few values. Where all of these are the same as in an object before it, one masked
comparison says so, and what was found then holds: the walk, the transfer syntax, the faults.

Kept is only what surely rests on nothing else: native pixels or none, all lengths defined, an
encoding that was declared and walked to the end, no fault but in the meta. Where only Pixel Data
at the end has no defined length, the walk begins there. All other objects are opened as ever. Each
object's own SOP Instance UID may differ, but as one in meta and data set.

Cost: a few microseconds instead of some forty. What is kept is bounded.
"""

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from pacslift.inventory.bytesource import FIRST_BLOCK, ByteSource
from pacslift.inventory.filemeta import Meta
from pacslift.inventory.header import PIXEL_DATA, Header, ends_in_fragments
from pacslift.inventory.pixelsyntax import BARE_STREAMS
from pacslift.inventory.stencil import Stencil, loose, tighten, tighten_headers, whole_words
from pacslift.inventory.syntaxes import native

if TYPE_CHECKING:
    from pacslift.inventory.stored import Shape, StoredObject

Measure: TypeAlias = tuple[int, ...]

_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_OF_META = frozenset({"E03", "E04", "E07", "E08", "E09"})  # the faults that its bytes alone decide
_MOST_OF_A_SIZE = 8
_ANY_SIZE = -1  # in place of the size where that of Pixel Data is left open
_MOST_KEPT = 128
_MOST_ELEMENTS = 1000  # of a header; some 300 bytes are kept for each
_MOST_MET = 1024
_STREAM_MARK = 4  # bytes of Pixel Data that may show a bit stream
_NOWHERE = (0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Mould:
    """What opening an object found, and what must be the same for it to hold.

    whole      nothing is left to be looked at; else Pixel Data and all that follows from them
    stencil    over meta and header
    last       where the header of the last element is, and what: tells most others apart at once
    pixels     where the value of native ones begins; 0 where there are none
    instances  where the SOP Instance UID lies in the data set and in the meta; (0, 0) for none
    """

    header: Header
    transfer_syntax_uid: str
    meta: Meta
    shape: "Shape"
    whole: bool
    stencil: Stencil
    last: tuple[int, bytes]
    pixels: int
    instances: tuple[tuple[int, int], tuple[int, int]]

    def fits(self, head: bytes) -> bool:
        """Say whether an object that begins with *head* is opened alike.

        It must have the same size, unless Pixel Data are left to be looked at.
        """
        at, mark = self.last
        if not head.startswith(mark, at) or len(head) < self.stencil.size:
            return False
        if not self.stencil.fits(head):
            return False
        if self.pixels and head.startswith(BARE_STREAMS, self.pixels):
            return False
        (start, end), (meta_start, meta_end) = self.instances
        return head[start:end] == head[meta_start:meta_end]

    def instance_uid(self, source: ByteSource) -> str | None:
        """Give the SOP Instance UID that the meta of an object has which is alike."""
        start, end = self.instances[1]
        if start == end:
            return self.meta.sop_instance_uid
        return source.read(start, end - start).decode("latin-1").strip("\0 ") or None


class Alike:
    """The moulds that are kept, by the size of the object. May be used by several threads."""

    def __init__(self) -> None:
        self._moulds: dict[int, tuple[Mould, ...]] = {}
        self._met: dict[Measure, None] = {}
        self._kept = 0
        self._lock = Lock()

    def find(self, source: ByteSource) -> Mould | None:
        """Give what opening finds in an object; None if it has to be opened."""
        of_size, of_any = self._moulds.get(source.size, ()), self._moulds.get(_ANY_SIZE, ())
        if not of_size and not of_any:
            return None
        head = source.read(0, FIRST_BLOCK)
        for mould in (*of_size, *of_any):
            if mould.fits(head):
                return mould
        return None

    def learn(self, stored: "StoredObject", meta: Meta, shape: "Shape") -> None:
        """Keep what was found in an object, once another that measures the same was met."""
        if not _rests_on_headers(stored, meta) or not self._was_met(stored):
            return
        mould = _mould(stored, meta, shape)
        if mould is not None:
            with self._lock:
                self._keep(stored.source.size if mould.whole else _ANY_SIZE, mould)

    def _was_met(self, stored: "StoredObject") -> bool:
        places = stored.header.places
        _, last, _, _ = next(reversed(places.values()))
        size = stored.source.size if not stored.header.ends else _ANY_SIZE
        measure = (size, stored.dataset_start, len(places), last)
        with self._lock:
            if measure in self._met:
                return True
            self._met[measure] = None
            if len(self._met) > _MOST_MET:
                self._met.pop(next(iter(self._met)))
            return False

    def _keep(self, size: int, mould: Mould) -> None:
        known = self._moulds.pop(size, ())
        self._moulds[size] = (mould, *known[: _MOST_OF_A_SIZE - 1])
        self._kept += len(self._moulds[size]) - len(known)
        while self._kept > _MOST_KEPT:
            self._kept -= len(self._moulds.pop(next(iter(self._moulds))))


def _rests_on_headers(stored: "StoredObject", meta: Meta) -> bool:
    """Say whether what was found follows from meta and element headers, and what Mould looks at."""
    header, syntax = stored.header, stored.transfer_syntax_uid
    return (
        meta.certain
        and stored.envelope == meta.envelope
        and _OF_META.issuperset(meta.envelope)
        and syntax == meta.transfer_syntax_uid
        and header.fault is None
        and header.ascending
        and (native(syntax) if not header.ends else ends_in_fragments(header, stored.source.size))
        and _SOP_CLASS in header
        and len(header.places) <= _MOST_ELEMENTS
    )


def _mould(stored: "StoredObject", meta: Meta, shape: "Shape") -> Mould | None:
    """Make it; None where what counts does not lie in the first bytes."""
    header = stored.header
    head = stored.source.read(0, FIRST_BLOCK)
    _, start, value, _ = next(reversed(header.places.values()))
    wanted = [(0, header.start), _span(header, _SOP_CLASS)]
    pixels = 0 if header.ends else _span(header, PIXEL_DATA)[0]
    size = max(value, pixels + _STREAM_MARK, *(end for _, end in wanted))
    instances = (_NOWHERE, _NOWHERE)
    if meta.sop_instance_uid and _SOP_INSTANCE in header:
        instances = _span(header, _SOP_INSTANCE), meta.instance_at
    if whole_words(size) > len(head) or not _same(head, *instances):
        return None
    tight = loose(size)
    tighten_headers(tight, header)
    tighten(tight, wanted)
    tight[slice(*instances[1])] = 0
    return Mould(
        header,
        stored.transfer_syntax_uid,
        meta,
        shape,
        not header.ends,
        Stencil(head, tight),
        (start, head[start:value]),
        pixels,
        instances,
    )


def _span(header: Header, tag: int) -> tuple[int, int]:
    """Give where a value starts and ends."""
    element = header.find(tag)
    return (element.value, element.end) if element else _NOWHERE


def _same(head: bytes, one: tuple[int, int], other: tuple[int, int]) -> bool:
    return head[slice(*one)] == head[slice(*other)]
