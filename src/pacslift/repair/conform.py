"""Whether a value is what its VR allows: needed where a prior value is to be kept as it was.

PS3.5 6.2. Only what makes a value unreadable counts: wrong letters and forms, undecodable text,
numbers cut short. A text that is too long is kept; readers take it.
"""

import re
from typing import Final

from pacslift.errors import SetAsideError
from pacslift.repair import texts, values

_DATE = rb"\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_TIME = rb"(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?"
_ONE: dict[bytes, bytes] = {
    b"AS": rb"\d{3}[DWMY]",
    b"CS": rb" *[A-Z0-9 _]*",
    b"DA": _DATE,
    b"DS": rb" *[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)? *",
    b"DT": rb"\d{4}[-+.\d]{0,22} *",
    b"IS": rb" *[-+]?\d{1,11} *",
    b"TM": _TIME + rb" *",
    b"UI": rb"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*",
}


def _whole(one: bytes) -> re.Pattern[bytes]:
    """Any number of values, each empty or right; padding behind."""
    return re.compile(rb"(?:(?:%b)?(?:\\(?:%b)?)*)[ \0]?" % (one, one))


_FORMS: Final = {vr: _whole(one) for vr, one in _ONE.items()}
_WIDTHS: Final = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4, b"AT": 4, b"FL": 4, b"FD": 8}


def conforms(vr: bytes, raw: bytes, codecs: texts.Codecs) -> bool:
    """Say whether a value, padding included, can be read as its VR says."""
    form = _FORMS.get(vr)
    if form is not None:
        return form.fullmatch(raw) is not None
    if vr in values.CHARSET_VRS:
        return _readable(raw, codecs)
    return len(raw) % _WIDTHS.get(vr, 1) == 0


def _readable(raw: bytes, codecs: texts.Codecs) -> bool:
    try:
        texts.decode(raw, codecs)
    except SetAsideError:
        return False
    return True
