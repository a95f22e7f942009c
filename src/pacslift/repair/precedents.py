"""The precedents that are kept, and the question whether one fits an object (precedent.py).

Noting what rules look at costs more than asking them, so it is done only for a kind of object that
was met before, and less and less where no precedent comes to fit. May be used by several threads.
"""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeAlias

from pacslift.inventory.bytesource import FIRST_BLOCK
from pacslift.inventory.stored import StoredObject
from pacslift.repair.engine import Engine
from pacslift.repair.orders import Orders
from pacslift.repair.precedent import Answer, Precedent, precedent_of
from pacslift.repair.watching import Seen

Kind: TypeAlias = tuple[object, ...]

_NEVER = frozenset({"S08", "E11"})  # their objects end, or are named, by more than their elements
_MOST_KINDS = 256
_MOST_MET = 1024
_MOST_OF_A_KIND = 2
_EAGER, _THEN = 8, 16  # the first so many misses of a kind are noted, then one of so many


@dataclass(slots=True)
class _OfAKind:
    precedents: list[Precedent] = field(default_factory=list)
    misses: int = 0


class Precedents:
    """What objects were answered, by what their header measures."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, _OfAKind] = {}
        self._met: dict[Kind, None] = {}
        self._lock = Lock()

    def find(self, kind: Kind, stored: StoredObject, orders: Orders) -> Precedent | None:
        """Give the object of which the rules said what they would say of this one, if any."""
        known = self._kinds.get(kind)
        if known is None:
            return None
        head = stored.source.read(0, FIRST_BLOCK)
        for one in known.precedents:
            if one.fits(head, orders.facts):
                return one
        return None

    def wants(self, kind: Kind) -> bool:
        """Say whether the rules' answer to an object for which nothing fits is to be kept."""
        with self._lock:
            known = self._kinds.get(kind)
            if known is None:
                again = kind in self._met
                self._met[kind] = None
                _drop_oldest(self._met, _MOST_MET)
                return again
            known.misses += 1
            return known.misses <= _EAGER or known.misses % _THEN == 0

    def keep(self, kind: Kind, stored: StoredObject, seen: Seen, answer: Answer) -> None:
        """Keep an answer, if others can be told to get the same."""
        head = stored.source.read(0, FIRST_BLOCK)
        one = precedent_of(stored, head, seen, answer)
        if one is None:
            return
        with self._lock:
            known = self._kinds.setdefault(kind, _OfAKind())
            known.precedents = [one, *known.precedents[: _MOST_OF_A_KIND - 1]]
            _drop_oldest(self._kinds, _MOST_KINDS)


def _drop_oldest(kept: dict[Kind, Any], most: int) -> None:
    if len(kept) > most:
        kept.pop(next(iter(kept)), None)


def kind_of(stored: StoredObject, orders: Orders, engine: Engine) -> Kind | None:
    """Give what objects must have in common beside bytes; None for one that none is like.

    It is what rules may see of an object other than its bytes: what its walk found, its meta's
    writer, and the job's orders but for the facts, of which each is compared when it was asked for.
    """
    header = stored.header
    if header.fault or header.repeats or not header.ascending:
        return None
    if not _NEVER.isdisjoint(stored.envelope):
        return None
    return orders.overlay, engine, orders.provenance, stored.shape
