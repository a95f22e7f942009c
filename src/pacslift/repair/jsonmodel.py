"""Attributes in the DICOM JSON model as element values, and back to comparing them.

PS3.18 F.2: an attribute is {"vr": ..., "Value": [...]}, or with InlineBinary; without either it is
of zero length. Numbers of IS and DS may come as text or as numbers and stay as they are written.
Everything here is done once for a study, so it may take its time; nothing is done for an object.
"""

import base64
import binascii
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydicom.valuerep import format_number_as_ds

from pacslift.inventory.header import Encoding
from pacslift.inventory.nesting import LONG_VRS, SHORT_VRS
from pacslift.repair import texts, values
from pacslift.repair.splice import element_header, item_header

PERSON_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_BINARY = frozenset(b"OB OD OF OL OV OW UN".split())
_WORDS = {b"OW": 2, b"OF": 4, b"OL": 4, b"OD": 8, b"OV": 8}
_SHORT_MOST = 0xFFFE
_KNOWN = frozenset({"vr", "Value", "InlineBinary", "rule"})


class JSONModelError(ValueError):
    """An attribute is not what the DICOM JSON model allows; the text names its tag, no value."""


@dataclass(frozen=True, slots=True)
class Form:
    """How an object is written: its encoding, and the codecs of its character set."""

    encoding: Encoding
    codecs: texts.Codecs


def tag_of(key: str) -> int:
    """Read "00100010"."""
    try:
        tag = int(key, 16) if len(key) == 8 else -1  # noqa: PLR2004 - digits
    except ValueError:
        tag = -1
    if tag < 0x00030000:  # noqa: PLR2004 - groups 0 and 2 are no part of a data set
        raise JSONModelError(f"{key!r} is no tag of a data set; eight hexadecimal digits are")
    return tag


def value_of(key: str, attribute: Mapping[str, Any], form: Form) -> bytes | None:
    """Give an attribute's value as bytes, padded; None where the character set lacks a letter.

    Raises  JSONModelError.
    """
    vr = vr_of(key, attribute)
    if "InlineBinary" in attribute:
        return _swapped(vr, _inline(key, attribute["InlineBinary"]), form.encoding)
    given = attribute.get("Value", [])
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise JSONModelError(f"the Value of {key} is not a list")
    try:
        raw = _WRITERS[vr](key, vr, given, form)
    except (KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
        if isinstance(error, JSONModelError):
            raise
        raise JSONModelError(f"the Value of {key} is not one of VR {vr.decode()}") from error
    if raw is None:
        return None
    if vr not in LONG_VRS and len(raw) > _SHORT_MOST:
        raise JSONModelError(f"the Value of {key} has {len(raw)} bytes; {_SHORT_MOST} fit")
    return values.padded(vr, raw)


def vr_of(key: str, attribute: Mapping[str, Any]) -> bytes:
    """Give the VR that an attribute says, or that the dictionary has for its tag."""
    if not isinstance(attribute, Mapping) or set(attribute) - _KNOWN:
        raise JSONModelError(f"{key} is no attribute of the DICOM JSON model with a value in it")
    said = attribute.get("vr")
    vr = values.standard_vr(tag_of(key)) if said is None else str(said).encode()
    if vr not in LONG_VRS and vr not in SHORT_VRS:
        raise JSONModelError(f"the vr of {key} is {said!r}, which is none")
    return vr


def _inline(key: str, text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise JSONModelError(f"the InlineBinary of {key} is not base64") from error


def _swapped(vr: bytes, raw: bytes, encoding: Encoding) -> bytes:
    """InlineBinary is little endian (PS3.18 F.2.7)."""
    size = _WORDS.get(vr, 1)
    if encoding is Encoding.EXPLICIT_BIG and size > 1 and len(raw) % size == 0:
        words = [raw[at : at + size][::-1] for at in range(0, len(raw), size)]
        raw = b"".join(words)
    return raw + b"\0" * (len(raw) % 2)


def _text(key: str, vr: bytes, given: Sequence[Any], form: Form) -> bytes | None:
    parts = ["" if one is None else one for one in given]
    if not all(isinstance(part, str) for part in parts):
        raise JSONModelError(f"the Value of {key} is not text")
    text = "\\".join(parts)
    if vr in values.CHARSET_VRS:
        return texts.encode(text, form.codecs)
    return text.encode("ascii")


def _person(key: str, _: bytes, given: Sequence[Any], form: Form) -> bytes | None:
    names = []
    for one in given:
        groups = one if isinstance(one, Mapping) else {} if one is None else {"Alphabetic": one}
        if set(groups) - set(PERSON_GROUPS):
            raise JSONModelError(f"the Value of {key} is no person name")
        names.append("=".join(groups.get(group) or "" for group in PERSON_GROUPS).rstrip("="))
    return texts.encode("\\".join(names), form.codecs)


def _digits(_: str, vr: bytes, given: Sequence[Any], __: Form) -> bytes:
    return "\\".join("" if one is None else _number(vr, one) for one in given).encode("ascii")


def _number(vr: bytes, one: object) -> str:
    if isinstance(one, str):
        return one
    if isinstance(one, bool) or not isinstance(one, int | float):
        raise TypeError
    if isinstance(one, float) and vr == b"DS":
        shortest = repr(one)
        return shortest if len(shortest) <= 16 else format_number_as_ds(one)  # noqa: PLR2004
    return str(int(one))


def _binary_numbers(_: str, vr: bytes, given: Sequence[Any], form: Form) -> bytes:
    mark = ">" if form.encoding is Encoding.EXPLICIT_BIG else "<"
    kind: Callable[[Any], Any] = float if vr in {b"FL", b"FD"} else int
    return struct.pack(f"{mark}{len(given)}{values.NUMBERS[vr]}", *map(kind, given))


def _tags(_: str, __: bytes, given: Sequence[Any], form: Form) -> bytes:
    mark = ">" if form.encoding is Encoding.EXPLICIT_BIG else "<"
    if not all(isinstance(one, str) and len(one) == 8 for one in given):  # noqa: PLR2004 - digits
        raise TypeError
    tags = [int(one, 16) for one in given]
    return b"".join(struct.pack(mark + "HH", tag >> 16, tag & 0xFFFF) for tag in tags)


def _items(key: str, _: bytes, given: Sequence[Any], form: Form) -> bytes | None:
    if not all(item is None or isinstance(item, Mapping) for item in given):
        raise JSONModelError(f"the Value of {key} is no list of items")
    items = [elements_of(item or {}, form) for item in given]
    if any(item is None for item in items):
        return None
    return b"".join(
        item_header(len(item), form.encoding) + item for item in items if item is not None
    )


def elements_of(attributes: Mapping[str, Mapping[str, Any]], form: Form) -> bytes | None:
    """Give a set of attributes as the elements of an item; None as value_of() says."""
    written: list[bytes] = []
    for tag, key in sorted((tag_of(key), key) for key in attributes):
        value, vr = value_of(key, attributes[key], form), vr_of(key, attributes[key])
        if value is None:
            return None
        written.append(element_header(tag, vr, len(value), form.encoding) + value)
    return b"".join(written)


def _nothing(key: str, vr: bytes, given: Sequence[Any], _: Form) -> bytes:
    if given:
        raise JSONModelError(f"{key} has VR {vr.decode()}, whose value goes into InlineBinary")
    return b""


Writer = Callable[[str, bytes, Sequence[Any], Form], bytes | None]
_WRITERS: dict[bytes, Writer] = (
    dict.fromkeys(values.TEXT_VRS, _text)
    | dict.fromkeys(values.NUMBERS, _binary_numbers)
    | dict.fromkeys(_BINARY, _nothing)
    | {b"PN": _person, b"IS": _digits, b"DS": _digits, b"AT": _tags, b"SQ": _items}
)
