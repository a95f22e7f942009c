"""What job.toml says of the devices of one make: for which objects a device rule is meant.

    [rules.E23]
    devices = [{ Manufacturer = "ACME", StationName = "CT1" }]

Each entry names attributes of the object and the values that they must all have; what else it
holds is told to the rule.
"""

from collections.abc import Mapping
from typing import Any

from pacslift.repair.view import View

ATTRIBUTES = {
    "Modality": 0x00080060,
    "Manufacturer": 0x00080070,
    "InstitutionName": 0x00080080,
    "StationName": 0x00081010,
    "ManufacturerModelName": 0x00081090,
    "DeviceSerialNumber": 0x00181000,
    "SoftwareVersions": 0x00181020,
    "SOPClassUID": 0x00080016,
}


def said_of(view: View, rule_id: str) -> Mapping[str, Any] | None:
    """The first entry of `devices` that fits the object; None if none does."""
    for entry in view.orders.rules.of(rule_id).get("devices", ()):
        wanted = [(tag, entry[name]) for name, tag in ATTRIBUTES.items() if name in entry]
        if wanted and all(view.text(tag) == value for tag, value in wanted):
            return entry  # type: ignore[no-any-return]
    return None
