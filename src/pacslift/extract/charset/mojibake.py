# ruff: noqa: RUF001 - the characters that are mistaken for others are the subject
"""Text in the wrong character set: what shows it, and what undoes it.

Strategy: a reading is judged by what no language writes: controls, symbols inside words, small
letters among capitals, letters of two scripts in one word, Latin words of nearly nothing but
accents. An accident is believed only where the text as read breaks these rules and the text undone
keeps them, so that rightly read names are never suspected, however rare their letters.
All functions are pure; none is told which language to expect.
"""

import codecs
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pacslift.patterns import compiled

CANDIDATES = (
    *("utf-8", "cp1252", "cp850", "cp437", "cp1250", "cp852", "cp1251", "cp866", "koi8-r"),
    *("cp1253", "cp737", "cp932"),
)
"""Codecs that old archives are met in, the likelier first where they read a text alike."""

_IN_WORDS = frozenset("’‘´·ʼ‐‑–—°ºª")
_BEHIND_WORDS = frozenset("’”»›™®©…°ºª–—·´²³¹‐‑“‘")
_BEFORE_WORDS = frozenset("‘“„‚«‹¿¡–—·•°€£§©®…†±µ№”’´")
_LEADS = frozenset("ÃÂ")  # of nearly all that is written twice; a symbol behind them is its rest
_MOSTLY = 0.6  # of the letters in a Latin word are ASCII, or it is none
_LONG_WORD = 4
_ESCAPE = compiled(r"\\x([0-9a-f]{2})")
_WORDS = compiled(r"[^\W\d_]+")
_SCRIPTS = (
    (0x250, "latin"),
    (0x370, "other"),
    (0x400, "greek"),
    (0x530, "cyrillic"),
    (0x590, "armenian"),
    (0x600, "hebrew"),
    (0x700, "arabic"),
    (0x1E00, "other"),
    (0x1F00, "latin"),
    (0x2000, "greek"),
    (0x2E80, "other"),
    (0xFB00, "cjk"),
    (0xFF61, "other"),
    (0xFFA0, "cjk"),
)


def is_plausible(text: str) -> bool:
    """Whether somebody may have written *text*."""
    if text.isascii():
        return True
    around = f" {text} "
    return all(
        _fits(around[i - 1], c, around[i + 1]) for i, c in enumerate(around) if not c.isascii()
    ) and all(_is_word(word) for word in _WORDS.findall(text) if not word.isascii())


def _fits(before: str, here: str, after: str) -> bool:
    """Whether a character that is not ASCII can stand between its neighbours."""
    kind = _kind(here)
    if kind in {"C", "Z"}:
        return kind == "Z" and not (before.isalpha() and after.isalpha())
    if here.isalpha() and here not in "ºª":
        return _letter_fits(before, here, after)
    if kind == "M":
        return before.isalpha() or _kind(before) == "M"
    if before.isalpha():
        if before in _LEADS:
            return False
        return here in (_IN_WORDS if after.isalpha() else _BEHIND_WORDS) or _script(here) == "cjk"
    return not after.isalpha() or here in _BEFORE_WORDS or _script(here) == "cjk"


def _letter_fits(before: str, here: str, after: str) -> bool:
    """Case: no capital behind a small letter, no small letter before a capital but behind one."""
    scripts = {_script(c) for c in (before, here, after) if c.isalpha() and c not in "ºªµ"}
    if len(scripts) > 1:
        return False
    if here.isupper():
        return not before.islower()
    return not (here.islower() and after.isupper() and here != "ß")


def _is_word(word: str) -> bool:
    """Whether a word's letters are of the kind that its script has most of."""
    if len(word) < _LONG_WORD or _script(word[0]) != "latin":
        return True
    return sum(not c.isascii() for c in word) <= _MOSTLY * len(word)


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    return unicodedata.category(character)[0]


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    point = ord(character)
    return next((name for end, name in _SCRIPTS if point < end), "other")


def latin1_bytes(text: str) -> bytes | None:
    """*text* as the bytes of which Windows-1252 makes it, its five holes included."""
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        pass
    try:
        return b"".join(c.encode("latin1" if _is_control(c) else "cp1252") for c in text)
    except UnicodeEncodeError:
        return None


def _is_control(character: str) -> bool:
    return "\x80" <= character < "\xa0"


def utf8_once(text: str) -> str | None:
    """*text* with one layer of UTF-8 taken for Latin-1 undone; None where there is none."""
    raw = None if text.isascii() else latin1_bytes(unescaped(text))
    try:
        return None if raw is None else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def controls_as_cp1252(text: str) -> str | None:
    """*text* with C1 controls as the characters Windows has there; None where it has none."""
    changed = "".join(_WINDOWS.get(c, c) for c in text)
    return changed if changed != text else None


_WINDOWS = {
    chr(point): shown
    for point in range(0x80, 0xA0)
    if (shown := bytes([point]).decode("cp1252", "ignore"))
}


def unescaped(text: str) -> str:
    r"""*text* whose undecodable bytes were kept as \xNN with them as C1 or Latin-1 characters."""
    return _ESCAPE.sub(lambda hit: chr(int(hit[1], 16)), text) if "\\x" in text else text


def bytes_kept(text: str, codec: str) -> bytes:
    r"""The bytes that were read as *text* in *codec*, those kept as \xNN included."""
    parts = _ESCAPE.split(text)
    return b"".join(
        bytes([int(part, 16)]) if i % 2 else part.encode(codec, "replace")
        for i, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """Codecs that read a sample best: *plausible* values of *of*; alike if all give one text."""

    codecs: tuple[str, ...]
    plausible: int
    of: int
    alike: bool


def best_codecs(values: Sequence[bytes], candidates: Iterable[str] = CANDIDATES) -> Fit:
    """Which codecs make the most of *values*, which should hold bytes beyond ASCII, plausible."""
    readings = {codec: [_read(value, codec) for value in values] for codec in candidates}
    counts = {codec: sum(text is not None for text in read) for codec, read in readings.items()}
    most = max(counts.values(), default=0)
    best = tuple(codec for codec, count in counts.items() if count == most and most)
    if "utf-8" in best:
        best = ("utf-8",)  # other text is hardly ever valid UTF-8
    alike = all(readings[codec] == readings[best[0]] for codec in best)
    return Fit(best, most, len(values), alike)


def _read(value: bytes, codec: str) -> str | None:
    """The text of *value* where it is plausible."""
    try:
        text = codecs.decode(value, codec)
    except UnicodeDecodeError:
        return None
    return text if is_plausible(text) else None
