"""What an object says of its own changes: what it said before, who changed it, when and why.

A changed object gets one item more in its Original Attributes Sequence for each reason (COERCE: the
database or a mapping knows better; CORRECT: a value was not what its VR allows), one item in its
Contributing Equipment Sequence unless ours is there, and the Instance Coercion DateTime. What was
in those sequences stays. The time is the job's, never the clock's: the same job gives the same
bytes. A prior value that breaks its VR stands there empty, and its bytes beside it.

PS3.3 C.12.1.1.9 (Original Attributes), C.12.1.1.5 (Contributing Equipment), PS3.16 CID 7005.
"""

import functools
from dataclasses import dataclass
from struct import Struct

from pacslift.inventory.header import PIXEL_DATA, UNDEFINED, Element, Encoding
from pacslift.repair import conform, explicit, nested, priors, values
from pacslift.repair.priors import Misfit
from pacslift.repair.record import COERCE, CORRECT, Record
from pacslift.repair.splice import element_header, encoded, item_header
from pacslift.repair.view import View

ORIGINAL, EQUIPMENT, COERCED_AT = 0x04000561, 0x0018A001, 0x00080015
_CHARACTER_SET = 0x00080005
_MODIFIED, _NONCONFORMING, _NONCONFORMING_VALUE = 0x04000550, 0x04000551, 0x04000552
_MODIFIED_AT, _SYSTEM, _SOURCE, _REASON = 0x04000562, 0x04000563, 0x04000564, 0x04000565
_SELECTOR, _SELECTOR_NUMBER = 0x00720026, 0x00720028
_POINTER, _POINTER_ITEMS = 0x00720052, 0x00741057  # Selector Sequence Pointer
_LONGEST_TEXT = 64  # LO, PS3.5 6.2
_MOST_PRIOR = 0xFFFE  # bytes of a prior value that are kept; larger ones are bulk data
_SEQUENCE_END_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is written into every object that is changed.

    modifying_system  Modifying System (0400,0563), LO: "pacslift 0.1.0 job NAME"
    revised           the job's `revised` time as DT: "20261122120000+0000"
    source            Source of Previous Values (0400,0564), LO: "LEGACY@SITE"; may be empty
    version           Software Versions (0018,1020) in Contributing Equipment
    """

    modifying_system: str
    revised: str
    source: str = ""
    version: str = ""


def elements(view: View, record: Record, said: Provenance) -> dict[int, tuple[memoryview]]:
    """Give the elements that tell of the changes on record, whole, by tag."""
    batch = record.batch
    if batch is None or ORIGINAL in view or EQUIPMENT in view or _CHARACTER_SET in view.edits:
        return _elements(view, record.reasons, said)
    known = batch.kept.get(said)
    if known is None:  # all that they are made of is the same for all objects of the batch
        known = batch.kept[said] = _elements(view, record.reasons, said)
    return known


def _elements(
    view: View, reasons: dict[int, str], said: Provenance
) -> dict[int, tuple[memoryview]]:
    encoding = view.encoding
    made = {COERCED_AT: _coerced_at(said.revised, encoding)}
    items = [
        _original_item(view, sorted(tag for tag in reasons if reasons[tag] == reason), reason, said)
        for reason in (COERCE, CORRECT)
        if reason in reasons.values()
    ]
    made[ORIGINAL] = _appended(view, ORIGINAL, b"".join(items))
    mark, item = _equipment(said, encoding)
    if mark not in (view.value(EQUIPMENT) or b""):
        made[EQUIPMENT] = _appended(view, EQUIPMENT, item)
    return {tag: (one,) for tag, one in made.items()}


@functools.lru_cache(maxsize=64)
def _coerced_at(revised: str, encoding: Encoding) -> memoryview:
    return encoded(COERCED_AT, b"DT", values.padded(b"DT", revised.encode("ascii")), encoding)


def _original_item(view: View, tags: list[int], reason: str, said: Provenance) -> bytes:
    """One item of the Original Attributes Sequence."""
    encoding = view.encoding
    prior, nonconforming = _priors(view, tags)
    body = _sequence(_MODIFIED, prior, encoding)
    if nonconforming:
        body += _sequence_of(_NONCONFORMING, nonconforming, encoding)
    body += _tail(reason, said, encoding)
    return item_header(len(body), encoding) + body


@functools.lru_cache(maxsize=64)
def _tail(reason: str, said: Provenance, encoding: Encoding) -> bytes:
    """The part of an item that is the same for all objects of a job."""
    return b"".join(
        _element(tag, vr, text, encoding)
        for tag, vr, text in (
            (_MODIFIED_AT, b"DT", said.revised),
            (_SYSTEM, b"LO", said.modifying_system[:_LONGEST_TEXT]),
            (_SOURCE, b"LO", said.source[:_LONGEST_TEXT]),
            (_REASON, b"CS", reason),
        )
    )


def _priors(view: View, tags: list[int]) -> tuple[bytes, list[bytes]]:
    """Give the elements as they were, in one run, and an item for each nonconforming one."""
    stored = view.stored
    places, encoding = stored.header.places, view.encoding
    if _CHARACTER_SET in view.edits and _CHARACTER_SET in places and _CHARACTER_SET not in tags:
        tags = sorted([*tags, _CHARACTER_SET])  # the prior texts are written in it
    prior: list[bytes] = []
    nonconforming: list[bytes] = []
    for tag in tags:
        place = places.get(tag)
        if place is None:
            if tag != _CHARACTER_SET:  # an empty one would speak of the prior texts beside it
                prior.append(_empty(tag, view.vr(tag), encoding))
            continue
        if tag == PIXEL_DATA:
            continue
        kept, item = _prior(view, tag)
        prior.append(kept)
        if item:
            nonconforming.append(item)
    return b"".join(prior), nonconforming


def _prior(view: View, tag: int) -> tuple[bytes, bytes]:
    """Give one element as it was; where it breaks its VR empty, and its bytes as an item."""
    stored, encoding = view.stored, view.encoding
    element = stored.header.find(tag)
    if element is None or element.end - element.value > _MOST_PRIOR:
        return b"", b""
    raw = stored.source.read(element.value, element.end - element.value)
    vr = element.vr or values.standard_vr(tag)
    if vr == b"SQ" and raw:
        return _prior_sequence(view, element, raw)
    if conform.conforms(vr, raw, view.original_codecs()):
        if len(raw) & 1:
            return _element_bytes(tag, vr, values.padded(vr, raw), encoding), b""
        return stored.source.read(element.start, element.end - element.start), b""
    return _empty(tag, vr, encoding), _nonconforming(Misfit((), (), tag, raw), encoding)


def _prior_sequence(view: View, element: Element, raw: bytes) -> tuple[bytes, bytes]:
    """Give a sequence as it was, and an item for each value inside that breaks its VR."""
    stored, encoding = view.stored, view.encoding
    content = nested.content_of(encoding, b"SQ", raw)
    declared = (stored.value(_CHARACTER_SET) or b"").strip(b"\0 ")
    character_set = declared or view.value(_CHARACTER_SET) or b""
    value, misfits = priors.of_sequence(element.tag, raw, content, character_set)
    if not misfits:
        return stored.source.read(element.start, element.end - element.start), b""
    if element.length == UNDEFINED:
        value = value[:-_SEQUENCE_END_LENGTH]
    kept = _element_bytes(element.tag, b"SQ", value, encoding)
    return kept, b"".join(_nonconforming(one, encoding) for one in misfits)


def _nonconforming(misfit: Misfit, encoding: Encoding) -> bytes:
    """One item of the Nonconforming Modified Attributes Sequence; the value is kept as OB."""
    mark, raw = ">" if encoding is Encoding.EXPLICIT_BIG else "<", misfit.raw
    selector, pointer = (_tags(tags, mark) for tags in ((misfit.tag,), misfit.path))
    items = "\\".join(map(str, misfit.items))
    body = (
        _element_bytes(_SELECTOR, b"AT", selector, encoding)
        + _element_bytes(_SELECTOR_NUMBER, b"US", Struct(mark + "H").pack(1), encoding)
        + (_element_bytes(_POINTER, b"AT", pointer, encoding) if pointer else b"")
        + (_element(_POINTER_ITEMS, b"IS", items, encoding) if pointer else b"")
        + _element_bytes(_NONCONFORMING_VALUE, b"OB", raw + b"\0" * (len(raw) & 1), encoding)
    )
    return item_header(len(body), encoding) + body


def _tags(tags: tuple[int, ...], mark: str) -> bytes:
    return b"".join(Struct(mark + "HH").pack(tag >> 16, tag & 0xFFFF) for tag in tags)


def equipment_of(said: Provenance, encoding: Encoding, deed: str) -> bytes:
    """Give our item of the Contributing Equipment Sequence, for an object that was made anew."""
    return _equipment(said, encoding, deed)[1]


@functools.lru_cache(maxsize=64)
def _equipment(
    said: Provenance, encoding: Encoding, deed: str = "Header made right while migrating an archive"
) -> tuple[bytes, bytes]:
    """Give our item of the Contributing Equipment Sequence, and the run of bytes that marks it.

    Ours once for each version: the time and the job of an earlier run do not count.
    """
    mark = b"".join(
        _element(tag, b"LO", text, encoding)
        for tag, text in (
            (0x00080070, "pacslift"),
            (0x00081090, "pacslift"),
            (0x00181020, said.version[:_LONGEST_TEXT]),
        )
    )
    purpose = b"".join(
        _element(tag, vr, text, encoding)
        for tag, vr, text in (
            (0x00080100, b"SH", "109103"),
            (0x00080102, b"SH", "DCM"),
            (0x00080104, b"LO", "Modifying Equipment"),
        )
    )
    body = (
        mark
        + _element(0x0018A002, b"DT", said.revised, encoding)
        + _element(0x0018A003, b"ST", deed, encoding)
        + _sequence(0x0040A170, purpose, encoding)
    )
    return mark, item_header(len(body), encoding) + body


def _appended(view: View, tag: int, items: bytes) -> memoryview:
    """Give a sequence with items more at its end; its length is defined from then on."""
    value = view.value(tag) or b""
    if value and view.vr(tag) == b"UN":
        value = explicit.items(value, view.content(tag))
    elif view.is_undefined(tag):
        value = value[:-_SEQUENCE_END_LENGTH]
    return encoded(tag, b"SQ", value + items, view.encoding)


def _sequence(tag: int, body: bytes, encoding: Encoding) -> bytes:
    """A sequence of one item."""
    return _sequence_of(tag, [item_header(len(body), encoding) + body], encoding)


def _sequence_of(tag: int, items: list[bytes], encoding: Encoding) -> bytes:
    return _element_bytes(tag, b"SQ", b"".join(items), encoding)


def _element(tag: int, vr: bytes, text: str, encoding: Encoding) -> bytes:
    return _element_bytes(tag, vr, values.padded(vr, text.encode("ascii", "replace")), encoding)


def _element_bytes(tag: int, vr: bytes, value: bytes, encoding: Encoding) -> bytes:
    return element_header(tag, vr, len(value), encoding) + value


def _empty(tag: int, vr: bytes, encoding: Encoding) -> bytes:
    return element_header(tag, vr, 0, encoding)
