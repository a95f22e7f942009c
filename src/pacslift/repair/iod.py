"""What the classes of images demand, as far as it decides whether an object can be one of them.

iods.json is made by benchmarks/type1_table.py from PS3.3 as data: for each class the attributes of
Type 1 in its mandatory modules, on the top level; for the classes of Secondary Capture all that
they may have. What is of Type 1C hangs on conditions and is no part of it. PS3.5 7.4.
"""

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple

from pacslift.inventory.bitstream import RLE

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_BYTES, _WORDS, _COLOURS = (f"{SECONDARY_CAPTURE}.{end}" for end in (2, 3, 4))
_BYTE, _WORD = 8, 16
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_ULTRASOUND = frozenset({f"{_STORAGE}6.1", f"{_STORAGE}3.1"})
_AS_RGB = frozenset({"", RLE})  # PS3.3 C.8.5.6.1.2


class Form(NamedTuple):
    """What decides which classes pixels fit: samples, bits, frames, colours and compression.

    *syntax* is the transfer syntax of compressed pixels, empty for native ones.
    """

    samples: int
    allocated: int
    frames: int
    photometric: str
    syntax: str


# Classes to the Samples per Pixel and Bits Allocated that they enumerate (PS3.3 C.8.2.1 CT, C.8.3.1
# MR, C.8.1 CR, C.8.11 DX and MG, C.8.7 XA and RF, C.8.9 PET, C.8.4.8 NM, C.8.5.6 US, C.8.12.1 VL).
_GREY = frozenset({1})
_FORMS: Mapping[str, tuple[frozenset[int], frozenset[int]]] = {
    _STORAGE + end: (samples, allocated)
    for ends, samples, allocated in (
        (("2", "4", "128"), _GREY, frozenset({_WORD})),
        (("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"), _GREY, frozenset({_BYTE, _WORD})),
        (("12.1", "12.2", "20"), _GREY, frozenset({_BYTE, _WORD})),
        (("6.1", "3.1"), frozenset({1, 3}), frozenset({_BYTE, _WORD})),
        (("77.1.1", "77.1.2", "77.1.4"), frozenset({1, 3}), frozenset({_BYTE})),
    )
    for end in ends
}


@functools.cache
def _table() -> tuple[Mapping[str, tuple[int, ...]], Mapping[str, frozenset[int]], frozenset[str]]:
    text = (resources.files(__package__) / "iods.json").read_text(encoding="ascii")
    said = json.loads(text)
    type_1 = {uid: _tags(tags) for uid, tags in said["type_1"].items()}
    allowed = {uid: frozenset(_tags(tags)) for uid, tags in said["allowed"].items()}
    return type_1, allowed, frozenset(said["frames"].split())


def _tags(text: str) -> tuple[int, ...]:
    return tuple(int(tag, 16) for tag in text.split())


def type_1_of(sop_class_uid: str) -> tuple[int, ...] | None:
    """Tags that must have a value in a class of images; None for a class that is none, or unknown.

    Pixel Data is not among them, nor what only a condition demands.
    """
    return _table()[0].get(sop_class_uid)


def allowed_in(secondary_uid: str) -> frozenset[int]:
    """Tags that a class of Secondary Capture may have on its top level."""
    return _table()[1][secondary_uid]


def unfit(sop_class_uid: str, form: Form) -> str:
    """Why pixels of this form are none of the class, in words; empty where nothing is known."""
    if form.frames > 1 and sop_class_uid not in _table()[2]:
        return f"the class has one frame, not {form.frames}"
    samples, allocated = _FORMS.get(sop_class_uid, (None, None))
    if samples and form.samples not in samples:
        return f"the class has no {form.samples} samples per pixel"
    if allocated and form.allocated not in allocated:
        return f"the class has no {form.allocated} bits allocated"
    if sop_class_uid in _ULTRASOUND and form.photometric == "RGB" and form.syntax not in _AS_RGB:
        return "the class has no RGB in this compression"
    return ""


def is_secondary(sop_class_uid: str) -> bool:
    """Say whether a class is one of Secondary Capture."""
    return sop_class_uid in _table()[1]


def secondary_of(form: Form, wanted: str) -> str:
    """The class of Secondary Capture for pixels of this form (PS3.3 A.8); *wanted* if it is one.

    What was made of an object once is what is made of it again when its class is known by then.
    """
    if form.frames == 1:
        return SECONDARY_CAPTURE
    if is_secondary(wanted) and wanted != SECONDARY_CAPTURE:
        return wanted
    if form.samples > 1:
        return _COLOURS
    return _BYTES if form.allocated == _BYTE else _WORDS
