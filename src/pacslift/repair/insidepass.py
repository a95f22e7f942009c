"""The value rules inside sequences, to any depth.

Strategy: a sequence is looked through as one flat run of element headers, since items and sequences
within it are themselves headers that can be stepped over; nothing is built. The sequences of a
series are mostly the same, so what was fine is kept. Only where a value is not fine is the sequence
taken to pieces (nested.py), rule by rule.

Rules   A sequence that is damaged inside, or longer than MOST (contours, frames by the thousand),
        is left as it is, as all of it was before.
Cost    a look-up for a sequence that was met before, else about half a microsecond an element.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from re import Pattern

from pacslift.errors import SetAsideError
from pacslift.inventory.header import Encoding
from pacslift.inventory.nesting import ITEM_GROUP, LONG_VRS, SHORT_VRS, UNDEFINED, Content
from pacslift.repair import nested, texts, values
from pacslift.repair.rule import Change, Edit, Faulty, Rule
from pacslift.repair.view import View

MOST = 256 * 1024  # bytes of a sequence that is looked into
_MOST_MET = 2048  # sequences that were fine
_LONGEST_MET = 1024  # bytes
_SEQUENCE_END = 0xE0DD
_SEQUENCE = frozenset({b"SQ"})
_FRAGMENTED = frozenset({b"OB", b"OW"})


class InsidePass:
    """Value rules, for what lies inside sequences."""

    def __init__(self, fine: Sequence[Mapping[bytes, Pattern[bytes]]]) -> None:
        vrs = {vr for forms in fine for vr in forms}
        self._forms = {
            vr: re.compile(
                b"".join(b"(?=(?:%b)\\Z)" % forms[vr].pattern for forms in fine if vr in forms),
                re.DOTALL,
            )
            for vr in vrs
        }
        self._met: set[tuple[bytes, Encoding, bytes]] = set()

    def suspects(self, view: View) -> list[int]:
        """Give the tags of the sequences in which a value may not be fine; none, nearly always."""
        tags = [*view.tags_of(_SEQUENCE), *_unknown(view)]
        return [
            tag for tag in tags if view.length(tag) <= MOST and not view.is_fine_inside(tag, self)
        ]

    def __call__(self, value: bytes, encoding: Encoding, vr: bytes) -> bool:
        """Say whether all values inside a sequence are fine, or none of them can be told."""
        if not value or (met := (value, encoding, vr)) in self._met:
            return True
        fine = self._walk(value, nested.content_of(encoding, vr, value))
        if fine and len(value) <= _LONGEST_MET:
            if len(self._met) >= _MOST_MET:
                self._met.clear()
            self._met.add(met)
        return fine

    def _walk(self, value: bytes, content: Content) -> bool:  # noqa: C901, PLR0912
        """Say whether each value is fine up to the end or to damage."""
        # One flat loop over local names, since this is asked of many objects.
        form_of, position, size = self._forms.get, 0, len(value)
        implicit, order = content
        unpack, unpack_length = order.explicit.unpack_from, order.length.unpack_from
        outer: list[Content] = []  # around each open sequence of undefined length
        while position + 8 <= size:
            group, element, vr, length = unpack(value, position)
            start = position + 8
            if group == ITEM_GROUP:
                if element == _SEQUENCE_END:
                    if not outer:
                        return True
                    implicit, order = content = outer.pop()
                    unpack, unpack_length = order.explicit.unpack_from, order.length.unpack_from
                position = start
                continue
            if implicit:
                (length,) = unpack_length(value, position + 4)
                vr = values.standard_vr(group << 16 | element)
            elif vr in LONG_VRS and start + 4 <= size:
                (length,) = unpack_length(value, start)
                start += 4
            elif vr not in SHORT_VRS:
                return True
            if length == UNDEFINED:
                if vr in _FRAGMENTED:
                    return True
                outer.append(content)
                if vr == b"UN" and not implicit:
                    content = nested.content_of(Encoding.EXPLICIT_LITTLE, vr, value[start:])
                    implicit, order = content
                    unpack, unpack_length = order.explicit.unpack_from, order.length.unpack_from
                position = start
            elif vr == b"SQ":
                position = start
            else:
                position = start + length
                form = form_of(vr)
                if form and position <= size and not form.match(value, start, position):
                    return False
        return True


def _unknown(view: View) -> Iterator[int]:
    """Give the tags of sequences under the VR UN."""
    return (tag for tag in view.stored.header.ends if tag in view and view.vr(tag) == b"UN")


def edit_of(view: View, tag: int, rule: Rule, fine: Mapping[bytes, Pattern[bytes]]) -> Edit | None:
    """Give what a rule makes of the values inside a sequence; None where it leaves them all."""
    parts: list[Change] = []

    def change(inner: nested.Inner) -> bytes | None:
        pattern = fine.get(inner.vr)
        if inner.is_sequence or pattern is None or pattern.fullmatch(inner.value):
            return None
        codecs = texts.codecs_of(inner.character_set)
        faulty = Faulty(inner.tag, inner.vr, inner.value, codecs)
        new = rule.apply_value(faulty, view) if rule.apply_value else None
        if new is None or values.padded(inner.vr, new) == inner.value:
            return None
        path = ".".join(map(values.name, (tag, *inner.path, inner.tag)))
        before, after = (values.shown(inner.vr, raw, codecs) for raw in (inner.value, new))
        parts.append(Change(rule.id, path, before, after))
        return new

    try:
        value = view.rewritten(tag, change)
    except SetAsideError:
        return None  # damaged behind the value that is not fine
    return None if value is None else Edit(tag, view.vr(tag), value, parts=tuple(parts))
