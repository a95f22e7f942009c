"""What every test shares: the servers, how hard hypothesis searches, and which file comes first."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["servers", "databases", "ledgers", "certificates", "warmstart"]

settings.register_profile("local", max_examples=30, deadline=None)
settings.register_profile("ci", max_examples=300, deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name no test by bytes: packed ones hold the time, and two workers must find the same."""
    return argname if isinstance(val, bytes) else None


# Files that take 5 seconds of a worker or more, the longest first: whatever begins last should be
# short, or one worker ends long before the other.
LONG = (
    "faults/test_faults.py",
    "test_machines.py",
    "test_kill.py",
    "test_cli.py",
    "test_bad_input.py",
    "test_pace_command.py",
    "test_same_bytes.py",
    "test_corrected.py",
    "test_ledger.py",
    "test_archives.py",
    "test_demo.py",
    "adapters/test_dcm4chee2.py",
    "extract/packed/test_source.py",
    "extract/mysql/test_mysqlcost.py",
    "extract/onserver/test_answers.py",
    "send/test_shared.py",
    "send/test_team.py",
    "adapters/test_dcm4chee2_engines.py",
    "adapters/test_dcm4chee2_run.py",
    "test_sent_again.py",
    "send/test_witnesses.py",
    "send/test_accepting_peers.py",
)
TESTS = Path(__file__).parent
TURN = {TESTS / name: turn for turn, name in enumerate(LONG)}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, then the others as they were."""
    items.sort(key=lambda item: TURN.get(item.path, len(TURN)))
