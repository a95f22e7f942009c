"""Every word the account counts by is explained."""

import pytest

from pacslift.errors import Cause
from pacslift.ledger import FileState, InstanceState
from pacslift.verify.advice import OF_CAUSE, OF_FILE, OF_STATE, advice_on


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_sentence_and_a_remedy(cause):
    sentence, remedy = advice_on(cause.value)
    assert sentence.endswith(".")
    assert remedy.endswith(".")


def test_no_two_causes_are_explained_alike():
    assert len({advice.sentence for advice in OF_CAUSE.values()}) == len(Cause)


def test_every_state_is_explained():
    assert set(OF_STATE) == set(InstanceState)
    assert set(OF_FILE) == set(FileState)


@pytest.mark.parametrize("cause", Cause)
def test_a_retry_that_is_advised_names_its_own_cause(cause):
    _sentence, remedy = OF_CAUSE[cause]
    if "--retry" in remedy:
        assert f"--retry {cause.value}`" in remedy


def test_an_unknown_cause_is_said_to_be_unknown():
    assert "does not know" in advice_on("gremlins").sentence
