"""Run the rules over an object, one after the other, and keep the record of what they change.

The rules of a job are put together once: those that are on, value rules that follow each other as
one pass over the elements (valuepass.py). For each object a rule that names `tags` is called only
if one of them is there. The edits of a rule are in the view before the next is asked, so a later
rule sees what the earlier ones made; the record keeps each step.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pacslift.inventory.header import Encoding
from pacslift.repair import values
from pacslift.repair.orders import RuleSettings
from pacslift.repair.rule import Change, Edit, Rule, Tier
from pacslift.repair.valuepass import ValuePass
from pacslift.repair.view import View

COERCE, CORRECT = "COERCE", "CORRECT"  # defined terms, PS3.3 C.12.1.1.9
_REASONS = {Tier.OUTSIDE: COERCE, Tier.DETERMINISTIC: CORRECT}
_SHOWN = 4096  # bytes of a value that the record tells


@dataclass(slots=True)
class Record:
    """What the rules did to one object.

    reasons   tag to COERCE or CORRECT, for every element that reads otherwise than before
    envelope  ids of the rules that changed nothing that a reader sees
    """

    changes: list[Change] = field(default_factory=list)
    envelope: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)

    def note(self, rule_id: str) -> None:
        """Note a repair of the envelope, once."""
        if rule_id not in self.envelope:
            self.envelope.append(rule_id)

    def tell(self, rule: Rule, tag: int, before: str, after: str) -> None:
        """Put on record what is true of an element that is not edited."""
        self.changes.append(Change(rule.id, values.name(tag), before, after))

    def take(self, view: View, rule: Rule, edit: Edit) -> None:
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
            self.changes.append(_change(view, rule, edit, there=there))
            reason = _REASONS.get(rule.tier, CORRECT)
            if self.reasons.get(edit.tag) != COERCE:
                self.reasons[edit.tag] = reason
        view.edits[edit.tag] = edit


def _is_same(view: View, edit: Edit) -> bool:
    if view.length(edit.tag) != len(edit.value or b""):
        return False
    return view.vr(edit.tag) == edit.vr and view.value(edit.tag) == edit.value


def _change(view: View, rule: Rule, edit: Edit, *, there: bool) -> Change:
    before, after = edit.before, edit.after
    if before is None and there:
        before = _told(view, edit.tag)
    if after is None and edit.value is not None:
        after = _shown(view, edit.vr, edit.value)
    return Change(edit.rule or rule.id, values.name(edit.tag), before, after)


def _told(view: View, tag: int) -> str:
    vr, length = view.vr(tag), view.length(tag)
    if length > _SHOWN or view.is_undefined(tag):
        return f"{vr.decode('latin-1')}, {length} bytes"
    return _shown(view, vr, view.value(tag) or b"")


def _shown(view: View, vr: bytes, value: bytes | tuple[object, ...]) -> str:
    if not isinstance(value, bytes) or len(value) > _SHOWN:
        return f"{vr.decode('latin-1')}, in the file"
    big = view.encoding is Encoding.EXPLICIT_BIG
    return values.shown(vr, value, view.codecs(), big=big)


Step: TypeAlias = Callable[[View, Record], None]


class Engine:
    """The rules of a job, ready to run over its objects."""

    def __init__(self, rules: Sequence[Rule], settings: RuleSettings) -> None:
        working = [rule for rule in rules if settings.works(rule.id, by_default=rule.on)]
        self._steps: list[Step] = list(_steps(working))

    def run(self, view: View) -> Record:
        """Ask every rule about the object; its edits are in the view afterwards.

        Raises SetAsideError for what no rule may heal.
        """
        record = Record()
        for step in self._steps:
            step(view, record)
        return record


def _steps(rules: Sequence[Rule]) -> Iterable[Step]:
    waiting: list[Rule] = []
    for rule in rules:
        if rule.fine:
            waiting.append(rule)
        if rule.apply is None:
            continue
        if waiting:
            yield _value_step(waiting)
            waiting = []
        yield _rule_step(rule, rule.apply)
    if waiting:
        yield _value_step(waiting)


def _rule_step(rule: Rule, apply: Callable[[View], Iterable[Edit]]) -> Step:
    tags = rule.tags

    def step(view: View, record: Record) -> None:
        if tags and tags.isdisjoint(view.stored.header.places) and tags.isdisjoint(view.edits):
            return
        for edit in apply(view):
            record.take(view, rule, edit)

    return step


def _value_step(rules: Sequence[Rule]) -> Step:
    values_pass = ValuePass(rules)

    def step(view: View, record: Record) -> None:
        for rule, edit in values_pass.edits(view):
            record.take(view, rule, edit)

    return step
