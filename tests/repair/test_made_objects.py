"""Objects made at random, overlaid at random: what leaves reads as pydicom would have made it."""

import io
import warnings

import pydicom
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from overlaid import SAID
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from storedobjects import CT, EXPLICIT, IMPLICIT, INSTANCE, SYNTAX, file_of, part10, sent

OURS = {"00080005", "00080015", "0018A001", "04000561"}
LETTERS = st.text("ABCxyz 19\u00e4\u00d6", max_size=10).map(str.strip)
WIDE = st.text("AB \u00e4\u0394\u042f\u5c71", max_size=8).map(str.strip)
PLAIN = st.text("AB 12_", max_size=10).map(str.strip)
UIDS = st.integers(1, 10**20).map("1.2.{}".format)
KINDS = {
    "00080050": ("SH", LETTERS),
    "00080060": ("CS", PLAIN),
    "00080070": ("LO", LETTERS),
    "00081030": ("LO", WIDE),
    "00081155": ("UI", UIDS),
    "0008103E": ("LO", WIDE),
    "00100010": ("PN", WIDE),
    "00100020": ("LO", LETTERS),
    "00100030": ("DA", st.dates().map("{:%Y%m%d}".format).filter(lambda text: len(text) == 8)),
    "00101030": ("DS", st.integers(-999, 999).map(str)),
    "00102000": ("LO", st.lists(LETTERS.filter(bool), max_size=3)),
    "00104000": ("LT", WIDE),
    "00189073": ("FD", st.floats(allow_nan=False, allow_infinity=False)),
    "00200013": ("IS", st.integers(0, 9999).map(str)),
    "00280009": ("AT", st.sampled_from(["00181063", "00540010"])),
    "00540011": ("US", st.integers(0, 65535)),
    "00720082": ("SV", st.integers(-(2**60), 2**60)),
}


def attribute(vr, value):
    values = value if isinstance(value, list) else [value]
    if vr == "PN":
        values = [{"Alphabetic": one} for one in values if one]
    filled = [one for one in values if one not in {"", None}] if vr != "PN" else values
    return {"vr": vr, "Value": filled} if filled else {"vr": vr}


def attributes_of(kinds):
    tags = st.lists(st.sampled_from(sorted(kinds)), unique=True, max_size=8)
    return tags.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {
                tag: kinds[tag][1].map(lambda one, tag=tag: attribute(kinds[tag][0], one))
                for tag in chosen
            }
        )
    )


ITEMS = st.lists(attributes_of(KINDS), max_size=2).map(lambda items: {"vr": "SQ", "Value": items})


def all_attributes():
    flat = attributes_of(KINDS)
    nested = st.dictionaries(st.sampled_from(["00081140", "00400275"]), ITEMS, max_size=2)
    return st.tuples(flat, nested).map(lambda both: both[0] | both[1])


def written(attributes, character_set, encoding, undefined):
    """A data set as pydicom writes it."""
    dataset = Dataset.from_json(
        {tag: one for tag, one in attributes.items() if fits(one, character_set)}
    )
    dataset.SpecificCharacterSet = character_set
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT, INSTANCE
    for one in dataset.iterall():
        if one.VR == "SQ":
            one.is_undefined_length = undefined
            if isinstance(one.value, Sequence):
                for item in one.value:
                    item.is_undefined_length_sequence_item = undefined
    out = io.BytesIO()
    pydicom.dcmwrite(
        out,
        dataset,
        implicit_vr=encoding is IMPLICIT,
        little_endian=True,
        enforce_file_format=False,
    )
    return out.getvalue()


def fits(one, character_set):
    """Whether an attribute's text can be written in a character set at all."""
    codec = {"ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8"}[character_set]
    try:
        repr(one).encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def json_of(data, encoding):
    said = pydicom.dcmread(io.BytesIO(part10(data, SYNTAX[encoding]))).to_json_dict()
    return {tag: one for tag, one in said.items() if tag not in OURS}


@given(
    attributes=all_attributes(),
    overlay=all_attributes(),
    character_set=st.sampled_from(["ISO_IR 100", "ISO_IR 192"]),
    encoding=st.sampled_from([EXPLICIT, IMPLICIT]),
    undefined=st.booleans(),
)
def test_an_overlaid_object_reads_as_the_same_changes_made_by_pydicom(
    tmp_path_factory, attributes, overlay, character_set, encoding, undefined
):
    folder = tmp_path_factory.getbasetemp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = written(attributes, character_set, encoding, undefined)
        expected = json_of(data, encoding)
        for tag, one in overlay.items():
            if one.get("Value") or tag in expected:  # absent and empty are alike
                expected[tag] = Dataset.from_json({tag: one}).to_json_dict()[tag]
        orders = Orders(compile_overlay(overlay), provenance=SAID)
        content = part10(data, SYNTAX[encoding])
        with prepare(open_stored(file_of(folder, content)), orders) as outgoing:
            got = sent(outgoing)
        assert json_of(got, encoding) == expected
    with prepare(open_stored(file_of(folder, part10(got, SYNTAX[encoding]))), orders) as again:
        assert (sent(again), again.changes) == (got, ())
