"""Which pairs of SOP class and transfer syntax an association proposes."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from pacslift.inventory.syntaxes import EXPLICIT_BIG, EXPLICIT_LITTLE, INFLATED
from pacslift.ledger import INSTANCES, InstanceState, Ledger
from pacslift.plan.contexts import Pair, by_frequency
from pacslift.repair.transcode import alternatives

# Whatever the target takes, these are read or repaired (rule E20) into another syntax.
WRITTEN_AS: Mapping[str, str] = {EXPLICIT_BIG: EXPLICIT_LITTLE, **INFLATED}


def pairs_to_propose(ledger: Ledger, *, transcodes: bool) -> tuple[Pair, ...]:
    """Pairs of what is planned, then of what was probed, most frequent first.

    With *transcodes* those that an object may be written in stand behind them, so that a refusal
    needs no further association. Last come those that the target has refused before: it may have
    learnt since, but they are to take no other's place among the first 128.
    """
    counts: Counter[Pair] = Counter()
    for pair, count in (probed(ledger) | ledger.pairs()).items():
        counts[as_written(pair)] += count
    pairs = by_frequency(counts)
    wanted = (*pairs, *native_pairs(pairs)) if transcodes else pairs
    known = ledger.contexts()
    return tuple(sorted(wanted, key=lambda pair: known.get(pair) is False))


def counts_held(ledger: Ledger) -> dict[tuple[str, str | None], int]:
    """How many instances are planned of each SOP class and transfer syntax, None if unknown.

    What the database leaves open the files that the inventory opened tell, as far as they go.
    """
    found = ledger.counts(INSTANCES, "state", "sop_class_uid", "transfer_syntax_uid")
    held: Counter[tuple[str, str | None]] = Counter(
        {(c, t): n for (state, c, t), n in found.items() if c and state == InstanceState.PLANNED}
    )
    for pair, count in probed(ledger).items():
        if pair not in held:
            held[pair] = count
            held[pair[0], None] -= count
    return {kind: count for kind, count in held.items() if count > 0}


def probed(ledger: Ledger) -> dict[Pair, int]:
    """The pairs of the files that the inventory opened, with the number of those files."""
    return {(c, t): n for c, t, n in json.loads(ledger.get("pairs") or "[]")}


def as_written(pair: Pair) -> Pair:
    """The pair that an object of *pair* is sent as, before the target is asked."""
    return pair[0], WRITTEN_AS.get(pair[1], pair[1])


def native_pairs(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Pairs that an object may be transcoded to, where the target refuses its own."""
    native = dict.fromkeys((pair[0], EXPLICIT_LITTLE) for pair in pairs if alternatives(pair[1]))
    return tuple(pair for pair in native if pair not in pairs)
