"""What holds for every object that leaves: an element is as it was, or its change is on record.

Strategy: the output is the original's bytes but for what is spliced in, so it is enough to see
that each of those is one whole element of its tag, and that what was left out for them is what they
replace, to the byte. Pixels that no rule touched are the same piece of the same file by
construction; their segments are compared all the same. Where more was changed than by an overlay
that was seen before, and where elements had to be sorted, the output's header is walked again.
"""

import itertools
from collections.abc import Iterable, Sequence
from struct import Struct

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import FileSpan, MemoryBytes, Segment
from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Encoding, walk
from pacslift.inventory.nesting import LONG_VRS
from pacslift.inventory.stored import StoredObject
from pacslift.repair import values
from pacslift.repair.rule import Change, Edit
from pacslift.repair.segments import joined, total
from pacslift.repair.splice import Edits, element_header, encoded
from pacslift.repair.view import View

_SHORT_MOST = 0xFFFE
_IDENTITY = frozenset({0x00080016, 0x00080018, 0x0020000D, 0x0020000E})
_OF_IDENTITY = frozenset({"E11C", "I01", "I02", "P18"})  # I02 takes blanks out
_TAGS = {
    Encoding.EXPLICIT_LITTLE: Struct("<HH").unpack_from,
    Encoding.IMPLICIT_LITTLE: Struct("<HH").unpack_from,
    Encoding.EXPLICIT_BIG: Struct(">HH").unpack_from,
}


def refuse_contradictions(stored: StoredObject) -> None:
    """Refuse an element that is there twice with different values (S03); equal ones are one.

    Raises  SetAsideError HEADER_DAMAGED.
    """
    for again in stored.header.repeats:
        first = stored.header.find(again.tag)
        sizes = again.end - again.value, first.end - first.value if first else -1
        if sizes[0] != sizes[1] or not _equal(
            stored, again.value, first.value if first else 0, sizes[0]
        ):
            raise SetAsideError(
                Cause.HEADER_DAMAGED,
                f"the element {values.numbers(again.tag)} is there twice, with different values",
            )


def _equal(stored: StoredObject, one: int, other: int, length: int) -> bool:
    read, step = stored.source.read, 1 << 20
    return all(
        read(one + at, min(step, length - at)) == read(other + at, min(step, length - at))
        for at in range(0, length, step)
    )


def check_identity(view: View, changes: Iterable[Change]) -> None:
    """No object is sent as another: only a rule that is there for it changes what it is filed by.

    What the object does not say at all may be filled in.

    Raises  SetAsideError IDENTITY_DIFFERS, for what the database or a mapping has, or a rule.
    """
    for tag in _IDENTITY.intersection(view.edits):
        before, after, keyword = view.stored.uid(tag), view.text(tag), values.name(tag)
        if before in ("", after):
            continue
        if not any(one.keyword == keyword and one.rule in _OF_IDENTITY for one in changes):
            raise SetAsideError(
                Cause.IDENTITY_DIFFERS,
                f"its {keyword} is {before} and would become {after}, which is another object; "
                f"only the rules {', '.join(sorted(_OF_IDENTITY))} may say so",
            )


def whole(edit: Edit, encoding: Encoding) -> tuple[Segment, ...]:
    """Give an edited element with its header; nothing for one that is left out.

    Raises  SetAsideError HEADER_DAMAGED where a value is too long for its VR.
    """
    if edit.written is not None:
        return (edit.written,)
    value = edit.value
    if value is None:
        return ()
    size = len(value) if isinstance(value, bytes) else total(value)
    if size > _SHORT_MOST and edit.vr not in LONG_VRS and encoding is not Encoding.IMPLICIT_LITTLE:
        raise SetAsideError(
            Cause.HEADER_DAMAGED,
            f"the value of {values.numbers(edit.tag)} has {size} bytes now, more than VR "
            f"{edit.vr.decode('latin-1')} holds",
        )
    if isinstance(value, bytes) and not edit.undefined:
        return (encoded(edit.tag, edit.vr, value, encoding),)
    length = UNDEFINED if edit.undefined else size
    header = memoryview(element_header(edit.tag, edit.vr, length, encoding))
    return (header, memoryview(value)) if isinstance(value, bytes) else (header, *value)


def even_length(segments: Sequence[Segment]) -> int:
    """Give the bytes of the data set.

    Raises  SetAsideError HEADER_DAMAGED where they are odd: no PDV may carry them (PS3.8 E.1).
    """
    length = total(segments)
    if length & 1:
        raise SetAsideError(Cause.HEADER_DAMAGED, "an element inside a sequence has an odd length")
    return length


def check(
    stored: StoredObject, edits: Edits, segments: tuple[Segment, ...], *, again: bool = True
) -> None:
    """Hold the output against the original; *again*, walk its header as well.

    Raises  SetAsideError HEADER_DAMAGED, which here is a fault of this program: the object is kept
            back, not sent wrong.
    """
    header = stored.header
    expected = stored.dataset_end - stored.dataset_start
    unpack = _TAGS[header.encoding]
    for tag, new in edits.items():
        if new:
            first = new[0]
            if not isinstance(first, memoryview) or unpack(first) != (tag >> 16, tag & 0xFFFF):
                raise fault(tag)
            expected += len(first) if len(new) == 1 else total(new)
        place = header.places.get(tag)
        if place is not None:
            _, start, value, length = place
            expected -= (header.ends[tag] if length == UNDEFINED else value + length) - start
    expected -= sum(again.end - again.start for again in header.repeats)
    if total(segments) != expected:
        raise fault(0)
    _check_pixels(stored, edits, segments)
    if again or not header.ascending:
        _check_walk(stored, edits, segments)


def _check_pixels(stored: StoredObject, edits: Edits, segments: tuple[Segment, ...]) -> None:
    """Pixels in the file that no rule touched end the same piece of that file."""
    if PIXEL_DATA in edits or not stored.header.ascending:
        return
    element = stored.header.find(PIXEL_DATA)
    if element is None:
        return
    wanted = stored.source.segments(element.value, element.end)[-1:]
    for one in wanted:
        if isinstance(one, FileSpan) and not any(_covers(other, one) for other in segments):
            raise fault(PIXEL_DATA)


def _covers(segment: Segment, span: FileSpan) -> bool:
    return (
        isinstance(segment, FileSpan)
        and segment.fd == span.fd
        and segment.offset <= span.offset
        and span.offset + span.length <= segment.offset + segment.length
    )


def _check_walk(stored: StoredObject, edits: Edits, segments: tuple[Segment, ...]) -> None:
    """Walk the output's header again, and find what it should have, in order."""
    in_memory = itertools.takewhile(lambda one: isinstance(one, memoryview), segments)
    made = MemoryBytes(joined(in_memory))
    found = walk(made, 0, made.size, stored.header.encoding)
    gone = {tag for tag, new in edits.items() if not new}
    wanted = sorted((stored.header.places.keys() | edits.keys()) - gone)
    met = list(found.places)
    missing = wanted[len(met) :]
    if met != wanted[: len(met)] or (missing and not _in_file(stored, edits, missing[0])):
        raise fault(0)


def _in_file(stored: StoredObject, edits: Edits, tag: int) -> bool:
    """Say whether an element lies, or goes on, in the file: what is in memory ends in it."""
    element = stored.header.find(tag)
    whole = stored.source.segments(element.start, element.end) if element else ()
    return any(isinstance(one, FileSpan) for one in edits.get(tag, whole))


def fault(tag: int) -> SetAsideError:
    """Give the error for an object that is kept back, since this program has a fault."""
    where = f" at {values.numbers(tag)}" if tag else ""
    return SetAsideError(
        Cause.HEADER_DAMAGED,
        f"what was written is not what was to be changed{where}: a fault of pacslift; please "
        "report it with the object's transfer syntax and the rules of the job",
    )
