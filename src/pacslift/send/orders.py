"""What the job orders for each object: its overlay, the rules, what it shall say of its changes.

An overlay is compiled once for all objects that have the same one, as a rule those of a series,
and kept while it is among those used last. Nothing here depends on the clock or on which worker
asks: the same plan and the same revision give the same orders.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacslift import __version__
from pacslift.adapter import NOTHING_REBUILT, Rebuild
from pacslift.errors import Cause, JobFileError, SetAsideError
from pacslift.ledger import Candidate, Overlay, OverlayKind, Planned
from pacslift.plan.uids import RULE_OF_UIDS
from pacslift.repair.jsonmodel import JSONModelError
from pacslift.repair.order import RULES
from pacslift.repair.orders import AS_THEY_COME, Orders, RuleSettings
from pacslift.repair.overlay import CompiledOverlay, compile_overlay
from pacslift.repair.provenance import Provenance

MOST_KEPT = 256  # compiled overlays; workers are at a few series at a time
SWITCHES = ("on", "off")


@dataclass(frozen=True, eq=False)
class OrderBook:
    """Gives the orders for planned instances. May be used by several threads.

    *rebuild* is the adapter's rule for objects that are only pixels.
    """

    rules: RuleSettings = AS_THEY_COME
    provenance: Provenance | None = None
    rebuild: Rebuild = NOTHING_REBUILT

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
        known = {
            "size": candidate.size_bytes,
            "transfer_syntax_uid": planned.transfer_syntax_uid,
            **said,
        }
        facts = {name: value for name, value in known.items() if value is not None}
        return Orders(overlay, self.rules, self.provenance, facts)


@functools.lru_cache(maxsize=MOST_KEPT)
def compiled(overlays: tuple[Overlay, ...]) -> tuple[CompiledOverlay, Mapping[str, Any]]:
    """The overlay and the facts of an instance, from its rows of the ledger in order."""
    levels = [level_of(one) for one in overlays if one.kind is not OverlayKind.FACTS]
    facts: dict[str, Any] = {}
    for one in overlays:
        facts |= json.loads(one.attributes) if one.kind is OverlayKind.FACTS else {}
    try:
        return compile_overlay(*levels), facts
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
