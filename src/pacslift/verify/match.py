"""Expected against found: one verdict for each instance that was stored.

Pure. An instance is known by four values: its own, its series' and its study's UID and its
Patient ID; its study by those of identity.py as well. Found with all of them as they were sent it
is verified; found otherwise it differs; not found it is missing, but only if the target answered
every question about it. An archive may hold
one SOP Instance UID several times (Orthanc does, under two patients): the copy that fits counts
and the others are extra.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from pacslift.errors import Cause
from pacslift.ledger import InstanceState
from pacslift.verify.identity import NOTHING, Difference, Said, StudyIdentity, differences


class Sign(StrEnum):
    """The five ways an expected and a found instance can relate."""

    EQUAL = "="
    MISSING = "+"  # not at the target
    EXTRA = "-"  # only at the target
    DIFFERS = "*"
    UNKNOWN = "!"  # could not tell


@dataclass(frozen=True, slots=True)
class Expected:
    """An instance as it was sent. patient_id is None where that is not known."""

    instance_key: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str | None
    identity: StudyIdentity = NOTHING


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """An instance as the target lists it. A value is None where the target does not say it."""

    sop_instance_uid: str
    series_instance_uid: str | None
    study_instance_uid: str | None
    patient_id: str | None


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """What the target answered about one study.

    *instances* are those of the study and those that were asked for by name and lie elsewhere.
    *doubts* says why an instance may be there though it is not listed, by SOP Instance UID.
    *notes* are sentences on the study worth a finding; they leave no expected instance in doubt.
    *said* is what the target says of the study itself, under each patient that it has it under.
    """

    study_instance_uid: str
    instances: frozenset[FoundInstance]
    doubts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What querying says about one instance; *state* is None where it says nothing."""

    instance_key: str
    sop_instance_uid: str
    sign: Sign
    state: InstanceState | None
    cause: Cause | None
    detail: str  # begins with the sign; holds no Patient ID


@dataclass(frozen=True, slots=True)
class Matched:
    """The verdicts, one an expected instance in its order, and what nobody expected."""

    verdicts: tuple[Verdict, ...]
    extra: tuple[FoundInstance, ...]
    differences: tuple[Difference, ...] = ()  # of the study itself; patient data

    @property
    def verified(self) -> int:
        """How many instances are there as sent."""
        return sum(verdict.sign is Sign.EQUAL for verdict in self.verdicts)


# Attribute, and its name in the records; in the order in which a difference matters.
COMPARED = {
    "PatientID": "patient_id",
    "StudyInstanceUID": "study_instance_uid",
    "SeriesInstanceUID": "series_instance_uid",
}


def match_study(expected: Iterable[Expected], found: FoundStudy) -> Matched:
    """Judge all *expected* instances of one study by what was found of it."""
    expected = list(expected)
    of_study = study_differences(expected, found.said)
    held: Mapping[str, list[FoundInstance]] = by_uid(found.instances)
    verdicts: list[Verdict] = []
    met: set[FoundInstance] = set()
    for one in expected:
        here = nearest(one, held.get(one.sop_instance_uid, ()))
        if here is None:
            verdicts.append(absent(one, found.doubts.get(one.sop_instance_uid)))
        else:
            verdicts.append(compare(one, here, of_study.get(here.patient_id, ())))
            met.add(here)
    extra = [
        other
        for other in sorted(found.instances - met, key=sort_key)
        if other.study_instance_uid == found.study_instance_uid
    ]
    return Matched(tuple(verdicts), tuple(extra), tuple(chain.from_iterable(of_study.values())))


def study_differences(
    expected: Iterable[Expected], said: Iterable[Said]
) -> Mapping[str | None, tuple[Difference, ...]]:
    """What the target lists of the study otherwise than it was sent, by Patient ID there."""
    by_patient: dict[str | None, list[StudyIdentity]] = defaultdict(list)
    for one in expected:
        by_patient[plain(one.patient_id)].append(one.identity)
    return {
        one.patient_id: differences(by_patient[plain(one.patient_id)], one)
        for one in said
        if plain(one.patient_id) in by_patient
    }


def plain(value: str | None) -> str | None:
    """A value without padding, which is no difference."""
    return None if value is None else value.strip(" \0")


def by_uid(instances: Iterable[FoundInstance]) -> Mapping[str, list[FoundInstance]]:
    """The found instances under their SOP Instance UIDs, in an order that is always the same."""
    held = defaultdict(list)
    for instance in sorted(instances, key=sort_key):
        held[instance.sop_instance_uid].append(instance)
    return held


def sort_key(instance: FoundInstance) -> tuple[str, str, str, str]:
    """An order for records some of whose values are None."""
    return (
        instance.sop_instance_uid,
        instance.study_instance_uid or "",
        instance.series_instance_uid or "",
        instance.patient_id or "",
    )


def nearest(expected: Expected, copies: Iterable[FoundInstance]) -> FoundInstance | None:
    """The copy that differs least from what was sent, or None if there is none."""
    return min(
        copies,
        key=lambda copy: (len(misplaced(expected, copy)), len(unsaid(expected, copy))),
        default=None,
    )


def misplaced(expected: Expected, found: FoundInstance) -> list[str]:
    """The attributes that the target gives with another value; padding is none."""
    pairs = {k: (getattr(expected, f), getattr(found, f)) for k, f in COMPARED.items()}
    return [
        keyword
        for keyword, (sent, held) in pairs.items()
        if None not in {sent, held} and plain(sent) != plain(held)
    ]


def unsaid(expected: Expected, found: FoundInstance) -> list[str]:
    """The attributes that the target does not give, so that they cannot be compared."""
    return [
        keyword
        for keyword, field in COMPARED.items()
        if getattr(found, field) is None and is_said(field, getattr(expected, field))
    ]


def is_said(field: str, sent: str | None) -> bool:
    """Whether the target had something to say; an answer with an empty UID gives none."""
    return sent is not None and (bool(sent) or field == "patient_id")


def compare(
    expected: Expected, found: FoundInstance, of_study: Iterable[Difference] = ()
) -> Verdict:
    """The verdict on an instance that the target lists, in a study that differs so."""
    wrong, silent = misplaced(expected, found), unsaid(expected, found)
    wrong += [difference.keyword for difference in of_study]
    if wrong:
        places = [found.study_instance_uid, found.series_instance_uid]
        where = "/".join(place or "?" for place in places)
        detail = f"the target lists it under {where}; differs in {', '.join(wrong)}"
        return verdict_of(expected, Sign.DIFFERS, detail)
    if silent:
        return verdict_of(expected, Sign.UNKNOWN, f"the target does not say {', '.join(silent)}")
    return verdict_of(expected, Sign.EQUAL, "at the target as sent")


def absent(expected: Expected, doubt: str | None) -> Verdict:
    """The verdict on an instance that the target does not list."""
    if doubt:
        return verdict_of(expected, Sign.UNKNOWN, doubt)
    return verdict_of(expected, Sign.MISSING, "the target does not list it")


OF_SIGN: Mapping[Sign, tuple[InstanceState | None, Cause | None]] = {
    Sign.EQUAL: (InstanceState.VERIFIED, None),
    Sign.MISSING: (InstanceState.MISSING_AT_TARGET, Cause.NOT_AT_TARGET),
    Sign.DIFFERS: (InstanceState.DIFFERS_AT_TARGET, Cause.DIFFERS_AT_TARGET),
    Sign.UNKNOWN: (None, Cause.COULD_NOT_TELL),
}


def verdict_of(expected: Expected, sign: Sign, sentence: str) -> Verdict:
    """A verdict with the state and cause that belong to its sign."""
    state, cause = OF_SIGN[sign]
    return Verdict(
        instance_key=expected.instance_key,
        sop_instance_uid=expected.sop_instance_uid,
        sign=sign,
        state=state,
        cause=cause,
        detail=f"{sign} {sentence}",
    )
