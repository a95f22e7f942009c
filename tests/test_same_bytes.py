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
from pacslift import flow, sending
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
    book = sending.order_book(run)
    for planned in run.ledger.planned():
        try:
            outgoing, candidate = load(planned, book)
        except SetAsideError as error:
            print(planned.instance_key, error.cause, error.detail)
            continue
        with outgoing:
            print(planned.instance_key, outgoing.digest(), candidate, outgoing.changes)
"""
# What a machine may say of itself otherwise: its clock, its name, who is at work on it. Before the
# program is imported, so that nobody has kept the true ones.
OTHERWISE = """
import datetime, getpass, os, platform, random, socket, sys, time, uuid

shift, name = float(os.environ["SHIFT"]), os.environ["MACHINE"]
true = {fn: getattr(time, fn) for fn in ("time", "time_ns", "gmtime", "localtime", "strftime")}
time.time = lambda: true["time"]() + shift
time.time_ns = lambda: true["time_ns"]() + int(shift * 10**9)
for fn in ("gmtime", "localtime"):
    setattr(time, fn, lambda at=None, fn=fn: true[fn](time.time() if at is None else at))
time.strftime = lambda form, at=None: true["strftime"](form, at or time.localtime())

class Day(datetime.date):
    today = classmethod(lambda cls: cls.fromtimestamp(time.time()))

class Moment(datetime.datetime):
    now = classmethod(lambda cls, tz=None: cls.fromtimestamp(time.time(), tz))
    utcnow = classmethod(lambda cls: cls.now(datetime.UTC).replace(tzinfo=None))
    today = classmethod(lambda cls: cls.now())

datetime.date, datetime.datetime = Day, Moment
socket.gethostname = socket.getfqdn = lambda *_: name
platform.node = lambda: name
os.uname = lambda true=os.uname: type(true())((true()[0], name, *true()[2:]))
getpass.getuser = os.getlogin = lambda: name
uuid.getnode = lambda: int(shift)
random.seed(name)
print(datetime.datetime.now(datetime.UTC).year, socket.gethostname(), file=sys.stderr)
"""
HERE = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1",
        "SHIFT": "0", "MACHINE": "here", "USER": "here", "HOSTNAME": "here"}  # fmt: skip
THERE = {"TZ": "America/Adak", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4711",
         "POLARS_MAX_THREADS": "7", "SHIFT": str(3653 * 86400.0), "MACHINE": "there",
         "USER": "there", "LOGNAME": "there", "HOSTNAME": "there"}  # fmt: skip
CASES = [("orthanc", "mysql"), ("conquest", "dbase"), ("dcm4chee2", "mysql")]


def begun(job: Path, machine: dict[str, str]) -> subprocess.Popen[str]:
    """TELL_ALL about a job, on a *machine*."""
    return subprocess.Popen(
        [sys.executable, "-c", OTHERWISE + TELL_ALL, job],
        env={**os.environ, **machine, "HOME": str(job.parent)}, cwd=job.parent, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """What it says, line by line; and the year and the name that it has for true."""
    said, seen = process.communicate()
    assert process.returncode == 0, seen
    return said.splitlines(), seen.splitlines()[0]


@pytest.mark.parametrize(("vendor", "name"), CASES)
def test_a_job_planned_on_two_machines_years_apart_sends_the_same_bytes(tmp_path, vendor, name):
    case = load_case(FIXTURES / vendor / name)
    storage = [f"{root}={folder}" for root, folder in case.mounts.items()]
    folders = tmp_path / "here", tmp_path / "quite elsewhere" / "ünder another name"
    init(folders[0] / "job", list(case.dumps), storage, "NEW@127.0.0.1:104")
    shutil.copytree(folders[0] / "job", folders[1] / "job")
    both = [begun(*one) for one in zip((f / "job" for f in folders), (HERE, THERE), strict=True)]
    (here, now), (there, then) = map(told, both)
    assert int(then.split()[0]) - int(now.split()[0]) in {10, 11}
    assert (now.split()[1], then.split()[1]) == ("here", "there")
    assert sum(line.startswith("instances ") for line in here) > 1
    assert here == there
