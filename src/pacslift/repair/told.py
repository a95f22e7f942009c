"""What job.toml may tell the rules, and whether it makes sense.

A misspelt key would silently change nothing, so it is named instead.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pacslift.errors import JobFileError
from pacslift.repair import texts
from pacslift.repair.rules.devices import ATTRIBUTES

Kinds: TypeAlias = Mapping[str, type[Any]]

_CREATOR = re.compile(r"[ -\[\]-~]{1,64}", re.ASCII)  # LO, PS3.5 6.2

# Rule to what it may be told of all objects, and of those of a device.
OF_ALL: Mapping[str, Kinds] = {
    "E20": {"pixel_bytes": int},
    "I01": {"map": dict},
    "I11": {"issuer": str},
    "P16": {"all": bool},
    "T01": {"charset": str},
    "T13": {"day_first": bool},
}
OF_DEVICES: Mapping[str, Kinds] = {
    "E23": {},
    "P14": {"planar": int},
    "S20": {"tag": str},
    "S21": {"creators": dict},
    "T01": {"charset": str},
    "T02": {"charset": str},
}


def refuse_unknown(tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Look through [rules.ID] of each rule. JobFileError names what is not known or not right."""
    for rule, table in tables.items():
        known = OF_ALL.get(rule, {})
        for_devices = {"devices": list} if rule in OF_DEVICES else {}
        _check(f"[rules.{rule}]", table, {**known, **for_devices})
        for number, entry in enumerate(table.get("devices", ()), 1):
            where = f"[rules.{rule}] devices, entry {number},"
            if not isinstance(entry, Mapping):
                raise JobFileError(f'{where} must be a table, such as {{ Manufacturer = "ACME" }}')
            _check(where, entry, {**dict.fromkeys(ATTRIBUTES, str), **OF_DEVICES[rule]})
            if not ATTRIBUTES.keys() & entry.keys():
                raise JobFileError(
                    f"{where} names no attribute to know the device by; known are "
                    f"{', '.join(ATTRIBUTES)}"
                )


def _check(where: str, said: Mapping[str, Any], known: Kinds) -> None:
    for key, value in said.items():
        kind = known.get(key)
        if kind is None:
            there = f"known are {', '.join(known)}" if known else "this rule is told nothing"
            raise JobFileError(f"{where} has the unknown key {key!r}; {there}")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise JobFileError(f"{where} {key} is {value!r}, which is not of the right kind")
        if key == "charset" and texts.codecs_of(str(value).encode("ascii", "replace")) is None:
            raise JobFileError(
                f"{where} charset is {value!r}, which is no defined term of PS3.3 C.12.1.1.2; "
                "ISO_IR 100 and ISO_IR 192 are"
            )
        if key in {"tag", "creators"}:
            _check_tags(where, key, [value] if isinstance(value, str) else list(value))
        if key == "creators":
            _check_creators(where, value)


def _check_tags(where: str, key: str, numbers: Sequence[str]) -> None:
    """A tag in eight hexadecimal digits, or creators by groups in four."""
    digits = 8 if key == "tag" else 4
    for number in numbers:
        if len(number) != digits or not all(one in "0123456789abcdefABCDEF" for one in number):
            raise JobFileError(
                f"{where} {key} has {number!r}, where {digits} hexadecimal digits belong"
            )


def _check_creators(where: str, creators: Mapping[str, Any]) -> None:
    """Private creators as they are written into every object: LO of the basic character set."""
    for group, creator in creators.items():
        if not isinstance(creator, str) or not _CREATOR.fullmatch(creator):
            raise JobFileError(
                f"{where} creators has {creator!r} for group {group}, where a name of 1 to 64 "
                "letters of ASCII without backslash belongs, as the device writes it"
            )
