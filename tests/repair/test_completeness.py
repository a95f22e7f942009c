"""Attributes that must be there."""

import faulty
import pytest

from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.rules.completeness import type_2_of
from storedobjects import CT, file_of, part10, sent, uid

ON = Orders(rules=RuleSettings(on=frozenset({"T17"})))
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def test_a_ct_must_have_what_identifies_patient_and_study_and_may_have_it_empty():
    # PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.4.1, C.8.2.1
    assert {0x00100010, 0x00100020, 0x00100030, 0x00100040} <= set(type_2_of(CT))
    assert {0x00080020, 0x00080030, 0x00080050, 0x00080090, 0x00200010} <= set(type_2_of(CT))
    assert {0x00200011, 0x00201040, 0x00180060} <= set(type_2_of(CT))
    assert 0x00080060 not in type_2_of(CT)  # Type 1
    assert 0x00200060 not in type_2_of(CT)  # Type 2C
    assert type_2_of("1.2.3") == ()


@pytest.mark.parametrize("sop_class", [CT, SECONDARY_CAPTURE, "1.2.840.10008.5.1.4.1.1.88.11"])
def test_what_is_missing_is_added_empty_and_what_is_there_stays(tmp_path, sop_class):
    content = faulty.dataset({0x00080016: ("UI", uid(sop_class))})
    with prepare(open_stored(file_of(tmp_path, part10(content))), ON) as outgoing:
        added = [change for change in outgoing.changes if change.rule == "T17"]
        once = sent(outgoing)
    assert len(added) == len(outgoing.changes) == len(set(type_2_of(sop_class)) - set(faulty.BASE))
    assert {(change.before, change.after) for change in added} <= {
        (None, ""),
        (None, "SQ, 0 bytes"),
    }
    with prepare(open_stored(file_of(tmp_path, part10(once))), ON) as outgoing:
        assert (sent(outgoing), outgoing.changes) == (once, ())
