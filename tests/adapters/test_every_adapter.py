"""Every shipped adapter meets every check; adapters and cases are found from the folders."""

from pathlib import Path

import pytest

from pacslift.adapter import load_adapters, manifests, shipped_folder
from pacslift.cases import cases_of, find_cases
from pacslift.conformance import case_checks, folder_checks

FIXTURES = Path(__file__).parents[2] / "fixtures"
ADAPTERS = {adapter.name: adapter for adapter in load_adapters().values()}
CASES = [(name, case) for name, adapter in ADAPTERS.items() for case in cases_of(adapter.folder)]


def test_every_adapter_folder_is_tested():
    assert set(ADAPTERS) == {path.parent.name for path in manifests(shipped_folder())} != set()


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_brings_a_case(name):
    assert cases_of(ADAPTERS[name].folder)


def test_no_case_lies_where_no_adapter_looks():
    elsewhere = {path.relative_to(FIXTURES).parts[0] for path in find_cases(FIXTURES)}
    assert elsewhere == {*ADAPTERS, "hostile"}


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_meets_the_checks_on_its_folder(name):
    failed = [check for check in folder_checks(ADAPTERS[name]) if not check.passed]
    assert failed == []


@pytest.mark.parametrize(
    ("name", "case"), CASES, ids=[f"{name}-{case.name}" for name, case in CASES]
)
def test_an_adapter_meets_the_checks_on_each_of_its_cases(name, case):
    checks = list(case_checks(ADAPTERS[name], case))
    assert len(checks) > 5
    assert [check for check in checks if not check.passed] == []
