"""One element of a data set in memory as the DICOM JSON model writes it (PS3.18 F.2).

Strategy: rendered() is pure, so what it gave is remembered; an archive's elements repeat. IS and DS
stay text (F.2.3 allows it), so that 1.50 stays 1.50. What cannot be said exactly is not said:
replacement characters never take the place of a name.

pydicom is imported where it is needed: each run loads the hooks of all adapters, these lines with
them, and pydicom takes longer to load than a small dump to read.
"""

import functools
import json
import math
import warnings
from base64 import b64encode
from collections.abc import Iterator
from struct import Struct, iter_unpack
from typing import Any, NamedTuple

from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.nesting import (
    BIG,
    ITEM,
    ITEM_END,
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED,
    Content,
    Window,
    behind_sequence,
    inside,
)

CHARACTER_SET = 0x00080005
_REMEMBERED = 1 << 16  # pieces
_LONGEST = 256  # bytes of an element that is worth remembering
_CODED = frozenset(b"LO LT PN SH ST UC UT".split())  # subject to Specific Character Set
_PLAIN = frozenset(b"AE AS CS DA DS DT IS TM UI UR".split())
_SINGLE = frozenset(b"LT ST UR UT".split())  # a backslash is a character there
_NUMBERS = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"UV": "Q", b"SV": "q",
            b"FL": "f", b"FD": "d"}  # fmt: skip
_BULK = frozenset(b"OB OD OF OL OV OW UN".split())
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


class UnsaidError(ValueError):
    """An element that the JSON model cannot say exactly; the message names it, not its value."""


class Piece(NamedTuple):
    """Where an element lies: its value from *value* to *stop*, the next element at *behind*."""

    tag: int
    vr: bytes
    value: int
    stop: int
    behind: int


def element_at(data: bytes, position: int, end: int, content: Content) -> Piece | None:
    """The element at *position*; None where it is cut short or no element."""
    implicit, order = content
    if position + 8 > end:
        return None
    group, element, vr, length = order.explicit.unpack_from(data, position)
    tag, value = group << 16 | element, position + 8
    if implicit:
        vr = _dictionary_vr(tag)
        (length,) = order.length.unpack_from(data, position + 4)
    elif vr in LONG_VRS:
        value += 4
        if value > end:
            return None
        (length,) = order.length.unpack_from(data, position + 8)
    elif vr not in SHORT_VRS:
        return None
    if length != UNDEFINED:
        stop = value + length
        return Piece(tag, vr, value, stop, stop) if stop <= end else None
    window = Window(MemoryBytes(data), value, end)
    found = behind_sequence(
        window, value, inside(window, value, content, unknown=not implicit and vr == b"UN")
    )
    return Piece(tag, vr, value, found.end, found.end) if found.fault is None else None


def piece_of(data: bytes, found: Piece, charset: bytes, content: Content) -> str:
    """The JSON of an element, remembered if it is short. Raises UnsaidError."""
    value = data[found.value : found.stop]
    charset = charset if found.vr in _CODED or found.vr == b"SQ" else b""
    render = rendered if len(value) <= _LONGEST else rendered.__wrapped__
    return render(found.tag, found.vr, value, charset, content)


@functools.lru_cache(_REMEMBERED)
def rendered(tag: int, vr: bytes, value: bytes, charset: bytes, content: Content) -> str:
    """`"GGGGEEEE":{"vr":"..","Value":[..]}`. Raises UnsaidError."""
    said: dict[str, Any] = {"vr": vr.decode("ascii")}
    if vr in _BULK:
        if value:
            said["InlineBinary"] = _inline(tag, vr, value, content)
    elif values := _values(tag, vr, value, charset, content):
        said["Value"] = values
    return f'"{tag:08X}":{json.dumps(said, ensure_ascii=False, separators=(",", ":"))}'


def _values(tag: int, vr: bytes, value: bytes, charset: bytes, content: Content) -> list[Any]:
    if vr == b"SQ":
        return items(value, charset, content)
    if vr == b"AT":
        return [f"{pair[0]:04X}{pair[1]:04X}" for pair in _unpacked(tag, "HH", value, content)]
    if vr in _NUMBERS:
        return [_number(one) for (one,) in _unpacked(tag, _NUMBERS[vr], value, content)]
    text = _text(tag, vr, value, charset).rstrip("\0 ")
    if not text:
        return []
    if vr in _SINGLE:
        return [text]
    values = [one.strip("\0 ") or None for one in text.split("\\")]
    return [_name(one) for one in values] if vr == b"PN" else values


def _unpacked(tag: int, form: str, value: bytes, content: Content) -> Iterator[tuple[Any, ...]]:
    struct = Struct((">" if content.order is BIG else "<") + form)
    if len(value) % struct.size:
        raise UnsaidError(f"{_named(tag)} has {len(value)} bytes, no multiple of {struct.size}")
    return iter_unpack(struct.format, value)


def _number(one: float) -> float | str:
    """JSON has no word for what is no number; F.2.3 takes text."""
    return one if math.isfinite(one) else str(one)


def _inline(tag: int, vr: bytes, value: bytes, content: Content) -> str:
    if content.order is BIG and vr not in {b"OB", b"UN"}:
        raise UnsaidError(f"{_named(tag)} has words in big endian order")
    return b64encode(value).decode("ascii")


def _name(value: str | None) -> dict[str, str] | None:
    """A person's name by its component groups (PS3.5 6.2.1)."""
    if value is None:
        return None
    groups = zip(_GROUPS, value.split("="), strict=False)
    return {group: text.strip() for group, text in groups if text.strip()} or None


def _text(tag: int, vr: bytes, value: bytes, charset: bytes) -> str:
    """The characters of a text. Raises UnsaidError for bytes that its character set lacks."""
    if vr not in _CODED and vr not in _PLAIN:
        raise UnsaidError(f"{_named(tag)} has the VR {vr!r}, which has no text")
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    encodings = _encodings(charset) if vr in _CODED else None
    if encodings is not None:
        from pydicom.charset import decode_bytes  # noqa: PLC0415 - see the module's first lines

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = decode_bytes(value, list(encodings), _resetting(vr))
        if "\ufffd" not in text and "\x1b" not in text:
            return text
    raise UnsaidError(f"{_named(tag)} has bytes that its Specific Character Set does not allow")


def _resetting(vr: bytes) -> set[int]:
    """Characters behind which the first character set holds again (PS3.5 6.1.2.5.3)."""
    return {0x5C, 0x5E, 0x3D} if vr == b"PN" else {0x0D, 0x0A, 0x09, 0x0C, 0x5C}


@functools.lru_cache(64)
def _encodings(charset: bytes) -> tuple[str, ...] | None:
    """Python's names of DICOM character sets; None for the default one, which is 7 bits wide.

    Where code extensions follow the default one it still has 7 bits: pydicom would read Latin-1.
    """
    names = [name.strip() for name in charset.decode("latin-1").strip("\0 ").split("\\")]
    if not any(name not in {"", "ISO_IR 6"} for name in names):
        return None
    from pydicom.charset import convert_encodings, default_encoding  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            known = convert_encodings(names)
        except (LookupError, ValueError):
            return None
    return ("ascii", *known[1:]) if known[0] == default_encoding else tuple(known)


def items(data: bytes, charset: bytes, content: Content) -> list[Any]:
    """The items of a sequence (PS3.5 7.5), each with its own character set if it names one."""
    found: list[Any] = []
    position = 0
    while position + 8 <= len(data):
        group, element, length = content.order.implicit.unpack_from(data, position)
        if group << 16 | element != ITEM:
            break  # the delimiter
        end = len(data) if length == UNDEFINED else position + 8 + length
        item, position = _item(data, position + 8, end, charset, content)
        found.append(item)
    return found


def _item(
    data: bytes, position: int, end: int, charset: bytes, content: Content
) -> tuple[dict[str, Any], int]:
    """One item, and where the next begins."""
    pieces: list[str] = []
    while position < end:
        if _closes(data, position, end, content):
            position += 8
            break
        found = element_at(data, position, end, content)
        if found is None:
            raise UnsaidError(f"an item is cut short or damaged at byte {position}")
        position = found.behind
        if found.tag == CHARACTER_SET:
            charset = data[found.value : found.stop]
        elif found.tag & 0xFFFF:
            pieces.append(piece_of(data, found, charset, content))
    return json.loads("{" + ",".join(pieces) + "}"), position


def _closes(data: bytes, position: int, end: int, content: Content) -> bool:
    """Whether the delimiter of an item stands here."""
    if position + 8 > end:
        return False
    group, element, _ = content.order.implicit.unpack_from(data, position)
    return bool((group << 16 | element) == ITEM_END)


def _dictionary_vr(tag: int) -> bytes:
    """The VR under Implicit VR; the first where the dictionary leaves a choice."""
    from pydicom.datadict import dictionary_VR  # noqa: PLC0415

    try:
        return dictionary_VR(tag)[:2].encode()
    except KeyError:
        return b"UN"


def _named(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
