"""What other objects of a study testify about the character set of an object's texts (repair.md 3).

A few objects of each series are asked, chosen by the plan (plan/witnesses.py): which character sets
make their texts the database's? One that declares a character set which the database confirms
testifies for that one; one that nobody can judge says nothing.

Rules   What is right for all objects of the study counts; where there is nothing such, what is
        right for all of the object's own device. Witnesses that contradict each other tell nothing.
        An object that declares a character set is told otherwise only by objects of its own device
        that declare the same: a wrong declaration is a device's habit, not a study's.
Cost    Nothing before a rule asks; then, once for a study, one look at the header of each witness.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeAlias

from pacslift.repair.rules.devices import ATTRIBUTES
from pacslift.repair.rules.judge import agreeing, best, common, foreign_texts, judges_of, read
from pacslift.repair.view import View

FACT = "studies"  # the fact: Studies
BASIC = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6"})
CHARACTER_SET = 0x00080005
STUDY = 0x0020000D
_DEVICE = tuple(tag for name, tag in ATTRIBUTES.items() if name not in {"Modality", "SOPClassUID"})

Device: TypeAlias = tuple[bytes, ...]


class Testimony(NamedTuple):
    """One object: its device, what it declares, and what is right for it; never empty."""

    device: Device
    declared: str
    right: frozenset[str]


class Studies(Protocol):
    """Whoever knows the witnesses of all studies, and asks them when it is wanted first."""

    def testimonies(self, study_instance_uid: str) -> frozenset[Testimony]:
        """What they say; who says it does not matter, nor how many do."""
        ...


def testimony_of(view: View) -> Testimony | None:
    """Give what an object testifies; None where the database cannot judge it."""
    found, known = foreign_texts(view), judges_of(view)
    if not found or not known:
        return None
    declared = view.text(CHARACTER_SET)
    agree = 0
    if declared not in BASIC and (said := read(found, declared)) is not None:
        agree = agreeing(found, said, known)
        if agree == len(known):
            return Testimony(device_of(view), declared, frozenset({common(declared)}))
    right = frozenset(best(found, known, agree) or ({common(declared)} if agree else ()))
    return Testimony(device_of(view), declared, right) if right else None


def device_of(view: View) -> Device:
    """Give what tells devices apart."""
    return tuple((view.value(tag) or b"").strip(b"\0 ") for tag in _DEVICE)


def of_others(view: View, declared: str) -> frozenset[str] | None:
    """Give what is right for the others of the study, as far as it bears upon this object.

    None where they say nothing, or nothing that holds for all of them.
    """
    studies: Studies | None = view.orders.facts.get(FACT)
    study = view.text(STUDY)
    given = studies.testimonies(study) if studies and study else None
    if not given:
        return None
    device = device_of(view)
    near = [one for one in given if one.device == device]
    if declared not in BASIC:
        return _right_for_all(one for one in near if one.declared == declared)
    return _right_for_all(given) or _right_for_all(near)


def _right_for_all(testimonies: Iterable[Testimony]) -> frozenset[str] | None:
    sets = [one.right for one in testimonies]
    return (frozenset.intersection(*sets) or None) if sets else None
