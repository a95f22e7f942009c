"""Objects without a header for tests: pixels of every bit stream, and what a database says."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pydicom
from pydicom.encaps import generate_frames

from pacslift.adapter import Rebuild
from pacslift.inventory.pixelfile import open_pixels
from pacslift.inventory.stored import open_stored
from pacslift.plan.keywords import DESCRIBING, NEVER_OVERLAID
from pacslift.repair.assemble import assembled
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import Outgoing
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.provenance import Provenance
from pacslift.repair.rebuild import Identity, rebuilt

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
SAID = Provenance("pacslift test", "20261122000000+0000", "OLD@SITE", "0.1.0")
CT, CR, MR, US = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "1", "4", "6.1"))
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
UIDS = ("1.2.3.4", "1.2.3.1", "1.2.3")
Element = dict


def of(vr: str, *values: object) -> Element:
    return {"vr": vr, "Value": list(values)}


def person(name: str) -> Element:
    return of("PN", {"Alphabetic": name})


ANYONE = {
    "00080020": of("DA", "20100101"),
    "00080030": of("TM", "101010"),
    "00080050": of("SH", "A1"),
    "00080060": of("CS", "OT"),
    "00100010": person("MUSTER^EVA"),
    "00100020": of("LO", "P1"),
    "00100030": of("DA", "19700101"),
    "00100040": of("CS", "F"),
    "00200010": of("SH", "S1"),
    "00200011": of("IS", "1"),
    "00200013": of("IS", "1"),
}
OF_CT = {
    **ANYONE,
    "00080008": of("CS", "ORIGINAL", "PRIMARY", "AXIAL"),
    "00080060": of("CS", "CT"),
    "00180060": of("DS", "120"),
    "00200032": of("DS", "0", "0", "0"),
    "00200037": of("DS", "1", "0", "0", "0", "1", "0"),
    "00200052": of("UI", "1.2.3.9"),
    "00280030": of("DS", "0.5", "0.5"),
    "00281052": of("DS", "-1024"),
    "00281053": of("DS", "1"),
}
OF_MR = {
    **OF_CT,
    "00080060": of("CS", "MR"),
    "00180020": of("CS", "SE"),
    "00180021": of("CS", "SK"),
}
GREY_12 = {
    "00280002": of("US", 1),
    "00280004": of("CS", "MONOCHROME2"),
    "00280010": of("US", 4),
    "00280011": of("US", 6),
    "00280100": of("US", 16),
    "00280101": of("US", 12),
    "00280102": of("US", 11),
    "00280103": of("US", 0),
}
MODALITY, AS_CAPTURE = Rebuild("modality"), Rebuild("secondary capture")


def open_files() -> Counter[str]:
    """The files that this process has open, by path; no sockets, which other threads may have."""
    found: Counter[str] = Counter()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the folder itself, and what another thread has closed
            found[str(descriptor.readlink())] += 1
    return Counter({path: n for path, n in found.items() if path.startswith("/")})


RAW = bytes(range(48))  # 4 rows, 6 columns, 16 bits


def orders(attributes: dict, facts: dict, provenance: Provenance | None = SAID) -> Orders:
    return Orders(compile_overlay(attributes), provenance=provenance, facts=facts)


def made(
    folder: Path,
    content: bytes,
    attributes: dict,
    facts: dict,
    wanted: str | None = CT,
    rule: Rebuild = MODALITY,
    uids: tuple = UIDS,
) -> Outgoing:
    """The object of a file with *content*, and what the database says."""
    (folder / "pixels").write_bytes(content)
    pixels = open_pixels(os.open(folder / "pixels", os.O_RDONLY))
    return rebuilt(pixels, rule, Identity(wanted, *uids), orders(attributes, facts))


def put_together(
    folder: Path, content: bytes, header: bytes, attributes: dict | None = None,
    facts: dict | None = None,
) -> Outgoing:  # fmt: skip
    """The object of a header and a file of pixels."""
    (folder / "pixels").write_bytes(content)
    (folder / "header").write_bytes(header)
    stored = open_stored(os.open(folder / "header", os.O_RDONLY))
    pixels = open_pixels(os.open(folder / "pixels", os.O_RDONLY))
    known = Identity(CT, *UIDS)
    return assembled(pixels, stored, known, orders(attributes or {}, facts or {}))


def taken_apart(name: str) -> tuple[pydicom.Dataset, bytes, dict, dict]:
    """One of pydicom's objects: as it is, its pixels, and its header as a database would say it."""
    whole = pydicom.dcmread(SAMPLES / name)
    pixels = whole.PixelData
    if whole.file_meta.TransferSyntaxUID.is_encapsulated:
        pixels = next(generate_frames(whole.PixelData, number_of_frames=1))
    told = {
        tag: element
        for tag, element in whole.to_json_dict(bulk_data_threshold=1 << 30).items()
        if tag != "7FE00010" and not tag.endswith("0000")
    }
    attributes = {tag: one for tag, one in told.items() if tag not in NEVER_OVERLAID}
    return whole, pixels, attributes, {tag: told[tag] for tag in told if tag in DESCRIBING}
