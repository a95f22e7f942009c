"""An installation has what the program imports, and nothing that it does not use."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Loaded by name: pyodbc where a database is named, the codecs by pydicom, tzdata by zoneinfo.
BY_NAME = {"pyodbc", "pyjpegls", "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg",
           "pylibjpeg-rle", "tzdata"}  # fmt: skip
ONLY_TYPES = {"_typeshed"}


def plain(name: str) -> str:
    """The name of a distribution as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    return {plain(re.split(r"[\[<>=]", line)[0]) for line in PROJECT["dependencies"]}


def imported() -> set[str]:
    """Distributions of all that src imports beyond the standard library."""
    nodes = [
        node
        for module in (CHECKOUT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    ]
    dotted = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    dotted |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    packages = {name.partition(".")[0] for name in dotted}
    foreign = packages - sys.stdlib_module_names - ONLY_TYPES - {"pacslift"}
    known = packages_distributions()
    return {plain(known[package][0]) for package in foreign}


def test_an_installation_has_all_that_is_imported_and_nothing_else():
    assert declared() == imported() | BY_NAME


def test_every_dependency_is_locked_and_the_changelog_says_why():
    locked = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8")
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    for name in declared():
        assert re.search(rf"(?m)^{name}(\[\w+\])?==", locked), name
        why = name if "pylibjpeg" not in name else "pylibjpeg"
        assert re.search(rf"(?i)\b{why}\b", changelog), name
