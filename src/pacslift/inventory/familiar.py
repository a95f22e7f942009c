"""Stretches of headers that were walked before, and need not be walked again.

Objects of a series say the same in most of their elements. Where two headers have the same bytes at
the same offsets, the elements between are remembered as a run: the next header that has these bytes
there is compared with one memcmp and has those elements, since an element is what its bytes say
wherever the walk has come to. What a walk finds is the same with runs and without.

Cost: learning compares two headers and is done for few; what is remembered is bounded.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

Place: TypeAlias = tuple[bytes, int, int, int]  # vr, start, value, length

_SHORTEST = 6  # elements; below it a run costs what it saves
_MOST_BYTES = 8 * 1024**2
_MOST_SEEN = 64
_MOST_RUNS = 4  # at one offset
_EAGER, _THEN = 64, 16  # the first so many walks teach, then one of so many


class Run(NamedTuple):
    """Whole elements in tag order, of defined and even length, and the bytes that they are."""

    data: bytes
    places: dict[int, Place]
    end: int
    first: int
    last: int


class Familiar:
    """The runs of one encoding, by the offset where they begin. May be used by several threads."""

    def __init__(self) -> None:
        self.runs: dict[int, tuple[Run, ...]] = {}
        self._seen: dict[tuple[int, int, int], tuple[bytes, Mapping[int, Place]]] = {}
        self._walks = 0
        self._bytes = 0

    def run_at(self, position: int, data: bytes, at: int, last: int, reach: int) -> Run | None:
        """Give the run that stands at *position*, which is data[at:]; None if there is none.

        Takes   *last*, the tag in front of it; *reach*, the offset that no element may pass.
        """
        for run in self.runs.get(position, ()):
            if data.startswith(run.data, at) and last < run.first and run.end <= reach:
                return run
        return None

    def learn(self, places: Mapping[int, Place], data: bytes, base: int, size: int) -> None:
        """Compare a header with one of the same length; remember what both have.

        Takes   the places of a header in tag order, and *data*, the source from offset *base* on,
                of which the first *size* bytes count.
        """
        self._walks += 1
        if self._walks > _EAGER and self._walks % _THEN:
            return
        limit = base + size
        stop = max((start for _, start, value, _ in places.values() if value <= limit), default=0)
        before = self._seen.get((base, stop, size))
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[base, stop, size] = data, places
        if before is not None:
            for stretch in _common(places, before[1], data, before[0], base, limit):
                self._remember(stretch, data, base)

    def _remember(self, stretch: dict[int, Place], data: bytes, base: int) -> None:
        if len(stretch) < _SHORTEST:
            return
        first, last = next(iter(stretch)), next(reversed(stretch))
        start, end = stretch[first][1], stretch[last][2] + stretch[last][3]
        run = Run(data[start - base : end - base], stretch, end, first, last)
        known = self.runs.get(start, ())
        if any(one.data == run.data for one in known):
            return
        self._bytes += len(run.data)
        if self._bytes > _MOST_BYTES:
            self.runs.clear()
            self._bytes = len(run.data)
        self.runs[start] = (run, *known[: _MOST_RUNS - 1])


def _common(
    places: Mapping[int, Place],
    other_places: Mapping[int, Place],
    data: bytes,
    other: bytes,
    base: int,
    limit: int,
) -> Iterator[dict[int, Place]]:
    """Give the stretches of elements that both headers have, at the same offsets."""
    stretch: dict[int, Place] = {}
    for tag, place in places.items():
        _, start, value, length = place
        end = value + length
        if (
            end <= limit
            and not length & 1
            and other_places.get(tag) == place
            and data[start - base : end - base] == other[start - base : end - base]
        ):
            stretch[tag] = place
        else:
            yield stretch
            stretch = {}
    yield stretch
