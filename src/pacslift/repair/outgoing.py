"""An object as it goes over the wire: its data set, even in length, in one transfer syntax.

The bytes of the original are passed on. What the rules and the job's overlay change is spliced in
between, what was there before goes on record (the ledger's changes, and the object's own Original
Attributes), and the result is held against the original before it leaves: an element is as it was,
or it is on record.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from pacslift.digest import BEGIN, algorithm_of, digest_over, recorded
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.bytesource import FIRST_BLOCK, ByteSource, FileSpan, Segment
from pacslift.inventory.header import PIXEL_DATA, Encoding
from pacslift.inventory.stored import SOP_INSTANCE, StoredObject
from pacslift.inventory.watched import Watched
from pacslift.repair import bigendian, invariant, provenance, said, signatures
from pacslift.repair.engine import Engine
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.precedent import Answer, Precedent
from pacslift.repair.precedents import Precedents, kind_of
from pacslift.repair.record import Record
from pacslift.repair.rule import Change
from pacslift.repair.segments import pieces, total
from pacslift.repair.splice import Edits, cuts_of, resorted, spliced
from pacslift.repair.standing import E20
from pacslift.repair.view import View
from pacslift.repair.watching import WatchedView

__all__ = ["Change", "FileSpan", "Outgoing", "Segment", "prepare"]

_SEQUENCE_END = {
    Encoding.EXPLICIT_BIG: b"\xff\xfe\xe0\xdd\0\0\0\0",
    Encoding.EXPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
    Encoding.IMPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
}
_NO_ORDERS = Orders()
_PRECEDENTS = Precedents()


class WireDigest:
    """The digest of an object's data set, taken over the very buffers that are written.

    *sent* is that of the last time that all of them were; None: they never were.
    """

    def __init__(self) -> None:
        self.sent: str | None = None
        self.algorithm = algorithm_of(None)
        self._running = BEGIN[self.algorithm]()

    def compare_with(self, record: str) -> None:
        """Use the algorithm of *record*, which the digest is to be held against."""
        self.algorithm = algorithm_of(record)

    def begin(self) -> None:
        """The first bytes are to follow."""
        self._running = BEGIN[self.algorithm]()

    def add(self, written: Iterable[memoryview]) -> None:
        """The next bytes, which are valid now."""
        for piece in written:
            self._running.update(piece)

    def end(self) -> None:
        """These were all."""
        self.sent = recorded(self.algorithm, self._running)


@dataclass(slots=True)  # not frozen, which costs as much as the splice
class Outgoing:
    """A data set ready to be sent; close() gives back the file that its segments point into.

    The identity, and what verify asks the target for, are as they will be sent; texts as they read.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    segments: tuple[Segment, ...]
    length: int
    envelope: tuple[str, ...]
    changes: tuple[Change, ...]
    source: ByteSource = field(repr=False, compare=False)
    issuer_of_patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    accession_number: str = ""
    study_date: str = ""
    wire_digest: WireDigest = field(default_factory=WireDigest, repr=False, compare=False)
    watched: tuple[Watched, ...] = ()  # the files that it was, and is yet to be, read from

    def digest(self) -> str:
        """Read the data set as it goes over the wire, and give its digest.

        Raises SetAsideError UNREADABLE when the disk fails, TRUNCATED when the file has shrunk.
        """
        read = (piece for segment in self.segments for piece in pieces(segment))
        return digest_over(read, self.wire_digest.algorithm)

    def require_unchanged(self) -> None:
        """SetAsideError CHANGED_WHILE_READ if a file was written to since it was opened."""
        for file in self.watched:
            file.require_unchanged()

    def close(self) -> None:
        """Close the object; its FileSpans are void from then on."""
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def prepare(stored: StoredObject, orders: Orders = _NO_ORDERS) -> Outgoing:
    """Make a stored object fit to send; owns it from then on, closed also on error.

    Raises  SetAsideError, whatever leaves a doubt about the object or is ordered to.
    """
    try:
        invariant.refuse_contradictions(stored)
        ready = _in_little_endian(stored, orders.rules)
    except BaseException:
        stored.close()
        raise
    try:
        return _prepared(ready, orders)
    except BaseException:
        ready.close()
        raise


def _in_little_endian(stored: StoredObject, rules: RuleSettings) -> StoredObject:
    is_big = stored.header.encoding is Encoding.EXPLICIT_BIG
    if not is_big or not rules.works(E20.id, by_default=E20.on):
        return stored
    pixel_bytes = rules.of(E20.id).get("pixel_bytes")
    return bigendian.little(stored, pixel_bytes if isinstance(pixel_bytes, int) else None)


@functools.lru_cache(maxsize=8)
def engine_of(rules: RuleSettings) -> Engine:
    """Give the rules of a job, put together once."""
    return Engine(RULES, rules)


def _prepared(stored: StoredObject, orders: Orders) -> Outgoing:
    """Have the answer from a precedent, else from the rules."""
    engine = engine_of(orders.rules)
    kind = kind_of(stored, orders, engine)
    known = _PRECEDENTS.find(kind, stored, orders) if kind else None
    own = stored.uid(SOP_INSTANCE) if known else ""
    if known is not None and own:  # an object without a UID is one that rules may give one to
        return _outgoing(stored, known.answer, _as_before(stored, known), own)
    if kind is None or not _PRECEDENTS.wants(kind):
        return _outgoing(stored, *_answered(engine, View(stored, orders), stored))
    view = WatchedView(stored, orders)
    answer, segments = _answered(engine, view, stored)
    if SOP_INSTANCE not in view.edits:  # each object's own, so no part of an answer for others
        _PRECEDENTS.keep(kind, stored, view.seen, answer)
    return _outgoing(stored, answer, segments)


def _as_before(stored: StoredObject, known: Precedent) -> tuple[Segment, ...]:
    """Give the bytes of an object of which the rules say what they said of one before it."""
    answer = known.answer
    if known.joint is None:
        segments = spliced(stored, answer.cuts, answer.rest)
    else:
        head = known.joint.over(stored.source.read(0, FIRST_BLOCK))
        segments = (head, *stored.source.segments(answer.rest, stored.dataset_end))
    if total(segments) - _size(stored) != answer.growth:
        raise invariant.fault(0)
    return segments


def _size(stored: StoredObject) -> int:
    return stored.dataset_end - stored.dataset_start


_NO_END = (
    "its Pixel Data lacks the Sequence Delimitation Item, and an element that belongs behind it "
    "stands before it; take the object out of another copy of the archive"
)


def _answered(
    engine: Engine, view: View, stored: StoredObject
) -> tuple[Answer, tuple[Segment, ...]]:
    """Ask the rules; *stored* is the view's object, or the one that it watches."""
    record = engine.run(view)
    invariant.check_identity(view, record.changes)
    signatures.settle(view, record)
    edits = _written(view, record)
    if "S08" in stored.envelope and max(stored.header.places) > PIXEL_DATA:
        raise SetAsideError(Cause.PIXELS_DAMAGED, _NO_END)
    cuts, rest = cuts_of(stored, edits) if stored.header.ascending else ([], 0)
    segments = spliced(stored, cuts, rest) if stored.header.ascending else resorted(stored, edits)
    known = len(record.batch.edits) if record.batch else 0
    invariant.check(stored, edits, segments, again=len(view.edits) > known)
    if "S08" in stored.envelope:
        segments += (memoryview(_SEQUENCE_END[stored.header.encoding]),)
    answer = Answer(
        cuts,
        rest,
        invariant.even_length(segments) - _size(stored),
        said.identity(view),
        (*stored.envelope, *_disorder(stored), *record.envelope),
        tuple(record.changes),
    )
    return answer, segments


def _disorder(stored: StoredObject) -> tuple[str, ...]:
    header = stored.header
    return () if header.ascending else ("S03",) if header.repeats else ("S02",)


def _outgoing(
    stored: StoredObject, answer: Answer, segments: tuple[Segment, ...], own: str = ""
) -> Outgoing:
    """Put it together; *own* is the object's UID where the answer is another object's."""
    identity = answer.identity
    return Outgoing(
        segments=segments,
        length=invariant.even_length(segments),
        envelope=answer.envelope,
        changes=answer.changes,
        source=stored.source,
        transfer_syntax_uid=stored.transfer_syntax_uid,
        sop_class_uid=identity.sop_class_uid,
        sop_instance_uid=own or identity.sop_instance_uid,
        study_instance_uid=identity.study_instance_uid,
        series_instance_uid=identity.series_instance_uid,
        patient_id=identity.patient_id,
        issuer_of_patient_id=identity.issuer_of_patient_id,
        patient_name=identity.patient_name,
        patient_birth_date=identity.patient_birth_date,
        accession_number=identity.accession_number,
        study_date=identity.study_date,
    )


def _written(view: View, record: Record) -> Edits:
    """Give the elements to be spliced in, whole; the lengths of their groups are left out (S04)."""
    known = record.batch.written if record.batch else {}
    edits = {**known}
    for tag, edit in view.edits.items():
        if tag not in known or edit.written is not known[tag][0]:
            edits[tag] = invariant.whole(edit, view.encoding)
    if view.orders.provenance and record.reasons:
        edits |= provenance.elements(view, record, view.orders.provenance)
    places = view.stored.header.places
    for length_tag in {tag & 0xFFFF0000 for tag in edits}:
        if length_tag in places:
            edits[length_tag] = ()
            record.note("S04")
    return edits
