"""Headers made right: an overlay of 12 attributes with provenance, against pydicom.

Both sides take the same files from the page cache, change the same 12 attributes, write the same
Original Attributes and Contributing Equipment items, and give the data set as bytes to be sent; one
thread, one core. All default rules of pacslift run, pydicom checks nothing.
"""

import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pydicom
from bench import Goal, Options, Row, Section
from measure import in_turn
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from storeobjects import ATTRIBUTES, PROVENANCE, write_objects

from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay

ELEMENTS, OBJECT_BYTES, OBJECTS = 250, 32 * 1024, 200
RATIO, RATE = 50.0, 10_000.0
PASSES, PASSES_OF_PYDICOM = 10, 1  # over the files, in one run of either side


def run(options: Options) -> Section:
    """Measure."""
    objects = 20 if options.quick else OBJECTS
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        paths = write_objects(Path(name) / "objects", OBJECT_BYTES, objects, elements=ELEMENTS)
        orders = Orders(compile_overlay(_overlay()), RuleSettings(), PROVENANCE)
        _compare(paths[0], orders)
        found = in_turn(
            options.turns,
            lambda: _rate(paths, PASSES, lambda path: _ours(path, orders)),
            lambda: _rate(paths, PASSES_OF_PYDICOM, _theirs),
        )
    ours, theirs = (median(side) for side in zip(*found, strict=True))
    ratio = median(one / other for one, other in found)
    what = f"{ELEMENTS} elements, 12 of them overlaid, provenance, {OBJECT_BYTES // 1024} KB"
    rates = f"{ours:,.0f}/s", f"{theirs:,.0f}/s"
    return Section(
        "overlay",
        "One object after the other from the page cache to the bytes to be sent, one thread; by "
        "processor time.",
        [
            Row(what, *rates, ratio, goal=Goal(RATIO)),
            Row("the same, as a rate", *rates, ours, "objects/s", Goal(RATE, "objects/s")),
        ],
        [f"pydicom {pydicom.__version__}: dcmread, the same attributes and items set, save_as."],
        ["python benchmarks/run.py overlay"],
    )


def _overlay() -> dict[str, dict[str, object]]:
    return {
        tag: {"vr": vr, "Value": [{"Alphabetic": text} if vr == "PN" else text]}
        for tag, (vr, text) in ATTRIBUTES.items()
    }


def _rate(paths: list[Path], passes: int, one: Callable[[Path], object]) -> float:
    """Objects a second of processor time, so that what else runs does not count."""
    began = time.process_time()
    for _ in range(passes):
        for path in paths:
            one(path)
    return passes * len(paths) / (time.process_time() - began)


def _ours(path: Path, orders: Orders) -> int:
    with prepare(open_stored(os.open(path, os.O_RDONLY)), orders) as outgoing:
        return outgoing.length


def _theirs(path: Path) -> bytes:
    dataset = pydicom.dcmread(path)
    prior = Dataset()
    for tag, (vr, text) in ATTRIBUTES.items():
        keyword = keyword_for_tag(tag)
        prior.add_new(keyword, vr, dataset.get(keyword, None))
        setattr(dataset, keyword, text)
    dataset.InstanceCoercionDateTime = PROVENANCE.revised
    dataset.OriginalAttributesSequence = [_original(prior)]
    dataset.ContributingEquipmentSequence = [_equipment()]
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def _original(prior: Dataset) -> Dataset:
    item = Dataset()
    item.ModifiedAttributesSequence = [prior]
    item.AttributeModificationDateTime = PROVENANCE.revised
    item.ModifyingSystem = PROVENANCE.modifying_system
    item.SourceOfPreviousValues = PROVENANCE.source
    item.ReasonForTheAttributeModification = "COERCE"
    return item


def _equipment() -> Dataset:
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "109103", "DCM"
    purpose.CodeMeaning = "Modifying Equipment"
    item = Dataset()
    item.Manufacturer = item.ManufacturerModelName = "pacslift"
    item.SoftwareVersions = PROVENANCE.version
    item.ContributionDateTime = PROVENANCE.revised
    item.ContributionDescription = "Header made right while migrating an archive"
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item


def _compare(path: Path, orders: Orders) -> None:
    """Both sides must give the same elements, or the race says nothing."""
    with prepare(open_stored(os.open(path, os.O_RDONLY)), orders) as outgoing:
        head = b"".join(bytes(one) for one in outgoing.segments if isinstance(one, memoryview))
    ours = pydicom.dcmread(io.BytesIO(head), force=True, stop_before_pixels=True)
    theirs = pydicom.dcmread(io.BytesIO(_theirs(path)), stop_before_pixels=True)
    del theirs.file_meta
    if list(ours) != list(theirs):
        raise RuntimeError("pacslift and pydicom do not give the same header")
