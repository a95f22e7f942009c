"""One worker: takes objects one after the other, brings them to the target, tells what became.

What goes in and what comes out can be pickled but for the callable and its Outgoing, which live
where the worker lives: so a worker may be a thread or a process.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self

from pacslift.errors import Cause, SetAsideError
from pacslift.job import TargetAddress
from pacslift.plan.contexts import Pair
from pacslift.repair.compression import alternatives, transcoded
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import PATIENT, StoreAssociation, Timeouts
from pacslift.send.delivery import Delivery, Sent
from pacslift.send.retrying import AskingAgain, Once, Reconnecting, Sender, Sleep
from pacslift.send.switchboard import Switchboard
from pacslift.unforeseen import one_object


@dataclass(frozen=True, slots=True)
class Retries:
    """Seconds to wait before each further attempt; no entry, no further attempt."""

    busy_waits: Sequence[float] = (1.0, 5.0, 15.0)  # when the target is out of resources
    lost_waits: Sequence[float] = (0.0, 5.0, 30.0)  # when the association was lost


class StoreWorker:
    """Prepares and sends objects, one at a time."""

    def __init__(
        self,
        sender: Sender,
        close: Callable[[], object],
        may_take: Callable[[Pair], bool] = lambda _: True,
        *,
        transcodes: bool = True,
    ) -> None:
        self._sender = sender
        self._may_take = may_take  # whether the target has not refused a pair yet
        self._transcodes = transcodes
        self.close = close  # releases the association

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
    ) -> "StoreWorker":
        """A worker for the target at *address*; *planned* are the pairs, most frequent first."""
        opener = partial(StoreAssociation.open, address, timeouts=timeouts)
        switchboard = Switchboard(opener, planned)
        steady = Reconnecting(Once(switchboard), retries.lost_waits, sleep)
        sender = AskingAgain(steady, retries.busy_waits, sleep)
        return cls(sender, switchboard.close, switchboard.may_take, transcodes=transcodes)

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
        try:
            with one_object():
                outgoing = prepare()
        except SetAsideError as error:
            return Delivery.set_aside(error)
        try:
            delivery = self._sent(outgoing, digest_before)
            if delivery.cause is Cause.CONTEXT_REFUSED:
                return self._transcoded(outgoing, delivery)
            return delivery
        finally:
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

    def _sent(self, outgoing: Outgoing, digest_before: str | None = None) -> Delivery:
        try:
            with one_object():
                sent = Sent.of(outgoing)
        except SetAsideError as error:
            return Delivery.set_aside(error)
        if digest_before not in (None, sent.digest) and not self._was_transcoded(
            outgoing, digest_before
        ):
            return Delivery.set_aside(
                SetAsideError(
                    Cause.CHANGED_SINCE_SENT,
                    "its bytes are others than when it was sent before; look into what changed "
                    "the file, and at what the target holds",
                )
            ).about(sent)
        try:
            with one_object():
                return self._sender.send(outgoing).about(sent)
        except SetAsideError as error:
            return Delivery.set_aside(error).about(sent)

    def _was_transcoded(self, outgoing: Outgoing, digest_before: str | None) -> bool:
        """Whether *digest_before* is that of the same object in another transfer syntax."""
        for syntax in alternatives(outgoing.transfer_syntax_uid) if self._transcodes else ():
            with suppress(SetAsideError), one_object():
                if transcoded(outgoing, syntax).digest() == digest_before:
                    return True
        return False
