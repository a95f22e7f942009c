"""What the database or a mapping says of an object, compared with what the object says itself.

Strategy: an overlay is compiled once for all objects of a study. For each way in which objects are
written (encoding and character set) its elements are encoded once, header and all; for an object
there is left to see whether one before it said the same of these attributes: then the same
follows, down to the record of the change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import PIXEL_DATA, Encoding
from pacslift.repair import jsonmodel, same, texts, values
from pacslift.repair.changes import change_of
from pacslift.repair.rule import Batch, Edit
from pacslift.repair.splice import encoded

if TYPE_CHECKING:
    from pacslift.inventory.bytesource import Segment
    from pacslift.repair.view import View

DATABASE, MAPPING = "DB", "MAP"
_CHARACTER_SET = 0x00080005
_WRITTEN_WAYS = 64  # encodings times character sets that are kept; real studies have one or two
_MOST_MET = 1024  # objects of a study say one thing, or a few
_NO_BATCH = Batch({}, (), {})
_NOT_OURS = {
    _CHARACTER_SET: "says how the file is written, not how the database is",
    0x04000561: "is the record of what was changed",
    PIXEL_DATA: "is the image",
}


class _Ready(NamedTuple):
    """An attribute as it stands in an object written in one way."""

    tag: int
    vr: bytes
    raw: bytes
    edit: Edit


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """An overlay for objects written in one way.

    unfit  the tags whose text does not fit into the character set
    met    what objects said of these attributes, and what came of it
    """

    ready: tuple[_Ready, ...]
    unfit: tuple[int, ...]
    tags: tuple[int, ...]
    met: dict[tuple[object, ...], Batch] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CompiledOverlay:
    """Attributes made ready to be compared and written, ascending by tag."""

    attributes: tuple[tuple[int, str, Mapping[str, Any]], ...] = ()
    _ways: dict[tuple[str, bytes], Written] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.attributes)

    @property
    def tags(self) -> frozenset[int]:
        """What it has a word on."""
        return frozenset(tag for tag, _, _ in self.attributes)

    def written(self, view: "View") -> Written:
        """Give the elements as they stand in an object that is written like this one."""
        way = view.encoding.value, view.value(_CHARACTER_SET) or b""
        known = self._ways.get(way)
        if known is None:
            if len(self._ways) >= _WRITTEN_WAYS:
                self._ways.clear()
            known = self._ways[way] = self._write(view, way[1])
        return known

    def _write(self, view: "View", character_set: bytes) -> Written:
        form = jsonmodel.Form(view.encoding, texts.codecs_of(character_set))
        ready: list[_Ready] = []
        unfit: list[int] = []
        for tag, key, attribute in self.attributes:
            raw = jsonmodel.value_of(key, attribute, form)
            if raw is None:
                unfit.append(tag)
                continue
            vr = jsonmodel.vr_of(key, attribute)
            ready.append(_Ready(tag, vr, raw, _edit(view, tag, vr, raw, attribute)))
        return Written(tuple(ready), tuple(unfit), tuple(one.tag for one in ready))


NOTHING = CompiledOverlay()


def _edit(view: "View", tag: int, vr: bytes, raw: bytes, attribute: Mapping[str, Any]) -> Edit:
    whole = encoded(tag, vr, raw, view.encoding)
    rule = str(attribute.get("rule") or DATABASE)
    after = values.shown(vr, raw, texts.codecs_of(view.value(_CHARACTER_SET) or b""))
    return Edit(tag, vr, raw, rule=rule, written=whole, after=after)


def compile_overlay(*levels: Mapping[str, Mapping[str, Any]]) -> CompiledOverlay:
    """Put the attributes of patient, study, series, instance together; a later level wins.

    Takes   attributes in the DICOM JSON model (PS3.18 F.2), "00100010" to {"vr": "PN", "Value":
            [...]}; one without Value is empty, and rightly so. "rule": "MAP" in an attribute says
            that a mapping and not the database knows it.
    Raises  jsonmodel.JSONModelError, which names the tag.
    """
    merged: dict[int, tuple[str, Mapping[str, Any]]] = {}
    for level in levels:
        for key, attribute in level.items():
            tag = jsonmodel.tag_of(key)
            if tag in _NOT_OURS or not tag & 0xFFFF:
                why = _NOT_OURS.get(tag, "is the length of a group")
                raise jsonmodel.JSONModelError(f"{key} cannot be laid over an object: it {why}")
            jsonmodel.vr_of(key, attribute)
            merged[tag] = key, attribute
    compiled = CompiledOverlay(tuple((tag, *merged[tag]) for tag in sorted(merged)))
    _try_out(compiled)
    return compiled


def _try_out(compiled: CompiledOverlay) -> None:
    """Encode every attribute once, so that a bad one is met before the first object."""
    unicode = jsonmodel.Form(Encoding.EXPLICIT_LITTLE, texts.codecs_of(texts.UNICODE))
    for _, key, attribute in compiled.attributes:
        jsonmodel.value_of(key, attribute, unicode)


def edits(view: "View") -> Iterator[Edit]:
    """Give an Edit for each attribute that the object has otherwise. The rule "DB"."""
    yield from batch(view).edits.values()


def batch(view: "View") -> Batch:
    """Give the same, with all that follows of it; from memory, if another object said the same.

    Raises  SetAsideError TEXT_UNREADABLE where a text does not fit, nor may be made to.
    """
    overlay = view.orders.overlay
    if not overlay.attributes:
        return _NO_BATCH
    written = overlay.written(view)
    if written.unfit:
        raise SetAsideError(
            Cause.TEXT_UNREADABLE,
            f"{values.name(written.unfit[0])} as the database has it does not fit into the "
            "object's Specific Character Set; allow rule CS1 to rewrite the object in ISO_IR 192",
        )
    said = view.as_written(written.tags)
    known = written.met.get(said)
    if known is None:
        known = _batch(view, written.ready)
        if len(written.met) >= _MOST_MET:
            written.met.clear()
        written.met[said] = known
    return known


def _batch(view: "View", ready: tuple[_Ready, ...]) -> Batch:
    changed = {one.tag: one.edit for one in ready if _differs(view, one)}
    changes = [change_of(view, edit.rule, edit, there=tag in view) for tag, edit in changed.items()]
    whole: dict[int, tuple[Segment, ...]] = {
        tag: (edit.written,) for tag, edit in changed.items() if edit.written is not None
    }
    return Batch(changed, tuple(changes), whole)


def _differs(view: "View", one: _Ready) -> bool:
    there = view.value(one.tag)
    if there == one.raw or (there is None and not one.raw):
        return False
    return there is None or not same.reads_alike(view, one.tag, one.vr, there, one.raw)
