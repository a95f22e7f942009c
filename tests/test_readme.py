"""The README shows what the program really prints, and names what it really has."""

import re
from pathlib import Path

import pytest

from jobs import pacslift
from pacslift.adapter import load_adapters
from pacslift.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHOWN = re.search(r"```console\n\$ pacslift demo demo\n(.*?)```", README, re.DOTALL)


def without_what_differs(output: str) -> str:
    """The output without the times, the port and the place, which differ from run to run."""
    output = re.sub(r"\(\d+\.\d s\)", "(TIME)", output)
    output = re.sub(r"[\d,]+/s, [\d,.]+ MB/s", "RATE", output)
    output = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", output)
    return re.sub(r"\S*\bdemo/", "DIR/demo/", output)


def test_the_first_run_prints_what_the_readme_shows(tmp_path):
    assert SHOWN, "the README shows no demo"
    ran = pacslift("demo", tmp_path / "demo")
    assert without_what_differs(ran.output) == without_what_differs(SHOWN[1])
    assert ran.exit_code == 3


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_help_and_is_in_the_readme(name):
    assert main.commands[name].help
    assert f"pacslift {name}" in README


def test_every_adapter_is_in_the_readme():
    for name in load_adapters():
        assert f"| `{name}` |" in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_what_the_readme_links_to_is_there(link):
    assert (Path(__file__).parents[1] / link).exists()
