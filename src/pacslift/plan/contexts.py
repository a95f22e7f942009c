"""Which presentation contexts an association proposes. PS3.8 9.3.2.2.

Strategy: one SOP class with one transfer syntax per context, because a target picks one of the
syntaxes in a context, and the one it picks must be the one that the object is in. An
association has at most 128 contexts, their IDs are the odd numbers from 1 to 255, so the pairs
met most often come first. Order is by count, then by the UIDs: no dict order reaches the wire.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_CONTEXTS = 128  # odd IDs in one byte, PS3.8 Table 9-13

Pair = tuple[str, str]  # SOP Class UID, Transfer Syntax UID

_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Context:
    """One proposed presentation context: one SOP class in exactly one transfer syntax."""

    context_id: int  # odd, 1 to 255
    sop_class_uid: str
    transfer_syntax_uid: str

    @property
    def pair(self) -> Pair:
        """The SOP Class UID and the Transfer Syntax UID."""
        return self.sop_class_uid, self.transfer_syntax_uid


VERIFICATION = Context(1, "1.2.840.10008.1.1", "1.2.840.10008.1.2")  # C-ECHO


def can_be_proposed(pair: Pair) -> bool:
    """Whether both are made as UIDs are: digits and dots, 1 to 64 of them (PS3.5 9.1).

    Leading zeros are let through: old archives have them, and a target may take them.
    """
    return all(_UID.fullmatch(uid) for uid in pair)


def by_frequency(counts: Mapping[Pair, int]) -> tuple[Pair, ...]:
    """The pairs of *counts* that can be proposed, most frequent first, ties by UID."""
    usable = [pair for pair in counts if can_be_proposed(pair)]
    return tuple(sorted(usable, key=lambda pair: (-counts[pair], pair)))


def number(pairs: Iterable[Pair]) -> tuple[Context, ...]:
    """Contexts for the first 128 different *pairs*, in the order given, with IDs 1, 3, 5, ..."""
    distinct = list(dict.fromkeys(pairs))[:MOST_CONTEXTS]
    return tuple(Context(2 * place + 1, *pair) for place, pair in enumerate(distinct))


def group_contexts(counts: Mapping[Pair, int]) -> tuple[tuple[Context, ...], ...]:
    """The fewest associations' worth of contexts that cover every pair of *counts*.

    Takes   how many instances have each pair; pairs that cannot be UIDs are left out.
    Gives   groups of at most 128 contexts, the most frequent pairs in the first group.
    """
    pairs = by_frequency(counts)
    starts = range(0, len(pairs), MOST_CONTEXTS)
    return tuple(number(pairs[start : start + MOST_CONTEXTS]) for start in starts)
