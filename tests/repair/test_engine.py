"""Rules are asked in order, see what the ones before made, and each step is on record."""

import re

import pytest

from overlaid import read
from pacslift.inventory.stored import open_stored
from pacslift.repair import outgoing as outgoing_module
from pacslift.repair.engine import Engine
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.rule import Rule, Tier, dropped, put
from storedobjects import (
    EXPLICIT,
    IMPLICIT,
    SYNTAX,
    element,
    file_of,
    identified,
    image,
    part10,
    sent,
)

MODALITY, BIRTH, STUDY_DATE = 0x00080060, 0x00100030, 0x00080020


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Prepare an object by these rules alone."""

    def prepared(rules, data, encoding=EXPLICIT, settings=None):
        monkeypatch.setattr(outgoing_module, "engine_of", lambda said: Engine(rules, said))
        content = part10(data, SYNTAX[encoding])
        orders = Orders(rules=settings or RuleSettings())
        with prepare(open_stored(file_of(tmp_path, content)), orders) as outgoing:
            return outgoing, sent(outgoing)

    return prepared


def rule(name, apply=None, **how):
    return Rule(name, how.pop("tier", Tier.DETERMINISTIC), "", "", apply, **how)


def dates(name, change):
    return rule(name, fine={b"DA": rb"(?:\d{8})?"}, apply_value=lambda one, view: change(one.raw))


def with_dates(encoding, first, second):
    start = identified(encoding)
    at = start.index(b"\x10\0\x20\0")
    return (
        start[:at]
        + element(STUDY_DATE, "DA", first, encoding)
        + element(BIRTH, "DA", second, encoding)
        + image(encoding)[len(start) :]
    )


def test_a_rule_sees_what_the_one_before_has_made(run):
    first = rule("A", lambda view: [put(MODALITY, b"CS", b"CT")])
    second = rule("B", lambda view: [put(MODALITY, b"CS", view.value(MODALITY) + b"MR")])
    outgoing, data = run([first, second], image())
    assert read(data).Modality == "CTMR"
    assert outgoing.changes == (("A", "Modality", None, "CT"), ("B", "Modality", "CT", "CTMR"))


def test_a_rule_is_called_only_where_one_of_its_elements_is(run):
    called = []
    wanted = rule("A", lambda view: called.append(1) or [], tags=frozenset({MODALITY}))
    maker = rule("B", lambda view: [put(MODALITY, b"CS", b"CT")])
    run([wanted], image())
    assert called == []
    run([maker, wanted], image())
    assert called == [1]


def test_an_edit_that_changes_nothing_is_no_change(run):
    same = rule("A", lambda view: [put(0x00100020, b"LO", b"M\xfcller"), dropped(MODALITY)])
    outgoing, data = run([same], image())
    assert (data, outgoing.changes) == (image(), ())


def test_what_is_silent_is_in_the_envelope_and_not_among_the_changes(run):
    silent = rule("A", lambda view: [put(MODALITY, b"CS", b"CT", silent=True)])
    envelope = rule("B", lambda view: [dropped(0x00100020)], tier=Tier.ENVELOPE)
    outgoing, _ = run([silent, envelope], image())
    assert (outgoing.envelope, outgoing.changes) == (("A", "B"), ())


def test_rules_are_switched_by_their_id(run):
    makes = rule("A", lambda view: [put(MODALITY, b"CS", b"CT")], on=False)
    assert run([makes], image())[0].changes == ()
    on = RuleSettings(on=frozenset({"A"}))
    assert len(run([makes], image(), settings=on)[0].changes) == 1
    off = RuleSettings(on=frozenset({"A"}), off=frozenset({"A"}))
    assert run([makes], image(), settings=off)[0].changes == ()


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_value_rules_are_asked_in_turn_about_what_is_not_fine(run, encoding):
    asked = []

    def dotted(raw):
        asked.append(raw)
        return raw.replace(b".", b"") if re.fullmatch(rb"\d{4}\.\d\d\.\d\d", raw) else None

    content = with_dates(encoding, b"20190304", b"1961.02.03")
    outgoing, data = run([dates("A", dotted), dates("B", lambda raw: b"")], content, encoding)
    assert asked == [b"1961.02.03"]
    assert (read(data, encoding).PatientBirthDate, read(data, encoding).StudyDate) == (
        "19610203",
        "20190304",
    )
    assert outgoing.changes == (("A", "PatientBirthDate", "1961.02.03", "19610203"),)


def test_a_value_rule_sees_what_an_earlier_rule_wrote(run):
    writes = rule("A", lambda view: [put(BIRTH, b"DA", b"1961.02.03")])
    outgoing, _ = run([writes, dates("B", lambda raw: b"")], image())
    assert [change.rule for change in outgoing.changes] == ["A", "B"]


def test_a_newline_in_a_value_hides_nothing_from_the_rules(run):
    content = with_dates(EXPLICIT, b"20190304\nDA12345678 ", b"19610203")
    outgoing, _ = run([dates("A", lambda raw: b"")], content)
    assert [change.keyword for change in outgoing.changes] == ["StudyDate"]
