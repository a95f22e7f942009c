"""Which association an object goes over.

Strategy: one association at a time, proposing up to 128 pairs of SOP class and transfer syntax.
An object whose pair was not proposed ends it and opens another, with the pair first, then
the pairs met last, then the planned ones; so a pair costs an association once, not every time.
A pair that the target has refused is not proposed again in this run.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Self

from pacslift.errors import NoContextError, StopError, TargetRejectedError, TargetUnreachableError
from pacslift.plan.contexts import Context, Pair, can_be_proposed, number
from pacslift.send.association import StoreAssociation
from pacslift.send.faults import AssociationRejectedError, TargetAwayError

Open = Callable[[Sequence[Context]], StoreAssociation]


class Switchboard:
    """Holds one worker's association, and opens the next where it does not fit.

    *planned* are the pairs expected, most frequent first.
    """

    def __init__(self, open_association: Open, planned: Iterable[Pair]) -> None:
        self.refused: set[Pair] = set()
        self._open = open_association
        self._planned = tuple(planned)
        self._met: dict[Pair, None] = {}  # pairs that needed an association, last one first
        self._current: StoreAssociation | None = None
        self._was_open = False

    def opens_through(self, seen: Callable[[Open], Open]) -> None:
        """Put *seen* around the opening of associations."""
        self._open = seen(self._open)

    @property
    def current(self) -> StoreAssociation | None:
        """The association that is open or was last, if there is one."""
        return self._current

    def holding(self, pair: Pair) -> StoreAssociation | None:
        """The association that is open, if it has *pair* accepted; opens none."""
        current = self._current
        if current is None or not current.is_open or pair not in current.accepted:
            return None
        return current

    def may_take(self, pair: Pair) -> bool:
        """Whether the target has not refused *pair* in this run."""
        return pair not in self.refused

    def association_for(self, pair: Pair) -> StoreAssociation | None:
        """An open association that has *pair* accepted; None if the target refuses it.

        Raises TargetAwayError when the target had taken an association before, or asks for
        patience; else TargetUnreachableError or TargetRejectedError; NoContextError when it
        accepts nothing of what was planned.
        """
        if pair in self.refused or not can_be_proposed(pair):
            return None
        if self.holding(pair) is None:
            self.close()
            self._current = self._opened_for(pair)
        if self._current is None or pair in self.refused:
            return None
        return self._current

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the association, if one is open."""
        if self._current is not None:
            self._current.release()
            self._current = None

    def _opened_for(self, pair: Pair) -> StoreAssociation | None:
        """A new association with *pair* and as many others as fit; None if all are refused."""
        self._met = {pair: None, **self._met}
        wanted = [*self._met, *self._planned]
        contexts = number(wish for wish in wanted if wish not in self.refused)
        try:
            association = self._open(contexts)
        except NoContextError:
            self.refused.update(context.pair for context in contexts)
            if self._planned and self.refused.issuperset(self._planned):
                raise
            return None
        except (TargetUnreachableError, TargetRejectedError) as stop:
            if self._was_open or _asks_for_patience(stop):
                raise TargetAwayError(stop) from stop
            raise
        self._was_open = True
        self.refused.update(association.refused)
        return association


def _asks_for_patience(stop: StopError) -> bool:
    return isinstance(stop, AssociationRejectedError) and stop.transient
