"""UIDs that break the rules, replaced in the whole archive at once."""

import pytest
from catalogs import catalog
from pydicom.uid import UID

from pacslift.plan.uids import new_uid, new_uids

BROKEN = ["1.02.3", "1.2.", "1..2", "1.2.X", "1." + "2" * 64, "1"]


@pytest.mark.parametrize("old", BROKEN)
def test_a_uid_that_breaks_the_rules_gets_a_legal_one_that_is_always_the_same(old):
    rows = catalog(studies=[{"study_key": "st", "study_instance_uid": old}])
    assert new_uids(rows) == {old: new_uid(old)}
    assert UID(new_uid(old)).is_valid
    assert new_uid(new_uid(old)) not in {old, new_uid(old)}


def test_a_legal_uid_and_no_uid_at_all_stay():
    uids = {"a": "1.2.840.10008", "b": None, "c": ""}
    studies = [{"study_key": key, "study_instance_uid": uid} for key, uid in uids.items()]
    assert new_uids(catalog(studies=studies)) == {}


def test_the_new_uid_of_an_old_one_never_changes():
    assert new_uid("1.02.3") == "2.25.22250668489099134569296274974919788114"
