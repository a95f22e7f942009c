"""Texts, numbers and dates that break the form of their VR (repair.md 3).

Strategy: each VR has one compiled pattern that a good value passes in a fraction of a microsecond;
only what fails it is looked at. A value is changed where the right one follows from its own bytes,
emptied where it means nothing under any reading, and else kept as it is. PS3.5 6.2.
"""

import calendar
import re
from collections.abc import Callable, Iterator

from pacslift.repair import texts
from pacslift.repair.rule import Edit, Faulty, Rule, Tier, put
from pacslift.repair.rules.names import same_name
from pacslift.repair.view import View

_PAD = b" \0"
_LONGEST_DS = 16
_DAYS = rb"(?:0[13578]|1[02])(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)(?:0[1-9]|[12]\d|30)"
_FEBRUARY = rb"02(?:0[1-9]|1\d|2[0-8])"  # the 29th is looked up in the calendar
_DATE = rb"(?:\d{4}(?:" + _DAYS + rb"|" + _FEBRUARY + rb"))?[ \0]*"
_TIME = rb"(?:(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?[ \0]*"


def several(one: bytes) -> bytes:
    r"""A pattern for values of *one* form, with backslashes between them."""
    return rb"(?:" + one + rb")(?:\\(?:" + one + rb"))*"


FINE_DATE, FINE_TIME = several(_DATE), several(_TIME)
FINE_DECIMAL = rb"[^,]*"

_YEAR_FIRST = re.compile(rb"(\d{4})([./-])(\d{1,2})\2(\d{1,2})\Z")
_YEAR_LAST = re.compile(rb"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\Z")
_EIGHT = re.compile(rb"\d{8}\Z")
_COLONS = re.compile(rb"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d*)?)?\Z")
_DIGITS = re.compile(rb"\d{2}(?:\d{2}(?:\d{2}(\.\d*)?)?)?\Z")
_FINE_ONE_TIME = re.compile(_TIME + rb"\Z")
_COMMA = re.compile(rb"[+-]?\d*,\d+(?:[eE][+-]?\d+)?\Z")
_MOST_MONTHS = 12


def date(faulty: Faulty, view: View) -> bytes | None:
    """T13: a DA value in the standard's form; None where nothing is to be done.

    Dotted and ISO dates are unambiguous; days before months only where one of them is above 12, or
    the job says `day_first`. What is no day of any calendar becomes empty, other texts are kept.
    """
    day_first = view.orders.rules.of("T13").get("day_first")
    return _each(faulty.raw, lambda one: _one_date(one, day_first))


def _one_date(one: bytes, day_first: bool | None) -> bytes:
    if match := _YEAR_FIRST.match(one):
        year, _, month, day = match.groups()
    elif match := _YEAR_LAST.match(one):
        first, _, second, year = match.groups()
        if (says := _days_first(int(first), int(second), day_first)) is None:
            return one
        day, month = (first, second) if says else (second, first)
    elif _EIGHT.match(one):
        year, month, day = one[:4], one[4:6], one[6:]
    else:
        return one if any(48 <= byte <= 57 for byte in one) else b""  # noqa: PLR2004 - 0 to 9
    if not _in_calendar(int(year), int(month), int(day)):
        return b""
    return year + month.zfill(2) + day.zfill(2)


def _days_first(first: int, second: int, told: bool | None) -> bool | None:
    """Whether the day stands first; None where only the site could tell."""
    if first > _MOST_MONTHS or second > _MOST_MONTHS:
        return first > _MOST_MONTHS
    return True if first == second else told


def _in_calendar(year: int, month: int, day: int) -> bool:
    """Whether a year of any calendar has this day; year 0 is none."""
    return (
        year > 0
        and 1 <= month <= _MOST_MONTHS
        and 1 <= day <= calendar.monthrange(max(year, 1), month)[1]
    )


def time(faulty: Faulty, _view: View) -> bytes | None:
    """T14: a TM value in the standard's form; None where nothing is to be done.

    Colons go, a fraction keeps six digits; what no clock shows becomes empty, texts are kept.
    """
    return _each(faulty.raw, _one_time)


def _one_time(one: bytes) -> bytes:
    if _FINE_ONE_TIME.match(one):
        return one
    if match := _COLONS.match(one):
        hour, minute, second, fraction = match.groups()
        plain = hour.zfill(2) + minute + (second or b"") + _six(fraction)
    elif match := _DIGITS.match(one):
        fraction = match[1]
        plain = one[: len(one) - len(fraction or b"")] + _six(fraction)
    else:
        return one
    return plain if _FINE_ONE_TIME.match(plain) else b""


def _six(fraction: bytes | None) -> bytes:
    """A fraction with its point, of at most six digits; empty if it has none."""
    digits = (fraction or b"")[1:7]
    return b"." + digits if digits else b""


def decimal(faulty: Faulty, _view: View) -> bytes | None:
    """T16: a DS value with a point where a comma stood; None where nothing is to be done."""
    return _each(faulty.raw, _one_decimal)


def _one_decimal(one: bytes) -> bytes:
    return one.replace(b",", b".") if _COMMA.match(one) and len(one) <= _LONGEST_DS else one


def _each(raw: bytes, mend: Callable[[bytes], bytes]) -> bytes | None:
    r"""Mend each of the values between backslashes; None if none of them changes."""
    before = raw.split(b"\\")
    after = [one if (new := mend(one.strip(_PAD))) == one.strip(_PAD) else new for one in before]
    return None if after == before else b"\\".join(after).rstrip(_PAD)


# PS3.3: attributes whose terms are a closed list, or one that nobody adds to in lower case.
_TERMS: dict[int, frozenset[str]] = {
    tag: frozenset(terms.split())
    for tag, terms in {
        0x00080060: "CR CT DX ES IO IVUS MG MR NM OT PT PX RF RG SC SR TG US XA XC ECG EPS HD OP "
        "OCT PR KO SEG REG RTDOSE RTIMAGE RTPLAN RTSTRUCT RTRECORD AU DOC GM SM LS PLAN",
        0x00080068: "FOR_PRESENTATION FOR_PROCESSING",
        0x00100040: "M F O",
        0x00180015: "ABDOMEN ANKLE ARM BRAIN BREAST CHEST CLAVICLE COCCYX CSPINE ELBOW EXTREMITY "
        "EYE FOOT HAND HEAD HEART HIP JAW KNEE LEG LIVER LSPINE NECK PELVIS SHOULDER SKULL SPINE "
        "SSPINE TSPINE UTERUS WRIST",
        0x00185100: "HFP HFS HFDR HFDL FFDR FFDL FFP FFS",
        0x00185101: "AP PA LL RL RLD LLD RLO LLO",
        0x00200060: "R L",
        0x00200062: "R L U B",
        0x00280004: "MONOCHROME1 MONOCHROME2 RGB YBR_FULL YBR_FULL_422 YBR_ICT YBR_RCT",
    }.items()
}


def defined_terms(view: View) -> Iterator[Edit]:
    """T11: a code in lower case, if it is a term of its attribute in upper case."""
    for tag, terms in _TERMS.items():
        if tag in view:
            text = view.text(tag)
            if text not in terms and (upper := text.upper()) in terms and upper != text:
                yield put(tag, b"CS", upper.encode("ascii"))


_AGE, _BIRTH, _STUDY_DATE = 0x00101010, 0x00100030, 0x00080020
_BARE_AGE = re.compile(r"\d{3}\Z")
_DAY = re.compile(r"(\d{4})(\d{4})\Z")


def age(view: View) -> Iterator[Edit]:
    """T15: three digits without a unit are years, if birth and study are as far apart."""
    text = view.text(_AGE)
    born, studied = _DAY.match(view.text(_BIRTH)), _DAY.match(view.text(_STUDY_DATE))
    if _BARE_AGE.match(text) and born and studied:
        before_birthday = studied[2] < born[2]
        if int(text) == int(studied[1]) - int(born[1]) - before_birthday:
            yield put(_AGE, b"AS", text.encode() + b"Y")


_NAME = 0x00100010


def comma_name(view: View) -> Iterator[Edit]:
    """T09: LAST,FIRST becomes LAST^FIRST, if the database has it so."""
    known, raw = view.orders.facts.get("patient_name"), view.value(_NAME) or b""
    if not known or b"^" in raw or raw.count(b",") != 1:
        return
    last, first = raw.rstrip(_PAD).split(b",")
    new = last.strip() + b"^" + first.strip()
    if new.isascii() and same_name(new.decode("ascii"), known):
        yield put(_NAME, b"PN", new)


_MOST_CHARACTERS = {b"AE": 16, b"CS": 16, b"LO": 64, b"SH": 16}  # PS3.5 table 6.2-1


def shortened(faulty: Faulty, _view: View) -> bytes | None:
    """T10: each value cut to the characters that its VR may have; None where they fit.

    Characters are counted, not bytes. Text with code extensions is kept: cut anywhere, it could
    end inside a shifted state.
    """
    raw, codecs = faulty.raw, faulty.codecs or ("", "")
    most = _MOST_CHARACTERS[faulty.vr]
    if raw.isascii():
        codecs = ("ascii",)
    if len(codecs) > 1 or b"\x1b" in raw:
        return None
    before = [value.strip("\0 ") for value in texts.decode(raw, codecs).split("\\")]
    after = [value[:most].rstrip() for value in before]
    return None if before == after else "\\".join(after).encode(codecs[0])


RULES = (
    Rule(
        "T09",
        Tier.OUTSIDE,
        "A Patient's Name written LAST,FIRST becomes LAST^FIRST if the database has it so.",
        "PS3.5 6.2.1",
        comma_name,
        tags=frozenset({_NAME}),
    ),
    Rule(
        "T11",
        Tier.DETERMINISTIC,
        "A code in lower case becomes upper case where that is a term of its attribute.",
        "PS3.5 6.2",
        defined_terms,
        tags=frozenset(_TERMS),
    ),
)
VALUES = (
    Rule(
        "T13",
        Tier.DETERMINISTIC,
        "A date such as 2001.12.31, 2001-12-31 or 31/12/2001 becomes 20011231; one that is in no "
        "calendar becomes empty. Where day and month could be exchanged it stays, unless "
        "`day_first` says which is first.",
        "PS3.5 6.2",
        fine={b"DA": FINE_DATE},
        apply_value=date,
    ),
    Rule(
        "T14",
        Tier.DETERMINISTIC,
        "A time such as 13:45:10 becomes 134510; a fraction keeps six digits; a time that no "
        "clock shows becomes empty.",
        "PS3.5 6.2",
        fine={b"TM": FINE_TIME},
        apply_value=time,
    ),
    Rule(
        "T16",
        Tier.DETERMINISTIC,
        "A decimal comma becomes a point.",
        "PS3.5 6.2",
        fine={b"DS": FINE_DECIMAL},
        apply_value=decimal,
    ),
)
T10 = Rule(
    "T10",
    Tier.OUTSIDE,
    "A text of more characters than its VR may have (SH, LO, CS, AE) is cut. Off, it is kept: what "
    "is lost may matter, so the site has to want it.",
    "PS3.5 6.2",
    fine={
        vr: rb"[^\\]{0,%d}[ \0]*(?:\\[^\\]{0,%d}[ \0]*)*" % (most, most)
        for vr, most in _MOST_CHARACTERS.items()
    },
    apply_value=shortened,
    on=False,
)
T15 = Rule(
    "T15",
    Tier.DETERMINISTIC,
    "An age of three digits without a unit gets Y, if birth date and study date agree.",
    "PS3.5 6.2",
    age,
    tags=frozenset({_AGE}),
)
