"""What the rules did to one object: for the ledger, and for what the object says of itself."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pacslift.repair import values
from pacslift.repair.changes import change_of
from pacslift.repair.rule import Batch, Change, Edit, Rule, Tier

if TYPE_CHECKING:
    from pacslift.repair.view import View

COERCE: Final = "COERCE"  # defined terms, PS3.3 C.12.1.1.9
CORRECT: Final = "CORRECT"
_REASONS = {Tier.OUTSIDE: COERCE, Tier.DETERMINISTIC: CORRECT}


@dataclass(slots=True)
class Record:
    """What the rules did to one object.

    reasons   tag to COERCE or CORRECT, for every element that reads otherwise than before
    envelope  ids of the rules that changed nothing that a reader sees
    batch     the overlay's edits, if they are all that changed what a reader sees
    """

    changes: list[Change] = field(default_factory=list)
    envelope: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    batch: Batch | None = None

    def note(self, rule_id: str) -> None:
        """Note a repair of the envelope, once."""
        if rule_id not in self.envelope:
            self.envelope.append(rule_id)

    def tell(self, rule: Rule, tag: int, before: str, after: str) -> None:
        """Put on record what is true of an element that is not edited."""
        self.changes.append(Change(rule.id, values.name(tag), before, after))

    def take(self, view: "View", rule: Rule, edit: Edit) -> None:
        """Put an edit into the view, and on record; nothing if it changes nothing."""
        there = edit.tag in view
        if edit.value is None and not there:
            return
        if isinstance(edit.value, bytes):
            edit = edit._replace(value=values.padded(edit.vr, edit.value))
            if there and edit.written is None and _is_same(view, edit):
                return
        if edit.vr == b"UN" and view.is_undefined(edit.tag):
            edit = edit._replace(undefined=True)
        if edit.silent or rule.tier is Tier.ENVELOPE:
            self.note(edit.rule or rule.id)
        else:
            self.batch = None
            self.changes += edit.parts or (change_of(view, rule.id, edit, there=there),)
            reason = _REASONS.get(rule.tier, CORRECT)
            if self.reasons.get(edit.tag) != COERCE:
                self.reasons[edit.tag] = reason
        view.edits[edit.tag] = edit

    def take_batch(self, view: "View", batch: Batch) -> None:
        """Put the overlay's edits into the view and on record, all at once."""
        alone = not self.reasons and view.edits.keys().isdisjoint(batch.edits)
        self.batch = batch if alone else None
        self.changes += batch.changes
        self.reasons.update(dict.fromkeys(batch.edits, COERCE))
        view.edits.update(batch.edits)


def _is_same(view: "View", edit: Edit) -> bool:
    if view.length(edit.tag) != len(edit.value or b""):
        return False
    return view.vr(edit.tag) == edit.vr and view.value(edit.tag) == edit.value
