"""Run the rules over an object, one after the other, and keep the record of what they change.

The rules of a job are put together once: those that are on, value rules that follow each other as
one pass over the elements (valuepass.py). For each object a rule that names `tags` is called only
if one of them is there. The edits of a rule are in the view before the next is asked, so a later
rule sees what the earlier ones made; the record keeps each step.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from pacslift.repair import overlay
from pacslift.repair.orders import RuleSettings
from pacslift.repair.record import Record
from pacslift.repair.rule import Edit, Rule
from pacslift.repair.valuepass import ValuePass
from pacslift.repair.view import View

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
        yield _overlay_step if rule.id == overlay.DATABASE else _rule_step(rule, rule.apply)
    if waiting:
        yield _value_step(waiting)


def _overlay_step(view: View, record: Record) -> None:
    batch = overlay.batch(view)
    if batch.edits:
        record.take_batch(view, batch)


def _rule_step(rule: Rule, apply: Callable[[View], Iterable[Edit]]) -> Step:
    tags = rule.tags

    def step(view: View, record: Record) -> None:
        places = view.stored.header.places
        if tags and places.keys().isdisjoint(tags) and view.edits.keys().isdisjoint(tags):
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
