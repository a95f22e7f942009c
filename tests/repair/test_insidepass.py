"""Dates, times, numbers, UIDs and texts are made right inside sequences, too, to any depth."""

import io
import re

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from overlaid import SAID
from pacslift.inventory.header import Encoding
from pacslift.inventory.stored import open_stored
from pacslift.repair import insidepass
from pacslift.repair.order import BY_ID
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.rule import Faulty
from pacslift.repair.texts import codecs_of
from pacslift.repair.view import View
from storedobjects import (
    DELIMITER,
    EXPLICIT,
    SYNTAX,
    element,
    file_of,
    identified,
    item,
    item_until_delimiter,
    opened,
    part10,
    sent,
)

ALL = RuleSettings(on=frozenset({"T10"}))
REQUEST, CODES, STEP = 0x00400275, 0x00400008, 0x00400002
IMPLICIT = Encoding.IMPLICIT_LITTLE
BOTH = pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
MANY = settings(max_examples=150, deadline=None)


def prepared(folder, data, encoding=EXPLICIT, orders=None):
    """What goes out, and the changes on record."""
    content = part10(data, SYNTAX[encoding])
    with prepare(open_stored(file_of(folder, content)), orders or Orders(rules=ALL)) as outgoing:
        return sent(outgoing), outgoing.changes


def requested(inner, encoding=EXPLICIT):
    """An object with one sequence of one item."""
    return identified(encoding) + element(REQUEST, "SQ", item(inner), encoding)


VALUES = [
    ("T13", 0x00400002, "DA", b"2001.12.31", b"20011231"),
    ("T13", 0x00400002, "DA", b"20011399", b""),
    ("T14", 0x00400003, "TM", b"13:45:10", b"134510"),
    ("T16", 0x00180050, "DS", b"1,5 ", b"1.5 "),
    ("I02", 0x00081155, "UI", b"1.2.3.4   ", b"1.2.3.4\0"),
    ("T10", 0x00400009, "SH", b"A text of far too many letters", b"A text of far to"),
]


@BOTH
@pytest.mark.parametrize(("rule", "tag", "vr", "before", "after"), VALUES)
def test_a_value_inside_a_sequence_is_made_right_and_named_by_its_path(
    tmp_path, encoding, rule, tag, vr, before, after
):
    data = requested(element(tag, vr, before, encoding), encoding)
    out, changes = prepared(tmp_path, data, encoding)
    assert out == requested(element(tag, vr, after, encoding), encoding)
    (change,) = changes
    name = pydicom.datadict.keyword_for_tag(tag)
    assert (change.rule, change.keyword) == (rule, f"RequestAttributesSequence.{name}")
    assert (change.before, change.after) == (
        before.decode().strip("\0 "), after.decode().strip("\0 ")
    )  # fmt: skip


@BOTH
def test_an_item_that_ends_by_a_delimiter_still_does(tmp_path, encoding):
    def of(raw, before, behind):
        inner = item_until_delimiter(element(STEP, "DA", raw, encoding))
        return identified(encoding) + before(inner) + behind

    data = of(b"2001.12.31", lambda one: opened(REQUEST, "SQ", encoding) + one, DELIMITER)
    right = of(b"20011231", lambda one: element(REQUEST, "SQ", one, encoding), b"")
    assert prepared(tmp_path, data, encoding)[0] == right


def test_each_value_of_each_item_to_any_depth_is_on_record(tmp_path):
    def code(text):
        return element(0x0040A121, "DA", text)

    deep = item(code(b"2001.01.02")) + item(code(b"20010103")) + item(code(b"2001.01.04"))
    inner = element(CODES, "SQ", deep)
    _, changes = prepared(tmp_path, requested(element(STEP, "DA", b"1999.01.01") + inner))
    path = "RequestAttributesSequence"
    assert [(one.keyword, one.before, one.after) for one in changes] == [
        (f"{path}.ScheduledProcedureStepStartDate", "1999.01.01", "19990101"),
        (f"{path}.ScheduledProtocolCodeSequence.Date", "2001.01.02", "20010102"),
        (f"{path}.ScheduledProtocolCodeSequence.Date", "2001.01.04", "20010104"),
    ]


def test_the_object_keeps_the_sequence_as_it_was_and_what_was_wrong_beside_it(tmp_path):
    deep = element(CODES, "SQ", item(b"") + item(element(0x0040A121, "DA", b"2001.01.02")))
    data = requested(element(STEP, "DA", b"20010101") + deep)
    out, _ = prepared(tmp_path, data, orders=Orders(rules=ALL, provenance=SAID))
    said = pydicom.dcmread(io.BytesIO(part10(out, SYNTAX[EXPLICIT])))
    (original,) = said.OriginalAttributesSequence
    (prior,) = original.ModifiedAttributesSequence
    (request,) = prior.RequestAttributesSequence
    assert request.ScheduledProcedureStepStartDate == "20010101"
    assert request.ScheduledProtocolCodeSequence[1].Date == ""
    (wrong,) = original.NonconformingModifiedAttributesSequence
    assert wrong.SelectorAttribute == 0x0040A121
    assert list(wrong.SelectorSequencePointer) == [REQUEST, CODES]
    assert list(wrong.SelectorSequencePointerItems) == [1, 2]
    assert wrong.NonconformingDataElementValue == b"2001.01.02"
    assert [one.tag for one in wrong] == sorted(one.tag for one in wrong)


def test_a_text_is_counted_by_the_character_set_of_its_item(tmp_path):
    unicode = element(0x00080005, "CS", b"ISO_IR 192")
    fits = unicode + element(0x00400009, "SH", ("\u00e4" * 16).encode())
    assert prepared(tmp_path, requested(fits))[1] == ()
    long = unicode + element(0x00400009, "SH", ("\u00e4" * 18).encode())
    out, _ = prepared(tmp_path, requested(long))
    assert out == requested(fits)


def test_a_sequence_under_unknown_vr_is_looked_into(tmp_path):
    def of(raw):
        inner = element(STEP, "DA", raw, IMPLICIT)
        return identified() + opened(REQUEST, "UN") + item_until_delimiter(inner) + DELIMITER

    out, changes = prepared(tmp_path, of(b"2001.12.31"))
    assert out == of(b"20011231")
    assert len(changes) == 1


def test_what_is_damaged_inside_or_very_long_is_sent_as_it_is(tmp_path, monkeypatch):
    bad = element(STEP, "DA", b"2001.12.31")
    for broken in (bad + b"\1\0\1\0??\0\0", b"\1\0\1\0??\0\0" + bad, bad[:-2]):
        data = requested(broken)
        assert prepared(tmp_path, data) == (data, ())
    fragments = opened(0x00880200, "OB") + item(bad) + DELIMITER
    data = requested(fragments)
    assert prepared(tmp_path, data) == (data, ())
    monkeypatch.setattr(insidepass, "MOST", 20)
    assert prepared(tmp_path, requested(bad))[1] == ()


# ---------------------------------------------------------------------------------------------
# Both lanes, and objects like one before

TEXTS = st.text("0123456789.:,- AZ", max_size=20)
LEAVES = st.lists(
    st.tuples(st.sampled_from([(STEP, "DA"), (0x00400003, "TM"), (0x00180050, "DS"),
                               (0x00081155, "UI"), (0x00400009, "SH"), (0x00400007, "LO")]),
              TEXTS),
    max_size=4,
)  # fmt: skip
ITEMS = st.recursive(
    st.tuples(LEAVES, st.just(())), lambda inner: st.tuples(LEAVES, st.lists(inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


def dataset_of(tree):
    leaves, inner = tree
    made = Dataset()
    for (tag, vr), text in leaves:
        made.add_new(tag, vr, "")
        made[tag]._value = text  # as it is, right or not
    if inner:
        made.add_new(CODES, "SQ", Sequence([dataset_of(one) for one in inner]))
    return made


def written(tree, encoding, undefined):
    whole = Dataset()
    whole.SOPClassUID, whole.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    whole.add_new(REQUEST, "SQ", Sequence([dataset_of(tree)]))
    whole[REQUEST].is_undefined_length = undefined
    for one in whole[REQUEST].value:
        one.is_undefined_length_sequence_item = undefined
    out = io.BytesIO()
    whole.file_meta = FileMetaDataset()
    whole.preamble = bytes(128)
    whole.file_meta.TransferSyntaxUID = SYNTAX[encoding]
    whole.save_as(out, enforce_file_format=False)
    content = out.getvalue()
    return pydicom.dcmread(io.BytesIO(content)), content


def mended(tag, vr, raw, view):
    """A value as all rules make it, one after the other."""
    for rule in (BY_ID[name] for name in ("T13", "T14", "T16", "I02", "T10")):
        pattern = rule.fine.get(vr)
        if pattern is None or re.compile(pattern, re.DOTALL).fullmatch(raw):
            continue
        new = rule.apply_value(Faulty(tag, vr, raw, codecs_of(b"")), view)
        raw = raw if new is None else new
    return raw


def values_of(dataset, view=None):
    """All values of a parsed object to any depth, padding aside; with a *view*, mended."""
    for tag in sorted(dataset.keys()):
        one = dataset.get_item(tag)
        if tag in {REQUEST, CODES}:
            for nth, inner in enumerate(dataset[tag].value):
                yield from (
                    ((int(tag), nth, *path), value) for path, value in values_of(inner, view)
                )
            continue
        raw = one.value or b""
        assert isinstance(raw, bytes)
        vr = pydicom.datadict.dictionary_VR(tag).encode()
        yield (int(tag),), (mended(int(tag), vr, raw, view) if view else raw).rstrip(b"\0 ")


@MANY
@given(tree=ITEMS, undefined=st.booleans(), encoding=st.sampled_from([EXPLICIT, IMPLICIT]))
def test_both_lanes_make_the_same_of_any_values(tmp_path_factory, tree, undefined, encoding):
    parsed, content = written(tree, encoding, undefined)
    stored = open_stored(file_of(tmp_path_factory.mktemp("object"), content))
    orders = Orders(rules=ALL)
    wanted = list(values_of(parsed, View(stored, orders)))
    with prepare(stored, orders) as outgoing:
        data = sent(outgoing)
    ours = pydicom.dcmread(io.BytesIO(part10(data, SYNTAX[encoding])))
    assert list(values_of(ours)) == wanted


@MANY
@given(texts=st.lists(st.text("0123456789.:, ", min_size=8, max_size=8), min_size=4, max_size=8))
def test_an_object_like_one_before_is_looked_into_all_the_same(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("objects")
    for text in texts:
        data = requested(element(STEP, "DA", text.encode()))
        out, changes = prepared(folder, data)
        new = BY_ID["T13"].apply_value(
            Faulty(STEP, b"DA", text.encode(), None), View(stored_of(folder, data), Orders())
        )
        fine = re.fullmatch(BY_ID["T13"].fine[b"DA"], text.encode())
        right = text.encode() if fine or new is None else new
        assert out == requested(element(STEP, "DA", right))
        assert bool(changes) == (right != text.encode())


def stored_of(folder, data):
    return open_stored(file_of(folder, part10(data, SYNTAX[EXPLICIT])))
