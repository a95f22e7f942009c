"""How many processes and associations a run begins with, by what was said and what was found."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.job import Job, TargetAddress
from pacslift.ledger import Ledger
from pacslift.send.finding import Found
from pacslift.send.manning import as_text, bounds_of, key, recalled, shared_out

THERE = TargetAddress("NEWPACS", "10.0.0.5", 104)


def job(processes: int, associations: int) -> Job:
    return Job(
        Path("job"), (Path("dump"),), {}, THERE, processes=processes, associations=associations
    )


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.close()


def test_what_is_to_be_found_begins_with_one_process_and_one_association():
    bounds = bounds_of(job(0, 0), None, 1000, 8)
    assert (bounds.begin, bounds.most_processes, bounds.least) == (Found(1, 1), 8, 1)
    assert bounds.asked == 0


def test_what_an_earlier_run_found_is_where_the_next_begins_and_is_still_to_be_proven():
    bounds = bounds_of(job(0, 0), Found(3, 7), 1000, 8)
    assert (bounds.begin, bounds.least, bounds.proven) == (Found(3, 7), 1, False)


def test_what_a_person_says_holds_whatever_was_found_before():
    bounds = bounds_of(job(2, 3), Found(3, 7), 1000, 8)
    assert (bounds.begin, bounds.most_processes, bounds.asked) == (Found(2, 6), 2, 6)
    assert not bounds.finds_associations
    assert bounds_of(job(1, 0), Found(3, 7), 1000, 8).begin == Found(1, 7)
    assert bounds_of(job(0, 2), Found(3, 7), 1000, 8).begin == Found(3, 6)


def test_there_are_never_more_processes_than_cores_nor_associations_than_objects():
    assert bounds_of(job(0, 0), Found(8, 8), 1000, 2).begin.processes == 2
    assert bounds_of(job(0, 0), None, 1000, 2).most_processes == 2
    assert bounds_of(job(4, 4), None, 3, 2).begin == Found(3, 3)


@given(
    st.integers(0, 6),
    st.integers(0, 20),
    st.one_of(st.none(), st.tuples(st.integers(1, 40), st.integers(0, 40))),
    st.integers(1, 50),
    st.integers(1, 12),
)
def test_the_bounds_hold_together_whatever_is_said(processes, associations, known, expected, cores):
    found = Found(known[0], sum(known)) if known else None
    bounds = bounds_of(job(processes, associations), found, expected, cores)
    begin = bounds.begin
    assert 1 <= begin.processes <= begin.associations <= expected
    assert 1 <= bounds.least <= begin.associations <= bounds.most <= expected
    assert begin.processes <= bounds.most_processes
    each = shared_out(begin)
    assert len(each) == begin.processes
    assert sum(each) == begin.associations
    assert min(each) >= 1


def test_what_was_found_is_remembered_for_the_next_run_and_not_for_another_target(ledger):
    assert recalled(ledger, THERE) is None
    ledger.put(key(), as_text(THERE, Found(2, 5)))
    assert recalled(ledger, THERE) == Found(2, 5)
    assert recalled(ledger, replace(THERE, calling_aet="OTHER")) == Found(2, 5)
    for other in ({"host": "10.0.0.6"}, {"port": 105}, {"aet": "OTHER"}):
        assert recalled(ledger, replace(THERE, **other)) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "7", '{"processes": 0, "associations": 0, "target": "NEWPACS@10.0.0.5:104"}'],
)
def test_what_is_remembered_and_cannot_be_read_is_no_reason_to_stop(ledger, text):
    ledger.put(key(), text)
    assert recalled(ledger, THERE) is None
