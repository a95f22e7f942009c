"""Same input, same revision: same bytes. Planned twice, on machines that differ in all they can."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import init
from pacslift.cases import load_case
from readcases import FIXTURES

# All that a plan decides, and the digest of every object as it would be sent; one line each.
TELL_ALL = """
import sys
from pathlib import Path
import sqlalchemy as sa
from pacslift import flow
from pacslift.events import silence
from pacslift.errors import SetAsideError
from pacslift.ledger_tables import FILES, FINDINGS, OVERLAYS, UIDS
from pacslift.ledger_views import CANDIDATES, INSTANCES
from pacslift.running import opened
from pacslift.send.load import load

with opened(Path(sys.argv[1]), silence) as run:
    flow.extract(run)
    flow.inventory(run)
    flow.plan(run)
    for table in (INSTANCES, CANDIDATES, OVERLAYS, UIDS, FILES, FINDINGS):
        order = INSTANCES.c.position if table is INSTANCES else sa.text("1, 2")
        for row in run.ledger.rows(sa.select(table).order_by(order)):
            print(table.name, sorted(row.items(), key=lambda item: item[0]))
    book = flow.order_book(run)
    for planned in run.ledger.planned():
        try:
            outgoing, candidate = load(planned, book)
        except SetAsideError as error:
            print(planned.instance_key, error.cause, error.detail)
            continue
        with outgoing:
            print(planned.instance_key, outgoing.digest(), candidate, outgoing.changes)
"""
HERE = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1"}
THERE = {"TZ": "America/Adak", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4711",
         "POLARS_MAX_THREADS": "7"}  # fmt: skip
CASES = [("orthanc", "mysql"), ("conquest", "dbase"), ("dcm4chee2", "mysql")]


def begun(job: Path, machine: dict[str, str]) -> subprocess.Popen[str]:
    """TELL_ALL about a job, on a *machine*."""
    return subprocess.Popen(
        [sys.executable, "-c", TELL_ALL, job], env={**os.environ, **machine}, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> list[str]:
    """What it says, line by line."""
    said, faults = process.communicate()
    assert process.returncode == 0, faults
    return said.splitlines()


@pytest.mark.parametrize(("vendor", "name"), CASES)
def test_a_job_planned_on_two_machines_sends_the_same_bytes(tmp_path, vendor, name):
    case = load_case(FIXTURES / vendor / name)
    storage = [f"{root}={folder}" for root, folder in case.mounts.items()]
    init(tmp_path / "here" / "job", list(case.dumps), storage, "NEW@127.0.0.1:104")
    shutil.copytree(tmp_path / "here" / "job", tmp_path / "there" / "job")
    both = begun(tmp_path / "here" / "job", HERE), begun(tmp_path / "there" / "job", THERE)
    here, there = map(told, both)
    assert sum(line.startswith("instances ") for line in here) > 1
    assert here == there
