"""Sending ahead: objects go out while the answers to those before them are awaited.

How many may be outstanding is the association's window, which is one where the target grants no
more. Who wants an object sent early calls post(); send() then takes its answer, or does all of it.
Rules: an association is never left for another while answers are outstanding on it, and what is
lost with it is told for each object when its turn comes, so each is tried again on its own.
Memory: what the caller has open; an object posted stays open until its send() is over.
"""

from dataclasses import dataclass, field

from pacslift.errors import Cause, PacsliftError, SetAsideError
from pacslift.repair.outgoing import Outgoing
from pacslift.send.association import StoreAnswer, StoreAssociation
from pacslift.send.delivery import Delivery
from pacslift.send.faults import AssociationLostError
from pacslift.send.outcome import AS_COMMON, Policy
from pacslift.send.switchboard import Switchboard
from pacslift.send.wording import pair_words

_OTHERS_FAULT = "the association was aborted, since another object's file failed on the way"


@dataclass(slots=True)
class _Posted:
    """One object on its way: at the end it has an answer, or what came in its place."""

    message_id: int | None = None
    answer: StoreAnswer | None = None
    fault: PacsliftError | None = None

    @property
    def is_over(self) -> bool:
        return self.answer is not None or self.fault is not None

    @property
    def is_plainly_stored(self) -> bool:
        return self.answer is not None and self.answer.status == 0


@dataclass
class Posting:
    """Sends over the association that fits, once for each call."""

    switchboard: Switchboard
    policy: Policy = AS_COMMON  # what the target's answers come to
    _posted: dict[int, _Posted] = field(default_factory=dict)  # by id() of the Outgoing
    _outstanding: dict[int, _Posted] = field(default_factory=dict)  # by Message ID
    _left: set[int] = field(default_factory=set)  # asked for early, but left to their send()

    @property
    def has_room(self) -> bool:
        """Whether one more object may be posted now; if not, send() the oldest first."""
        current = self.switchboard.current
        return not self._left and (current is None or not current.is_open or current.has_room)

    def make_room(self) -> bool:
        """Wait for answers until one more object may be posted, and say whether it may.

        Not if any of them is other than a plain success: whether more is sent then, and when,
        is settled by the send() of the object that it is about.
        """
        while not self._left and not self.has_room:
            waiting = list(self._outstanding.values())
            self._collect()
            if any(one.is_over and not one.is_plainly_stored for one in waiting):
                return False
        return not self._left

    def is_over(self, outgoing: Outgoing) -> bool:
        """Whether send() has an object's answer without waiting."""
        posted = self._posted.get(id(outgoing))
        return posted is not None and posted.is_over

    def post(self, outgoing: Outgoing) -> None:
        """Send it now if the association that is open takes it; raises nothing foreseen.

        Where it must be opened first, or another one must, the object is left to its send().
        """
        pair = (outgoing.sop_class_uid, outgoing.transfer_syntax_uid)
        association = self.switchboard.holding(pair)
        if self._left or association is None:
            self._left.add(id(outgoing))
            return
        posted = _Posted()
        self._begin(association, outgoing, posted)
        # Not before: an entry that nobody collects would meet another object with the same id().
        self._posted[id(outgoing)] = posted

    def send(self, outgoing: Outgoing) -> Delivery:
        """The answer to an object; it is sent first if it was not posted.

        Raises AssociationLostError and TargetAwayError besides what Sender says.
        """
        self._left.discard(id(outgoing))
        posted = self._posted.pop(id(outgoing), None)
        if posted is None:
            posted = self._sent_alone(outgoing)
        while not posted.is_over:
            self._collect()
        if posted.answer is None:
            raise posted.fault or AssertionError
        return Delivery.answered(posted.answer, self.policy)

    def close(self) -> None:
        """Release the association; answers still outstanding are of no interest any more."""
        self.switchboard.close()

    def _sent_alone(self, outgoing: Outgoing) -> _Posted:
        """Send it when all that went before has been answered."""
        while self._outstanding:
            self._collect()
        require_same(outgoing)
        pair = (outgoing.sop_class_uid, outgoing.transfer_syntax_uid)
        association = self.switchboard.association_for(pair)
        if association is None:
            raise SetAsideError(
                Cause.CONTEXT_REFUSED,
                f"the target does not accept {pair_words(*pair)}; allow it there, or transcode",
            )
        posted = _Posted()
        self._begin(association, outgoing, posted)
        return posted

    def _begin(self, association: StoreAssociation, outgoing: Outgoing, posted: _Posted) -> None:
        try:
            posted.message_id = association.post(outgoing)
            self._outstanding[posted.message_id] = posted
        except PacsliftError as fault:
            posted.fault = fault
            lost = isinstance(fault, AssociationLostError)
            self._settle(association, fault if lost else AssociationLostError(_OTHERS_FAULT))
        except BaseException:
            association.abort()  # nobody knows how far the object went
            self._settle(association, AssociationLostError(_OTHERS_FAULT))
            raise

    def _collect(self) -> None:
        """Wait for one answer, or note for all that wait that none will come."""
        association = self.switchboard.current
        if association is None:  # cannot be: it is left only when nothing is outstanding
            raise AssertionError
        try:
            self._take(association)
        except AssociationLostError as lost:
            self._settle(association, lost)

    def _settle(self, association: StoreAssociation, fault: PacsliftError) -> None:
        """Take the answers that came before the association ended; the others have none."""
        while association.has_answers:
            self._take(association)
        if association.is_open:
            return
        for posted in self._outstanding.values():
            posted.fault = fault
        self._outstanding.clear()

    def _take(self, association: StoreAssociation) -> None:
        message_id, answer = association.collect()
        # None: the association broke after the object was refused, and before it had gone whole.
        posted = self._outstanding.pop(message_id, None)
        if posted is not None:
            posted.answer = answer


def require_same(outgoing: Outgoing) -> None:
    """SetAsideError unless what went out whole before would go out with the same bytes again."""
    sent = outgoing.wire_digest.sent
    if sent is not None and outgoing.digest() != sent:
        raise SetAsideError(
            Cause.CHANGED_SINCE_SENT,
            "its file has changed between two attempts to send it; look into what changed it, "
            "and at what the target holds",
        )
