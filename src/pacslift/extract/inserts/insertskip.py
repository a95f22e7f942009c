"""Pass over the rows of INSERT statements that nobody wants, or that are read later.

Strategy: of a mysqldump the semicolons outside of text are found with sets of bits (insertbits.py),
and each is looked at for the same header behind it; many thousand statements cost no more than
one. Of other dialects, and where a header has quotes of its own, regular expressions do it.
"""

import re

from pacslift.extract.inserts.insertheader import is_uneasy
from pacslift.extract.inserts.insertrows import APART, BLANKS
from pacslift.extract.packed.window import Window
from pacslift.extract.scripts.statements import Dialect
from pacslift.patterns import compiled


def skip_rows(window: Window, header: bytes, dialect: Dialect) -> bool:
    """Move from behind VALUES to behind the last semicolon of statements with the same *header*.

    False where the dump ends before a semicolon; the place is then behind some header.
    """
    if dialect is Dialect.MYSQL and not is_uneasy(header):
        # NumPy takes as long to load as a small dump to read, and only MySQL's dumps need it.
        from pacslift.extract.insertbits import skip_by_bits  # noqa: PLC0415

        ended = skip_by_bits(window, header)
        if ended is not None:
            return ended
    return _skip_by_patterns(window, header, dialect)


def _skip_by_patterns(window: Window, header: bytes, dialect: Dialect) -> bool:
    """The same, of any dialect and from any place outside of text on."""
    text = rb"(?:[^';]++|" + dialect.text + rb")*+"
    again = compiled(rb"(?:" + text + APART + re.escape(header) + rb")*+", re.DOTALL)
    last = compiled(text + rb"(;?+)", re.DOTALL)
    while True:
        if dialect is not Dialect.MYSQL and _leap(window, header, dialect) and not window.ended:
            window.grow()
            continue
        if chained := again.match(window.data, window.at):
            window.at = chained.end()
        found = last.match(window.data, window.at)
        if found and found[1] and len(window.data) - found.end() > len(header) + BLANKS:
            window.at = found.end()
            return True
        if not window.grow():
            break
    found = last.match(window.data, window.at)
    window.at = found.end() if found and found[1] else window.at
    return bool(found and found[1])


def _leap(window: Window, header: bytes, dialect: Dialect) -> bool:
    """Move behind the last *header* in view, if all that is passed are statements with it.

    They are when every semicolon at a line's end is followed by the header, and the quotes before
    the last of them are in pairs. That is counted, many times faster than matched.
    """
    next_one = b";\n" + header
    hit = window.data.rfind(next_one, window.at)
    if hit < 0:
        return False
    passed = window.data.count(next_one, window.at, hit)
    ends = (window.data.count(end, window.at, hit) for end in (b";", b";\n"))
    if passed not in ends:
        return False
    if not _quotes_are_paired(window.data[window.at : hit], dialect):
        return False
    window.at = hit + len(next_one)
    return True


def _quotes_are_paired(text: bytes, dialect: Dialect) -> bool:
    """Whether *text*, which begins outside of quotes, ends outside; False if in doubt."""
    if b"\\" in text and dialect is Dialect.POSTGRES:
        return b"\\'" not in text and text.count(b"'") % 2 == 0
    if b"\\" in text:
        text = text.replace(rb"\\", b"")
    return (text.count(b"'") - text.count(rb"\'")) % 2 == 0
