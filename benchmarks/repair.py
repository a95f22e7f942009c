"""Headers made right: an overlay of 12 attributes with provenance, against pydicom.

Both sides take the same files from the page cache, change the same 12 attributes, write the same
Original Attributes and Contributing Equipment items, and give the data set as bytes to be sent; one
thread, one core. All default rules of pacslift work, pydicom checks nothing. The objects are the
slices of a series: UID, number, times, position, window differ, some in length too. pacslift learns
from the first ones what the others share, which is in its time; so it meets each object once only,
as in a migration, and every run has objects of its own.
"""

import gc
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

ELEMENTS, OBJECT_BYTES = 250, 32 * 1024
OBJECTS, OBJECTS_OF_PYDICOM = 1000, 200  # in one run of either side
RATIO, RATE = 50.0, 10_000.0


def run(options: Options) -> Section:
    """Measure."""
    objects = 100 if options.quick else OBJECTS
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        paths = write_objects(
            Path(name) / "objects", OBJECT_BYTES, objects * options.turns + 1, elements=ELEMENTS
        )
        orders = Orders(compile_overlay(_overlay()), RuleSettings(), PROVENANCE)
        _compare(paths.pop(), orders)
        runs = [paths[n * objects :][:objects] for n in range(options.turns)]
        ours_of, theirs_of = iter(runs), iter(runs)
        found = in_turn(
            options.turns,
            lambda: _rate(next(ours_of), lambda path: _ours(path, orders)),
            lambda: _rate(next(theirs_of)[:OBJECTS_OF_PYDICOM], _theirs),
        )
    first = found[0][0]
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
        [
            (
                f"pydicom {pydicom.__version__}: dcmread with pixels, as they have to be written "
                "again; the same attributes and items set, save_as into memory."
            ),
            (
                f"pacslift meets {objects} objects a run, each once only; the first run alone, "
                f"which begins with nothing known: {first:,.0f}/s."
            ),
        ],
        ["python benchmarks/run.py overlay"],
    )


def _overlay() -> dict[str, dict[str, object]]:
    return {
        tag: {"vr": vr, "Value": [{"Alphabetic": text} if vr == "PN" else text]}
        for tag, (vr, text) in ATTRIBUTES.items()
    }


def _rate(paths: list[Path], one: Callable[[Path], object]) -> float:
    """Objects a second of processor time, so that what else runs does not count.

    Nor does what the other side left to be collected.
    """
    gc.collect()
    began = time.process_time()
    for path in paths:
        one(path)
    return len(paths) / (time.process_time() - began)


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
