"""The precedents that are kept, and the question whether one fits an object (precedent.py).

Noting what rules look at costs more than asking them, so it is done only for objects that measure
the same as one before, whatever series that was of, and less and less where no precedent comes to
fit. May be used by several threads.
"""

from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

from pacslift.inventory.bytesource import FIRST_BLOCK
from pacslift.inventory.stored import Shape, StoredObject
from pacslift.repair.engine import Engine
from pacslift.repair.orders import Orders
from pacslift.repair.overlay import CompiledOverlay
from pacslift.repair.precedent import Answer, Precedent, precedent_of
from pacslift.repair.provenance import Provenance
from pacslift.repair.watching import Seen

Kind: TypeAlias = tuple[CompiledOverlay, Engine, Provenance | None, Shape]

_NEVER = frozenset({"S08", "E11"})  # their objects end, or are named, by more than their elements
_MOST_KINDS = 256
_MOST_SHAPES = 1024
_MOST_OF_A_KIND = 2
_PRICE = 4  # objects that must be met quickly for one that was noted
_CREDIT, _THEN = 8 * _PRICE, 16  # above it, one of so many objects is noted


@dataclass(slots=True)
class _Balance:
    """Whether it pays to note the objects of a shape; many threads may lose a count or two."""

    debt: int = 0
    misses: int = 0


@dataclass(slots=True)
class _OfAKind:
    balance: _Balance
    precedents: tuple[Precedent, ...] = ()


class Precedents:
    """What objects were answered, by what their header measures."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, _OfAKind] = {}
        self._met: dict[Shape, _Balance] = {}
        self._lock = Lock()

    def find(self, kind: Kind, stored: StoredObject, orders: Orders) -> Precedent | None:
        """Give the object of which the rules said what they would say of this one, if any."""
        known = self._kinds.get(kind)
        if known is None:
            return None
        head = stored.source.read(0, FIRST_BLOCK)
        for one in known.precedents:
            if one.fits(head, orders.facts):
                if known.balance.debt:
                    known.balance.debt -= 1
                return one
        return None

    def wants(self, kind: Kind) -> bool:
        """Say whether the rules' answer to an object for which nothing fits is to be kept."""
        shape = kind[-1]
        with self._lock:
            balance = self._met.get(shape)
            if balance is None:
                self._met[shape] = _Balance()
                _drop_oldest(self._met, _MOST_SHAPES)
                return False
            balance.misses += 1
            if balance.debt >= _CREDIT and balance.misses % _THEN:
                return False
            balance.debt += _PRICE
            return True

    def keep(self, kind: Kind, stored: StoredObject, seen: Seen, answer: Answer) -> None:
        """Keep an answer, if others can be told to get the same."""
        head = stored.source.read(0, FIRST_BLOCK)
        one = precedent_of(stored, head, seen, answer)
        if one is None:
            return
        with self._lock:
            balance = self._met.get(kind[-1]) or _Balance()
            known = self._kinds.setdefault(kind, _OfAKind(balance))
            known.precedents = (one, *known.precedents[: _MOST_OF_A_KIND - 1])
            _drop_oldest(self._kinds, _MOST_KINDS)


def _drop_oldest(kept: dict[Any, Any], most: int) -> None:
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
