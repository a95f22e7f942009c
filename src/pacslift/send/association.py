"""An association with the target over TCP: the machine's bytes to and from a link.

Strategy: the link never blocks; whenever bytes have come they go to the machine first, so an
abort in the middle of a large object is noticed at once and told in the target's own words.
An object is sent without being held: see pieces.py. post() and collect() are apart so that
several objects can be outstanding where the target grants an operations window.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from time import monotonic, perf_counter
from types import TracebackType
from typing import NoReturn, Self

from pacslift.errors import (
    Cause,
    NoContextError,
    PacsliftError,
    SetAsideError,
    TargetRejectedError,
    TargetUnreachableError,
)
from pacslift.job import TargetAddress
from pacslift.plan.contexts import Context, Pair
from pacslift.repair.outgoing import Outgoing
from pacslift.send import wording
from pacslift.send.dimse import StoreResponse
from pacslift.send.faults import AssociationLostError, AssociationRejectedError, ProtocolError
from pacslift.send.link import MOST_BUFFERS, Buffer, Link
from pacslift.send.machine import Event, Machine, Released, State
from pacslift.send.negotiation import Abort, Acceptance, Proposal, Rejection, user_identity
from pacslift.send.outcome import MAY_BE_STORED
from pacslift.send.pieces import BUFFER_LENGTH, batches
from pacslift.send.reaching import reach


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 10.0  # for the TCP connection
    association: float = 30.0  # for the answer to A-ASSOCIATE-RQ and to A-RELEASE-RQ
    response: float = 60.0  # for an answer to C-STORE, and for the target to take more bytes


PATIENT = Timeouts()


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What the target said to one C-STORE."""

    status: int | None  # 16 bits; None: no answer
    error_comment: str = ""  # in the target's words; may hold patient data
    offending_elements: tuple[str, ...] = ()  # as "(gggg,eeee)"
    seconds: float = 0.0  # from the first byte sent to the answer
    bytes: int = 0  # of the Data Set


@dataclass(frozen=True, slots=True)
class _Posted:
    sop_instance_uid: str
    length: int
    began: float


class StoreAssociation:
    """One association for C-STORE; open until it is released, aborted or lost."""

    def __init__(
        self, address: TargetAddress, link: Link, machine: Machine, timeouts: Timeouts
    ) -> None:
        self.refused: frozenset[Pair] = frozenset()
        self._address = address
        self._link = link
        self._machine = machine
        self._timeouts = timeouts
        self._buffer = memoryview(bytearray(BUFFER_LENGTH))
        self._posted: dict[int, _Posted] = {}
        self._answers: deque[tuple[int, StoreAnswer]] = deque()
        self._mid_object: int | None = None  # Message ID of what is on its way

    # opening and closing

    @classmethod
    def open(
        cls,
        address: TargetAddress,
        contexts: Sequence[Context],
        timeouts: Timeouts = PATIENT,
        *,
        window: int = 1,
    ) -> "StoreAssociation":
        """Connect and associate, proposing *contexts* and a *window* of operations.

        Raises TargetUnreachableError when nothing there speaks DICOM, TargetRejectedError
        when it will not have us, NoContextError when it accepts none of the contexts,
        JobFileError when our own certificate, key or secret is wrong.
        """
        identity = user_identity(address.identity)
        proposal = Proposal(address.aet, address.calling_aet, tuple(contexts), window, identity)
        link = reach(address, timeouts.connect)
        association = cls(address, link, Machine(proposal), timeouts)
        try:
            association._negotiate(contexts)
        except AssociationLostError as lost:
            raise TargetUnreachableError(wording.no_dicom(address, str(lost))) from lost
        return association

    def _negotiate(self, contexts: Sequence[Context]) -> None:
        self._send([self._machine.associate()])
        match self._next_event(self._timeouts.association):
            case Rejection() as rejection:
                self._link.close()
                raise AssociationRejectedError(
                    wording.rejected(self._address, rejection),
                    transient=wording.is_transient(rejection),
                )
            case Abort() as abort:
                self._link.close()
                raise TargetRejectedError(wording.aborted_at_once(self._address, abort))
            case Acceptance() as acceptance if self._ignores_identity(acceptance):
                self.abort()
                raise TargetRejectedError(wording.identity_ignored(self._address))
        self.refused = frozenset(context.pair for context in contexts) - self.accepted.keys()
        if not self.accepted:
            self.release()
            raise NoContextError(wording.no_context(self._address, contexts))

    def _ignores_identity(self, acceptance: Acceptance) -> bool:
        """Whether the identity had to be confirmed and was not. PS3.7 D.3.3.7.2."""
        identity = self._address.identity
        return bool(identity and identity.confirm and not acceptance.identity_confirmed)

    @property
    def accepted(self) -> Mapping[Pair, int]:
        """Context IDs by SOP Class UID and Transfer Syntax UID."""
        return self._machine.accepted

    @property
    def is_open(self) -> bool:
        """Whether objects can be posted, as far as we know."""
        return self._machine.state is State.OPEN

    @property
    def has_room(self) -> bool:
        """Whether one more object may be posted before an answer is collected."""
        return self._machine.room

    @property
    def has_answers(self) -> bool:
        """Whether collect() has an answer without waiting."""
        return bool(self._answers)

    def release(self) -> None:
        """End the association in order; whatever the target makes of it, it is closed."""
        try:
            if self.is_open:
                self._send([self._machine.release()])
                while isinstance(self._next_event(self._timeouts.association), StoreResponse):
                    pass
        except AssociationLostError:
            pass  # nothing was outstanding that could be lost with it
        finally:
            self._link.close()

    def abort(self) -> None:
        """End the association at once."""
        self._say_last(self._machine.abort())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()

    # storing

    def store(self, outgoing: Outgoing) -> StoreAnswer:
        """Send one object and wait for the answer.

        Raises SetAsideError when the object cannot be sent here or its file fails; if that
        happens in the middle, the association is aborted. Raises AssociationLostError when the
        association ends or no answer comes: the object may or may not be stored. After an error
        that nobody foresaw the association is of no use: nobody knows how far the object went.
        """
        try:
            self.post(outgoing)
            return self.collect()[1]
        except PacsliftError:
            raise
        except BaseException:
            self.abort()
            raise

    def post(self, outgoing: Outgoing) -> int:
        """Send one object; gives its Message ID. Raises as store() does."""
        pair = (outgoing.sop_class_uid, outgoing.transfer_syntax_uid)
        _check(outgoing, is_accepted=pair in self.accepted, address=self._address)
        if self._posted:
            self._notice()
        rest = batches(outgoing.segments, self._buffer, outgoing.require_unchanged)
        first = next(rest, [])  # a file that fails now costs no association
        request = self._machine.store(pair, outgoing.sop_instance_uid, outgoing.length)
        posted = _Posted(outgoing.sop_instance_uid, outgoing.length, perf_counter())
        self._posted[request.message_id] = posted
        self._mid_object = request.message_id
        outgoing.wire_digest.begin()  # bytes are counted when sent, while the target is at them
        self._send([*request.command, *request.data_set.frame(first)])
        outgoing.wire_digest.add(first)
        try:
            for batch in rest:
                self._notice()
                self._send(request.data_set.frame(batch))
                outgoing.wire_digest.add(batch)
        except SetAsideError:
            with suppress(AssociationLostError):
                self._notice()  # answers that have come count, and their objects need not go again
            self.abort()
            raise
        if request.data_set.missing:
            raise ValueError(f"{request.data_set.missing} bytes less than announced")
        self._mid_object = None
        outgoing.wire_digest.end()
        return request.message_id

    def collect(self) -> tuple[int, StoreAnswer]:
        """The next answer, and the Message ID that it answers."""
        while not self._answers:
            self._keep(self._next_event(self._timeouts.response))
        return self._answers.popleft()

    def _keep(self, event: Event) -> None:
        """Put an answer by; anything else that may come now ends the association."""
        match event:
            case StoreResponse() if self._is_too_early(event):
                self._lose("broke the protocol: it says stored before it has all of the object")
            case StoreResponse():
                posted = self._posted.pop(event.message_id)
                answer = StoreAnswer(
                    status=event.status,
                    error_comment=event.error_comment,
                    offending_elements=event.offending_elements,
                    seconds=perf_counter() - posted.began,
                    bytes=posted.length,
                )
                self._answers.append((event.message_id, answer))
            case Abort():
                self._lose(f"aborted the association, {wording.abort_words(event)}")
            case Released():
                self._lose("released the association before it had answered")

    def _is_too_early(self, response: StoreResponse) -> bool:
        """Whether it says of the object that is on its way that it is stored.

        A refusal may well come now: dcm4che writes it, and skips the rest of the object then.
        """
        return response.message_id == self._mid_object and response.status in MAY_BE_STORED

    # bytes

    def _send(self, buffers: Sequence[Buffer]) -> None:
        """Send all of *buffers*, and listen while the target does not take them all at once."""
        sent = self._send_some(buffers[:MOST_BUFFERS])
        if sent == sum(map(len, buffers)):
            return
        queue = deque(buffers)
        while True:
            _drop(queue, sent)
            if not queue:
                return
            if self.is_open:
                self._notice()
            until = monotonic() + self._timeouts.response
            if not sent and not self._link.wait_to_send_or_receive(until):
                self._lose(f"took no byte for {self._timeouts.response:g} s")
            sent = self._send_some(list(islice(queue, MOST_BUFFERS)))

    def _send_some(self, buffers: Sequence[Buffer]) -> int:
        try:
            return self._link.send(buffers)
        except OSError as fault:
            self._notice()  # an abort that came before the connection broke says more
            self._lose(f"broke the connection ({fault.strerror})")

    def _notice(self) -> None:
        """Take what has come, without waiting for more."""
        self._keep_all()  # what came together with an answer before counts, also at the end
        self._take()
        self._keep_all()

    def _keep_all(self) -> None:
        """Put by what the machine has whole."""
        while (event := self._event()) is not None:
            self._keep(event)

    def _next_event(self, patience: float) -> Event:
        """Wait up to *patience* seconds for an event."""
        until = monotonic() + patience
        while (event := self._event()) is None:
            if not self._link.wait_to_receive(until):
                self._lose(f"gave no answer for {patience:g} s", self._machine.abort())
            self._take()
        return event

    def _take(self) -> None:
        """Feed the machine with what has come."""
        try:
            chunk = self._link.receive()
        except OSError as fault:
            self._lose(f"broke the connection ({fault.strerror})")
        if chunk == b"":
            self._lose("closed the connection")
        if chunk:
            self._machine.feed(chunk)

    def _event(self) -> Event | None:
        """The machine's next event, after sending what it obliges us to."""
        try:
            event = self._machine.next_event()
        except ProtocolError as fault:
            self._lose(f"broke the protocol: {fault}", self._machine.owed())
        if owed := self._machine.owed():
            if self._machine.state is State.ENDED:
                self._say_last(owed)
            else:
                self._send([owed])
        return event

    def _lose(self, what: str, last_words: bytes = b"") -> NoReturn:
        """Close everything and say what the target did."""
        if last_words:
            self._say_last(last_words)
        self._machine.abort()
        self._link.close()
        waiting = ", ".join(posted.sop_instance_uid for posted in self._posted.values())
        about = f"; no answer yet for {waiting}" if waiting else ""
        raise AssociationLostError(f"{self._address} {what}{about}")

    def _say_last(self, words: bytes) -> None:
        """Send *words* if the target can tell them from an object's bytes, and close.

        In the middle of an object they would be taken for its data, and could complete it.
        """
        try:
            if self._mid_object is None:
                self._link.send([words])
        except OSError:
            pass  # it is over in any case
        finally:
            self._link.close()


def _check(outgoing: Outgoing, address: TargetAddress, *, is_accepted: bool) -> None:
    """Raise SetAsideError for an object that cannot be asked to be stored on this association."""
    if not is_accepted:
        pair = wording.pair_words(outgoing.sop_class_uid, outgoing.transfer_syntax_uid)
        raise SetAsideError(
            Cause.CONTEXT_REFUSED, f"{address} has not accepted {pair} on this association"
        )
    if not outgoing.sop_instance_uid.isascii() or not outgoing.sop_instance_uid:
        raise SetAsideError(
            Cause.IDENTITY_MISSING,
            f"SOP Instance UID {outgoing.sop_instance_uid!r} is not made of digits and dots",
        )


def _drop(queue: deque[Buffer], count: int) -> None:
    """Take *count* bytes off the front."""
    while count:
        first = queue.popleft()
        if len(first) > count:
            queue.appendleft(memoryview(first)[count:])
            return
        count -= len(first)
