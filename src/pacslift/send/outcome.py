"""What an answer to C-STORE means for us. PS3.4 B.2.3 and PS3.7 Annex C."""

from enum import StrEnum


class Outcome(StrEnum):
    """What has become of one instance at the target."""

    STORED = "stored"
    STORED_CHANGED = "stored, but the target changed or dropped elements"
    BUSY = "target out of resources"  # may be tried again
    REFUSED = "refused"  # trying again cannot help
    NO_ANSWER = "no answer"  # may have arrived: ask before sending again
    NOT_SENT = "not sent"  # dry run or set aside; must never count as stored


_WARNINGS = frozenset({0x0001, 0x0107, 0x0116, *range(0xB000, 0xC000)})
# Out of resources by their number, but dcm4chee-arc means by them that it will not take this
# object: rejected before, retention, no Patient ID, Patient ID or attributes in conflict,
# relational mismatch (its StoreService.java). A77A, the study is being deleted, may pass.
_DCM4CHEE_REFUSALS = frozenset({*range(0xA770, 0xA77A), 0xA77B})
_OUT_OF_RESOURCES = frozenset({0x0213, *range(0xA700, 0xA800)}) - _DCM4CHEE_REFUSALS


def outcome_of(status: int | None) -> Outcome:
    """Any 16-bit status, or None for a lost or broken answer."""
    match status:
        case None:
            return Outcome.NO_ANSWER
        case 0x0000:
            return Outcome.STORED
        case code if code in _WARNINGS:
            return Outcome.STORED_CHANGED
        case code if code in _OUT_OF_RESOURCES:
            return Outcome.BUSY
        case _:
            return Outcome.REFUSED
