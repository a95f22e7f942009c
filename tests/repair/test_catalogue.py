"""The documents and the command show the rules as they are."""

import json
from pathlib import Path

from click.testing import CliRunner

from pacslift.cli import main
from pacslift.repair.catalogue import markdown
from pacslift.repair.order import RULES

DOCUMENT = Path(__file__).parents[2] / "docs" / "repair.md"


def test_the_document_has_the_rules_as_they_are():
    text = DOCUMENT.read_text("utf-8")
    table = text.split("<!-- rules -->")[1].split("<!-- end of rules -->")[0]
    assert table.strip().splitlines() == list(markdown()), "run benchmarks/repair_document.py"


def test_the_document_has_no_object_that_a_repair_made_worse():
    text = DOCUMENT.read_text("utf-8")
    table = text.split("<!-- judged -->")[1].split("<!-- end of judged -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert rows
    for _, sent, judged, before, after, worse in rows:
        assert 0 < int(judged) <= int(sent)
        assert int(after) <= int(before)
        assert int(worse) == 0


def test_the_command_lists_every_rule_once_in_order():
    rules, tiers = CliRunner().invoke(main, ["rules"]).output.split("\n\n")
    shown = rules.splitlines()
    assert [line.split()[0] for line in shown] == [rule.id for rule in RULES]
    assert [line.split()[2] for line in shown] == ["on" if rule.on else "off" for rule in RULES]
    assert {line.split()[1] for line in shown} == {line[0] for line in tiers.splitlines()}
    assert all(line.endswith(".") for line in shown)


def test_the_command_gives_the_rules_to_programs():
    rules = json.loads(CliRunner().invoke(main, ["rules", "--json"]).output)["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    assert set(rules[0]) == {"id", "tier", "on", "sentence", "standard"}
