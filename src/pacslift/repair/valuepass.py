"""The value rules that follow each other, as one pass over the elements of an object.

Strategy: nearly all values are right, so the first look is one regular expression over all values
of the VRs concerned, each in front of its VR and behind a newline, joined: a few microseconds for
an object. Only where that does not match is each value looked at by itself, rule by rule.
"""

import re
from collections.abc import Iterator, Sequence

from pacslift.inventory.header import UNDEFINED
from pacslift.repair import values
from pacslift.repair.rule import Edit, Rule
from pacslift.repair.view import View

_END = b"\n"  # in no right value of the VRs that can be checked by a pattern


class ValuePass:
    """Value rules, compiled."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._fine = [
            {vr: re.compile(pattern, re.DOTALL) for vr, pattern in rule.fine.items()}
            for rule in rules
        ]
        self._vrs = frozenset(vr for rule in rules for vr in rule.fine)
        self._all = re.compile(self._pattern(), re.DOTALL)

    def _pattern(self) -> bytes:
        """One alternative for each VR; a value must be what every rule calls fine."""
        kinds = [
            vr + b"".join(b"(?=(?:" + p + rb")\n)" for p in self._patterns(vr)) + rb"[^\n]*\n"
            for vr in sorted(self._vrs)
        ]
        return b"(?>" + b"|".join(kinds) + b")*+"

    def _patterns(self, vr: bytes) -> list[bytes]:
        return [rule.fine[vr] for rule in self._rules if vr in rule.fine]

    def edits(self, view: View) -> Iterator[tuple[Rule, Edit]]:
        """Give what the rules make of the values that are not fine, rule by rule."""
        suspects = self._suspects(view)
        if not suspects:
            return
        for rule, fine in zip(self._rules, self._fine, strict=True):
            for tag, vr in suspects:
                pattern = fine.get(vr)
                raw = view.value(tag) if pattern and tag in view else None
                if raw is None or pattern is None or pattern.fullmatch(raw):
                    continue
                new = rule.apply_value(tag, raw, view) if rule.apply_value else None
                if new is not None:
                    yield rule, Edit(tag, vr, new)

    def _suspects(self, view: View) -> list[tuple[int, bytes]]:
        """Give tag and VR of all values that may not be fine; nothing, nearly always."""
        checked = [
            (tag, vr)
            for tag in view.tags()
            if (vr := view.vr(tag)) in self._vrs and not view.is_undefined(tag)
        ]
        joined = b"".join(
            part for tag, vr in checked for part in (vr, view.value(tag) or b"", _END)
        )
        return [] if self._all.fullmatch(joined) else checked


__all__ = ["UNDEFINED", "ValuePass", "values"]
