"""Objects with an overlay and provenance, in few words."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom

from pacslift.inventory.header import Encoding
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import Outgoing, prepare
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.provenance import Provenance
from storedobjects import EXPLICIT, SYNTAX, file_of, part10, sent

SAID = Provenance("pacslift test", "20261122120000+0000", "OLD@SITE", "0.1.0")


def person(name: str) -> dict[str, Any]:
    return {"vr": "PN", "Value": [{"Alphabetic": name}]}


NAME = {"00100010": person("DOE^JANE")}
MAPPED = {"00100010": {**person("ROE^RICHARD"), "rule": "MAP"}}


def overlaid(
    folder: Path,
    data: bytes,
    orders: Orders | Mapping[str, Any],
    encoding: Encoding = EXPLICIT,
) -> tuple[Outgoing, bytes]:
    """Prepare a data set with these orders, or this overlay and provenance; give its bytes too."""
    if not isinstance(orders, Orders):
        orders = Orders(compile_overlay(orders), provenance=SAID)
    content = part10(data, SYNTAX[encoding])
    with prepare(open_stored(file_of(folder, content)), orders) as outgoing:
        return outgoing, sent(outgoing)


def read(data: bytes, encoding: Encoding = EXPLICIT) -> pydicom.Dataset:
    """A data set that was sent, as a target reads it."""
    return pydicom.dcmread(io.BytesIO(part10(data, SYNTAX[encoding])))
