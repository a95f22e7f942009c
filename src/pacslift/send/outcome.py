"""What an answer to C-STORE means for us, as a table. PS3.4 Table B.2-1, PS3.7 Annex C.

A policy is lines of codes, a class and at times a meaning; the last line that has a code wins, and
a code that no line has is a refusal under its own number. A job may put lines after these: those
of a profile, for what one product means by its codes, and its own.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pacslift.errors import JobFileError

_CODES = re.compile(r"([0-9A-F]{4})(?:-([0-9A-F]{4}))?", re.ASCII | re.IGNORECASE)
_SUCCESS = 0x0000


class Outcome(StrEnum):
    """What has become of one instance at the target."""

    STORED = "stored"
    STORED_CHANGED = "stored, but the target changed or dropped elements"
    BUSY = "target out of resources"  # may be tried again
    REFUSED = "refused"  # trying again cannot help
    STOP = "refused, and so would be all others"
    NO_ANSWER = "no answer"  # may have arrived: ask before sending again
    NOT_SENT = "not sent"  # set aside; must never count as stored


CLASSES: Mapping[str, Outcome] = {  # as job.toml names them
    "stored": Outcome.STORED,
    "stored with warning": Outcome.STORED_CHANGED,
    "back off": Outcome.BUSY,
    "set aside": Outcome.REFUSED,
    "stop": Outcome.STOP,
}


@dataclass(frozen=True, slots=True)
class Line:
    """The codes from *first* to *last*, what they come to, and what they mean if that is known."""

    first: int
    last: int
    outcome: Outcome
    meaning: str = ""


def _lines(*rows: tuple[str, str, str]) -> tuple[Line, ...]:
    return tuple(Line(*codes_of(codes), CLASSES[name], meaning) for codes, name, meaning in rows)


def codes_of(text: str) -> tuple[int, int]:
    """The first and the last of "A700" or "A700-A7FF". JobFileError for anything else."""
    match = _CODES.fullmatch(text)
    first, last = (int(match[1], 16), int(match[2] or match[1], 16)) if match else (1, 0)
    if last < first:
        raise JobFileError(
            f"[target.statuses] {text!r} is no status; four hexadecimal digits belong there, or "
            'two such with a dash between, as in "A700" and "C000-CFFF"'
        )
    return first, last


COMMON = _lines(
    ("0000", "stored", ""),
    ("0001", "stored with warning", ""),
    ("0107", "stored with warning", ""),
    ("0116", "stored with warning", ""),
    ("B000-BFFF", "stored with warning", ""),
    ("0213", "back off", ""),
    ("A700-A7FF", "back off", ""),
    # Out of resources by their number, but dcm4chee-arc, which many targets are, means by them
    # that it will not take this object; asking again would stop a run over three such objects.
    ("A770-A779", "set aside", ""),
    ("A77B", "set aside", ""),
)
# org.dcm4chee.arc.store.StoreService names these codes
DCM4CHEE_ARC = _lines(
    ("A770", "set aside", "a rejection note that it has already"),
    ("A771", "set aside", "the object was rejected there before"),
    ("A772-A774", "set aside", "a rejection note that does not fit what it has"),
    ("A775", "set aside", "its retention period has not expired"),
    ("A776", "set aside", "its retention period has not expired"),
    ("A777", "set aside", "no Patient ID"),
    ("A778", "set aside", "the Patient ID conflicts with earlier objects of the study"),
    ("A779", "set aside", "patient attributes conflict with earlier objects of the study"),
    ("A77A", "back off", "the study is being deleted there"),
    ("A77B", "set aside", "study or series of the object are others there"),
)
PROFILES: Mapping[str, tuple[Line, ...]] = {"": (), "dcm4chee-arc": DCM4CHEE_ARC}
MAY_BE_STORED = frozenset({0x0000, 0x0001, 0x0107, 0x0116, *range(0xB000, 0xC000)})


@dataclass(frozen=True, slots=True)
class Policy:
    """What every status comes to."""

    lines: tuple[Line, ...] = COMMON

    def outcome_of(self, status: int | None) -> Outcome:
        """Any 16-bit status, or None for a lost or broken answer."""
        if status is None:
            return Outcome.NO_ANSWER
        if status == _SUCCESS:  # and nothing else: PS3.7 C.1
            return Outcome.STORED
        found = _found(self.lines, status)
        return found.outcome if found else Outcome.REFUSED

    def meaning_of(self, status: int) -> str:
        """What the target means by it, as far as its profile says."""
        found = _found(self.lines, status)
        return found.meaning if found else ""


@functools.lru_cache(maxsize=1024)
def _found(lines: tuple[Line, ...], status: int) -> Line | None:
    return next((line for line in reversed(lines) if line.first <= status <= line.last), None)


AS_COMMON = Policy()


def policy_of(profile: str, statuses: Mapping[str, str]) -> Policy:
    """The policy of a job: *profile* by name, and over it *statuses*, codes to class.

    Raises JobFileError for a name or code that is none, and where an answer by which the target
    says that it has not stored an object would count as stored.
    """
    if profile not in PROFILES:
        known = ", ".join(sorted(name for name in PROFILES if name))
        raise JobFileError(f"[target] profile is {profile!r}; there are {known}")
    return Policy((*COMMON, *PROFILES[profile], *_own(statuses.items())))


def _own(statuses: Iterable[tuple[str, str]]) -> Iterator[Line]:
    for codes, name in statuses:
        first, last = codes_of(codes)
        if name not in CLASSES:
            raise JobFileError(
                f"[target.statuses] {codes} is {name!r}; it must be one of {', '.join(CLASSES)}"
            )
        outcome = CLASSES[name]
        if first <= _SUCCESS:
            raise JobFileError("[target.statuses] 0000 is stored, and nothing else (PS3.7 C.1)")
        counts = outcome in {Outcome.STORED, Outcome.STORED_CHANGED}
        if counts and not MAY_BE_STORED.issuperset(range(first, last + 1)):
            raise JobFileError(
                f"[target.statuses] {codes} is {name!r}, but by it a target says that it has not "
                "stored the object (PS3.7 Annex C); it can be back off, set aside or stop"
            )
        yield Line(first, last, outcome)
