"""What the rules look at in an object, noted while they do: it is all that their answer rests on.

A rule is pure, so two objects of one structure that have the same bytes wherever the rules looked
at one of them get the same answer. Every way from a rule to the bytes goes through the source, and
every way to the database's facts through their mapping; both are stood in for here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from re import Pattern
from typing import Any, TypeAlias

from pacslift.inventory.bytesource import ByteSource, Segment
from pacslift.inventory.header import UNDEFINED, Encoding
from pacslift.inventory.stored import StoredObject
from pacslift.repair.orders import Orders
from pacslift.repair.view import Look, View

Span: TypeAlias = tuple[int, int]  # bytes of the source, from start to end


@dataclass(slots=True)
class Seen:
    """What was looked at.

    spans   bytes that were read
    forms   values of which only the form was looked at: pattern to their places
    plain   stretches in which no escape sequence was found
    inside  sequences in which a look found all values fine: the look, how they are written, places
    facts   what the database was asked for, and said; None where it said nothing
    passed_on  some bytes were not read but passed on as they are, so the answer holds them; or what
               another object has otherwise without any byte of its header being another
    """

    spans: set[Span] = field(default_factory=set)
    forms: dict[Pattern[bytes], set[Span]] = field(default_factory=dict)
    plain: set[Span] = field(default_factory=set)
    inside: dict[tuple[Look, Encoding, bytes], set[Span]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    passed_on: bool = False


class _Source:
    """A source that notes what is read. Does not own the other one."""

    def __init__(self, source: ByteSource, seen: Seen) -> None:
        self._source = source
        self._seen = seen
        self.size = source.size

    def read(self, offset: int, length: int) -> bytes:
        self._seen.spans.add((offset, offset + length))
        return self._source.read(offset, length)

    def segments(self, start: int, end: int) -> tuple[Segment, ...]:
        self._seen.passed_on = True
        return self._source.segments(start, end)

    def close(self) -> None:
        """Nothing: the source is not ours."""


class _Facts(Mapping[str, Any]):
    """Facts that note what is asked for."""

    def __init__(self, facts: Mapping[str, Any], seen: Seen) -> None:
        self._facts = facts
        self._seen = seen

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as the facts are
        self._seen.facts[name] = self._facts.get(name)
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        self._seen.facts.update(self._facts)
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


class WatchedView(View):
    """A view that notes what is looked at, be it in the first bytes or read from the source."""

    __slots__ = ("seen",)

    def __init__(self, stored: StoredObject, orders: Orders) -> None:
        seen = Seen()
        facts = _Facts(orders.facts, seen)
        super().__init__(
            replace(stored, source=_Source(stored.source, seen)), replace(orders, facts=facts)
        )
        self.seen = seen
        seen.spans.clear()  # what View itself has read

    def value(self, tag: int) -> bytes | None:
        """See View."""
        self.seen.spans.update(self._spans((tag,)))
        return super().value(tag)

    def values_of(self, tags: Sequence[int]) -> list[bytes]:
        """See View."""
        self.seen.spans.update(self._spans(tags))
        return super().values_of(tags)

    def as_written(self, tags: Sequence[int]) -> tuple[object, ...]:
        """See View."""
        self.seen.spans.update(self._spans(tags))
        return super().as_written(tags)

    def values_in_form(self, tags: Sequence[int], form: Pattern[bytes]) -> list[bytes]:
        """See View."""
        before = set(self.seen.spans)
        values = self.values_of(tags)
        self.seen.forms.setdefault(form, set()).update(self.seen.spans - before)
        self.seen.spans.intersection_update(before)
        return values

    def length(self, tag: int) -> int:
        """See View; what rests on how long fragments are is for no other object."""
        self.seen.passed_on |= self.is_undefined(tag)
        return super().length(tag)

    def _spans(self, tags: Sequence[int]) -> list[Span]:
        """Give where the values lie that the object itself has for these tags."""
        places = [self._places[tag] for tag in tags if tag in self._places]
        return [(value, value + length) for _, _, value, length in places if length != UNDEFINED]

    def is_fine_inside(self, tag: int, look: Look) -> bool:
        """See View."""
        before = set(self.seen.spans)
        fine = super().is_fine_inside(tag, look)
        if fine and tag not in self.edits:
            written = look, self.encoding, self.vr(tag)
            self.seen.inside.setdefault(written, set()).update(self.seen.spans - before)
            self.seen.spans.intersection_update(before)
        return fine

    def own_text(self, tag: int) -> str:
        """See View; not noted, since no other object has it."""
        before = set(self.seen.spans)
        text = self.text(tag)
        self.seen.spans.intersection_update(before)
        return text

    def may_have_escapes(self, most: int) -> bool:
        """See View."""
        before = set(self.seen.spans)
        may = super().may_have_escapes(most)
        if not may:
            self.seen.plain |= self.seen.spans - before
            self.seen.spans.intersection_update(before)
        return may
