"""What the job orders for each object: its overlay, the rules, what it shall say of its changes.

An overlay is compiled once for all objects that have the same one, as a rule those of a series,
and kept while it is among those used last. Nothing here depends on the clock or on which worker
asks: the same plan and the same revision give the same orders.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeAlias

from pacslift import __version__
from pacslift.adapter import NOTHING_REBUILT, Rebuild
from pacslift.errors import Cause, JobFileError, SetAsideError
from pacslift.inventory.blobcolumns import value_of
from pacslift.inventory.syntaxes import compressed
from pacslift.ledger import Candidate, Overlay, OverlayKind, Planned
from pacslift.ledger_engine import Place
from pacslift.plan.facts import TEXTS
from pacslift.plan.uids import RULE_OF_UIDS
from pacslift.repair.jsonmodel import JSONModelError
from pacslift.repair.order import RULES
from pacslift.repair.orders import AS_THEY_COME, Orders, RuleSettings
from pacslift.repair.overlay import CompiledOverlay, compile_overlay
from pacslift.repair.provenance import Provenance
from pacslift.repair.rules.study import FACT as STUDIES
from pacslift.repair.told import refuse_unknown
from pacslift.send.witnesses import Witnesses

MOST_KEPT = 256  # compiled overlays; workers are at a few series at a time
Attribute: TypeAlias = tuple[int, str, Mapping[str, Any]]  # tag, its digits, what is said
SWITCHES = ("on", "off")
TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})  # PS3.5 6.1.2.3


@dataclass(frozen=True, eq=False)
class OrderBook:
    """Gives the orders for planned instances. May be used by several threads.

    *rebuild* is the adapter's rule for objects that are only pixels, *ledger* where the plan has
    the witnesses of studies; without it each object is judged alone. *moved* says where a folder of
    the storage, as it was planned, is on this machine.
    """

    rules: RuleSettings = AS_THEY_COME
    provenance: Provenance | None = None
    rebuild: Rebuild = NOTHING_REBUILT
    ledger: Place | None = None
    moved: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def witnesses(self) -> Witnesses | None:
        """Who can be asked for the character set of a study's texts."""
        if self.ledger is None:
            return None
        return Witnesses(self.ledger, partial(as_witness, self.rules), self.moved)

    @property
    def uids(self) -> Mapping[str, str]:
        """Old UIDs and those that replace them."""
        found: Mapping[str, str] = self.rules.of(RULE_OF_UIDS).get("map", {})
        return found

    def of(self, planned: Planned, candidate: Candidate) -> Orders:
        """The orders for one copy of an instance.

        Raises SetAsideError OVERLAY_UNFIT if what the database says cannot stand in a header.
        """
        overlay, said = compiled(planned.overlays)
        syntax = planned.transfer_syntax_uid
        known = {
            "size": candidate.size_bytes,
            "transfer_syntax_uid": syntax,
            "pixels": True if syntax and compressed(syntax) else None,
            "sop_class_uid": planned.sop_class_uid,
            "sop_instance_uid": planned.sop_instance_uid,  # mapped by the rule of UIDs itself
            "series_instance_uid": self.mapped(planned.series_instance_uid),
            "study_instance_uid": self.mapped(planned.study_instance_uid),
            STUDIES: self.witnesses,
            **said,
        }
        facts = {name: value for name, value in known.items() if value not in (None, "")}
        return Orders(overlay, self.rules, self.provenance, facts)

    def mapped(self, uid: str | None) -> str | None:
        """A UID of the database as objects have it once the rule of UIDs has worked on them."""
        return self.uids.get(uid, uid) if uid else uid


def as_witness(rules: RuleSettings, overlays: tuple[Overlay, ...]) -> Orders:
    """The orders for an object that is only asked what the database confirms of it."""
    return Orders(rules=rules, facts=compiled(overlays)[1])


@functools.lru_cache(maxsize=MOST_KEPT)
def compiled(overlays: tuple[Overlay, ...]) -> tuple[CompiledOverlay, Mapping[str, Any]]:
    """The overlay and the facts of an instance, from its rows of the ledger in order."""
    merged: dict[int, Attribute] = {}
    facts: dict[str, Any] = {}
    texts: dict[int, str] = {}
    for one in overlays:
        if one.kind is OverlayKind.FACTS:
            said = json.loads(one.attributes)
            texts |= {int(tag, 16): text for tag, text in said.pop(TEXTS, {}).items()}
            facts |= said
            continue
        attributes = attributes_of(one)
        merged |= {attribute[0]: attribute for attribute in attributes}
        if one.kind is OverlayKind.DATABASE:  # a mapping says what is to be, not what was
            texts |= texts_of(attributes)
    if texts:
        facts[TEXTS] = texts
    return CompiledOverlay(tuple(merged[tag] for tag in sorted(merged))), facts


def texts_of(attributes: Iterable[Attribute]) -> dict[int, str]:
    """The texts by which a rule may judge the character set of an object (repair.md 3)."""
    found = {tag: value_of(one) or "" for tag, _, one in attributes if one.get("vr") in TEXT_VRS}
    return {tag: text for tag, text in found.items() if not text.isascii()}


@functools.lru_cache(maxsize=MOST_KEPT * 4)
def attributes_of(overlay: Overlay) -> tuple[Attribute, ...]:
    """The attributes of one row of the ledger, checked once for all objects that have it."""
    try:
        return compile_overlay(level_of(overlay)).attributes
    except JSONModelError as error:
        raise SetAsideError(
            Cause.OVERLAY_UNFIT, f"what the old database or the mapping says: {error}"
        ) from error


def level_of(overlay: Overlay) -> Mapping[str, Mapping[str, Any]]:
    """The attributes of one level; those of a mapping say so."""
    said: dict[str, dict[str, Any]] = json.loads(overlay.attributes)
    if overlay.kind is OverlayKind.MAPPING:
        return {tag: {**element, "rule": overlay.kind.value} for tag, element in said.items()}
    return said


def rule_settings(said: Mapping[str, Any], uids: Mapping[str, str]) -> RuleSettings:
    """[rules] of job.toml as the engine takes it; *uids* is the map from old to new UIDs.

    Raises JobFileError for an id that is none, or a rule's table that is none.
    """
    known = {rule.id for rule in RULES}
    switched = {key: names_of(said.get(key, []), key) for key in SWITCHES}
    tables = {key: value for key, value in said.items() if key not in SWITCHES}
    strange = sorted({*tables, *switched["on"], *switched["off"]} - known)
    if strange:
        raise JobFileError(
            f"[rules] names the rule {strange[0]!r}, which is none; there are "
            f"{', '.join(sorted(known))}"
        )
    for key, value in tables.items():
        if not isinstance(value, Mapping):
            raise JobFileError(f"[rules] {key} must be a table, such as {{ name = value }}")
    refuse_unknown(tables)
    if uids:
        tables[RULE_OF_UIDS] = {**tables.get(RULE_OF_UIDS, {}), "map": uids}
    return RuleSettings(switched["on"], switched["off"], tables)


def names_of(said: object, key: str) -> frozenset[str]:
    """A list of rule ids."""
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise JobFileError(f'[rules] {key} must be a list of ids of rules, such as ["T13"]')
    return frozenset(said)


def provenance_of(job: str, revised: str, source: str) -> Provenance:
    """What changed objects shall say: *job* is its name, *revised* its time as job.toml has it."""
    digits = re.sub(r"\D", "", revised)[:14]  # YYYYMMDDHHMMSS, PS3.5 6.2 DT
    return Provenance(f"pacslift {__version__} job {job}", f"{digits}+0000", source, __version__)
