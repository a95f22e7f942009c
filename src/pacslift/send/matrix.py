"""What the job holds against what the target takes: every SOP class in every transfer syntax.

The target is asked for what there is, and once more for what could be sent in the place of what it
refuses; 128 pairs at a time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pacslift.errors import NoContextError
from pacslift.job import TargetAddress
from pacslift.plan.contexts import Context, Pair, can_be_proposed, group_contexts
from pacslift.repair.transcode import alternatives
from pacslift.send.association import StoreAssociation, Timeouts
from pacslift.send.pairs import as_written
from pacslift.send.wording import name_of, pair_words

MOST_NAMED = 5

Ask = Callable[[Sequence[Context]], Mapping[Pair, int]]  # gives what is accepted


class Answer(StrEnum):
    """What becomes of a kind of object."""

    TAKEN = "taken"
    TRANSCODED = "transcoded"  # refused as it is, taken in another transfer syntax
    REFUSED = "refused"
    UNKNOWN = "unknown"  # only the file tells its transfer syntax


@dataclass(frozen=True, slots=True)
class Kind:
    """The instances of one SOP class in one transfer syntax, and what the target makes of them."""

    sop_class_uid: str
    transfer_syntax_uid: str | None
    instances: int
    answer: Answer
    sent_as: str | None = None  # the transfer syntax in the place of its own

    def as_dict(self) -> dict[str, Any]:
        """For programs; with the names that the standard gives."""
        return {
            "sop_class_uid": self.sop_class_uid,
            "sop_class": name_of(self.sop_class_uid),
            "transfer_syntax_uid": self.transfer_syntax_uid,
            "transfer_syntax": name_of(self.transfer_syntax_uid or ""),
            "instances": self.instances,
            "answer": self.answer.value,
            "sent_as": self.sent_as,
        }


def asking(address: TargetAddress, timeouts: Timeouts) -> Ask:
    """Ask the target at *address*, an association each time."""

    def ask(contexts: Sequence[Context]) -> Mapping[Pair, int]:
        try:
            association = StoreAssociation.open(address, contexts, timeouts)
        except NoContextError:
            return {}
        with association:
            return dict(association.accepted)

    return ask


def matrix(
    counts: Mapping[tuple[str, str | None], int], ask: Ask, *, transcodes: bool
) -> tuple[list[Kind], dict[Pair, bool]]:
    """What becomes of each kind in *counts*, the most frequent first; and all the target said.

    With *transcodes* an object may be sent in another transfer syntax, in the order in which
    sending tries them. Raises what *ask* does.
    """
    known = {(c, t): n for (c, t), n in counts.items() if t}
    said = answers({as_written(pair): n for pair, n in known.items()}, ask)
    refused = [pair for pair in known if not said.get(as_written(pair))]
    others = {pair: other_pairs(pair) if transcodes else () for pair in refused}
    unasked = {
        other: known[pair] for pair in refused for other in others[pair] if other not in said
    }
    said |= answers(unasked, ask)

    def judged(pair: tuple[str, str | None], count: int) -> Kind:
        sop_class, syntax = pair
        if syntax is None:
            return Kind(sop_class, None, count, Answer.UNKNOWN)
        if said.get(as_written((sop_class, syntax))):
            return Kind(sop_class, syntax, count, Answer.TAKEN)
        for other in others[sop_class, syntax]:
            if said.get(other):
                return Kind(sop_class, syntax, count, Answer.TRANSCODED, other[1])
        return Kind(sop_class, syntax, count, Answer.REFUSED)

    order = sorted(counts, key=lambda pair: (-counts[pair], pair[0], pair[1] or ""))
    return [judged(pair, counts[pair]) for pair in order], said


def answers(counts: Mapping[Pair, int], ask: Ask) -> dict[Pair, bool]:
    """Whether the target takes each pair of *counts*; what cannot be proposed is not in it."""
    said: dict[Pair, bool] = {}
    for contexts in group_contexts(counts):
        accepted = ask(contexts)
        said |= {context.pair: context.pair in accepted for context in contexts}
    return said


def other_pairs(pair: Pair) -> tuple[Pair, ...]:
    """The pairs that an object of *pair* may be transcoded to, in the order of trying."""
    sop_class, syntax = as_written(pair)
    others = ((sop_class, other) for other in alternatives(syntax))
    return tuple(other for other in others if can_be_proposed(other))


def summary(kinds: Iterable[Kind]) -> str:
    """How many kinds and instances are taken, transcoded and refused; names what is refused."""
    found = list(kinds)
    told = [
        f"{len(group)} {answer} ({sum(kind.instances for kind in group):,} instances)"
        for answer in Answer
        if (group := [kind for kind in found if kind.answer is answer])
    ]
    refused = [kind for kind in found if kind.answer is Answer.REFUSED]
    if not refused:
        return f"kinds of object: {', '.join(told)}"
    named = [pair_words(k.sop_class_uid, k.transfer_syntax_uid or "") for k in refused[:MOST_NAMED]]
    more = f" and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
    return (
        f"kinds of object: {', '.join(told)}; enable at the target, or have it accept another "
        f"transfer syntax for: {'; '.join(named)}{more}"
    )
