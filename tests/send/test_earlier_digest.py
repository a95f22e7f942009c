"""Objects whose digest an earlier version recorded, as sha256 without a name."""

import hashlib
from dataclasses import replace

import pytest
from small_objects import CT, encoded, in_file

from pacslift.errors import Cause
from pacslift.ledger import Candidate, Planned
from pacslift.send.crew import Crew
from pacslift.send.deliver import changes_to, results_of, row_of
from pacslift.send.hands import Result, Sending
from pacslift.send.pace import Pacer
from scripted import ScriptedArchive


@pytest.fixture
def planned(tmp_path) -> Planned:
    """A slice that went out before, under the revision "now", with the bytes that it has."""
    in_file(tmp_path, "slice").close()
    uid, data_set = encoded("slice")
    copy = Candidate(str(tmp_path), "slice.dcm", None, None, None, None)
    digest = hashlib.sha256(data_set).hexdigest()
    none = None, None
    return Planned("slice", uid, CT[0], *none, CT[1], digest, (copy,), 1, sent_under="now")


def result_of(planned: Planned) -> Result:
    with ScriptedArchive([CT]) as archive:
        crew = Crew(Sending(archive.address, (CT,), revision="now"), 1)
        (result,) = [one for one in results_of(crew, iter([planned]), Pacer()) if one]
        crew.stop()
    return result


def test_the_same_bytes_are_sent_again_under_the_same_revision(planned):
    result = result_of(planned)
    assert result.delivery.cause is None
    assert row_of(result)["digest"] == planned.digest


def test_other_bytes_are_not_sent_under_the_same_revision(planned):
    other = replace(planned, digest=hashlib.sha256(b"other").hexdigest())
    assert result_of(other).delivery.cause is Cause.CHANGED_SINCE_SENT


def test_the_same_bytes_under_another_revision_are_not_told_as_others(planned):
    assert list(changes_to(result_of(replace(planned, sent_under="before")))) == []


def test_other_bytes_under_another_revision_are_told(planned):
    digest = hashlib.sha256(b"other").hexdigest()
    result = result_of(replace(planned, digest=digest, sent_under="before"))
    (change,) = changes_to(result)
    assert change["before"] == f"sha256 {digest}, sent under revision before"
    assert change["after"].startswith("sha256 ")
