"""What the database knows better is laid over an object, and the object's own word is kept."""

import io

import pydicom
import pytest

from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.provenance import Provenance
from storedobjects import (
    EXPLICIT,
    IMPLICIT,
    SYNTAX,
    file_of,
    image,
    part10,
    sent,
)

SAID = Provenance("pacslift test", "20261122120000+0000", "OLD@SITE", "0.1.0")
NAME = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JANE"}]}}


def prepared(folder, content, overlay, syntax=SYNTAX[EXPLICIT], provenance=SAID, **how):
    orders = Orders(compile_overlay(overlay), provenance=provenance, **how)
    with prepare(open_stored(file_of(folder, part10(content, syntax))), orders) as outgoing:
        return outgoing, sent(outgoing)


def read(data: bytes, implicit: bool = False) -> pydicom.Dataset:
    return pydicom.dcmread(
        io.BytesIO(part10(data, SYNTAX[IMPLICIT if implicit else EXPLICIT])), force=True
    )


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_the_database_name_is_sent_and_the_old_one_is_kept_as_original(tmp_path, encoding):
    outgoing, data = prepared(tmp_path, image(encoding), NAME, SYNTAX[encoding])
    ds = read(data, encoding is IMPLICIT)
    assert ds.PatientName == "DOE^JANE"
    assert outgoing.patient_name == "DOE^JANE"
    (original,) = ds.OriginalAttributesSequence
    assert original.ReasonForTheAttributeModification == "COERCE"
    assert original.ModifyingSystem == "pacslift test"
    assert original.AttributeModificationDateTime == "20261122120000+0000"
    assert original.SourceOfPreviousValues == "OLD@SITE"
    assert "PatientName" in original.ModifiedAttributesSequence[0]
    assert (
        ds.ContributingEquipmentSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue == "109103"
    )
    assert [(c.rule, c.keyword, c.before, c.after) for c in outgoing.changes] == [
        ("DB", "PatientName", None, "DOE^JANE")
    ]
