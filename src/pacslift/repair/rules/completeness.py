"""Attributes that an object must have and has not (repair.md T17).

Which attributes are of Type 2 in a module that is mandatory for a class comes from type2.json,
made by benchmarks/type2_table.py from PS3.3 as data. An attribute of Type 2 may be empty, so it is
added empty; one of Type 1 must have a value, which only the database can give. PS3.5 7.4.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import resources

from pacslift.inventory.mend import dictionary_vr
from pacslift.repair.rule import Edit, Rule, Tier, put
from pacslift.repair.view import View

_SOP_CLASS = 0x00080016
# Attributes of Type 1 that the catalog has for every object.
_FACTS = {
    0x00080060: "modality",
    0x0020000D: "study_instance_uid",
    0x0020000E: "series_instance_uid",
}


@functools.cache
def _table() -> Mapping[str, tuple[int, ...]]:
    """SOP Class UID to the tags of Type 2 on its top level, ascending."""
    text = (resources.files(__package__) / "type2.json").read_text(encoding="ascii")
    return {
        uid: tuple(int(tag, 16) for tag in tags.split()) for uid, tags in json.loads(text).items()
    }


def type_2_of(sop_class_uid: str) -> tuple[int, ...]:
    """Tags of Type 2 in the mandatory modules of a class; none for classes that are not known."""
    return _table().get(sop_class_uid, ())


def empty_attributes(view: View) -> Iterator[Edit]:
    """T17: attributes of Type 2 that are missing."""
    for tag in type_2_of(view.text(_SOP_CLASS)):
        if tag not in view:
            yield put(tag, dictionary_vr(tag), b"")


def known_values(view: View) -> Iterator[Edit]:
    """T17C: attributes of Type 1 that are missing or empty, and known to the database."""
    for tag, fact in _FACTS.items():
        known = None if view.text(tag) else view.orders.facts.get(fact)
        if known and known.isascii():
            yield put(tag, dictionary_vr(tag), known.encode("ascii"))


RULES = (
    Rule(
        "T17C",
        Tier.OUTSIDE,
        "A missing Modality, Study or Series Instance UID becomes what the database has.",
        "PS3.5 7.4",
        known_values,
    ),
    Rule(
        "T17",
        Tier.DETERMINISTIC,
        "A missing attribute that may be empty but must be there (Type 2) is added empty. Off, "
        "since two of three objects lack one and no archive asks for it.",
        "PS3.5 7.4, PS3.3",
        empty_attributes,
        on=False,
    ),
)
