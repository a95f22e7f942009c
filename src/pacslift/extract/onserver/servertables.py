"""Tables and columns as a server's catalog has them."""

import re
from dataclasses import dataclass

from pacslift.extract.shapes import Column
from pacslift.patterns import compiled

_WHOLE = compiled(
    r"(tiny|small|medium|big)?int(eger)?[248]?\s*(\(\d+\))?( unsigned)?", re.IGNORECASE
)
_CHARACTERS = compiled(r"n?(var)?char|character|text", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerColumn:
    """A column as the server spells it. *collation* is "" where the server names none."""

    name: str
    declared: str
    collation: str = ""

    @property
    def whole(self) -> bool:
        """Whether its type holds whole numbers only, so that they compare as their text does."""
        return _WHOLE.fullmatch(self.declared.strip()) is not None

    @property
    def characters(self) -> bool:
        """Whether its type holds characters."""
        return _CHARACTERS.match(self.declared.strip()) is not None

    @property
    def binary(self) -> bool:
        """Whether its type holds bytes."""
        return Column(self.name, self.declared).binary

    def alike(self, other: "ServerColumn") -> bool:
        """Whether both are of one type and collation."""
        return (self.declared, self.collation) == (other.declared, other.collation)


@dataclass(frozen=True, slots=True)
class ServerTable:
    """A table as the server spells it. *schema* is "" where there are none."""

    schema: str
    name: str
    columns: tuple[ServerColumn, ...]

    def column(self, name: str) -> ServerColumn | None:
        """The column called *name* (lower case), None if there is none."""
        return next((c for c in self.columns if c.name.lower() == name), None)
