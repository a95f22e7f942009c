"""How a sequence was before it was changed, as the object tells of it (provenance.py).

The whole of it is kept, as PS3.3 C.12.1.1.9 has it, also where one value deep inside was changed.
A value inside that breaks its VR cannot stand there: it is empty, and its bytes are kept beside it
with the way that leads to it (PS3.3 table 10-20: selector sequence pointer and its items).
"""

from typing import NamedTuple

from pacslift.errors import SetAsideError
from pacslift.inventory.nesting import Content
from pacslift.repair import conform, nested, texts


class Misfit(NamedTuple):
    """A prior value that breaks its VR: its tag, its bytes, and the way to it.

    *path* are the sequences that lead to it, the outermost first, *items* the item of each; none
    for a value on the top level.
    """

    path: tuple[int, ...]
    items: tuple[int, ...]
    tag: int
    raw: bytes


def of_sequence(
    tag: int, value: bytes, content: Content, character_set: bytes
) -> tuple[bytes, list[Misfit]]:
    """Give the items of a sequence without what breaks its VR, and that.

    Takes   *value* as written; a delimiter at its end stays.
    """
    misfits: list[Misfit] = []

    def change(inner: nested.Inner) -> bytes | None:
        codecs = texts.codecs_of(inner.character_set)
        if inner.is_sequence or conform.conforms(inner.vr, inner.value, codecs):
            return None
        misfits.append(Misfit((tag, *inner.path), inner.items, inner.tag, inner.value))
        return b""

    try:
        return nested.rewritten(value, content, character_set, change), misfits
    except SetAsideError:
        return value, []  # damaged inside: as it was, or not at all
