"""No repair makes an object worse in the eyes of another program, and those it sees are seen."""

from collections import Counter
from pathlib import Path

import faulty
import oracle
import pydicom
import pytest

import servers
from pacslift.inventory.walkfiles import walk_files

SHIPPED = Path(pydicom.__file__).parent / "data"
LARGEST = 200_000
# Rules whose fault dciodvfy reports, so that it must have less to say after the repair.
SEEN = ["S17", "S22", "T01", "T03", "T11", "T13", "T14", "T15", "T16", "I01", "I02", "I03"]
SEEN += ["P02", "P03", "T17C", "S20"]


@pytest.fixture(autouse=True)
def dciodvfy():
    servers.program("dciodvfy")


@pytest.mark.parametrize("case", faulty.CASES, ids=lambda case: f"{case.rule} {case.changes[:1]}")
def test_an_object_with_a_fault_has_no_more_errors_after_its_repair(tmp_path, case):
    (tmp_path / "object").write_bytes(case.content)
    found = oracle.judged(case.rule, tmp_path / "object", tmp_path, case.orders)
    assert found.unreadable_before or found.after.total() <= found.before.total()


@pytest.mark.parametrize("rule", SEEN)
def test_the_errors_that_a_rule_claims_to_repair_are_gone(tmp_path, rule):
    gone = Counter()
    for case in faulty.CASES:
        if case.rule == rule:
            (tmp_path / "object").write_bytes(case.content)
            gone += oracle.judged(rule, tmp_path / "object", tmp_path, case.orders).gone
    assert gone


def small_files(folder, largest):
    return [path for path in sorted(folder.rglob("*"))
            if path.is_file() and path.stat().st_size <= largest]  # fmt: skip


def test_no_object_that_pydicom_ships_is_worse_after_its_repair(tmp_path):
    paths = small_files(SHIPPED / "test_files", LARGEST)
    found = [oracle.judged(path.name, path, tmp_path) for path in paths]
    judged = [one for one in found if one is not None]
    assert len(judged) > 100
    worse = {one.name: one.new for one in judged if one.new and not one.unreadable_before}
    assert not worse
    assert sum((one.gone for one in judged), Counter())


@pytest.mark.archives
def test_no_object_of_a_real_archive_is_worse_after_its_repair(archives, tmp_path):
    folder = archives / "dcmqrscp" / "oldpacs"
    paths = [folder / entry.relative for entry in walk_files(folder)]
    found = [oracle.judged(path.name, path, tmp_path) for path in paths
             if path.stat().st_size <= LARGEST]  # fmt: skip
    worse = {one.name: one.new for one in found if one and one.new and not one.unreadable_before}
    assert not worse
    assert any(one and one.gone for one in found)
