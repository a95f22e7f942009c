"""An object as it goes over the wire: its data set, even in length, in one transfer syntax.

The bytes of the original are passed on. What the rules and the job's overlay change is spliced in
between, what was there before goes on record (the ledger's changes, and the object's own Original
Attributes), and the result is held against the original before it leaves: an element is as it was,
or it is on record.
"""

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from pacslift.inventory.bytesource import ByteSource, FileSpan, Segment
from pacslift.inventory.header import Encoding
from pacslift.inventory.stored import StoredObject
from pacslift.repair import bigendian, invariant, provenance, said, signatures
from pacslift.repair.engine import Engine
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.record import Record
from pacslift.repair.rule import Change
from pacslift.repair.segments import pieces
from pacslift.repair.splice import Edits, splice
from pacslift.repair.standing import E20
from pacslift.repair.view import View

__all__ = ["Change", "FileSpan", "Outgoing", "Segment", "prepare"]

_SEQUENCE_END = {
    Encoding.EXPLICIT_BIG: b"\xff\xfe\xe0\xdd\0\0\0\0",
    Encoding.EXPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
    Encoding.IMPLICIT_LITTLE: b"\xfe\xff\xdd\xe0\0\0\0\0",
}
_NO_ORDERS = Orders()


class Tally:
    """The sha256 of an object's data set, taken over the very buffers that are written.

    *sent* is that of the last time that all of them were; None: they never were.
    """

    def __init__(self) -> None:
        self.sent: str | None = None
        self._running = hashlib.sha256()

    def begin(self) -> None:
        """The first bytes are to follow."""
        self._running = hashlib.sha256()

    def add(self, written: Iterable[memoryview]) -> None:
        """The next bytes, which are valid now."""
        for piece in written:
            self._running.update(piece)

    def end(self) -> None:
        """These were all."""
        self.sent = self._running.hexdigest()


@dataclass(frozen=True)
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
    tally: Tally = field(default_factory=Tally, repr=False, compare=False)

    def digest(self) -> str:
        """Read the data set as it goes over the wire, and give its sha256, hex.

        Raises SetAsideError UNREADABLE when the disk fails, TRUNCATED when the file has shrunk.
        """
        digest = hashlib.sha256()
        for segment in self.segments:
            for piece in pieces(segment):
                digest.update(piece)
        return digest.hexdigest()

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
        return _prepared(View(ready, orders))
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


def _prepared(view: View) -> Outgoing:
    stored, orders = view.stored, view.orders
    record = engine_of(orders.rules).run(view)
    invariant.check_identity(view, record.changes)
    signatures.settle(view, record)
    edits = _written(view, record)
    segments = splice(stored, edits)
    known = len(record.batch.edits) if record.batch else 0
    invariant.check(stored, edits, segments, again=len(view.edits) > known)
    if "S08" in stored.envelope:
        segments += (memoryview(_SEQUENCE_END[stored.header.encoding]),)
    return _outgoing(view, record, segments)


def _outgoing(view: View, record: Record, segments: tuple[Segment, ...]) -> Outgoing:
    identity = said.identity(view)
    header = view.stored.header
    disorder = () if header.ascending else ("S03",) if header.repeats else ("S02",)
    return Outgoing(
        segments=segments,
        length=invariant.even_length(segments),
        envelope=(*view.stored.envelope, *disorder, *record.envelope),
        changes=tuple(record.changes),
        source=view.stored.source,
        transfer_syntax_uid=view.transfer_syntax_uid,
        **identity._asdict(),
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
