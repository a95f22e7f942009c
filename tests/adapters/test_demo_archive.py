"""The shipped demo archive holds what its truth.csv says, and works where it may only be read."""

import csv
import shutil
from dataclasses import replace

import pytest

from jobs import snapshot
from pacslift.cases import load_case
from readcases import FIXTURES, causes, file_states, inventory_of

DEMO = FIXTURES / "demo"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo as a case, in a copy whose files and folders cannot be written."""
    folder = tmp_path_factory.mktemp("demo") / "_demo"
    shutil.copytree(DEMO, folder)
    shutil.copyfile(folder / "demo.toml", folder / "case.toml")
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield load_case(folder)
    for path in everything:
        path.chmod(0o755)


@pytest.fixture(scope="module")
def truth():
    with (DEMO / "truth.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def test_every_row_fares_as_the_truth_says(demo, truth):
    found = causes(inventory_of(demo, "conquest"))
    told = [(r["sop_instance_uid"], r["cause"]) for r in truth if r["state"] == "set_aside"]
    assert sorted((key.partition("#")[0], cause) for key, cause in found.items()) == sorted(told)


def test_exactly_one_file_is_an_orphan(demo, truth):
    states = file_states(inventory_of(demo, "conquest"))
    orphans = {row["path"].rpartition("/")[2] for row in truth if row["state"] == "orphan"}
    assert {name for name, state in states.items() if state == "orphan"} == orphans
    assert len(orphans) == 1


def test_each_fault_is_there_exactly_once(truth):
    faults = sorted(row["cause"] or row["state"] for row in truth if row["state"] != "verified")
    assert faults == ["duplicate_equal", "missing_file", "orphan", "truncated"]


def test_nothing_is_written_beside_the_archive(demo):
    before = snapshot(demo.folder)
    inventory_of(demo, "conquest")
    assert snapshot(demo.folder) == before


def test_the_device_may_be_named(demo):
    named = replace(demo, mounts={"MAG0": demo.mounts[""]})
    assert len(causes(inventory_of(named, "conquest"))) == 3


def test_the_demo_is_small_enough_to_ship():
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 400_000
