"""What leaves is what pydicom would have written, and what no rule touched is as it was."""

import copy
import io
import os
import warnings
from pathlib import Path

import pydicom
import pydicom.config
import pytest
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset

from pacslift.errors import SetAsideError
from pacslift.inventory.bytesource import MemoryBytes
from pacslift.inventory.header import Encoding, walk
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.provenance import Provenance
from storedobjects import SYNTAX, file_of, part10, sent

SAID = Provenance("pacslift test", "20261122120000+0000", "OLD@SITE", "0.1.0")
PROVENANCE = {0x00080015, 0x0018A001, 0x04000561}
CHARACTER_SET = 0x00080005
OVERLAY = {
    "00080050": {"vr": "SH", "Value": ["ACC 1"]},
    "00081030": {"vr": "LO"},
    "00081032": {
        "vr": "SQ",
        "Value": [
            {
                "00080100": {"vr": "SH", "Value": ["XCHEST"]},
                "00080102": {"vr": "SH", "Value": ["99LOCAL"]},
                "00080104": {"vr": "LO", "Value": ["Chest"]},
            }
        ],
    },
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JANE"}]},
    "00100020": {"vr": "LO", "Value": ["PID 1"]},
    "00100030": {"vr": "DA", "Value": ["19610203"]},
    "00101030": {"vr": "DS", "Value": ["71.5"]},
    "00189073": {"vr": "FD", "Value": [1.5]},
    "00540011": {"vr": "US", "Value": [7]},
    "00400275": {"vr": "SQ", "Value": [{}]},
}
GERMAN = {**OVERLAY, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "M\xdcLLER^J\xd6RG"}]}}
JAPANESE = {
    **OVERLAY,
    "00100010": {
        "vr": "PN",
        "Value": [
            {
                "Alphabetic": "YAMADA^TARO",
                "Ideographic": "\u5c71\u7530^\u592a\u90ce",
                "Phonetic": "\u3084\u307e\u3060^\u305f\u308d\u3046",
            }
        ],
    },
}
FILES = sorted(
    Path(name)
    for name in get_testdata_files()
    if Path(name).is_file() and Path(name).stat().st_size < 2_000_000
)


def sent_with(path: Path, attributes: dict) -> tuple:
    """What was prepared, its bytes, and what the source says of itself."""
    stored = open_stored(os.open(path, os.O_RDONLY))
    with prepare(stored, Orders(compile_overlay(attributes), provenance=SAID)) as outgoing:
        return outgoing, sent(outgoing)


def elements(data: bytes, encoding: Encoding) -> dict[int, bytes]:
    """Every element of the top level by tag, whole."""
    header = walk(MemoryBytes(data), 0, len(data), encoding)
    assert header.fault is None
    assert header.ascending
    return {one.tag: data[one.start : one.end] for one in header.elements()}


def encoding_of(outgoing) -> Encoding:
    implicit = outgoing.transfer_syntax_uid == SYNTAX[Encoding.IMPLICIT_LITTLE]
    return Encoding.IMPLICIT_LITTLE if implicit else Encoding.EXPLICIT_LITTLE


def prepared_or_none(path, attributes):
    try:
        return sent_with(path, attributes)
    except SetAsideError:
        return None


def original_elements(path: Path) -> tuple[Encoding, dict[int, bytes]]:
    stored = open_stored(os.open(path, os.O_RDONLY))
    try:
        source = stored.source
        whole = {
            one.tag: source.read(one.start, one.end - one.start) for one in stored.header.elements()
        }
        return stored.header.encoding, whole
    finally:
        stored.close()


def test_elements_that_no_rule_touched_keep_their_bytes_order_and_vr():
    compared = 0
    for path in FILES:
        found = prepared_or_none(path, OVERLAY)
        if found is None:
            continue
        outgoing, data = found
        encoding, before = original_elements(path)
        other_rules = {change.rule for change in outgoing.changes} - {"DB"}
        if encoding is Encoding.EXPLICIT_BIG or outgoing.envelope or other_rules:
            continue
        after = elements(data, encoding_of(outgoing))
        touched = {int(tag, 16) for tag in OVERLAY} | PROVENANCE
        assert outgoing.changes
        kept = {tag: one for tag, one in before.items() if tag not in touched}
        assert {tag: one for tag, one in after.items() if tag not in touched} == kept, path
        compared += 1
    assert compared > 60


@pytest.fixture
def lenient(monkeypatch):
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
    monkeypatch.setattr(pydicom.config.settings, "_writing_validation_mode", pydicom.config.IGNORE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("overlay", [OVERLAY, GERMAN, JAPANESE], ids=["ascii", "german", "kanji"])
def test_what_leaves_reads_as_what_pydicom_would_have_made(overlay, lenient):
    compared = 0
    for path in FILES:
        found = prepared_or_none(path, overlay)
        if found is None:
            continue
        outgoing, data = found
        others = {change.rule for change in outgoing.changes} - {"DB", "CS1"}
        if others or "E32" in outgoing.envelope:
            continue  # values that another rule has put right, files that pydicom does not unpack
        try:
            expected = pydicom.dcmread(path, force=True)
            for one in Dataset.from_json(overlay):
                if not one.is_empty or one.tag in expected:  # absent and empty are alike
                    expected[one.tag] = copy.deepcopy(one)
            wanted = json_of(expected)
        except (NotImplementedError, ValueError, TypeError, AttributeError, OSError):
            continue  # what pydicom cannot read or write is no measure
        ours = pydicom.dcmread(io.BytesIO(part10(data, outgoing.transfer_syntax_uid)), force=True)
        got = json_of(ours)
        for tag in (*PROVENANCE, CHARACTER_SET):
            wanted.pop(f"{tag:08X}", None)
            got.pop(f"{tag:08X}", None)
        assert got == wanted, path
        compared += 1
    assert compared > 50


def json_of(dataset: Dataset) -> dict:
    """Values as they read, without group lengths and pixels."""
    said = dataset.to_json_dict(suppress_invalid_tags=True)
    return {
        tag: one
        for tag, one in said.items()
        if not tag.endswith("0000") and tag != "7FE00010" and tag > "0003"
    }


@pytest.mark.parametrize("overlay", [OVERLAY, GERMAN, JAPANESE], ids=["ascii", "german", "kanji"])
def test_preparing_again_what_was_sent_changes_nothing(overlay, tmp_path):
    compared = 0
    orders = Orders(compile_overlay(overlay), provenance=SAID)
    for path in FILES:
        found = prepared_or_none(path, overlay)
        if found is None:
            continue
        outgoing, data = found
        content = part10(data, outgoing.transfer_syntax_uid)
        with prepare(open_stored(file_of(tmp_path, content)), orders) as again:
            assert again.changes == (), path
            assert sent(again) == data, path
        compared += 1
    assert compared > 60


@pytest.mark.archives
def test_every_object_of_the_real_archives_is_overlaid_and_then_left_alone(archives, tmp_path):
    orders = Orders(compile_overlay(JAPANESE), provenance=SAID)
    compared = 0
    for path in sorted(one for one in archives.rglob("*") if one.is_file()):
        if path.stat().st_size > 2_000_000 or path.suffix in {".db", ".sql", ".csv", ".dbf"}:
            continue
        found = prepared_or_none(path, JAPANESE)
        if found is None:
            continue
        outgoing, data = found
        assert outgoing.patient_name.startswith("YAMADA^TARO="), path
        content = part10(data, outgoing.transfer_syntax_uid)
        with prepare(open_stored(file_of(tmp_path, content)), orders) as again:
            assert (again.changes, again.length) == ((), len(data)), path
            assert sent(again) == data, path
        compared += 1
    assert compared > 300
