"""Which character set makes an object's texts the database's (repair.md 3: T01, T02, T05).

Judges are all texts that the database has for the object and that are not plain ASCII: the names of
patient and referring physician, the descriptions of study and series, and whatever else its
attributes say. A character set is right if it reads every text of the object, and more of the
judged ones as the database has them than any other; where several do, they must read all alike.

What an object's own texts leave open, others of its study may tell (study.py): of the character
sets that are right for this one, those that are right for the others, too. Where they contradict
this one, its own texts decide alone, and the report names the study
(ledger_history.charsets_of_a_study).
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeAlias

from pacslift.errors import SetAsideError
from pacslift.repair import texts
from pacslift.repair.rules.names import same_name
from pacslift.repair.view import View

NAME = 0x00100010
UTF8 = "ISO_IR 192"
_CHARSET_VRS = frozenset(b"LO LT PN SH ST UC UT".split())
_CANDIDATES = (
    UTF8,
    *(f"ISO_IR {number}" for number in (100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 166, 13)),
    "GB18030",
    "\\ISO 2022 IR 87",
    "\\ISO 2022 IR 149",
    "\\ISO 2022 IR 58",
)
_ESCAPE = b"\x1b"

Known: TypeAlias = Mapping[int, str]  # tag to what the database has there


class Text(NamedTuple):
    """One text that is not plain ASCII."""

    tag: int
    vr: bytes
    raw: bytes


def known_texts(view: View) -> Known:
    """Give the texts by which the database can judge; one in plain ASCII judges nothing."""
    facts = view.orders.facts
    said: Known = facts.get("texts") or {}
    name = facts.get("patient_name")
    if name and NAME not in said:
        said = {**said, NAME: name}
    return {tag: text for tag, text in said.items() if not text.isascii()}


def foreign_texts(view: View) -> list[Text]:
    """Give the top-level texts with bytes above 0x7F, or with escape sequences."""
    tags = view.tags_of(_CHARSET_VRS)
    return [
        Text(tag, view.vr(tag), raw)
        for tag, raw in zip(tags, view.values_of(tags), strict=True)
        if _is_foreign(raw)
    ]


def judges_of(view: View) -> Known:
    """Give those of known_texts() that are among foreign_texts(), too."""
    return {
        tag: text
        for tag, text in known_texts(view).items()
        if _is_foreign(view.value(tag) or b"") and view.vr(tag) in _CHARSET_VRS
    }


def _is_foreign(raw: bytes) -> bool:
    return not raw.isascii() or _ESCAPE in raw


def read(found: Sequence[Text], terms: str) -> list[str] | None:
    """Give all texts as *terms* has them; None if one of them is no text in it."""
    codecs = _codecs(terms)
    try:
        said = [texts.decode(one.raw, codecs) for one in found]
    except SetAsideError:
        return None
    return None if any("\ufffd" in text or "\x85" <= text[:1] <= "\x9f" for text in said) else said


def alike(vr: bytes, text: str, known: str) -> bool:
    """Say whether a text is what the database has; search keys in upper case are, too."""
    return same_name(text, known) if vr == b"PN" else _plain(text) == _plain(known)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().strip("\0 ")


def agreeing(found: Sequence[Text], said: Sequence[str], known: Known) -> int:
    """Count the texts that read as the database has them."""
    return sum(
        alike(one.vr, text, known[one.tag])
        for one, text in zip(found, said, strict=True)
        if one.tag in known
    )


def best(found: Sequence[Text], known: Known, more_than: int = 0) -> dict[str, list[str]]:
    """Give the character sets by which most texts are the database's, with what they read.

    Takes   *more_than*: how many are by the one that the object declares.
    Gives   none where the database has nothing to judge by, or confirms no more than that.
    """
    if not known:
        return {}
    readings = _readings(found, _CANDIDATES)
    counts = {terms: agreeing(found, said, known) for terms, said in readings.items()}
    most = max(counts.values(), default=0)
    if most <= more_than:
        return {}
    return {terms: readings[terms] for terms, count in counts.items() if count == most}


def judged(
    found: Sequence[Text], own: Mapping[str, list[str]], others: AbstractSet[str] | None
) -> str | None:
    """Give the character set of an object's texts; None where nobody can tell.

    Takes   *own*: what is right for this object (best()); *others*: what is for those of its study,
            None where they say nothing.
    """
    if others:
        said = own or _readings(found, sorted(others, key=_rank))
        both = {terms: reading for terms, reading in said.items() if terms in others}
        if both or not own:
            return _alike(both)
    return _alike(own)


def common(terms: str) -> str:
    """Give the candidate that means the same; *terms* where there is none."""
    return _SPELT.get(_codecs(terms), terms)


def _readings(found: Sequence[Text], sets: Iterable[str]) -> dict[str, list[str]]:
    return {terms: said for terms in sets if (said := read(found, terms)) is not None}


def _alike(readings: Mapping[str, list[str]]) -> str | None:
    """Give the first of these character sets if they read all texts alike."""
    if len({tuple(said) for said in readings.values()}) != 1:
        return None
    return next(iter(readings))


def _rank(terms: str) -> tuple[int, str]:
    known = terms in _CANDIDATES
    return (_CANDIDATES.index(terms) if known else len(_CANDIDATES)), terms


def _codecs(terms: str) -> texts.Codecs:
    return texts.codecs_of(terms.encode("latin-1", "replace"))


_SPELT = {_codecs(terms): terms for terms in reversed(_CANDIDATES)}
