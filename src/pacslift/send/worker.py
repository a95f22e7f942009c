"""One worker: takes objects one after the other, brings them to the target, tells what became.

What goes in and what comes out can be pickled but for the callable and its Outgoing, which live
where the worker lives: so a worker may be a thread or a process.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from pacslift.errors import Cause, SetAsideError
from pacslift.job import TargetAddress
from pacslift.plan.contexts import VERIFICATION, Pair
from pacslift.repair.outgoing import Outgoing
from pacslift.repair.transcode import alternatives, transcoded
from pacslift.send.association import PATIENT, StoreAssociation, Timeouts
from pacslift.send.delivery import Delivery, Sent
from pacslift.send.outcome import AS_COMMON, Outcome, Policy
from pacslift.send.posting import Posting
from pacslift.send.retrying import AskingAgain, Reconnecting, Sender, Sleep
from pacslift.send.switchboard import Open, Switchboard
from pacslift.unforeseen import one_object

T = TypeVar("T")
Task: TypeAlias = tuple[T, Callable[[], Outgoing], str | None]  # see StoreWorker.deliver_each

CHANGED = (
    "its bytes are others than when it was sent before; look into what changed the file, and at "
    "what the target holds"
)


@dataclass(frozen=True, slots=True)
class Retries:
    """Seconds to wait before each further attempt; no entry, no further attempt."""

    busy_waits: Sequence[float] = (1.0, 5.0, 15.0)  # when the target is out of resources
    lost_waits: Sequence[float] = (0.0, 5.0, 30.0)  # when the association was lost


@dataclass(frozen=True, slots=True)
class Terms:
    """How we deal with a target."""

    window: int = 1  # objects that may be unanswered at once, if it grants that
    policy: Policy = AS_COMMON  # what its answers come to


@dataclass(slots=True)
class Underway:
    """One object between being prepared and being told."""

    outgoing: Outgoing | None = None  # None: it could not be prepared
    digest_before: str | None = None
    found: str | None = None  # the digest taken before sending, where there is one to compare with
    delivery: Delivery | None = None  # what became of it, once that is settled


class StoreWorker:
    """Prepares and sends objects: one at a time, or the next while the last is at the target."""

    def __init__(
        self,
        sender: Sender,
        posting: Posting,
        *,
        transcodes: bool = True,
    ) -> None:
        self._sender = sender
        self._posting = posting
        self._may_take = posting.switchboard.may_take  # whether a pair has not been refused yet
        self._transcodes = transcodes
        self.close = posting.close  # releases the association

    @classmethod
    def to(
        cls,
        address: TargetAddress,
        planned: Iterable[Pair],
        timeouts: Timeouts = PATIENT,
        retries: Retries = Retries(),
        sleep: Sleep = time.sleep,
        *,
        transcodes: bool = True,
        terms: Terms = Terms(),
    ) -> "StoreWorker":
        """A worker for the target at *address*; *planned* are the pairs, most frequent first."""
        opener = partial(StoreAssociation.open, address, timeouts=timeouts, window=terms.window)
        posting = Posting(Switchboard(opener, planned), terms.policy)
        steady = Reconnecting(posting, retries.lost_waits, sleep)
        sender = AskingAgain(steady, retries.busy_waits, sleep)
        return cls(sender, posting, transcodes=transcodes)

    def open(self, pairs: Sequence[Pair]) -> None:
        """Have an association for the first of *pairs* that the target takes, before any object.

        Raises TargetAwayError or StopError when there is none to be had.
        """
        for pair in pairs or [VERIFICATION.pair]:
            if self._posting.switchboard.association_for(pair) is not None:
                return

    def opens_through(self, seen: Callable[[Open], Open]) -> None:
        """Put *seen* around the opening of associations, for whoever wants to know of it."""
        self._posting.switchboard.opens_through(seen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.close()

    def deliver(
        self, prepare: Callable[[], Outgoing], digest_before: str | None = None
    ) -> Delivery:
        """Prepare one object, send it, close it.

        *digest_before* is that of the Data Set when the object was sent before: it must be the
        same again. Raises StopError when no further object can be sent either; whatever is wrong
        with this one, or was answered to it, is in the Delivery.
        """
        ((_, delivery),) = self.deliver_each([(None, prepare, digest_before)])
        return delivery

    def deliver_each(self, tasks: Iterable[Task[T] | None]) -> Iterator[tuple[T, Delivery]]:
        """As deliver(), for each of *tasks* in order, the next prepared while one is unanswered.

        A task is anything to know it by, and what deliver() takes. None among them says that
        there is none for the moment: then what is underway is brought to its end.
        """
        underway: deque[tuple[T, Underway]] = deque()
        try:
            for task in tasks:
                if task is None:
                    yield from self._told(underway, lambda: True)
                    continue
                underway.append((task[0], self._prepared(*task[1:])))
                if not self._posting.make_room():
                    yield from self._told(underway, lambda: not self._posting.has_room, but=1)
                self._post(underway[-1][1])  # before the last is told: the target waits for it
                yield from self._told(underway, lambda: self._is_over(underway[0][1]), but=1)
            yield from self._told(underway, lambda: True)
        finally:
            for _, left in underway:
                if left.outgoing:
                    left.outgoing.close()

    def _told(
        self, underway: deque[tuple[T, Underway]], go_on: Callable[[], bool], but: int = 0
    ) -> Iterator[tuple[T, Delivery]]:
        """Bring the oldest of *underway* to their end while *go_on*, but not the last *but*."""
        while len(underway) > but and go_on():
            known, one = underway.popleft()
            yield known, self._finished(one)

    def _prepared(self, prepare: Callable[[], Outgoing], digest_before: str | None) -> Underway:
        """Open the object, and hold its bytes against those it was sent with before."""
        one = Underway(digest_before=digest_before)
        try:
            with one_object():
                one.outgoing = prepare()
            if digest_before:
                one.outgoing.wire_digest.compare_with(digest_before)
                with one_object():
                    one.found = one.outgoing.digest()
        except SetAsideError as error:
            one.delivery = Delivery.set_aside(error)
            return one
        if one.found != digest_before and not self._was_transcoded(one.outgoing, digest_before):
            changed = SetAsideError(Cause.CHANGED_SINCE_SENT, CHANGED)
            one.delivery = Delivery.set_aside(changed).about(Sent.of(one.outgoing, None))
        return one

    def _post(self, one: Underway) -> None:
        """Send the object now, if that can be."""
        if one.outgoing is None or one.delivery:
            return
        try:
            with one_object():
                self._posting.post(one.outgoing)
        except SetAsideError as error:
            one.delivery = Delivery.set_aside(error).about(Sent.of(one.outgoing, one.found))

    def _is_over(self, one: Underway) -> bool:
        """Whether it can be told without waiting."""
        return one.outgoing is None or bool(one.delivery) or self._posting.is_over(one.outgoing)

    def _finished(self, one: Underway) -> Delivery:
        """What became of the object, which is closed then."""
        outgoing = one.outgoing
        try:
            if one.delivery or outgoing is None:
                return one.delivery or Delivery(Outcome.NOT_SENT)
            delivery = self._sent(outgoing, one.found)
            if delivery.cause is Cause.CONTEXT_REFUSED:
                return self._transcoded(outgoing, delivery)
            return delivery
        finally:
            if outgoing:
                outgoing.close()

    def _transcoded(self, outgoing: Outgoing, refused: Delivery) -> Delivery:
        """Send the object in the first transfer syntax that it can be in and the target takes."""
        why = ""
        for syntax in alternatives(outgoing.transfer_syntax_uid) if self._transcodes else ():
            if not self._may_take((outgoing.sop_class_uid, syntax)):
                continue
            try:
                with one_object():
                    other = transcoded(outgoing, syntax)
            except SetAsideError as error:
                why = f"; transcoded it cannot be: {error.detail}"
                continue
            delivery = self._sent(other)
            if delivery.cause is not Cause.CONTEXT_REFUSED:
                return delivery
        return replace(refused, detail=refused.detail + why)

    def _sent(self, outgoing: Outgoing, found: str | None = None) -> Delivery:
        """Bring the object to the target; *found* is the digest of its bytes if it is known."""
        try:
            with one_object():
                delivery = self._sender.send(outgoing)
        except SetAsideError as error:
            return Delivery.set_aside(error).about(
                Sent.of(outgoing, outgoing.wire_digest.sent or found)
            )
        digest, why = outgoing.wire_digest.sent or found, ""
        if digest is None:  # it went out in part, and may be sent again: then as the same
            digest, why = digest_of(outgoing)
        if why:
            delivery = replace(delivery, detail=delivery.detail + why)
        return delivery.about(Sent.of(outgoing, digest))

    def _was_transcoded(self, outgoing: Outgoing, digest_before: str | None) -> bool:
        """Whether *digest_before* is that of the same object in another transfer syntax."""
        for syntax in alternatives(outgoing.transfer_syntax_uid) if self._transcodes else ():
            with suppress(SetAsideError), one_object():
                if transcoded(outgoing, syntax).digest() == digest_before:
                    return True
        return False


def digest_of(outgoing: Outgoing) -> tuple[str | None, str]:
    """The digest of an object that went out in part; None, and why, if it cannot be read."""
    try:
        with one_object():
            return outgoing.digest(), ""
    except SetAsideError as error:
        return None, f"; no digest of it is on record: {error.detail}"
