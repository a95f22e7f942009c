"""What a repair rule is: it looks at an object and says which elements should be otherwise.

A rule never touches bytes in place, reads no clock and no file: a View goes in, Edits come out, or
a SetAsideError for what no rule may heal. engine.py applies the Edits of one rule before it asks
the next, keeps the record, and writes the object. Applied to its own output a rule gives nothing.

What a rule reads is noted, so that objects alike there need not be asked about (precedent.py): it
must look at an object through the View alone, and keep nothing of it but by what it has read.

Cost: a rule with neither `tags` nor `fine` is called for every object, so it must be cheap.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pacslift.inventory.bytesource import Segment
from pacslift.repair.texts import Codecs

if TYPE_CHECKING:
    from pacslift.repair.view import View

__all__ = ["Change", "Edit", "Faulty", "Rule", "Tier", "dropped", "put"]


class Tier(StrEnum):
    """How far a rule reaches (repair.md 0)."""

    ENVELOPE = "A"
    DETERMINISTIC = "B"
    OUTSIDE = "C"
    QUARANTINE = "Q"


class Edit(NamedTuple):
    """One element of the top level, replaced or inserted; removed where *value* is None.

    value   the new value as bytes in the object's encoding; the engine pads it to even length
            (PS3.5 7.1.1). Segments stand for values that stay in the file; they must be even.
    silent  nothing that a reader sees changes: the rule's id goes to the envelope, not to the
            changes nor into the object
    rule    another id than that of the rule that gives the Edit ("MAP" instead of "DB")
    undefined  the value is items and their delimiter, behind a header of undefined length
    written    the whole element, header and all, where the rule has it at hand already
    before, after   the values as text for the record, where the rule knows better words than they
    parts      what changes inside a sequence, for the record instead of the whole of it
    """

    tag: int
    vr: bytes
    value: bytes | tuple[Segment, ...] | None
    silent: bool = False
    rule: str = ""
    undefined: bool = False
    written: memoryview | None = None
    before: str | None = None
    after: str | None = None
    parts: tuple["Change", ...] = ()


class Change(NamedTuple):
    """One element, before and after, by a rule. For the ledger, never for a log.

    *keyword* of an element inside a sequence has those of the sequences before it, with points.
    """

    rule: str
    keyword: str
    before: str | None
    after: str | None


class Faulty(NamedTuple):
    """A value that is not as its VR wants it, on the top level or inside a sequence.

    *codecs* are those of the character set that it is written in.
    """

    tag: int
    vr: bytes
    raw: bytes
    codecs: Codecs


@dataclass(slots=True, eq=False)
class Batch:
    """Edits that were made before for an object that said the same, with all that follows of them.

    written  the whole elements
    kept     what provenance makes of them, by what the job says of itself
    """

    edits: dict[int, Edit]
    changes: tuple[Change, ...]
    written: dict[int, tuple[Segment, ...]]
    kept: dict[object, dict[int, tuple[memoryview]]] = field(default_factory=dict)


Apply: TypeAlias = Callable[["View"], Iterable[Edit]]
ApplyValue: TypeAlias = Callable[[Faulty, "View"], bytes | None]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule: its name in repair.md, what it says of itself, and what it does.

    sentence     what is wrong and what it becomes, for docs and `pacslift rules`
    standard     the section of the standard it rests on, "PS3.5 6.2"
    apply        gives the Edits for an object; None with no *apply_value* either: the fault is
                 healed by reading, and its id comes with the stored object
    tags         apply is called only for objects that have one of these elements; none: for all
    fine         a value rule: VR to the pattern that a right value matches as a whole, padding
                 included (bytes, re.DOTALL)
    apply_value  called for each value of these VRs that does not match, also inside sequences;
                 gives the new value, or None to leave it. Of the view it may ask what the job says
    on           False: works only when job.toml [rules] switches it on
    """

    id: str
    tier: Tier
    sentence: str
    standard: str
    apply: Apply | None = None
    tags: frozenset[int] = frozenset()
    fine: Mapping[bytes, bytes] = field(default_factory=dict)
    apply_value: ApplyValue | None = None
    on: bool = True


def put(tag: int, vr: bytes, value: bytes | tuple[Segment, ...], *, silent: bool = False) -> Edit:
    """Give the Edit that writes an element, whether it is there or not."""
    return Edit(tag, vr, value, silent)


def dropped(tag: int, *, silent: bool = False) -> Edit:
    """Give the Edit that leaves an element out; nothing happens where it is not there."""
    return Edit(tag, b"", None, silent)
