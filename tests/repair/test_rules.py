"""Each rule heals its fault, says so, and leaves alone what is right or in doubt."""

import faulty
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstreams import jpeg
from pacslift.errors import SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.rule import Tier
from pacslift.repair.rules.names import same_name
from storedobjects import EXPLICIT, SYNTAX, file_of, part10, sent

NOT_BUILT_HERE = {
    "DB": "test_overlay",
    "CS1": "test_overlay",
    "E13": "test_outgoing",
    "S01": "test_outgoing",
    "S18": "test_unknownvr",
    "LSE": "test_jpegls",
    "P11": "test_oddfragments",
    "NKI": "test_nki",
    "P10C": "below",
    "T17": "test_completeness",
}


def repaired(folder, content, orders):
    """Bytes, changes and envelope of an object as it would be sent."""
    with prepare(open_stored(file_of(folder, content)), orders) as outgoing:
        return sent(outgoing), outgoing.changes, outgoing.envelope


def ids(case):
    return f"{case.rule}: {case.changes[0][1:] if case.changes else 'envelope'}"


@pytest.mark.parametrize("case", faulty.CASES, ids=ids)
def test_a_fault_becomes_right_and_is_put_on_record(tmp_path, case):
    data, changes, envelope = repaired(tmp_path, case.content, case.orders)
    assert data == faulty.dataset(case.right)
    if not case.changes:
        assert (case.rule in envelope, changes) == (True, ())
        return
    assert {change.rule for change in changes} == {case.rule}
    assert len(changes) == len(case.changes)
    for change, (keyword, before, after) in zip(changes, case.changes, strict=True):
        assert change.keyword == keyword
        assert before is ... or change.before == before
        assert after is ... or change.after == after


@pytest.mark.parametrize("case", faulty.CASES, ids=ids)
def test_repairing_what_was_repaired_changes_nothing_more(tmp_path, case):
    once, _, _ = repaired(tmp_path, case.content, case.orders)
    twice, changes, envelope = repaired(tmp_path, part10(once, case.syntax), case.orders)
    assert (twice, changes) == (once, ())
    assert set(envelope) <= {"E11"}


@pytest.mark.parametrize(
    "case", [case for case in faulty.CASES if not case.off_by_default], ids=ids
)
def test_a_rule_that_is_switched_off_leaves_its_fault(tmp_path, case):
    off = RuleSettings(off=frozenset({case.rule, "S04"}), parameters=case.orders.rules.parameters)
    if case.rule in {"I03", "P03"}:  # what is left cannot be sent
        with pytest.raises(SetAsideError):
            repaired(tmp_path, case.content, Orders(rules=off, facts=case.facts))
        return
    _, changes, envelope = repaired(tmp_path, case.content, Orders(rules=off, facts=case.facts))
    assert case.rule not in {*envelope, *(change.rule for change in changes)}


@pytest.mark.parametrize("case", [case for case in faulty.CASES if case.off_by_default], ids=ids)
def test_a_rule_that_is_off_by_default_waits_for_the_job(tmp_path, case):
    orders = Orders(rules=RuleSettings(parameters=case.orders.rules.parameters), facts=case.facts)
    _, changes, envelope = repaired(tmp_path, case.content, orders)
    assert case.rule not in {*envelope, *(change.rule for change in changes)}


@pytest.mark.parametrize(("what", "elements"), faulty.KEPT, ids=[what for what, _ in faulty.KEPT])
def test_what_is_right_or_in_doubt_is_sent_as_it_is(tmp_path, what, elements):
    content = faulty.dataset(elements)
    data, changes, envelope = repaired(tmp_path, part10(content), Orders())
    assert (data, changes, envelope) == (content, (), ())


@pytest.mark.parametrize(("rule", "case", "words"), faulty.REFUSED)
def test_what_no_rule_may_heal_is_set_aside_with_words(tmp_path, rule, case, words):
    with pytest.raises(SetAsideError, match=words):
        repaired(tmp_path, case.content, case.orders)
    if rule in {"P01", "I09"}:
        off = Orders(rules=RuleSettings(off=frozenset({rule})), facts=case.facts)
        assert repaired(tmp_path, case.content, off)[0] == faulty.dataset(case.faulty)


def test_every_rule_that_edits_has_an_object_with_its_fault():
    built = {case.rule for case in faulty.CASES} | {rule for rule, _, _ in faulty.REFUSED}
    working = {rule.id for rule in RULES if rule.apply or rule.apply_value}
    assert working - built == set(NOT_BUILT_HERE)


def test_every_rule_says_what_it_does_and_where_the_standard_says_so():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.sentence[0].isupper() or rule.sentence.startswith("UN")
        assert rule.standard.startswith("PS3.")


def test_rules_that_guess_at_nothing_are_off_unless_the_job_or_the_database_speaks(tmp_path):
    """No rule of tier C does anything to an object of which nobody says anything."""
    for case in faulty.CASES:
        if case.rule == "I03":  # nothing to send it by
            continue
        _, changes, _ = repaired(tmp_path, case.content, Orders())
        outside = {rule.id for rule in RULES if rule.tier is Tier.OUTSIDE}
        assert not outside.intersection(change.rule for change in changes)


@pytest.mark.parametrize("encoding", SYNTAX)
def test_values_are_repaired_in_every_encoding(tmp_path, encoding):
    content = part10(
        faulty.dataset({0x00080020: ("DA", b"2001.12.31")}, encoding), SYNTAX[encoding]
    )
    data, _, _ = repaired(tmp_path, content, Orders())
    assert b"20011231" in data
    assert b"2001.12.31" not in data


TAG_OF = {
    "AE": 0x00080054,
    "DA": 0x00080020,
    "DS": 0x00180050,
    "TM": 0x00080030,
    "UI": 0x00200052,
}
VALUE_RULES = [rule for rule in RULES if rule.apply_value]


@given(raw=st.binary(max_size=40), rule=st.sampled_from(VALUE_RULES))
def test_any_bytes_are_a_value_that_is_repaired_once(tmp_path_factory, raw, rule):
    vr = next(iter(rule.fine)).decode()
    tag = {
        "DA": 0x00080020,
        "TM": 0x00080030,
        "DS": 0x00180050,
        "UI": 0x00200052,
        "AE": 0x00080054,
    }[vr]
    orders = Orders(rules=RuleSettings(on=frozenset({rule.id})))
    value = raw + b" " * (len(raw) % 2)
    content = part10(faulty.dataset({tag: (vr, value)}))
    folder = tmp_path_factory.getbasetemp()
    once, _, _ = repaired(folder, content, orders)
    twice, changes, _ = repaired(folder, part10(once), orders)
    assert (twice, changes) == (once, ())


@given(
    raw=st.binary(max_size=24),
    character_set=st.sampled_from([None, b"", b"ISO_IR 100", b"ISO_IR 192", b"GB18030 ", b"\x1b"]),
    known=st.text(max_size=8),
)
def test_any_name_in_any_character_set_is_judged_once(tmp_path_factory, raw, character_set, known):
    elements = faulty.name(raw, character_set)
    if character_set and len(character_set) % 2:
        elements[0x00080005] = ("CS", character_set + b" ")
    orders = Orders(facts={"patient_name": known})
    folder = tmp_path_factory.getbasetemp()
    once, _, _ = repaired(folder, part10(faulty.dataset(elements)), orders)
    twice, changes, _ = repaired(folder, part10(once), orders)
    assert (twice, changes) == (once, ())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Müller^Hans", "MÜLLER^HANS^^^", True),
        ("Doe^John", "Doe ^John ", True),
        ("Yamada^Tarou=山田^太郎", "Yamada^Tarou", True),
        ("Yamada^Tarou=山田^太郎", "Yamada^Tarou=山口^太郎", False),
        ("Doe^John", "Doe^Jon", False),
        ("", "Doe", False),
    ],
)
def test_two_names_are_the_same_but_for_case_and_pads(one, other, same):
    assert same_name(one, other) is same


def test_the_colours_follow_a_corrected_transfer_syntax(tmp_path):
    stream = jpeg(sampling=(0x21, 0x11, 0x11))
    elements = {
        **faulty.shape(None, samples=3),
        0x00280004: ("CS", b"RGB "),
        0x7FE00010: faulty.frames(b"", stream + b"\0" * (len(stream) % 2)),
    }
    content = part10(faulty.dataset(elements), SYNTAX[EXPLICIT])
    _, changes, envelope = repaired(tmp_path, content, Orders())
    assert envelope == ("P08",)
    assert [(one.rule, one.before, one.after) for one in changes] == [
        ("P10C", "RGB", "YBR_FULL_422")
    ]
