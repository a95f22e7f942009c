"""What the database knows better is laid over an object, where it really differs."""

import pytest

from overlaid import MAPPED, NAME, SAID, overlaid, person, read
from pacslift.errors import Cause, SetAsideError
from pacslift.repair.jsonmodel import JSONModelError
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.overlay import compile_overlay
from storedobjects import (
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    element,
    identified,
    image,
    item,
    opened,
)

STUDY_DESCRIPTION = 0x00081030
CODE = {"00080100": {"vr": "SH", "Value": ["T-1"]}, "00080104": {"vr": "LO", "Value": ["Chest"]}}


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_the_name_of_the_database_is_sent_and_recorded(tmp_path, encoding):
    outgoing, data = overlaid(tmp_path, image(encoding), NAME, encoding)
    assert read(data, encoding).PatientName == "DOE^JANE"
    assert (outgoing.patient_name, outgoing.length) == ("DOE^JANE", len(data))
    (change,) = outgoing.changes
    assert change == ("DB", "PatientName", None, "DOE^JANE")


def test_a_mapping_is_named_as_such_and_wins_over_the_database(tmp_path):
    orders = Orders(compile_overlay(NAME, MAPPED), provenance=SAID)
    outgoing, data = overlaid(tmp_path, image(), orders)
    assert read(data).PatientName == "ROE^RICHARD"
    assert [change.rule for change in outgoing.changes] == ["MAP"]


@pytest.mark.parametrize(
    ("tag", "vr", "stored", "said"),
    [
        (0x00100010, "PN", b"DOE^JANE^^^ ", person("DOE^JANE")),
        (0x00100010, "PN", b"DOE^JANE==", person("DOE^JANE")),
        (0x00100010, "PN", b"DOE^JANE\0", person("DOE^JANE")),
        (0x00100040, "CS", b"F ", {"vr": "CS", "Value": ["F"]}),
        (0x00080050, "SH", b" ACC", {"vr": "SH", "Value": ["ACC"]}),
        (0x00080008, "CS", b"ORIGINAL \\PRIMARY ", {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY"]}),
        (0x00200052, "UI", b"1.2.3\0", {"vr": "UI", "Value": ["1.2.3"]}),
        (0x00101030, "DS", b"71.50 ", {"vr": "DS", "Value": ["71.50"]}),
        (0x00540011, "US", b"\7\0", {"vr": "US", "Value": [7]}),
        (0x00100040, "CS", b"", {"vr": "CS"}),
        (0x00100021, "LO", b"Z\xfcrich", {"vr": "LO", "Value": ["Z\xfcrich"]}),
    ],
)
def test_what_reads_alike_is_left_as_it_is(tmp_path, tag, vr, stored, said):
    content = with_element(tag, vr, stored)
    outgoing, data = overlaid(tmp_path, content, {f"{tag:08X}": said})
    assert outgoing.changes == ()
    assert data == content or outgoing.envelope == ("S01",)


def with_element(tag, vr, value):
    """The usual image with one element more, or another value of one, in order."""
    more = element(tag, vr, value)
    whole = [*pieces(image()), more]
    by_tag = {one[1::-1] + one[3:1:-1]: one for one in whole}
    return b"".join(by_tag[key] for key in sorted(by_tag))


def pieces(data):
    """The elements of identified() and the pixels, one by one."""
    found, rest = [], data
    while rest:
        long = rest[4:6] in {b"OW", b"SQ"}
        size = 12 + int.from_bytes(rest[8:12], "little") if long else 8 + rest[6] + 256 * rest[7]
        found.append(rest[:size])
        rest = rest[size:]
    return found


def test_an_attribute_that_the_database_knows_to_be_empty_is_emptied(tmp_path):
    content = with_element(STUDY_DESCRIPTION, "LO", b"wrong ")
    outgoing, data = overlaid(tmp_path, content, {"00081030": {"vr": "LO"}})
    assert read(data).StudyDescription == ""
    assert outgoing.changes == (("DB", "StudyDescription", "wrong", ""),)


@pytest.mark.parametrize("length", ["defined", "undefined"])
@pytest.mark.parametrize("meaning", [b"Chest ", b"Abdomen "])
def test_a_sequence_is_compared_item_by_item_however_it_says_its_length(tmp_path, length, meaning):
    code = element(0x00080100, "SH", b"T-1 ") + element(0x00080104, "LO", meaning)
    if length == "defined":
        sequence = element(0x00081032, "SQ", item(code))
    else:
        sequence = opened(0x00081032, "SQ") + item(code) + DELIMITER
    parts = pieces(image())
    content = b"".join([*parts[:3], sequence, *parts[3:]])
    outgoing, data = overlaid(tmp_path, content, {"00081032": {"vr": "SQ", "Value": [CODE]}})
    assert read(data).ProcedureCodeSequence[0].CodeMeaning == "Chest"
    assert len(outgoing.changes) == (meaning != b"Chest ")


def test_a_sequence_with_an_item_more_is_not_the_same(tmp_path):
    twice = element(0x00081032, "SQ", item(b"") + item(b""))
    parts = pieces(image())
    outgoing, data = overlaid(
        tmp_path,
        b"".join([*parts[:3], twice, *parts[3:]]),
        {"00081032": {"vr": "SQ", "Value": [{}]}},
    )
    assert len(read(data).ProcedureCodeSequence) == 1
    assert len(outgoing.changes) == 1


def test_the_length_of_a_group_that_is_changed_is_left_out(tmp_path):
    parts = pieces(image())
    group = element(0x00100000, "UL", len(parts[3]).to_bytes(4, "little"))
    content = b"".join([*parts[:3], group, *parts[3:]])
    outgoing, data = overlaid(tmp_path, content, NAME)
    assert group not in data
    assert "S04" in outgoing.envelope
    kept, data = overlaid(tmp_path, content, {})
    assert (data, kept.envelope) == (content, ())


def test_text_that_does_not_fit_rewrites_the_object_in_unicode(tmp_path):
    """M\xfcller in ISO_IR 100 becomes M\xfcller in UTF-8, since a Greek name needs it."""
    greek = "\u0394\u03b9\u03bf\u03bd\u03c5\u03c3\u03b9\u03bf\u03c2"
    outgoing, data = overlaid(tmp_path, image(), {"00100010": person(greek)})
    ds = read(data)
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert (ds.PatientName, ds.PatientID) == (greek, "M\xfcller")
    assert (outgoing.patient_name, outgoing.patient_id) == (greek, "M\xfcller")
    assert [change.rule for change in outgoing.changes] == ["CS1", "DB"]
    prior = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert prior.SpecificCharacterSet == "ISO_IR 100"


def test_text_inside_sequences_is_rewritten_and_private_text_is_kept_with_a_note(tmp_path):
    inside = item(element(0x00081115, "SQ", item(element(0x0008103E, "LO", b"Sch\xe4del "))))
    own = item(element(0x00080005, "CS", b"ISO_IR 126") + element(0x00081155, "LO", b"\xc4 "))
    private = element(0x00090010, "LO", b"MAKER ") + element(0x00091001, "LO", b"\xe4\xf6")
    parts = pieces(image())
    sequence = element(0x00081140, "SQ", inside + own)
    content = b"".join([*parts[:3], sequence, private, *parts[3:]])
    outgoing, data = overlaid(tmp_path, content, {"00100010": person("\u0394")})
    assert "Schädel".encode() in data
    assert own[8:] in data
    assert private in data
    assert ("CS1", "(0009,1001)") in {(one.rule, one.keyword) for one in outgoing.changes}


def test_an_object_is_set_aside_where_its_own_text_cannot_be_rewritten(tmp_path):
    parts = pieces(image())
    undeclared = element(0x00080005, "CS", b"")
    with pytest.raises(SetAsideError) as refused:
        overlaid(tmp_path, b"".join([undeclared, *parts[1:]]), {"00100010": person("\u0394")})
    assert refused.value.cause is Cause.TEXT_UNREADABLE


def test_a_text_that_nobody_can_read_is_left_to_the_database_if_that_has_it(tmp_path):
    """M\xfcller stands there without a character set, and the database says what it is."""
    parts = pieces(image())
    content = b"".join([element(0x00080005, "CS", b""), *parts[1:]])
    attributes = {
        "00100010": person("\u0394"),
        "00100020": {"vr": "LO", "Value": ["M\xfcller"]},
    }
    _, data = overlaid(tmp_path, content, attributes)
    ds = read(data)
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert (ds.PatientName, ds.PatientID) == ("\u0394", "M\xfcller")
    (said,) = ds.OriginalAttributesSequence
    assert said.ModifiedAttributesSequence[0].PatientID == ""
    kept = {one.SelectorAttribute: one for one in said.NonconformingModifiedAttributesSequence}
    assert kept[0x00100020].NonconformingDataElementValue == b"M\xfcller"


def test_a_text_that_nobody_can_read_is_no_hindrance_if_the_database_replaces_it(tmp_path):
    parts = pieces(image())
    undeclared = element(0x00080005, "CS", b"")
    content = b"".join([undeclared, *parts[1:]])
    said = {"00100010": person("\u0394"), "00100020": {"vr": "LO", "Value": ["4711"]}}
    outgoing, data = overlaid(tmp_path, content, said)
    ds = read(data)
    assert (ds.PatientName, ds.PatientID, outgoing.patient_id) == ("\u0394", "4711", "4711")
    wrong = ds.OriginalAttributesSequence[0].NonconformingModifiedAttributesSequence
    assert [one.NonconformingDataElementValue for one in wrong] == [b"M\xfcller"]


def test_text_that_does_not_fit_is_set_aside_where_rewriting_is_switched_off(tmp_path):
    rules = RuleSettings(off=frozenset({"CS1"}))
    orders = Orders(compile_overlay({"00100010": person("\u0394")}), rules, SAID)
    with pytest.raises(SetAsideError, match="CS1") as refused:
        overlaid(tmp_path, image(), orders)
    assert refused.value.cause is Cause.TEXT_UNREADABLE


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"0010": {"vr": "PN"}}, "'0010'"),
        ({"00020010": {"vr": "UI"}}, "00020010"),
        ({"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}, "00080005"),
        ({"7FE00010": {"vr": "OW"}}, "7FE00010"),
        ({"00100000": {"vr": "UL", "Value": [1]}}, "00100000"),
        ({"00100010": {"vr": "XX"}}, "00100010"),
        ({"00100010": {"vr": "PN", "Value": "DOE"}}, "00100010"),
        ({"00100010": {"vr": "PN", "Value": [{"Latin": "DOE"}]}}, "00100010"),
        ({"00100030": {"vr": "DA", "Value": [19610203]}}, "00100030"),
        ({"00280010": {"vr": "US", "Value": [70000]}}, "00280010"),
        ({"00280009": {"vr": "AT", "Value": ["0018"]}}, "00280009"),
        ({"00280010": {"vr": "US", "BulkDataURI": "x"}}, "00280010"),
        ({"00420011": {"vr": "OB", "InlineBinary": "%%%"}}, "00420011"),
        ({"00081030": {"vr": "LO", "Value": ["x" * 70_000]}}, "00081030"),
        ({"00081032": {"vr": "SQ", "Value": [{"0010": {}}]}}, "'0010'"),
        ({"00081032": {"vr": "SQ", "Value": ["item"]}}, "00081032"),
    ],
)
def test_what_is_no_attribute_is_refused_by_its_tag_before_any_object_is_read(attributes, named):
    with pytest.raises(JSONModelError, match=named):
        compile_overlay(attributes)


def test_values_of_every_kind_are_written_as_the_json_model_says(tmp_path):
    attributes = {
        "00080006": {"vr": "SQ", "Value": [CODE, {}]},
        "00080050": {"vr": "SH", "Value": ["A", None, "C"]},
        "00101030": {"vr": "DS", "Value": [71.5, "1.250"]},
        "00189073": {"vr": "FD", "Value": [0.1]},
        "00189219": {"vr": "SS", "Value": [-5]},
        "00200013": {"vr": "IS", "Value": [12, "+3"]},
        "00280009": {"vr": "AT", "Value": ["00181063", "00181065"]},
        "00420011": {"vr": "OB", "InlineBinary": "JVBERi0="},
        "00720082": {"vr": "SV", "Value": [-(2**40)]},
        "0008001B": {"vr": "UI", "Value": ["1.2.3"]},
    }
    _, data = overlaid(tmp_path, image(), attributes)
    ds = read(data)
    assert [len(one) for one in ds[0x00080006].value] == [2, 0]
    assert ds.AccessionNumber == ["A", "", "C"]
    assert [str(one) for one in ds.PatientWeight] == ["71.5", "1.250"]
    assert (ds.AcquisitionDuration, ds[0x00189219].value) == (0.1, -5)
    assert [str(one) for one in ds.InstanceNumber] == ["12", "+3"]
    assert ds.FrameIncrementPointer == [0x00181063, 0x00181065]
    assert ds.EncapsulatedDocument == b"%PDF-\0"
    assert ds[0x00720082].value == -(2**40)
    assert b"1.2.3\0" in data


def test_one_compiled_overlay_serves_every_way_of_writing(tmp_path):
    orders = Orders(compile_overlay({"00100010": person("J\xf6rg")}), provenance=SAID)
    for encoding in (EXPLICIT, IMPLICIT, EXPLICIT):
        for name in (b"ISO_IR 100", b"ISO_IR 192"):
            start = element(0x00080005, "CS", name, encoding)
            rest = identified(encoding)[len(element(0x00080005, "CS", b"ISO_IR 100", encoding)) :]
            plain = rest.replace(b"M\xfcller", b"Miller")
            _, data = overlaid(tmp_path, start + plain, orders, encoding)
            assert read(data, encoding).PatientName == "J\xf6rg"
