"""Values written as calls and concatenations of texts.

Only what dumps hold is read: texts, words (numbers, NULL), calls of named functions, and ``||``.
Nothing is looked up or run but the functions that a format gives; anything else is a ValueError.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from pacslift.patterns import compiled

Value = bytes | None
Function = Callable[[Sequence[Value]], Value]

_MOST = 64  # values and calls inside each other


class Expressions:
    """Reads expressions of one dialect.

    *text* is the pattern of a quoted text, *unquoted* gives its value, *functions* are by
    lower-case name; a word is given to *word*.
    """

    def __init__(
        self,
        text: bytes,
        unquoted: Callable[[bytes], bytes],
        functions: Mapping[bytes, Function],
        word: Callable[[bytes], Value],
    ) -> None:
        self._token = compiled(
            rb"\s*+(?:(?P<text>" + text + rb")|(?P<word>[\w.+-]++)|(?P<mark>\|\||[(),]))", re.DOTALL
        )
        self._unquoted = unquoted
        self._functions = functions
        self._word = word

    def value(self, expression: bytes) -> Value:
        """What *expression* stands for. ValueError where it is none that a dump should hold."""
        value, at = self._sum(expression, 0, 0)
        if expression[at:].strip():
            raise ValueError(f"{expression[:40]!r} is no value that a dump should hold")
        return value

    def _sum(self, text: bytes, at: int, depth: int) -> tuple[Value, int]:
        """Values with ``||`` between them; NULL adds nothing, as in Oracle, or is all there is."""
        parts: list[Value] = []
        while True:
            value, at = self._one(text, at, depth)
            parts.append(value)
            mark = self._token.match(text, at)
            if mark is None or mark["mark"] != b"||":
                break
            at = mark.end()
        if len(parts) == 1:
            return parts[0], at
        return b"".join(part or b"" for part in parts), at

    def _one(self, text: bytes, at: int, depth: int) -> tuple[Value, int]:
        token = self._token.match(text, at)
        if token is None or depth > _MOST:
            raise ValueError(f"{text[at : at + 40]!r} is no value that a dump should hold")
        if token["text"] is not None:
            return self._unquoted(token["text"]), token.end()
        if token["mark"] == b"(":
            value, at = self._sum(text, token.end(), depth + 1)
            return value, self._closed(text, at)
        if token["word"] is None:
            raise ValueError(f"{text[at : at + 40]!r} is no value that a dump should hold")
        opening = self._token.match(text, token.end())
        if opening is None or opening["mark"] != b"(":
            return self._word(token["word"]), token.end()
        return self._call(token["word"].lower(), text, opening.end(), depth + 1)

    def _call(self, name: bytes, text: bytes, at: int, depth: int) -> tuple[Value, int]:
        function = self._functions.get(name)
        if function is None:
            raise ValueError(f"the function {name.decode('ascii', 'replace')!r} is not known")
        arguments: list[Value] = []
        ending = self._token.match(text, at)
        if ending is not None and ending["mark"] == b")":
            return function(arguments), ending.end()
        while True:
            value, at = self._sum(text, at, depth)
            arguments.append(value)
            mark = self._token.match(text, at)
            if mark is None or mark["mark"] != b",":
                return function(arguments), self._closed(text, at)
            at = mark.end()

    def _closed(self, text: bytes, at: int) -> int:
        mark = self._token.match(text, at)
        if mark is None or mark["mark"] != b")":
            raise ValueError(f"{text[:40]!r} is no value that a dump should hold")
        return mark.end()


def number_or_null(word: bytes) -> Value:
    """The value of a bare word: NULL, or a number as its text."""
    if word.upper() == b"NULL":
        return None
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word[:40]!r} is no value that a dump should hold")
    return word


_NUMBER = compiled(rb"[-+]?(?:(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+|(?i:inf))")
