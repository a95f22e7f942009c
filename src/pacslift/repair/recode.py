"""A whole object rewritten in Unicode, because a text that belongs in it fits no other way (CS1).

Every text of the top level and of sequences that (0008,0005) of the object speaks of reads as
before. One that nobody can read is left to the overlay where that has it, and refused where it has
not. An item with a character set of its own keeps it. Private elements and UN are left as they
are, since what they hold is not known: each whose bytes are no ASCII is noted.
PS3.3 C.12.1.1.2, PS3.5 6.1.2.
"""

from collections.abc import Iterator

from pacslift.errors import Cause, SetAsideError
from pacslift.repair import conform, nested, texts, values
from pacslift.repair.rule import Edit
from pacslift.repair.view import View

CHARACTER_SET = 0x00080005
_SHORT_MOST = 0xFFFE
_LONG_TEXTS = frozenset({b"UC", b"UT"})


def edits(view: View) -> Iterator[Edit]:
    """Give the edits if the overlay has a text that the object's character set lacks; rule CS1.

    Raises  SetAsideError TEXT_UNREADABLE where a text of the object cannot be read.
    """
    if view.orders.overlay.attributes and view.orders.overlay.written(view).unfit:
        yield from in_unicode(view)


def in_unicode(view: View) -> Iterator[Edit]:
    """Give the edits that rewrite all text of the object in ISO_IR 192.

    A text that cannot be read and that the overlay replaces stays for the rule that does so, which
    puts its bytes on record.
    """
    old = view.value(CHARACTER_SET) or b""
    replaced = view.orders.overlay.tags
    for tag in list(view.tags_but_pixels()):
        vr = view.vr(tag)
        if vr in values.CHARSET_VRS:
            if tag not in replaced or _is_readable(view, tag):
                yield from _rewritten(view, tag, vr)
        elif vr == b"SQ" or (vr == b"UN" and view.is_undefined(tag)):
            value = view.rewritten(tag, lambda inner: _inner(inner, old))
            if value is not None:
                yield Edit(tag, vr, value, silent=True)
    yield Edit(CHARACTER_SET, b"CS", texts.UNICODE)


def _is_readable(view: View, tag: int) -> bool:
    return conform.conforms(view.vr(tag), view.value(tag) or b"", view.codecs())


def _rewritten(view: View, tag: int, vr: bytes) -> Iterator[Edit]:
    raw = view.value(tag) or b""
    if _is_plain(raw):
        return
    if tag >> 16 & 1:
        kept = f"{len(raw)} bytes that are no ASCII, as they were"
        yield Edit(tag, vr, (memoryview(raw),), before=kept, after=kept)
        return
    yield Edit(tag, vr, unicode_of(raw, view.codecs(), vr), silent=True)


def _inner(inner: nested.Inner, old: bytes) -> bytes | None:
    """Rewrite a text inside a sequence, unless its item has a character set of its own."""
    if inner.tag == CHARACTER_SET and inner.value == old:
        return texts.UNICODE
    if inner.vr not in values.CHARSET_VRS or inner.character_set != old or inner.tag >> 16 & 1:
        return None
    return (
        None if _is_plain(inner.value) else unicode_of(inner.value, texts.codecs_of(old), inner.vr)
    )


def _is_plain(raw: bytes) -> bool:
    return raw.isascii() and b"\x1b" not in raw


def unicode_of(raw: bytes, codecs: texts.Codecs, vr: bytes) -> bytes:
    """Give a text in UTF-8.

    Raises  SetAsideError TEXT_UNREADABLE where it is no text, or grows past what its VR holds.
    """
    new = texts.decode(raw, codecs).encode()
    if len(new) > _SHORT_MOST and vr not in _LONG_TEXTS:
        raise SetAsideError(
            Cause.TEXT_UNREADABLE,
            f"a text of {len(new)} bytes in ISO_IR 192 is too long for its VR",
        )
    return new
