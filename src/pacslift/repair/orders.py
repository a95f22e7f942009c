"""What the job says of one object beyond the object's own bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pacslift.repair.overlay import NOTHING, CompiledOverlay
from pacslift.repair.provenance import Provenance

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class RuleSettings:
    """job.toml [rules]: which rules are switched from how they come, and what they are told.

    Make one for a job and hand it to all its objects: the engine compiles the rules once for each.

    on, off     ids of rules; off wins
    parameters  rule id to its own table, e.g. {"T01": {"charset": "ISO_IR 100"}}
    """

    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def works(self, rule_id: str, *, by_default: bool) -> bool:
        """Say whether a rule is applied."""
        return rule_id not in self.off and (by_default or rule_id in self.on)

    def of(self, rule_id: str) -> Mapping[str, Any]:
        """Give the parameters of one rule; none if the job says nothing."""
        return self.parameters.get(rule_id, _EMPTY)


AS_THEY_COME = RuleSettings()


@dataclass(frozen=True, slots=True)
class Orders:
    """What belongs to one object.

    overlay     the attributes that the database or a mapping knows better
    rules       which rules work
    provenance  what is written into the object about its changes; None: nothing
    facts       what the database says that a rule may ask for; absent means unknown: "size",
                "transfer_syntax_uid", "pixels" (it was stored with some), "patient_name", "texts"
                (tag to text beyond ASCII), "modality", "sop_class_uid", "sop_instance_uid",
                "series_instance_uid", "study_instance_uid", "study_patient_id" (whom the study is
                under), "study_patients" (how many there are, if several), "studies" (who knows
                what others of a study testify, rules/study.py)
    """

    overlay: CompiledOverlay = NOTHING
    rules: RuleSettings = AS_THEY_COME
    provenance: Provenance | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
