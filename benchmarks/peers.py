"""The real servers and programs to measure against: those that the tests use.

They are started by their own rules (own folder, own socket or free port, ended by pid).
"""

import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))  # the tests' servers are no package

from databases import MariaDB, Postgres, run_mariadb, run_postgres  # noqa: E402
from servers import DicomServer, program, run_orthanc, run_storescp  # noqa: E402

NotInstalledError = pytest.skip.Exception
"""Raised where a program is not there; with its words what to do."""

POSTGRES_PROGRAMS = "/usr/lib/postgresql/*/bin"

__all__ = [
    "CHECKOUT",
    "POSTGRES_PROGRAMS",
    "DicomServer",
    "MariaDB",
    "NotInstalledError",
    "Postgres",
    "program",
    "run_mariadb",
    "run_orthanc",
    "run_postgres",
    "run_storescp",
]
