"""Cut a dump into statements.

Strategy: one possessive regular expression per dialect and delimiter runs over a whole statement,
jumping over quoted text and comments; it never goes back, so the cost is linear. Rows of data are
not cut here: the caller looks at a statement's first words before asking for the whole of it.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from pacslift.extract.packed.window import Window
from pacslift.patterns import compiled

# Quoted text. Each is prefix-closed: where the bytes end, so may the text.
BACKSLASHED = rb"'(?:[^'\\]++|\\.|\\\Z|'')*+(?:'|\Z)"
DOUBLED = rb"'(?:[^']++|'')*+(?:'|\Z)"

_COMMENT = rb"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_MYSQL = (
    BACKSLASHED,
    rb'"(?:[^"\\]++|\\.|\\\Z|"")*+(?:"|\Z)',
    rb"`[^`]*+(?:`|\Z)",
    rb"--(?:[ \t\r][^\n]*+|(?=\n)|\Z)",
    rb"#[^\n]*+",
    rb"/\*M?!",  # what follows is code that some servers run, and is cut like code
    _COMMENT,
)
_POSTGRES = (
    rb'"[^"]*+(?:"|\Z)',
    rb"--[^\n]*+",
    _COMMENT,
    rb"(?<![\w$])\$\$.*?(?:\$\$|\Z)",
    rb"(?<![\w$])\$(?P<tag>[A-Za-z_\x80-\xff][\w\x80-\xff]*+)\$.*?(?:\$(?P=tag)\$|\Z)",
)


class Dialect(Enum):
    """How text is quoted: what may stand in a statement beside plain words."""

    MYSQL = (BACKSLASHED, _MYSQL)
    POSTGRES = (DOUBLED, (rb"(?<!\w)[eE]" + BACKSLASHED, DOUBLED, *_POSTGRES))
    POSTGRES_ESCAPING = (BACKSLASHED, (BACKSLASHED, *_POSTGRES))  # standard_conforming_strings off

    @property
    def text(self) -> bytes:
        """The pattern of a quoted text without a prefix."""
        pattern: bytes = self.value[0]
        return pattern


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text without its delimiter; *complete* is False where the dump ends in it."""

    text: bytes
    complete: bool


@cache
def _body(dialect: Dialect, delimiter: bytes) -> re.Pattern[bytes]:
    end = re.escape(delimiter)
    plain = rb"[^'\"`/#\-$eE" + re.escape(delimiter[:1]) + rb"]++"
    parts = (plain, *dialect.value[1], rb"(?!" + end + rb").")
    return compiled(rb"(?:" + rb"|".join(parts) + rb")*+(?P<end>" + end + rb")?+", re.DOTALL)


def next_statement(window: Window, dialect: Dialect, delimiter: bytes = b";") -> Statement:
    """Take the statement at the window's place, which moves behind its delimiter."""
    found = window.match(_body(dialect, delimiter))
    if found is None:  # the pattern matches even nothing
        return Statement(b"", complete=False)
    complete = found["end"] is not None
    text = found.group()[: -len(delimiter)] if complete else found.group()
    window.at = found.end()
    return Statement(text, complete)


@cache
def _quoted(dialect: Dialect) -> re.Pattern[bytes]:
    return compiled(rb"|".join(dialect.value[1]), re.DOTALL)


def without_quoted(text: bytes, dialect: Dialect) -> bytes:
    """*text* without its quoted texts and names, and without its comments."""
    return _quoted(dialect).sub(b" ", text)
