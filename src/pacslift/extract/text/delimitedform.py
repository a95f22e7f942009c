r"""How a delimited text file is written.

Null, empty and a blank are told apart by how a field is spelled, between its delimiters and with
its quotes, so that each product's way is a list of spellings:

    bcp -c      nothing is NULL, a NUL character is empty
                https://learn.microsoft.com/sql/tools/bcp-utility, -c and -k
    Informix    nothing is NULL, `\ ` is empty; each field has a delimiter behind it, the last too
                IBM Informix Guide to SQL: Syntax, UNLOAD statement
    DB2 DEL     nothing is NULL, "" is empty; IBM Db2, "Delimited ASCII (DEL) file format"
    SQL*Plus    nothing and "" are NULL, since Oracle has no empty text;
                SQL*Plus User's Guide, SET MARKUP CSV
    CSV         nothing is NULL, "" is empty; RFC 4180 has neither, nor needs the last line end
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from pacslift.patterns import compiled


class Escape(StrEnum):
    r"""How a quote or a delimiter stands inside a field.

    BACKSLASH takes what follows a backslash as it is; LETTERS knows \n, \r, \t, \b, \0 and \Z
    besides, as MySQL's and PostgreSQL's own text files do.
    """

    NONE = "none"
    DOUBLED = "doubled"
    BACKSLASH = "backslash"
    LETTERS = "letters"


class Binary(StrEnum):
    """How bytes are spelled."""

    HEX = "hex"
    PREFIXED = "0x"
    BASE64 = "base64"


@dataclass(frozen=True)
class TextForm:
    """One way of writing rows as text; all parts are bytes of the file.

    *quote* is one byte or none. *open_end*: the last row may lack its terminator. *chatty*: the
    client has written a blank line before the rows and "12 rows selected." behind them.
    """

    delimiter: bytes
    terminator: bytes = b"\n"
    quote: bytes = b""
    escape: Escape = Escape.NONE
    nulls: frozenset[bytes] = frozenset([b""])
    empties: frozenset[bytes] = frozenset()
    binary: Binary = Binary.HEX
    header: bool = False
    open_end: bool = False
    chatty: bool = False

    @property
    def backslashed(self) -> bool:
        """Whether a backslash escapes."""
        return self.escape in {Escape.BACKSLASH, Escape.LETTERS}

    @cached_property
    def parting(self) -> bytes:
        """Pattern of a delimiter that is not the beginning of a row's terminator."""
        parting = re.escape(self.delimiter)
        if self.terminator.startswith(self.delimiter):
            return rb"(?!" + re.escape(self.terminator) + rb")" + parting
        return parting

    @cached_property
    def field(self) -> bytes:
        """Pattern of a field as it is spelled."""
        return self._either(rb"") if self.quote else self._bare

    @cached_property
    def open_rows(self) -> re.Pattern[bytes]:
        """A row whose terminator is still to come: fields and delimiters up to the end."""
        one = self._either(rb"|\Z") if self.quote else self._bare
        begun = [*_beginnings(self.delimiter), *_beginnings(self.terminator)]
        end = rb"(?:" + rb"|".join(map(re.escape, begun)) + rb")?\Z" if begun else rb"\Z"
        return compiled(one + rb"(?:" + self.parting + one + rb")*+" + end, re.DOTALL)

    def _either(self, or_end: bytes) -> bytes:
        """A field with quotes around it, of which the second is *or_end*, or one without."""
        quote = re.escape(self.quote)
        other = [quote + quote, *([_ESCAPED] if self.backslashed else [])]
        inside = _many(quote + (rb"\\" if self.backslashed else rb""), other)
        quoted = quote + inside + rb"(?:" + quote + or_end + rb")"
        return rb"(?:" + quoted + rb"|" + self._bare + rb")"

    @cached_property
    def _bare(self) -> bytes:
        """A field without quotes around it."""
        stops = rb"".join(map(re.escape, sorted({self.delimiter[:1], self.terminator[:1]})))
        other: list[bytes] = [_ESCAPED] if self.backslashed else []
        if self.backslashed:
            stops += rb"\\"
        if len(self.delimiter) > 1 or len(self.terminator) > 1:
            ends = re.escape(self.delimiter) + rb"|" + re.escape(self.terminator)
            other.append(rb"(?!" + ends + (rb"|\\" if self.backslashed else rb"") + rb").")
        first = rb"(?!" + re.escape(self.quote) + rb")" if self.quote else rb""
        return first + _many(stops, other)


_ESCAPED = rb"\\(?:.|\Z)"


def _many(stops: bytes, other: list[bytes]) -> bytes:
    """Bytes that are none of *stops*, with any of the patterns *other* between them."""
    plain = rb"[^" + stops + rb"]*+"
    return plain + rb"(?:(?:" + rb"|".join(other) + rb")" + plain + rb")*+" if other else plain


def _beginnings(mark: bytes) -> list[bytes]:
    """What of a longer mark can be in view when the rest is not."""
    return [mark[:length] for length in range(len(mark) - 1, 0, -1)]


_CSV = TextForm(b",", quote=b'"', escape=Escape.DOUBLED)
FORMS = {
    "bcp": TextForm(b"\t", empties=frozenset([b"\0"])),
    "informix": TextForm(b"|", b"|\n", escape=Escape.BACKSLASH, empties=frozenset([rb"\ "])),
    "db2": _CSV,
    "sqlplus": replace(_CSV, nulls=frozenset([b"", b'""']), header=True, chatty=True),
    "csv": replace(_CSV, open_end=True),
}
"""How each product writes, if not told otherwise; a manifest says where it was."""
