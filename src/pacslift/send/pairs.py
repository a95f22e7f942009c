"""Which pairs of SOP class and transfer syntax an association proposes."""

import json
from collections.abc import Sequence

from pacslift.inventory.syntaxes import EXPLICIT_LITTLE
from pacslift.ledger import Ledger
from pacslift.plan.contexts import Pair, by_frequency
from pacslift.repair.transcode import alternatives


def pairs_to_propose(ledger: Ledger, *, transcodes: bool) -> tuple[Pair, ...]:
    """Pairs of what is planned, then of what was probed, most frequent first.

    With *transcodes* those that an object may be written in stand behind them, so that a refusal
    needs no further association.
    """
    probed = {(c, t): n for c, t, n in json.loads(ledger.get("pairs") or "[]")}
    pairs = by_frequency(probed | ledger.pairs())
    return (*pairs, *native_pairs(pairs)) if transcodes else pairs


def native_pairs(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Pairs that an object may be transcoded to, where the target refuses its own."""
    native = dict.fromkeys((pair[0], EXPLICIT_LITTLE) for pair in pairs if alternatives(pair[1]))
    return tuple(pair for pair in native if pair not in pairs)
