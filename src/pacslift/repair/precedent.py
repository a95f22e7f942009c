"""An object that is like one before it: what the rules said of that one holds for this one too.

Strategy: while an object is repaired, all that the rules look at is noted (watching.py). The next
one of the same structure that has the same bytes there gets the same edits without a rule being
asked: its own bytes, cut at the same places. Where a rule looked at no more than the form of a
value, another value of that form will do. Any difference, and the rules are asked as ever.

"The same structure" is exact: both data sets begin at the same offset, and the header of every
element (tag, VR, length) is among the bytes compared, so each element leads to the same next one.

Cost: one masked comparison of the header's bytes, whatever the number of elements and rules. What
is kept is bounded.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from re import Pattern
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pacslift.inventory.stored import StoredObject
from pacslift.repair.rule import Change
from pacslift.repair.said import Identity
from pacslift.repair.splice import Cut
from pacslift.repair.valuepass import END, in_form
from pacslift.repair.view import ESCAPES
from pacslift.repair.watching import Seen, Span

Bytes: TypeAlias = npt.NDArray[np.uint8]

MOST_BYTES = 16 * 1024  # of a header; larger ones are not kept
_WORD = 8


@dataclass(slots=True)
class Answer:
    """What came of the rules: the same for every object that the precedent fits.

    cuts      where the original is cut, and what is put in there
    length    bytes that come of it
    rest      offset from which on the original goes on as it is
    identity  but for the SOP Instance UID, which is each object's own
    """

    cuts: Sequence[Cut]
    rest: int
    length: int
    identity: Identity
    envelope: tuple[str, ...]
    changes: tuple[Change, ...]


class _Look(NamedTuple):
    """How an object is looked at: what must be the same, and what must be of the same form.

    loose    values that were met with several contents, by form
    mask     ones over all bytes that must be the same; *wanted* is what they are
    """

    loose: dict[Pattern[bytes], frozenset[Span]]
    mask: npt.NDArray[np.uint64]
    wanted: bytes


class Precedent:
    """One object's bytes where the rules looked, and their answer.

    tight   0xFF for each byte that must be the same in any case
    """

    def __init__(self, answer: Answer, seen: Seen, data: bytes, tight: Bytes) -> None:
        self.answer = answer
        self._seen = seen
        self._data = data
        self._tight = tight
        self._look = self._looking({})

    def fits(self, head: bytes, facts: Mapping[str, Any]) -> bool:
        """Say whether the rules would say the same of this object.

        Takes   an object of the precedent's kind (precedents.kind_of): the first bytes of its
                source, and the facts of the database.
        """
        if len(head) < len(self._data):
            return False
        look = self._look
        words = np.frombuffer(head, np.uint64, len(look.mask))
        if (words & look.mask).tobytes() != look.wanted:
            wider = self._relaxed(look, head)
            if wider is None:
                return False
            look = self._look = wider  # at once, since other threads may be looking
        for name, said in self._seen.facts.items():
            if facts.get(name) != said:
                return False
        return self._reads_alike(look, head)

    def _reads_alike(self, look: _Look, head: bytes) -> bool:
        """Say whether what was looked at for its form alone has that form."""
        for start, end in self._seen.plain:
            if ESCAPES.search(head, start, end):
                return False
        for form, spans in look.loose.items():
            if not _in_form(head, spans, form):
                return False
        for (is_fine, encoding, vr), places in self._seen.inside.items():
            for start, end in places:
                if not is_fine(head[start:end], encoding, vr):
                    return False
        return True

    def _relaxed(self, look: _Look, head: bytes) -> _Look | None:
        """Let go of the values that differ, if no more than their form was looked at."""
        mine, theirs = (np.frombuffer(one, np.uint8, len(self._data)) for one in (self._data, head))
        different = np.flatnonzero((mine ^ theirs) & look.mask.view(np.uint8))
        if self._tight[different].any():
            return None
        return self._looking(
            {
                form: frozenset(span for span in spans if _any_within(different, span))
                | look.loose.get(form, frozenset())
                for form, spans in self._seen.forms.items()
            }
        )

    def _looking(self, loose: dict[Pattern[bytes], frozenset[Span]]) -> _Look:
        bits = self._tight.copy()
        for form, spans in self._seen.forms.items():
            _mark(bits, spans - loose.get(form, frozenset()))
        mask = bits.view(np.uint64)
        wanted = (np.frombuffer(self._data, np.uint64) & mask).tobytes()
        return _Look({form: spans for form, spans in loose.items() if spans}, mask, wanted)


def precedent_of(stored: StoredObject, head: bytes, seen: Seen, answer: Answer) -> Precedent | None:
    """Keep what was looked at and what came of it.

    None where the first bytes of an object do not tell enough, or the answer has bytes of its own.
    """
    if seen.passed_on:
        return None
    for form, spans in seen.forms.items():
        if not _in_form(head, spans, form):  # each such value was then looked at by itself
            seen.spans |= spans
            spans.clear()
    headers = {Span(start, value) for _, start, value, _ in stored.header.places.values()}
    parts = [headers, seen.spans, seen.plain, *seen.forms.values(), *seen.inside.values()]
    end = max(max((span.end for span in spans), default=0) for spans in parts)
    end = max(end, answer.rest)
    size = -(-end // _WORD) * _WORD
    if size > min(len(head), MOST_BYTES):
        return None
    tight = np.zeros(size, np.uint8)
    _mark(tight, headers)
    _mark(tight, seen.spans)
    return Precedent(answer, seen, head[:size], tight)


def _mark(mask: Bytes, spans: Iterable[Span]) -> None:
    for start, end in spans:
        mask[start:end] = 0xFF


def _any_within(positions: npt.NDArray[np.intp], span: Span) -> bool:
    first, behind = np.searchsorted(positions, span)
    return bool(first < behind)


def _in_form(head: bytes, spans: AbstractSet[Span], form: Pattern[bytes]) -> bool:
    joined = b"".join([head[start:end] + END for start, end in spans])
    return in_form(joined, len(spans), form)
