"""Which character set the texts of an object are really in (repair.md 3, T01 to T05).

Never guessed. Judge is the database, which has the patient's name as Unicode: a character set is
right if the object's bytes, read by it, give that name, and if it reads all other texts as well.
Where several do, they must read all texts alike. Else a person says it for a device in job.toml.
The bytes stay; Specific Character Set (0008,0005) is written. PS3.3 C.12.1.1.2, PS3.5 6.1.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydicom.charset import python_encoding

from pacslift.errors import Cause, SetAsideError
from pacslift.repair import texts
from pacslift.repair.rule import Edit, Rule, Tier, put
from pacslift.repair.rules.devices import said_of
from pacslift.repair.rules.names import same_name
from pacslift.repair.view import View

_CHARACTER_SET, _NAME = 0x00080005, 0x00100010
_CHARSET_VRS = frozenset(b"LO LT PN SH ST UC UT".split())
_BASIC = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6"})
_UTF8 = "ISO_IR 192"
_CANDIDATES = (
    _UTF8,
    *(f"ISO_IR {number}" for number in (100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 166, 13)),
    "GB18030",
    "\\ISO 2022 IR 87",
    "\\ISO 2022 IR 149",
    "\\ISO 2022 IR 58",
)
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
    "UTF8": _UTF8, "UTF-8": _UTF8, "UTF_8": _UTF8, "LATIN1": "ISO_IR 100",
    "LATIN-1": "ISO_IR 100", "ISO8859-1": "ISO_IR 100", "ISO-8859-1": "ISO_IR 100",
    "ISO 8859-1": "ISO_IR 100", "ISO_8859-1": "ISO_IR 100", "GB-18030": "GB18030",
    "GB 18030": "GB18030",
}  # fmt: skip


class Text(NamedTuple):
    """One text that is not plain ASCII."""

    tag: int
    vr: bytes
    raw: bytes


def _declared(view: View) -> str:
    return view.text(_CHARACTER_SET)


def _foreign_texts(view: View) -> list[Text]:
    """The top-level texts with bytes above 0x7F, and escape sequences if there are any."""
    tags = view.tags_of(_CHARSET_VRS)
    return [
        Text(tag, view.vr(tag), raw)
        for tag, raw in zip(tags, view.values_of(tags), strict=True)
        if raw and not (raw.isascii() and _ESCAPE not in raw)
    ]


def _read(found: Sequence[Text], terms: str) -> list[str] | None:
    """All texts as *terms* has them; None if one of them is no text in it."""
    codecs = texts.codecs_of(terms.encode("ascii"))
    try:
        read = [texts.decode(one.raw, codecs) for one in found]
    except SetAsideError:
        return None
    return None if any("\ufffd" in text or "\x85" <= text[:1] <= "\x9f" for text in read) else read


def _judged(view: View, found: Sequence[Text]) -> str | None:
    """The character set by which the name is the database's; None where nobody can tell."""
    known = view.orders.facts.get("patient_name") or ""
    places = [n for n, one in enumerate(found) if one.tag == _NAME]
    if not places or known.isascii():
        return None
    readings = {
        terms: read
        for terms in _CANDIDATES
        if (read := _read(found, terms)) and same_name(read[places[0]], known)
    }
    different = {tuple(read) for read in readings.values()}
    return next(iter(readings)) if len(different) == 1 else None


def _told(view: View, rule_id: str, found: Sequence[Text]) -> str | None:
    """What job.toml says of this device, or of all; it must read every text."""
    told = (said_of(view, rule_id) or view.orders.rules.of(rule_id)).get("charset")
    if told and _read(found, str(told)) is None:
        raise SetAsideError(
            Cause.TEXT_UNREADABLE,
            f"job.toml [rules.{rule_id}] gives the character set {told!r}, in which a text of the "
            "object cannot be read; correct it, or name this device on its own",
        )
    return str(told) if told else None


def undeclared(view: View) -> Iterator[Edit]:
    """T01: texts beyond ASCII with no character set named."""
    if _declared(view) not in _BASIC:
        return
    found = _foreign_texts(view)
    terms = (_judged(view, found) or _told(view, "T01", found)) if found else None
    if terms:
        yield put(_CHARACTER_SET, b"CS", terms.encode("ascii"))


def misdeclared(view: View) -> Iterator[Edit]:
    """T02: a character set is named, and the database shows that it is another."""
    declared = _declared(view)
    if declared in _BASIC:
        return
    known = view.orders.facts.get("patient_name") or ""
    says = said_of(view, "T02")
    if (known.isascii() and not says) or ((view.value(_NAME) or b"").isascii() and not says):
        return
    found = _foreign_texts(view)
    if not found or _agrees(found, declared, known):
        return
    terms = _judged(view, found) or (_told(view, "T02", found) if says else None)
    if terms and terms != declared:
        yield put(_CHARACTER_SET, b"CS", terms.encode("ascii"))


def _agrees(found: Sequence[Text], declared: str, known: str) -> bool:
    """Say whether the declared character set gives the database's name."""
    read = _read(found, declared) or []
    return any(
        one.tag == _NAME and same_name(text, known) for one, text in zip(found, read, strict=False)
    )


def encoded_twice(view: View) -> Iterator[Edit]:
    """T05: UTF-8 that was taken for another character set and encoded again."""
    known = view.orders.facts.get("patient_name") or ""
    if known.isascii() or _declared(view) != _UTF8:
        return
    found = _foreign_texts(view)
    for codec in _ONCE_TOO_OFTEN:
        undone = {one: _undone(one.raw, codec) for one in found}
        name = next((new for one, new in undone.items() if one.tag == _NAME), None)
        if name is not None and same_name(name.decode("utf-8"), known):
            yield from (put(one.tag, one.vr, new) for one, new in undone.items() if new is not None)
            return


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
        yield put(_CHARACTER_SET, b"CS", new.encode("ascii"))


def _respelt(term: str) -> str:
    if term in python_encoding:
        return term
    upper = term.upper()
    if match := _IR.match(upper):
        return f"ISO 2022 IR {match[2]}" if match[1] else f"ISO_IR {match[2]}"
    return _OTHER_NAMES.get(upper, upper)


def escapes(view: View) -> Iterator[Edit]:
    """T04: escape sequences of character sets that (0008,0005) does not name."""
    if not view.may_have_escapes(_MOST_SEARCHED) or _declared(view) in {_UTF8, "GB18030", "GBK"}:
        return
    found = [one for one in _foreign_texts(view) if _ESCAPE in one.raw]
    used = {
        f"ISO 2022 IR {_ESCAPES[code]}"
        for one in found
        for code in _SEQUENCE.findall(one.raw)
        if code in _ESCAPES
    }
    terms = _declared(view).replace("ISO_IR", "ISO 2022 IR").split("\\")
    missing = sorted(used - set(terms))
    new = "\\".join([*terms, *missing])
    if missing and _read(_foreign_texts(view), new) is not None:
        yield put(_CHARACTER_SET, b"CS", new.encode("ascii"))


RULES = (
    Rule(
        "T03",
        Tier.DETERMINISTIC,
        "A misspelt Specific Character Set (ISO-IR 100, UTF8) is spelt rightly; doubles go.",
        "PS3.3 C.12.1.1.2",
        spelling,
        tags=frozenset({_CHARACTER_SET}),
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
        "A Specific Character Set by which the patient's name is not the database's is replaced "
        "by the one by which it is; or by `charset` for the named devices.",
        "PS3.3 C.12.1.1.2",
        misdeclared,
        tags=frozenset({_CHARACTER_SET}),
    ),
    Rule(
        "T01",
        Tier.OUTSIDE,
        "Texts beyond ASCII without a Specific Character Set get the one by which the patient's "
        "name is the database's; else `charset`, for all or for the named devices.",
        "PS3.3 C.12.1.1.2",
        undeclared,
    ),
    Rule(
        "T05",
        Tier.OUTSIDE,
        "Texts that were encoded in UTF-8 twice are decoded once, if the patient's name is the "
        "database's then.",
        "PS3.5 6.1",
        encoded_twice,
        tags=frozenset({_CHARACTER_SET}),
    ),
)
