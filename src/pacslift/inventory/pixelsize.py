"""How long native Pixel Data is, by what the header says of it. PS3.5 8.1, 8.2; PS3.3 C.7.6.3."""

from typing import NamedTuple

_HALF_CHROMA = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})  # two samples for a pixel, not three


class Shape(NamedTuple):
    """What the header says of the pixels; 0 where it does not say it."""

    rows: int
    columns: int
    samples: int
    allocated: int
    photometric: str = ""

    def bits_of_frame(self) -> int:
        """Bits of one native frame; 0 if the header does not say enough."""
        samples = self.samples
        if self.photometric in _HALF_CHROMA and samples == 3:  # noqa: PLR2004
            samples = 2
        return self.rows * self.columns * samples * self.allocated

    def length(self, frames: int) -> int:
        """Bytes of native pixels without their pad; frames of single bits are packed together."""
        return -(-self.bits_of_frame() * frames // 8)
