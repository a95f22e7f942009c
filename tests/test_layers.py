"""Imports may point back along the flow, never forward."""

import ast
from pathlib import Path

import pytest

STAGES = ["extract", "inventory", "plan", "repair", "send", "verify"]
SHARED = [
    "access",
    "adapter",
    "counting",
    "digest",
    "errors",
    "events",
    "job",
    "job_lock",
    "job_order",
    "job_pace",
    "job_reading",
    "job_revision",
    "job_text",
    "job_values",
    "job_windows",
    "job_writing",
    "ledger",
    "ledger_bulk",
    "ledger_engine",
    "ledger_frames",
    "ledger_history",
    "ledger_kept",
    "ledger_planned",
    "ledger_reading",
    "ledger_schema",
    "ledger_tables",
    "ledger_views",
    "ledger_write",
    "patterns",
    "unforeseen",
]
PACKAGE = Path(__file__).parents[1] / "src" / "pacslift"
MODULES = sorted(PACKAGE.glob("*/**/*.py"))
TOP = {path.stem for path in PACKAGE.glob("*.py")}


def neighbours(module: Path) -> set[str]:
    """Names directly below pacslift that *module* imports."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    dotted = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
    dotted += [
        f"{n.module}.{a.name}" for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names
    ]
    names = {name.split(".")[1] for name in dotted if name.startswith("pacslift.")}
    return names & {*STAGES, *TOP}


def test_the_folders_are_the_stages_in_reading_order():
    folders = sorted(p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name.isalpha())
    assert folders == STAGES


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_a_stage_imports_only_what_comes_before_it(module):
    here = STAGES.index(module.relative_to(PACKAGE).parts[0])
    assert neighbours(module) <= {*SHARED, *STAGES[: here + 1]}


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_file_imports_no_stage(name):
    assert neighbours(PACKAGE / f"{name}.py") <= set(SHARED)


def prints(module: Path) -> bool:
    """Whether *module* calls print or click.echo to standard output."""
    calls = [n for n in ast.walk(ast.parse(module.read_text())) if isinstance(n, ast.Call)]
    return any(
        (isinstance(c.func, ast.Name) and c.func.id == "print" and not c.keywords)
        or (isinstance(c.func, ast.Attribute) and c.func.attr == "echo")
        for c in calls
    )


def test_only_the_command_line_prints():
    printing = {m.stem for m in PACKAGE.rglob("*.py") if prints(m)}
    assert printing == {
        "cli_doctor",
        "cli_frame",
        "cli_job",
        "cli_machines",
        "cli_pace",
        "cli_tools",
    }
