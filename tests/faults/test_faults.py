"""Whatever goes wrong on the way, the account is right and the target has each object as it is.

A short form of `make faults`: a run of each scenario, always with the same timing as far as a seed
can give it. Where CI is set a run has those that break the most promises, and a third of all
others, another one each day; FAULTS_TURN says which.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from prepared import Prepared, prepare
from processes import Zygote
from runs import one_run
from scenarios import REAL, SCRIPTED, Scenario

SEED = 20261122
EACH = (*SCRIPTED, *REAL)
ALWAYS = frozenset({
    "killed", "killed-anytime", "ledger-full", "target-killed", "twice", "pretends", "cut-answer",
    "files-changed",
})  # fmt: skip
TURNS = 3


def turn() -> int | None:
    """Whose turn it is; None: everyone's."""
    if not os.environ.get("CI"):
        return None
    today = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    return int(os.environ.get("FAULTS_TURN") or today) % TURNS


def due(now: int | None) -> list[Scenario]:
    """The scenarios of a turn."""
    others = [one for one in EACH if one.name not in ALWAYS]
    chosen = others if now is None else others[now::TURNS]
    return [one for one in EACH if one.name in ALWAYS or one in chosen]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as warm:
        yield warm


def test_every_fault_has_its_turn():
    assert due(None) == list(EACH)
    names = {one.name for nth in range(TURNS) for one in due(nth)}
    assert names == {one.name for one in EACH}
    assert all(names > {one.name for one in due(nth)} >= ALWAYS for nth in range(TURNS))


@pytest.mark.parametrize("scenario", EACH, ids=lambda scenario: scenario.name)
def test_nothing_is_lost_doubled_or_uncounted_when(scenario: Scenario, prepared, zygote):
    if scenario not in due(now := turn()):
        pytest.skip(f"its turn is another one than {now} of {TURNS}; `make faults` has all")
    assert one_run(scenario, SEED, prepared, zygote).complaints == []
