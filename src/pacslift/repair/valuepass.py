"""The value rules that follow each other, as one pass over the elements of an object.

Strategy: nearly all values are right, so the first look is one regular expression for each VR over
all its values, joined by newlines: a few microseconds for an object. Only where that does not match
is each value of the VR looked at by itself, rule by rule.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from re import Pattern

from pacslift.patterns import compiled
from pacslift.repair.insidepass import InsidePass, edit_of
from pacslift.repair.rule import Edit, Faulty, Rule
from pacslift.repair.view import View

_MOST_MET = 256  # sets of values of one VR that were fine, as they are in the objects of a series
END = b"\n"  # in no right value of the VRs that can be checked by a pattern


def in_form(joined: bytes, count: int, pattern: re.Pattern[bytes]) -> bool:
    """Say whether *count* values, END behind each, have the form that a pass has for them."""
    return joined.count(END) == count and pattern.fullmatch(joined) is not None


class ValuePass:
    """Value rules, compiled."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._fine = [
            {vr: compiled(pattern, re.DOTALL) for vr, pattern in rule.fine.items()}
            for rule in rules
        ]
        self._inside = InsidePass(self._fine)
        vrs = sorted({vr for rule in rules for vr in rule.fine})
        self._all = [
            (frozenset({vr}), compiled(self._pattern(vr), re.DOTALL), set[bytes]()) for vr in vrs
        ]

    def _pattern(self, vr: bytes) -> bytes:
        """Any number of values, each what every rule calls fine."""
        patterns = [rule.fine[vr] for rule in self._rules if vr in rule.fine]
        each = b"".join(b"(?=(?:" + pattern + rb")\n)" for pattern in patterns)
        return b"(?>" + each + rb"[^\n]*+\n)*+"

    def edits(self, view: View) -> Iterator[tuple[Rule, Edit]]:
        """Give what the rules make of the values that are not fine, rule by rule."""
        suspects, inside = self._suspects(view), self._inside.suspects(view)
        if not suspects and not inside:
            return
        for rule, fine in zip(self._rules, self._fine, strict=True):
            for tag in suspects:
                edit = _edit_of(view, tag, rule, fine)
                if edit is not None:
                    yield rule, edit
            for tag in inside:
                edit = edit_of(view, tag, rule, fine)
                if edit is not None:
                    yield rule, edit

    def _suspects(self, view: View) -> list[int]:
        """Give the tags of the values that may not be fine, ascending; none, nearly always."""
        suspects: list[int] = []
        for vrs, pattern, met in self._all:
            tags = view.tags_of(vrs)
            if tags:
                joined = END.join(view.values_in_form(tags, pattern)) + END
                if joined in met:
                    continue
                if in_form(joined, len(tags), pattern):
                    if len(met) >= _MOST_MET:
                        met.clear()
                    met.add(joined)
                else:
                    suspects += tags
        return sorted(suspects)


def _edit_of(view: View, tag: int, rule: Rule, fine: Mapping[bytes, Pattern[bytes]]) -> Edit | None:
    """Give what a rule makes of a value of the top level; None where it leaves it."""
    vr = view.vr(tag)
    pattern = fine.get(vr)
    raw = view.value(tag) if pattern else None
    if raw is None or pattern is None or pattern.fullmatch(raw):
        return None
    faulty = Faulty(tag, vr, raw, view.codecs())
    new = rule.apply_value(faulty, view) if rule.apply_value else None
    return None if new is None else Edit(tag, vr, new)
