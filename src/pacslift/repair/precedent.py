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

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from re import Pattern
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Header
from pacslift.inventory.stencil import Bytes, Stencil, loose, tighten, tighten_headers, whole_words
from pacslift.inventory.stored import StoredObject
from pacslift.repair import escapes
from pacslift.repair.rule import Change
from pacslift.repair.said import Identity
from pacslift.repair.splice import SMALL, Cut
from pacslift.repair.valuepass import END, in_form
from pacslift.repair.watching import Seen, Span

Taker: TypeAlias = Callable[[bytes], Iterable[bytes]]

MOST_BYTES = 16 * 1024  # of a header; larger ones are not kept


@dataclass(slots=True)
class Answer:
    """What came of the rules: the same for every object that the precedent fits.

    cuts      where the original is cut, and what is put in there
    growth    bytes that are more than in the original
    rest      offset from which on the original goes on as it is
    identity  but for the SOP Instance UID, which is each object's own
    """

    cuts: Sequence[Cut]
    rest: int
    growth: int
    identity: Identity
    envelope: tuple[str, ...]
    changes: tuple[Change, ...]


class Joint:
    """An answer's cuts, made ready to be laid over the first bytes of an object after another."""

    __slots__ = ("_kept", "_new")

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self._kept = _taker([(start, end) for start, end, _ in cuts])
        news = [[one for one in new if isinstance(one, memoryview)] for _, _, new in cuts]
        self._new = [*(b"".join(new) for new in news), b""]

    def over(self, head: bytes) -> memoryview:
        """Give the bytes up to the answer's rest, with what is new between them."""
        pairs = zip(self._kept(head), self._new, strict=True)
        return memoryview(b"".join(chain.from_iterable(pairs)))


class _Look(NamedTuple):
    """How an object is looked at: what must be the same, and what must be of the same form.

    loose    values that were met with several contents, by form
    forms    how to take them out of an object, how many they are, and their form
    stencil  all bytes that must be the same
    """

    loose: dict[Pattern[bytes], frozenset[Span]]
    forms: tuple[tuple[Taker, int, Pattern[bytes]], ...]
    stencil: Stencil


class Precedent:
    """One object's bytes where the rules looked, and their answer.

    joint   the cuts of the answer; None where they are none, or what they put in is not small
    tight   0xFF for each byte that must be the same in any case
    """

    def __init__(
        self, answer: Answer, seen: Seen, data: bytes, tight: Bytes, header: Header
    ) -> None:
        self.answer = answer
        self._header = header
        self.joint = Joint(answer.cuts) if _can_be_joined(answer.cuts) else None
        self._seen = seen
        self._facts = tuple(seen.facts.items())
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
        if not look.stencil.fits(head):
            wider = self._relaxed(look, head)
            if wider is None:
                return False
            look = self._look = wider  # at once, since other threads may be looking
        for name, said in self._facts:
            if facts.get(name) != said:
                return False
        return self._reads_alike(look, head)

    def _reads_alike(self, look: _Look, head: bytes) -> bool:
        """Say whether what was looked at for its form alone has that form."""
        for start, end in self._seen.plain:
            if escapes.may_be_in(head, start, end, self._header):
                return False
        for values, count, form in look.forms:
            if not in_form(END.join(values(head)), count, form):
                return False
        for (is_fine, encoding, vr), places in self._seen.inside.items():
            for start, end in places:
                if not is_fine(head[start:end], encoding, vr):
                    return False
        return True

    def _relaxed(self, look: _Look, head: bytes) -> _Look | None:
        """Let go of the values that differ, if no more than their form was looked at."""
        different = look.stencil.differences(head)
        if self._tight[different].any():
            return None
        return self._looking(
            {
                form: frozenset(span for span in spans if _any_within(different, span))
                | look.loose.get(form, frozenset())
                for form, spans in self._seen.forms.items()
            }
        )

    def _looking(self, let_go: dict[Pattern[bytes], frozenset[Span]]) -> _Look:
        tight = self._tight.copy()
        for form, spans in self._seen.forms.items():
            tighten(tight, spans - let_go.get(form, frozenset()))
        kept = {form: spans for form, spans in let_go.items() if spans}
        forms = tuple((_taker(spans), len(spans), form) for form, spans in kept.items())
        return _Look(kept, forms, Stencil(self._data, tight))


def precedent_of(stored: StoredObject, head: bytes, seen: Seen, answer: Answer) -> Precedent | None:
    """Keep what was looked at and what came of it.

    None where the first bytes of an object do not tell enough, or the answer has bytes of its own.
    """
    if seen.passed_on or _is_behind_fragments(stored, answer):
        return None
    for form, spans in seen.forms.items():
        if not _in_form(head, spans, form):  # each such value was then looked at by itself
            seen.spans |= spans
            spans.clear()
    header = stored.header
    headers_end = max(value for _, _, value, _ in header.places.values())
    parts = [seen.spans, seen.plain, *seen.forms.values(), *seen.inside.values()]
    ends = [max((end for _, end in spans), default=0) for spans in parts]
    end = max(headers_end, answer.rest, *ends)
    if whole_words(end) > min(len(head), MOST_BYTES):
        return None
    tight = loose(end)
    tighten_headers(tight, header)
    tighten(tight, seen.spans)
    return Precedent(answer, seen, head[: len(tight)], tight, header)


def _is_behind_fragments(stored: StoredObject, answer: Answer) -> bool:
    """Say whether something is put in behind what another object has longer or shorter."""
    pixels = stored.header.find(PIXEL_DATA)
    return pixels is not None and pixels.length == UNDEFINED and answer.rest > pixels.start


def _can_be_joined(cuts: Sequence[Cut]) -> bool:
    """Say whether spliced() would put all pieces together, which then may be done at once."""
    small = all(
        isinstance(one, memoryview) and len(one) <= SMALL for cut in cuts for one in cut.new
    )
    return bool(cuts) and small


def _taker(spans: Iterable[Span]) -> Taker:
    """Give what takes these stretches out of an object's bytes, and behind them an empty one.

    With which they are never just one, and a text that joins them stands behind each.
    """
    taker: Taker = itemgetter(*[slice(*span) for span in spans], slice(0, 0))
    return taker


def _any_within(positions: npt.NDArray[np.intp], span: Span) -> bool:
    first, behind = np.searchsorted(positions, span)
    return bool(first < behind)


def _in_form(head: bytes, spans: AbstractSet[Span], form: Pattern[bytes]) -> bool:
    joined = b"".join([head[start:end] + END for start, end in spans])
    return in_form(joined, len(spans), form)
