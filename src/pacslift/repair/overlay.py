"""What the database or a mapping says of an object, compared with what the object says itself."""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class CompiledOverlay:
    """Attributes made ready to be compared and written."""

    attributes: tuple[object, ...] = ()


NOTHING = CompiledOverlay()
