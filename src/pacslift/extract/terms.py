"""What the job says on how its dumps are read: character sets, and ends that come early.

[charset] of job.toml has lines of three widths, and of two kinds:

    "*" = "cp850"                     all text of the dump is in this codec
    "patient" = "cp1252"              that of one table
    "patient.pat_name" = "utf-8-twice"    that of one column: see Recoding

A codec says how bytes are read, whatever the dump declares; a recoding mends text that was read.
The narrowest line of a kind counts; a codec also ends the recoding of a wider line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pacslift.errors import JobFileError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.truncation import REFUSED, Truncation

EVERYWHERE = "*"


class Recoding(StrEnum):
    """Accidents of old systems that are in the text itself, and undone value by value.

    UTF8_TWICE        UTF-8 was taken for Latin-1 and written as UTF-8 again ("MÃ¼ller"), also
                      where UTF-8 lies in a table declared as Latin-1
    LATIN1_IS_CP1252  Windows text was taken for ISO 8859-1: its quotes and dashes are controls
    """

    UTF8_TWICE = "utf-8-twice"
    LATIN1_IS_CP1252 = "latin1-is-cp1252"


@dataclass(frozen=True, slots=True)
class Charsets:
    """The lines of [charset]; tables and columns in lower case."""

    codecs: Mapping[str, str] = field(default_factory=dict)
    recodings: Mapping[str, Recoding] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Mapping[str, str]) -> "Charsets":
        """From job.toml. DumpFormatError for a codec that Python does not have."""
        known = {one.value for one in Recoding}
        return cls(
            {where.lower(): job_codec(said) for where, said in lines.items() if said not in known},
            {where.lower(): Recoding(said) for where, said in lines.items() if said in known},
        )

    def codec(self, table: str, column: str = "") -> str | None:
        """The codec that a person has said the column's bytes are in."""
        return next((self.codecs[w] for w in _widths(table, column) if w in self.codecs), None)

    def recoding(self, table: str, column: str) -> Recoding | None:
        """What is to be undone in the column's text."""
        for width in _widths(table, column):
            if width in self.recodings:
                return self.recodings[width]
            if width in self.codecs:
                return None
        return None

    def by_column(self, table: str) -> dict[str, str]:
        """Codecs of single columns of *table*."""
        start = f"{table.lower()}."
        return {w.removeprefix(start): c for w, c in self.codecs.items() if w.startswith(start)}

    def check(self, tables: Mapping[str, tuple[str, ...]]) -> None:
        """JobFileError for a line whose table or column no dump has: it would change nothing."""
        known = {
            EVERYWHERE,
            *tables,
            *(f"{t}.{c}" for t, columns in tables.items() for c in columns),
        }
        strange = sorted({*self.codecs, *self.recodings} - known)
        if strange:
            raise JobFileError(
                f"[charset] names {strange[0]!r}, which the dump does not have; a line is for "
                '"*", "table" or "table.column"'
            )


def _widths(table: str, column: str) -> tuple[str, ...]:
    """Names of lines that hold for a column, the narrowest first."""
    table = table.lower()
    return (f"{table}.{column.lower()}", table, EVERYWHERE)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all dumps of a job."""

    charsets: Charsets = field(default_factory=Charsets)
    truncation: Truncation = REFUSED
    schema: str | None = None  # whose tables alone are read, of a dump with several schemas
