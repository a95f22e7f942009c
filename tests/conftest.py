"""What every test shares: the servers, and how hard hypothesis searches."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["servers", "databases", "ledgers", "certificates", "warmstart"]

settings.register_profile("local", max_examples=30, deadline=None)
settings.register_profile("ci", max_examples=300, deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name no test by bytes: packed ones hold the time, and two workers must find the same."""
    return argname if isinstance(val, bytes) else None
