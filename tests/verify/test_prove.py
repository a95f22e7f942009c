"""What the ledger says after the target was asked."""

import pytest
import sqlalchemy as sa
from find_peer import FindPeer, rows

from pacslift.events import silence
from pacslift.ledger import INSTANCES, Ledger
from pacslift.verify.findscu import FindTimeouts
from pacslift.verify.prove import count_asked, prove

QUICK = FindTimeouts(connect=2, association=2, response=1, reconnect=())
ABOVE = {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.2"}


def stored(ledger: Ledger, *rows_: dict) -> None:
    """A plan whose instances are stored."""
    plan = [
        {
            "instance_key": f"k{nth}",
            "sop_instance_uid": f"1.3.{nth}",
            "series_instance_uid": "1.2",
            "study_instance_uid": "1.1",
            "position": nth,
            "state": "stored",
            "patient_id": "P1",
            **row,
        }
        for nth, row in enumerate(rows_)
    ]
    ledger.replan([plan], [], [], {"instances": len(plan), "files": 0})


def outcome(ledger: Ledger, script) -> list[tuple]:
    """State, cause and detail of each instance when the target has answered by *script*."""
    with FindPeer(script).running() as peer:
        prove(ledger, peer.address, QUICK, silence)
    query = sa.select(INSTANCES).order_by(INSTANCES.c.position)
    return [(row["state"], row["cause"], row["detail"]) for row in ledger.rows(query)]


def nothing(_keys):
    return rows()


@pytest.mark.parametrize("study", [None, ""])
def test_an_object_without_a_study_is_found_by_its_own_uid(study, ledger):
    stored(ledger, {"study_instance_uid": study, "series_instance_uid": study})
    assert count_asked(ledger) == 1
    ((state, cause, _detail),) = outcome(
        ledger, lambda keys: rows({"SOPInstanceUID": keys["SOPInstanceUID"], "PatientID": "P1"})
    )
    assert (state, cause) == ("verified", None)


def test_an_object_without_a_study_that_the_target_put_into_one_differs(ledger):
    stored(ledger, {"study_instance_uid": None})
    there = {**ABOVE, "SOPInstanceUID": "1.3.0", "PatientID": "P1"}
    ((state, cause, detail),) = outcome(ledger, lambda _keys: rows(there))
    assert (state, cause) == ("differs_at_target", "differs_at_target")
    assert detail.endswith("differs in StudyInstanceUID")


def test_an_object_that_cannot_be_asked_for_is_left_stored_with_the_reason(ledger):
    stored(ledger, {"study_instance_uid": None})
    ((state, cause, detail),) = outcome(ledger, nothing)
    assert (state, cause) == ("stored", "could_not_tell")
    assert detail == "! its Study Instance UID cannot be the value of a query key"


def test_what_could_not_be_told_once_can_be_told_later(ledger):
    stored(ledger, {"study_instance_uid": None})
    outcome(ledger, nothing)
    there = {"SOPInstanceUID": "1.3.0", "SeriesInstanceUID": "1.2", "PatientID": "P1"}
    ((state, cause, _detail),) = outcome(ledger, lambda _keys: rows(there))
    assert (state, cause) == ("verified", None)


def test_objects_with_and_without_a_study_are_all_asked_for(ledger):
    stored(ledger, {"study_instance_uid": None}, {}, {"study_instance_uid": "1.9"})
    with FindPeer(nothing).running() as peer:
        prove(ledger, peer.address, QUICK, silence)
    assert {q["StudyInstanceUID"] for q in peer.asked} >= {"", "1.1", "1.9"}
