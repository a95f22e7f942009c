"""What one object testifies for its study: as far as the rules before those of character sets go.

The object is looked at as it will be when its character set is judged, so with its envelope,
structure and spelling made right, and nothing of it is sent.
"""

import functools
from collections.abc import Sequence

from pacslift.inventory.header import Encoding
from pacslift.inventory.stored import StoredObject
from pacslift.repair.engine import Engine
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.rule import Rule
from pacslift.repair.rules.study import Testimony, testimony_of
from pacslift.repair.view import View

_JUDGING = frozenset({"T01", "T02"})


def testify(stored: StoredObject, orders: Orders) -> Testimony | None:
    """Give an object's testimony; None where it has none.

    One in Explicit VR Big Endian is read as it lies: texts have no byte order, but it is not asked,
    since rules before those of character sets expect it turned around.
    Raises  SetAsideError for an object that could not be sent either.
    """
    if stored.header.encoding is Encoding.EXPLICIT_BIG:
        return None
    view = View(stored, orders)
    _engine_before(orders.rules).run(view)
    return testimony_of(view)


@functools.lru_cache(maxsize=8)
def _engine_before(rules: RuleSettings) -> Engine:
    return Engine(_before(RULES), rules)


def _before(rules: Sequence[Rule]) -> Sequence[Rule]:
    """The rules that are asked before the first that judges."""
    first = next(nth for nth, rule in enumerate(rules) if rule.id in _JUDGING)
    return rules[:first]
