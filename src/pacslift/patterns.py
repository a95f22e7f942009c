"""Regular expressions with possessive groups, also for a Python whose own are faulty.

Before Python 3.11.5, the one of Debian 12 among them, a possessive group such as `(?:ab?c)*+` takes
what its last, failed turn had begun with: it finds "aca" in "aca" instead of "ac" (CPython issue
106052). A last alternative that never matches, `(?:ab?c|(?!))*+`, sets the place back and changes
nothing else. So it is added there, and nowhere else.
"""

import re
from typing import AnyStr

FAULTY = re.compile("(?:ab?c)*+").match("aca").end() != len("ac")  # type: ignore[union-attr]
# An escape, a set of characters, or the end of a group with what repeats it.
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\)((?:[*+?]|\{\d*,?\d*\})\+)?", re.DOTALL)
_NEVER = "|(?!)"


def compiled(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """re.compile(), right for possessive groups as well. No pattern may be in verbose form."""
    return re.compile(mended(pattern) if FAULTY else pattern, flags)


def mended(pattern: AnyStr) -> AnyStr:
    """*pattern* with an alternative that never matches at the end of each possessive group."""
    if isinstance(pattern, bytes):
        return mended(pattern.decode("latin-1")).encode("latin-1")
    return _PART.sub(lambda part: _NEVER * bool(part[1]) + part[0], pattern)
