"""Specific Character Set (0008,0005) as an object's texts really are (repair.md 3, T01 to T05).

Never guessed. Judge is the database, which has texts of the object as Unicode (judge.py); where it
cannot tell, a person says it for a device in job.toml. The bytes stay unless they were encoded
twice; Specific Character Set is written. PS3.3 C.12.1.1.2, PS3.5 6.1.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from pydicom.charset import python_encoding

from pacslift.errors import Cause, SetAsideError
from pacslift.repair.rule import Edit, Rule, Tier, put
from pacslift.repair.rules.devices import said_of
from pacslift.repair.rules.judge import (
    UTF8,
    Known,
    Text,
    agreeing,
    alike,
    best,
    common,
    foreign_texts,
    judged,
    judges_of,
    known_texts,
    read,
)
from pacslift.repair.rules.study import BASIC, CHARACTER_SET, of_others
from pacslift.repair.view import View

_ONCE_TOO_OFTEN = ("latin-1", "cp1252")  # what UTF-8 is taken for when it is encoded twice
_ESCAPE = b"\x1b"
_MOST_SEARCHED = 64 * 1024
# PS3.3 tables C.12-3 and C.12-4.
_ESCAPES = {
    b"-A": 100, b"-B": 101, b"-C": 109, b"-D": 110, b"-L": 144, b"-G": 127, b"-F": 126,
    b"-H": 138, b"-M": 148, b"-b": 203, b"-T": 166, b")I": 13, b"(J": 13,
    b"$B": 87, b"$(D": 159, b"$)C": 149, b"$)A": 58,
}  # fmt: skip
_SEQUENCE = re.compile(rb"\x1b([(\-)].|\$[()]?.)", re.DOTALL)
_IR = re.compile(r"ISO[ _-]*(2022)?[ _-]*IR[ _-]*(\d+)\Z")
_OTHER_NAMES = {
    "UTF8": UTF8, "UTF-8": UTF8, "UTF_8": UTF8, "LATIN1": "ISO_IR 100",
    "LATIN-1": "ISO_IR 100", "ISO8859-1": "ISO_IR 100", "ISO-8859-1": "ISO_IR 100",
    "ISO 8859-1": "ISO_IR 100", "ISO_8859-1": "ISO_IR 100", "GB-18030": "GB18030",
    "GB 18030": "GB18030",
}  # fmt: skip


def _declared(view: View) -> str:
    return view.text(CHARACTER_SET)


def _told(view: View, rule_id: str, found: Sequence[Text]) -> str | None:
    """What job.toml says of this device, or of all; it must read every text."""
    told = (said_of(view, rule_id) or view.orders.rules.of(rule_id)).get("charset")
    if told and read(found, str(told)) is None:
        raise SetAsideError(
            Cause.TEXT_UNREADABLE,
            f"job.toml [rules.{rule_id}] gives the character set {told!r}, in which a text of the "
            "object cannot be read; correct it, or name this device on its own",
        )
    return str(told) if told else None


def undeclared(view: View) -> Iterator[Edit]:
    """T01: texts beyond ASCII with no character set named."""
    if (declared := _declared(view)) not in BASIC:
        return
    found = foreign_texts(view)
    if not found:
        return
    own = best(found, judges_of(view))
    terms = judged(found, own, of_others(view, declared)) or _told(view, "T01", found)
    if terms:
        yield put(CHARACTER_SET, b"CS", terms.encode("ascii"))


def misdeclared(view: View) -> Iterator[Edit]:
    """T02: a character set is named, and the database shows that it is another."""
    declared = _declared(view)
    if declared in BASIC:
        return
    known, says = judges_of(view), said_of(view, "T02")
    if not says and not known_texts(view):
        return
    found = foreign_texts(view)
    agree = agreeing(found, said, known) if (said := read(found, declared)) is not None else 0
    if not found or (known and agree == len(known)):
        return
    own = best(found, known, agree)
    terms = judged(found, own, None if agree else of_others(view, declared))
    terms = terms or (_told(view, "T02", found) if says else None)
    if terms and common(terms) != common(declared):
        yield put(CHARACTER_SET, b"CS", terms.encode("ascii"))


def encoded_twice(view: View) -> Iterator[Edit]:
    """T05: UTF-8 that was taken for another character set and encoded again."""
    if _declared(view) != UTF8:
        return
    known = judges_of(view)
    if not known:
        return
    found = [one for one in foreign_texts(view) if not _right(one, known)]
    undone = {
        codec: {one: new for one in found if (new := _undone(one.raw, codec)) is not None}
        for codec in _ONCE_TOO_OFTEN
    }
    counts = {codec: _agreeing_once(news, known) for codec, news in undone.items()}
    best = max(_ONCE_TOO_OFTEN, key=lambda codec: counts[codec])  # the first of two alike
    if counts[best]:
        yield from (put(one.tag, one.vr, new) for one, new in undone[best].items())


def _right(one: Text, known: Known) -> bool:
    """Say whether a text is the database's as it stands."""
    return one.tag in known and bool((said := read([one], UTF8)) and agreeing([one], said, known))


def _agreeing_once(news: Mapping[Text, bytes], known: Known) -> int:
    return sum(
        alike(one.vr, new.decode("utf-8"), known[one.tag])
        for one, new in news.items()
        if one.tag in known
    )


def _undone(raw: bytes, codec: str) -> bytes | None:
    """The text before it was encoded again; None if it was not."""
    try:
        once = raw.decode("utf-8").encode(codec)
        once.decode("utf-8")
    except UnicodeError:
        return None
    return None if once == raw or once.isascii() else once


def spelling(view: View) -> Iterator[Edit]:
    """T03: a name of a character set that is only misspelt."""
    declared = _declared(view)
    terms = [term.strip() for term in declared.split("\\")]
    if all(term in python_encoding for term in terms) and len(set(terms)) == len(terms):
        return
    right = list(dict.fromkeys(_respelt(term) for term in terms))
    new = "\\".join(right)
    if new != declared and all(term in python_encoding for term in right):
        yield put(CHARACTER_SET, b"CS", new.encode("ascii"))


def _respelt(term: str) -> str:
    if term in python_encoding:
        return term
    upper = term.upper()
    if match := _IR.match(upper):
        return f"ISO 2022 IR {match[2]}" if match[1] else f"ISO_IR {match[2]}"
    return _OTHER_NAMES.get(upper, upper)


def escapes(view: View) -> Iterator[Edit]:
    """T04: escape sequences of character sets that (0008,0005) does not name."""
    if not view.may_have_escapes(_MOST_SEARCHED) or _declared(view) in {UTF8, "GB18030", "GBK"}:
        return
    found = [one for one in foreign_texts(view) if _ESCAPE in one.raw]
    used = {
        f"ISO 2022 IR {_ESCAPES[code]}"
        for one in found
        for code in _SEQUENCE.findall(one.raw)
        if code in _ESCAPES
    }
    terms = _declared(view).replace("ISO_IR", "ISO 2022 IR").split("\\")
    missing = sorted(used - set(terms))
    new = "\\".join([*terms, *missing])
    if missing and read(foreign_texts(view), new) is not None:
        yield put(CHARACTER_SET, b"CS", new.encode("ascii"))


RULES = (
    Rule(
        "T03",
        Tier.DETERMINISTIC,
        "A misspelt Specific Character Set (ISO-IR 100, UTF8) is spelt rightly; doubles go.",
        "PS3.3 C.12.1.1.2",
        spelling,
        tags=frozenset({CHARACTER_SET}),
    ),
    Rule(
        "T04",
        Tier.DETERMINISTIC,
        "A Specific Character Set that lacks what the texts' escape sequences call for gets it, "
        "if every text can be read then.",
        "PS3.5 6.1.2.5",
        escapes,
    ),
    Rule(
        "T02",
        Tier.OUTSIDE,
        "A Specific Character Set by which texts are not the database's (names of patient and "
        "physician, descriptions), in this object or in others of its study and device that "
        "declare the same, is replaced by the one by which they are; or by `charset` for the named "
        "devices.",
        "PS3.3 C.12.1.1.2",
        misdeclared,
        tags=frozenset({CHARACTER_SET}),
    ),
    Rule(
        "T01",
        Tier.OUTSIDE,
        "Texts beyond ASCII without a Specific Character Set get the one by which most texts that "
        "the database has too are the database's, in this object and in others of its study; else "
        "`charset`, for all or the named devices.",
        "PS3.3 C.12.1.1.2",
        undeclared,
    ),
    Rule(
        "T05",
        Tier.OUTSIDE,
        "Texts that were encoded in UTF-8 twice are decoded once, if one of them is the "
        "database's then.",
        "PS3.5 6.1",
        encoded_twice,
        tags=frozenset({CHARACTER_SET}),
    ),
)
