"""An object like one before it gets its answer without a rule being asked; any other does not."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overlaid import NAME, SAID
from pacslift.errors import SetAsideError
from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.header import Encoding
from pacslift.inventory.stored import _stored_in
from pacslift.repair import outgoing as outgoing_module
from pacslift.repair import precedents as precedents_module
from pacslift.repair.engine import Engine
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.precedents import Precedents
from storedobjects import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    SYNTAX,
    element,
    fragments,
    part10,
    sent,
)

UIDS = {0x00080016: b"1.2.840.10008.5.1.4.1.1.2\0", 0x00080018: b"1.2.3.4."}
EVERY_RULE = RuleSettings(on=frozenset(rule.id for rule in RULES))


def data_of(number=1, encoding=EXPLICIT, **changed):
    """A data set in which most rules have something to look at; *changed* by tag: t00080020."""
    order = "big" if encoding is BIG else "little"
    two = {
        name: value.to_bytes(2, order) for name, value in {"one": 1, "four": 4, "byte": 8}.items()
    }
    values = {
        0x00080005: ("CS", b"ISO_IR 100"),
        0x00080016: ("UI", UIDS[0x00080016]),
        0x00080018: ("UI", UIDS[0x00080018] + b"%04d" % number),
        0x00080020: ("DA", b"20190304"),
        0x00080030: ("TM", b"101501.000"),
        0x00080060: ("CS", b"CT"),
        0x00081030: ("LO", b"study "),
        0x00081140: ("SQ", b""),
        0x00100010: ("PN", b"BENCH^MARK"),
        0x00100020: ("LO", b"BENCH1"),
        0x00100040: ("CS", b"M "),
        0x00180050: ("DS", b"1.25"),
        0x0020000D: ("UI", b"1.2.3.4\0"),
        0x00200013: ("IS", b"%04d" % number),
        0x00200032: ("DS", b"1.0\\2.0\\3.0 "),
        0x00280002: ("US", two["one"]),
        0x00280004: ("CS", b"MONOCHROME2 "),
        0x00280010: ("US", two["four"]),
        0x00280011: ("US", two["four"]),
        0x00280100: ("US", two["byte"]),
        0x00280107: ("US", two["one"]),
        0x00290010: ("LO", b"MADE"),
        0x00291001: ("OB", b"\0\1\2\3"),
        0x7FE00010: ("OB", bytes(16)),
    }  # fmt: skip
    for name, value in changed.items():
        tag = int(name[1:], 16)
        values[tag] = values[tag][0], value
    return b"".join(element(tag, vr, value, encoding) for tag, (vr, value) in values.items())


def outcome(data, orders, encoding=EXPLICIT):
    """All that can be seen of an object that goes out; or why it does not."""
    try:
        content = part10(data, SYNTAX[encoding]).replace(
            b"\2\0\3\0UI", b"\2\0\4\0UI"
        )  # no UID there
        with prepare(_stored_in(MemoryBytes(content)), orders) as outgoing:
            said = {
                field.name: getattr(outgoing, field.name)
                for field in dataclasses.fields(outgoing)
                if field.compare and field.name != "segments"
            }
            return sent(outgoing), said
    except SetAsideError as error:
        return error.cause, error.detail


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr(outgoing_module, "_PRECEDENTS", Precedents())
    return outgoing_module._PRECEDENTS


@pytest.fixture
def asked(monkeypatch):
    """The objects for which the rules were asked."""
    views, run = [], Engine.run
    monkeypatch.setattr(Engine, "run", lambda self, view: views.append(view) or run(self, view))
    return views


def without_precedents(data, orders, *encoding, ask=outcome):
    known = outgoing_module._PRECEDENTS
    outgoing_module._PRECEDENTS = Precedents()
    try:
        return ask(data, orders, *encoding)
    finally:
        outgoing_module._PRECEDENTS = known


def orders_of(settings=None, **facts):
    return Orders(compile_overlay(NAME), settings or RuleSettings(), SAID, facts)


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_the_objects_of_a_series_are_asked_about_twice_and_then_no_more(kept, asked, encoding):
    orders = orders_of()
    for number in range(20):
        data = data_of(number, encoding, t00200032=b"1.0\\2.0\\%03d " % number)
        assert outcome(data, orders, encoding)[1]["sop_instance_uid"] == f"1.2.3.4.{number:04d}"
    assert len(asked) == 2


def test_it_does_not_matter_that_the_database_names_each_object_by_its_own_uid(kept, asked):
    orders = orders_of(RuleSettings(on=frozenset({"E11C"})))
    for number in range(10):
        named = {"sop_instance_uid": f"1.2.3.4.{number:04d}", "modality": "CT"}
        outcome(data_of(number), dataclasses.replace(orders, facts=named))
    assert len(asked) == 2


def compressed(number, *parts):
    """The same object with so many fragments as *parts*, of lengths of their own."""
    native = element(0x7FE00010, "OB", bytes(16))
    return data_of(number).removesuffix(native) + fragments(*parts)


def outcome_of_jpeg(data, orders):
    content = part10(data, JPEG).replace(b"\2\0\3\0UI", b"\2\0\4\0UI")
    try:
        with prepare(_stored_in(MemoryBytes(content)), orders) as outgoing:
            return sent(outgoing), outgoing.length, outgoing.changes, outgoing.envelope
    except SetAsideError as error:
        return error.cause, error.detail


def test_compressed_objects_are_alike_whatever_the_length_of_their_fragments(kept, asked):
    orders = orders_of()
    for number in range(10):
        data = compressed(number, b"\xff\xd8" + bytes(10 + 6 * number), *[b"more"] * number)
        bytes_sent, length, changes, _ = outcome_of_jpeg(data, orders)
        assert bytes_sent.endswith(data[-(20 + 6 * number) :])
        assert length == len(bytes_sent)
        assert changes
    assert len(asked) == 2


@given(
    st.lists(
        st.lists(st.sampled_from([b"", b"ab", b"odd", b"\xff\xd8\xff\xc0" * 9]), max_size=3),
        min_size=4,
        max_size=8,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_fragments_are_answered_otherwise_because_of_others(lists):
    orders = orders_of(EVERY_RULE)
    for number, parts in enumerate(lists):
        data = compressed(number, *parts)
        alone = without_precedents(data, orders, ask=outcome_of_jpeg)
        assert outcome_of_jpeg(data, orders) == alone


def test_a_number_that_looks_like_the_start_of_an_escape_sequence_is_a_number(kept, asked):
    orders = orders_of()
    for number in range(10):
        data = data_of(number, t00280107=bytes([number, 0x1B]))
        assert b"\x1b)" in data  # the tag behind it begins with the group 0029
        outcome(data, orders)
    assert len(asked) == 2


def test_an_object_without_a_uid_gets_its_own_though_all_else_is_familiar(kept):
    for number in range(3):
        outcome(data_of(number), orders_of(sop_instance_uid=f"1.2.3.4.{number:04d}"))
    nameless = data_of(4, t00080018=bytes(12))
    orders = orders_of(sop_instance_uid="1.2.3.4.0004")
    assert outcome(nameless, orders)[1]["sop_instance_uid"] == "1.2.3.4.0004"
    assert outcome(nameless, orders) == without_precedents(nameless, orders)


def test_what_rules_repaired_in_one_object_is_repaired_in_the_next(kept, asked):
    orders = orders_of()
    for number in range(5):
        data = data_of(number, t00080020=b"2019.03.04"[:10])
        _, said = outcome(data, orders)
        assert ("T13", "StudyDate", "2019.03.04", "20190304") in said["changes"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"t00080020": b"20191304"},  # no day of the calendar
        {"t00080018": b"1.2.3.4.007 "},  # a UID with a blank
        {"t00180050": b"1,25"},
        {"t00100040": b"m "},
        {"t00280010": b"\5\0"},  # more rows than pixels
        {"t00100010": b"B\xc4NCH\x1b(J"},
        {"t00081030": b"\x1b(J456"},
        {"t00080018": bytes(12)},
        {"t00100020": b"BENCH2"},
    ],
    ids=str,
)
def test_one_value_otherwise_is_seen_though_all_else_is_familiar(kept, changed):
    orders = orders_of()
    for number in range(4):
        outcome(data_of(number), orders)
    odd = data_of(5, **changed)
    assert outcome(odd, orders) == without_precedents(odd, orders)


def test_another_word_of_the_database_is_another_case(kept):
    data = data_of(1, t00100010=b"BENCH,MARK")
    orders = [Orders(facts={"patient_name": name}) for name in ("BENCH^MARK", "MARK^BENCH")]
    for one in (*orders, *orders, *orders):
        assert outcome(data, one) == without_precedents(data, one)


def test_another_job_is_another_case(kept, monkeypatch):
    data = data_of(t00080020=b"2019.03.04")
    jobs = [orders_of(), orders_of(RuleSettings(off=frozenset({"T13"}))), Orders()]
    for orders in jobs * 3:
        assert outcome(data, orders) == without_precedents(data, orders)


values = st.sampled_from([
    b"", b"20190304", b"2019.03.04", b"CT", b"ct", b"M ", b"m ", b"1.25", b"1,25", b"1.2.3.4\0",
    b"1.2.3 ", b"\4\0", b"\5\0", b"\x1b(J4", b"A,B ", b"A^B ", b"\xc4\xd6", b"101501.000", b"odd",
    b"10:15:01.0", b"ISO_IR 100", b"UTF8", b"ISO_IR 192", b"\xfe\xff\0\xe0\0\0\0\0",
])  # fmt: skip
TAGS = [
    "t00080005", "t00080016", "t00080018", "t00080020", "t00080030", "t00080060", "t00081030",
    "t00081140", "t00100010", "t00100020", "t00100040", "t00180050", "t0020000D", "t00200013",
    "t00200032", "t00280002", "t00280004", "t00280010", "t00280100", "t00290010", "t00291001",
]  # fmt: skip
changes = st.dictionaries(st.sampled_from(TAGS), values, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    objects=st.lists(changes, min_size=1, max_size=4),
    encoding=st.sampled_from(Encoding),
    rules=st.sampled_from([RuleSettings(), EVERY_RULE]),
    name=st.sampled_from(["", "A^B", "\xc4\xd6"]),
)
def test_what_is_sent_is_the_same_whatever_was_met_before(objects, encoding, rules, name):
    outgoing_module._PRECEDENTS = Precedents()
    orders = orders_of(rules, patient_name=name)
    made = [data_of(n, encoding, **one) for n, one in enumerate(objects)]
    for data in made * 4:
        assert outcome(data, orders, encoding) == without_precedents(data, orders, encoding)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 700), new=st.binary(min_size=1, max_size=4))
def test_any_damage_is_seen_as_it_is_without_precedents(at, new):
    outgoing_module._PRECEDENTS = Precedents()
    orders = orders_of()
    whole = data_of()
    for _ in range(3):
        outcome(whole, orders)
    damaged = bytearray(whole)
    damaged[at : at + len(new)] = new
    damaged = bytes(damaged[: len(whole)])
    assert outcome(damaged, orders) == without_precedents(damaged, orders)


def test_what_is_kept_is_bounded(kept, monkeypatch):
    monkeypatch.setattr(precedents_module, "_MOST_KINDS", 5)
    monkeypatch.setattr(precedents_module, "_MOST_SHAPES", 7)
    for number in range(40):
        data = data_of(t00081030=b"x" * (2 * number))
        for patient in range(8):
            outcome(data.replace(b"BENCH1", b"BENCH%d" % patient), orders := Orders())
    assert orders is not None
    assert len(kept._kinds) <= 5
    assert len(kept._met) <= 7
    assert all(len(one.precedents) <= 4 for one in kept._kinds.values())
