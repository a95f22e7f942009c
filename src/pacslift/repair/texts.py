"""Text in an object's Specific Character Set, strictly: what does not fit is refused, not replaced.

pydicom's tables say which codec and which escape sequence a defined term stands for; its own
decoding and encoding replace what does not fit by "?" and warn, by a switch for the whole process,
which neither suits an archive nor threads. PS3.5 6.1, PS3.3 C.12.1.1.2.
"""

import functools
import re
import warnings
from collections.abc import Iterable
from typing import TypeAlias

from pydicom.charset import (
    CODES_TO_ENCODINGS,
    convert_encodings,
    encode_string,
    handled_encodings,
    python_encoding,
)

from pacslift.errors import Cause, SetAsideError

Codecs: TypeAlias = tuple[str, ...] | None

UNICODE = b"ISO_IR 192"
_DEFAULT = "iso8859"  # pydicom's for ISO 646, though it takes more than that
_KANA = "shift_jis"  # pydicom's for JIS X 0201, though it takes more than that
_ESCAPE = b"\x1b"
_FRAGMENTS = re.compile(rb"[^\x1b]+|\x1b[^\x1b]*")
# A code extension is void behind these (PS3.5 6.1.2.5.3); "^" and "=" stand in names only, but
# no codec that is left after one of them could read them otherwise.
_RESET = re.compile(rb"[\\^=\r\n\f\t]")
_PARTS = re.compile(r"([\\^=\r\n\f\t])")


@functools.lru_cache(maxsize=256)
def codecs_of(character_set: bytes) -> Codecs:
    """Give Python's codecs for a value of (0008,0005); None where a term is not a defined one.

    The first is that of text without escape sequences.
    """
    terms = [term.strip() for term in character_set.decode("latin-1").strip("\0 ").split("\\")]
    if any(term and term not in python_encoding for term in terms):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is repeated or may not be combined
        return tuple(convert_encodings(terms))


def decode(raw: bytes, codecs: Codecs) -> str:
    """Give a text as it reads, its padding stripped.

    Raises  SetAsideError TEXT_UNREADABLE where the bytes are no text in this character set.
    """
    raw = raw.rstrip(b"\0 ")
    if raw.isascii() and _ESCAPE not in raw:
        return raw.decode("ascii")
    if codecs is None:
        raise _unreadable()
    try:
        return "".join(_fragments(raw, codecs))
    except (LookupError, ValueError) as error:
        raise _unreadable() from error


def _fragments(raw: bytes, codecs: tuple[str, ...]) -> Iterable[str]:
    first = "ascii" if codecs[0] == _DEFAULT else codecs[0]
    for fragment in _FRAGMENTS.findall(raw):
        if fragment[:1] == _ESCAPE:
            yield _escaped(fragment, codecs, first)
        else:
            yield fragment.decode(first)


def _escaped(fragment: bytes, codecs: tuple[str, ...], first: str) -> str:
    """Decode what stands behind an escape sequence, up to the next one (PS3.5 6.1.2.5)."""
    length = 4 if fragment.startswith((b"\x1b$(", b"\x1b$)")) else 3
    codec = CODES_TO_ENCODINGS.get(fragment[:length])
    if codec is None or (codec not in codecs and codec != _DEFAULT):
        raise ValueError("an escape sequence to a character set that is not declared")
    if codec in handled_encodings:
        return fragment.decode(codec)
    reset = _RESET.search(fragment, length)
    end = reset.start() if reset else len(fragment)
    return fragment[length:end].decode(codec) + fragment[end:].decode(first)


def encode(text: str, codecs: Codecs) -> bytes | None:
    """Give a text as bytes, no padding; None where the character set does not hold it."""
    if text.isascii():
        return text.encode("ascii")
    if codecs is None:
        return None
    parts = [_encoded(part, codecs) for part in _PARTS.split(text)]
    known = [part for part in parts if part is not None]
    return b"".join(known) if len(known) == len(parts) else None


def _encoded(part: str, codecs: tuple[str, ...]) -> bytes | None:
    """Encode a part of a text without delimiters; None where reading it back gives another."""
    if part.isascii():
        return part.encode("ascii")
    if len(codecs) == 1 or not all(_held(letter, codecs) for letter in part):
        return _alone(part, codecs[0])
    raw = encode_string(part, list(codecs))
    try:
        return raw if "".join(_fragments(raw, codecs)) == part else None
    except (LookupError, ValueError):
        return None


def _alone(part: str, codec: str) -> bytes | None:
    try:
        raw = part.encode("ascii" if codec == _DEFAULT else codec)
    except UnicodeError:
        return None
    return None if codec == _KANA and len(raw) != len(part) else raw


def _held(letter: str, codecs: tuple[str, ...]) -> bool:
    """Say whether one of the codecs has a letter; pydicom replaces those that none has."""
    return any(_alone(letter, codec) is not None for codec in codecs)


def _unreadable() -> SetAsideError:
    return SetAsideError(
        Cause.TEXT_UNREADABLE,
        "a text cannot be read by the object's Specific Character Set (0008,0005); a rule has to "
        "say which character set it really is",
    )
