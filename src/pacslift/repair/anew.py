"""The header of an object that never had one: the database's attributes, checked and written.

Which class it becomes is decided here (the rule is the adapter's, [rebuild] iod): the class that
the database names, if all that this class must have is known and the pixels are of its form; else
Secondary Capture with what that may have. What is of Type 2 and unknown is there and empty; what is
of Type 1 and unknown is never made up: then nothing is made at all.
PS3.3 A.8 (Secondary Capture), C.8.6.1 (Conversion Type), C.7.6.1.1.2 (Image Type); PS3.5 7.4.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag

from pacslift.adapter import MODALITY
from pacslift.errors import Cause, SetAsideError
from pacslift.inventory.header import PIXEL_DATA, Encoding
from pacslift.repair import iod, jsonmodel, texts, values
from pacslift.repair.imagepixel import ESSENTIAL, FRAMES, ImagePixel, require_known
from pacslift.repair.jsonmodel import JSONModelError
from pacslift.repair.provenance import EQUIPMENT
from pacslift.repair.rule import Change
from pacslift.repair.rules.completeness import type_2_of
from pacslift.repair.splice import element_header

RULE = "REBUILD"
SOP_CLASS, IMAGE_TYPE, CONVERSION = 0x00080016, 0x00080008, 0x00080064
_CHARACTER_SET = 0x00080005
_ORIENTATION, _POSITION = 0x00200020, 0x00200032  # Patient Orientation, Image Position (Patient)
_LATERALITY, _IMAGE_LATERALITY, _BODY_PART = 0x00200060, 0x00200062, 0x00180015
_PATIENT_POSITION, _ORIENTATION_CODES = 0x00185100, 0x00540410
_CT, _MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
_LYING = frozenset({_CT, _MR})
_REPETITION_TIME = 0x00180080
_PALETTE = (0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203)
_INTERCEPT, _RESCALE_TYPE = 0x00281052, 0x00281054
_PRIVATE = 1 << 16  # the bit that makes a group odd
_ALPHABETS = (b"", b"ISO_IR 100", texts.UNICODE)
_MOST_NAMED = 8

Attribute = Mapping[str, Any]  # of the DICOM JSON model


@dataclass
class Header:
    """Attributes of an object in the making, by tag; *changes* say where they come from."""

    attributes: dict[int, Attribute] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def has_value(self, tag: int) -> bool:
        """Say whether an attribute is there and not empty."""
        said = self.attributes.get(tag, {})
        given = said.get("Value") or []
        return bool(said.get("InlineBinary")) or any(one not in (None, "", {}) for one in given)

    def put(self, tag: int, *given: object) -> None:
        """Add an attribute that follows from the object itself."""
        self.attributes[tag] = {"vr": dictionary_VR(tag).split(" ")[0], "Value": list(given)}
        shown = "\\".join(map(str, given))
        self.changes.append(Change(RULE, values.name(tag), None, shown))


def decide(header: Header, pixels: ImagePixel, wanted: str, rule: str) -> None:
    """Give *header* its SOP class, and what follows from that.

    Takes   *wanted*, the class that the database names, "" if none; *rule*, of REBUILDS.
    Raises  SetAsideError NOT_REBUILT where even Secondary Capture must have what nobody knows.
    """
    why = _against(header, pixels, wanted) if rule == MODALITY else "the adapter says so"
    if why:
        chosen = iod.secondary_of(pixels.form, wanted)
        _capture(header, chosen)
    else:
        chosen, why = wanted, "all that the class must have is known"
    header.attributes[SOP_CLASS] = {"vr": "UI", "Value": [chosen]}
    header.changes.insert(0, Change(RULE, "SOPClassUID", wanted or None, f"{chosen}: {why}"))
    for tag in type_2_of(chosen):
        header.attributes.setdefault(tag, {"vr": dictionary_VR(tag).split(" ")[0]})
    for tag, vr in _perhaps_demanded(header, chosen):
        header.attributes.setdefault(tag, {"vr": vr})


def _perhaps_demanded(header: Header, chosen: str) -> Iterator[tuple[int, str]]:
    """What is of Type 2C, and whether it is demanded hangs on what nobody knows: it may be empty.

    PS3.3 C.7.6.1 (Patient Orientation), C.7.3.1 (Laterality, Patient Position),
    C.8.3.1 (Repetition Time).
    """
    if _POSITION not in header.attributes:
        yield _ORIENTATION, "CS"
    if _IMAGE_LATERALITY not in header.attributes and not header.has_value(_BODY_PART):
        yield _LATERALITY, "CS"
    if chosen == _MR:
        yield _REPETITION_TIME, "DS"
    if chosen in _LYING and _ORIENTATION_CODES not in header.attributes:
        yield _PATIENT_POSITION, "CS"


def _against(header: Header, pixels: ImagePixel, wanted: str) -> str:
    """Why the object cannot be of the class that is wanted; empty if it can."""
    if not wanted:
        return "the database names no class"
    if iod.is_secondary(wanted):
        return "the database says so"
    demanded = iod.type_1_of(wanted)
    if demanded is None:
        return "the class is not one of images in PS3.3"
    lacking = [keyword_for_tag(tag) for tag in demanded if not _known(header, tag)]
    if lacking:
        more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
        return f"it must have {', '.join(lacking[:_MOST_NAMED])}{more}, which nobody knows"
    return iod.unfit(wanted, pixels.form)


def _known(header: Header, tag: int) -> bool:
    return tag in {SOP_CLASS, PIXEL_DATA} or header.has_value(tag)


def _capture(header: Header, chosen: str) -> None:
    """Make it a Secondary Capture: drop what that cannot have, add what is true of every one."""
    allowed = iod.allowed_in(chosen)
    for tag in [tag for tag in header.attributes if not tag & _PRIVATE and tag not in allowed]:
        said = header.attributes.pop(tag)
        if said.get("Value") or said.get("InlineBinary"):
            told = _shown(said)
            header.changes.append(Change(RULE, values.name(tag), told, None))
    if not header.has_value(CONVERSION):
        header.put(CONVERSION, "WSD")  # made on a workstation, PS3.3 C.8.6.1.1
    if not header.has_value(IMAGE_TYPE):
        header.put(IMAGE_TYPE, "DERIVED", "SECONDARY")
    if header.has_value(_INTERCEPT) and not header.has_value(_RESCALE_TYPE):
        header.put(_RESCALE_TYPE, "US")  # unspecified, PS3.3 C.11.1.1.2
    demanded = iod.type_1_of(chosen) or ()
    known = {tag: True for tag in demanded if _known(header, tag)}
    require_known(known, demanded)


def _shown(said: Attribute) -> str:
    """A value for the record."""
    given = said.get("Value") or []
    if "InlineBinary" in said or said["vr"] == "SQ":
        return f"{said['vr']}, {len(given)} items" if given else f"{said['vr']}, binary"
    return "\\".join("=".join(one.values()) if isinstance(one, dict) else str(one) for one in given)


def describe(header: Header, pixels: ImagePixel) -> None:
    """Add the Image Pixel module as far as it is known."""
    for tag, value in pixels.values.items():
        header.put(tag, value)
    if pixels.frames > 1:
        header.put(FRAMES, pixels.frames)
    require_known(pixels.values, ESSENTIAL)
    if pixels.form.photometric == "PALETTE COLOR":
        require_known({tag: header.has_value(tag) or None for tag in _PALETTE}, _PALETTE)


def written(header: Header, equipment: bytes = b"") -> tuple[bytes, bytes]:
    """Give the elements in front of Pixel Data and those behind, Explicit VR Little Endian.

    Takes   *equipment*, one item more of the Contributing Equipment Sequence.
    Rules   the character set is the smallest of ASCII, Latin-1 and Unicode that holds all texts.
    Raises  SetAsideError OVERLAY_UNFIT for an attribute that cannot stand in a header.
    """
    header.attributes.pop(_CHARACTER_SET, None)
    for alphabet in _ALPHABETS:
        form = jsonmodel.Form(Encoding.EXPLICIT_LITTLE, texts.codecs_of(alphabet))
        try:
            found = _elements(header.attributes, form)
        except JSONModelError as error:
            raise SetAsideError(
                Cause.OVERLAY_UNFIT, f"what the old database or the mapping says: {error}"
            ) from error
        if found is not None:
            break
    else:
        raise SetAsideError(Cause.OVERLAY_UNFIT, "a text of the database is no text in Unicode")
    if alphabet:
        raw = values.padded(b"CS", alphabet)
        found[_CHARACTER_SET] = _element(_CHARACTER_SET, b"CS", raw)
    if equipment:
        there = header.attributes.get(EQUIPMENT, {"vr": "SQ"})
        items = jsonmodel.value_of(f"{EQUIPMENT:08X}", there, form) or b""
        found[EQUIPMENT] = _element(EQUIPMENT, b"SQ", items + equipment)
    tags = sorted(found)
    front = b"".join(found[tag] for tag in tags if tag < PIXEL_DATA)
    return front, b"".join(found[tag] for tag in tags if tag > PIXEL_DATA)


def _elements(attributes: Mapping[int, Attribute], form: jsonmodel.Form) -> dict[int, bytes] | None:
    """Give each attribute as an element; None if a text does not fit the character set."""
    found = {}
    for tag, said in attributes.items():
        key = f"{tag:08X}"
        raw = jsonmodel.value_of(key, said, form)
        if raw is None:
            return None
        found[tag] = _element(tag, jsonmodel.vr_of(key, said), raw)
    return found


def _element(tag: int, vr: bytes, raw: bytes) -> bytes:
    return element_header(tag, vr, len(raw), Encoding.EXPLICIT_LITTLE) + raw


def from_database(
    overlay: Sequence[tuple[int, str, Attribute]],
) -> Iterator[tuple[int, Attribute, Change]]:
    """Give the attributes of a compiled overlay with the record of each."""
    for tag, _, said in overlay:
        plain = {name: part for name, part in said.items() if name != "rule"}
        rule = str(said.get("rule") or "DB")
        yield tag, plain, Change(rule, values.name(tag), None, _shown(said))
