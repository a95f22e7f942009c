"""The sums, and the exit code that goes with them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacslift.errors import LedgerError
from pacslift.ledger import FileState, InstanceState
from pacslift.verify.account import account_of

INSTANCE_STATES = [state.value for state in InstanceState]
FILE_STATES = [state.value for state in FileState]


def an_account(states=None, file_states=None, instances=None, files=None):
    states = {"verified": 3} if states is None else states
    file_states = {"used": 3} if file_states is None else file_states
    return account_of(
        instances=sum(states.values()) if instances is None else instances,
        states=states,
        files=sum(file_states.values()) if files is None else files,
        file_states=file_states,
    )


def test_all_verified_ends_with_0():
    account = an_account()
    assert account.balanced
    assert account.exit_code == 0
    assert account.headline == "All 3 instances are verified at the target."


@pytest.mark.parametrize("state", [s for s in INSTANCE_STATES if s != "verified"])
def test_one_instance_in_any_other_state_ends_with_3(state):
    assert an_account({"verified": 2, state: 1}).exit_code == 3


@pytest.mark.parametrize("state", ["orphan", "unreadable"])
def test_a_file_that_somebody_must_look_at_ends_with_3(state):
    assert an_account(file_states={"used": 3, state: 1}).exit_code == 3


@pytest.mark.parametrize("state", ["not_dicom", "attachment", "index", "spare_copy"])
def test_a_file_that_is_explained_does_not_spoil_the_exit_code(state):
    assert an_account(file_states={"used": 3, state: 1}).exit_code == 0


@pytest.mark.parametrize(("instances", "files"), [(4, 3), (2, 3), (3, 4), (3, 2)])
def test_a_row_or_a_file_without_a_state_is_noticed(instances, files):
    account = an_account(instances=instances, files=files)
    assert not account.balanced
    assert account.exit_code == 3
    assert account.headline == "The account does not balance."
    assert "Do not retire the old archive" in account.meaning


def test_what_is_still_to_be_sent_is_said():
    assert an_account({"planned": 2, "verified": 1}).headline.startswith("Not finished: 2 of 3")


def test_a_target_that_cannot_be_asked_never_ends_with_0():
    account = account_of(
        instances=1,
        states={"stored": 1},
        files=1,
        file_states={"used": 1},
        no_verification="no C-FIND",
    )
    assert account.exit_code == 3
    assert account.as_dict()["no_verification"] == "no C-FIND"


def test_a_state_that_is_in_no_list_is_named():
    with pytest.raises(LedgerError, match="teleported"):
        an_account({"teleported": 1})


@given(
    st.dictionaries(st.sampled_from(INSTANCE_STATES), st.integers(0, 9)),
    st.dictionaries(st.sampled_from(FILE_STATES), st.integers(0, 9)),
    st.integers(0, 20),
)
def test_the_exit_code_is_0_only_if_all_is_verified_and_all_sums_are_right(states, files, rows):
    account = an_account(states, files, instances=rows)
    assert account.balanced == (sum(states.values()) == rows)
    if account.exit_code == 0:
        assert states.get("verified", 0) == rows == sum(states.values()) > 0
    else:
        looked_at = {"orphan", "unreadable"} & set(files)
        assert rows == 0 or not account.balanced or account.verified < rows or looked_at


@given(st.dictionaries(st.sampled_from(INSTANCE_STATES), st.integers(0, 9)))
def test_the_json_has_every_state_and_its_sum_is_the_number_of_instances(states):
    told = json.loads(json.dumps(an_account(states).as_dict()))
    assert list(told["states"]) == INSTANCE_STATES
    assert list(told["file_states"]) == FILE_STATES
    assert sum(told["states"].values()) == told["instances"]
    assert told["balanced"] is True
