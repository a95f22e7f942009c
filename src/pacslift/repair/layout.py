"""Which elements a header has and with which VRs: the same for nearly all objects of a series.

What rules want to know of it ("all texts", "all sequences") is worked out once for a layout and
kept, so an object whose layout was met before costs one look-up.
"""

import functools
from collections.abc import Collection
from dataclasses import dataclass, field
from operator import itemgetter

from pacslift.inventory.header import Encoding, Header
from pacslift.repair import values

_MOST_KEPT = 256
_vr = itemgetter(0)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The elements of a top level as they stand in the file, whatever their values.

    tags   in the order of the file
    vrs    tag to VR; the dictionary's under Implicit VR
    """

    tags: tuple[int, ...]
    vrs: dict[int, bytes]
    _of: dict[frozenset[bytes], tuple[int, ...]] = field(default_factory=dict)

    def of(self, vrs: frozenset[bytes]) -> tuple[int, ...]:
        """Give the tags of the elements with one of these VRs."""
        known = self._of.get(vrs)
        if known is None:
            known = self._of[vrs] = tuple(tag for tag in self.tags if self.vrs[tag] in vrs)
        return known


def layout_of(header: Header) -> Layout:
    """Give the layout of a header that was walked."""
    places = header.places
    written = b"" if header.encoding is Encoding.IMPLICIT_LITTLE else _written(places.values())
    return _layout(tuple(places), written)


def _written(places: Collection[tuple[bytes, int, int, int]]) -> bytes:
    return b"".join(map(_vr, places))


@functools.lru_cache(maxsize=_MOST_KEPT)
def _layout(tags: tuple[int, ...], written: bytes) -> Layout:
    if not written:
        return Layout(tags, {tag: values.standard_vr(tag) for tag in tags})
    return Layout(tags, {tag: written[2 * n : 2 * n + 2] for n, tag in enumerate(tags)})
