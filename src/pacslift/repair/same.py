"""Whether two values read alike although their bytes differ: padding, and empty parts of names.

PS3.5 6.2 (which blanks mean nothing), 6.2.1 (empty components and groups at the end of a name).
"""

from typing import TYPE_CHECKING

from pacslift.errors import SetAsideError
from pacslift.repair import nested, texts, values

if TYPE_CHECKING:
    from pacslift.repair.view import View

_BLANKS = "\0 "


def reads_alike(view: "View", tag: int, vr: bytes, one: bytes, other: bytes) -> bool:
    """Compare two values of an element; *one* is the object's, *other* has the VR given."""
    if vr == b"SQ":
        return _same_items(view, tag, one, other)
    if vr not in values.TEXT_VRS:
        return one == other
    codecs = view.codecs() if vr in values.CHARSET_VRS else ("ascii",)
    return alike(vr, one, other, codecs)


def alike(vr: bytes, one: bytes, other: bytes, codecs: texts.Codecs) -> bool:
    """Compare two texts; one that cannot be read is like no other."""
    try:
        return _bare(vr, texts.decode(one, codecs)) == _bare(vr, texts.decode(other, codecs))
    except SetAsideError:
        return False


def _bare(vr: bytes, text: str) -> list[str]:
    """A text without what means nothing in it."""
    if vr in values.UNSPLIT_VRS:
        return [text.rstrip(_BLANKS)]
    parts = [part.strip(_BLANKS) for part in text.split("\\")]
    return [_bare_name(part) for part in parts] if vr == b"PN" else parts


def _bare_name(name: str) -> str:
    groups = [group.rstrip("^ ") for group in name.split("=")]
    return "=".join(groups).rstrip("=")


def _same_items(view: "View", tag: int, one: bytes, other: bytes) -> bool:
    """Compare two sequences, however each says its lengths."""
    characters = view.value(0x00080005) or b""
    content = nested.content_of(view.encoding, view.vr(tag), one)
    ours = nested.content_of(view.encoding, b"SQ", other)
    try:
        theirs = list(nested.elements(one, content, characters))
        wanted = list(nested.elements(other, ours, characters))
    except SetAsideError:
        return False
    if nested.item_count(one, content) != nested.item_count(other, ours):
        return False
    return len(theirs) == len(wanted) and all(map(_same_inner, theirs, wanted))


def _same_inner(one: nested.Inner, other: nested.Inner) -> bool:
    if (one.path, one.item, one.tag) != (other.path, other.item, other.tag):
        return False
    if one.value == other.value:
        return True
    if other.vr not in values.TEXT_VRS:
        return False
    in_set = other.vr in values.CHARSET_VRS
    codecs = texts.codecs_of(one.character_set) if in_set else ("ascii",)
    return alike(other.vr, one.value, other.value, codecs)
