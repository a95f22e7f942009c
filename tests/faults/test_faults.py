"""Whatever goes wrong on the way, the account is right and the target has each object as it is.

A short form of `make faults`: a run of each scenario, always with the same timing as far as a seed
can give it. But for one that is another one with other clocks, and the longest.
"""

from collections.abc import Iterator

import pytest
from processes import Zygote
from runs import one_run
from scenarios import EACH, Scenario
from stock import Stock

SEED = 20261122
SHORT = [scenario for scenario in EACH if scenario.name != "clocks-differ"]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    with Stock(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as warm:
        yield warm


@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name)
def test_nothing_is_lost_doubled_or_uncounted_when(scenario: Scenario, stock, zygote):
    assert one_run(scenario, SEED, stock, zygote).complaints == []
