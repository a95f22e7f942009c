"""A changed object says what it said before, who changed it and when; an unchanged one nothing."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from overlaid import NAME, SAID, overlaid, person, read
from pacslift.errors import Cause, SetAsideError
from pacslift.repair import outgoing as outgoing_module
from pacslift.repair.engine import Engine
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.overlay import compile_overlay
from pacslift.repair.rule import Rule, Tier, put
from storedobjects import (
    DELIMITER,
    EXPLICIT,
    IMPLICIT,
    element,
    file_of,
    identified,
    image,
    item,
    item_until_delimiter,
    opened,
    part10,
    uid,
)

MODALITY, MODIFIED, ORIGINAL = 0x00080060, 0x04000550, 0x04000561
EQUIPMENT, SIGNATURES = 0x0018A001, 0xFFFAFFFA


def behind(*parts: bytes) -> bytes:
    """The usual image with elements of higher groups in front of its pixels."""
    pixels = image()[len(identified()) :]
    return identified() + b"".join(parts) + pixels


@pytest.fixture
def rule_that_corrects(monkeypatch):
    """One rule of tier B: a Modality in small letters is written in large ones."""

    def large(view):
        yield put(MODALITY, b"CS", (view.value(MODALITY) or b"").upper())

    rule = Rule("X1", Tier.DETERMINISTIC, "", "", large, tags=frozenset({MODALITY}))
    rules = (rule, *outgoing_module.RULES)
    monkeypatch.setattr(outgoing_module, "engine_of", lambda said: Engine(rules, said))


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT])
def test_the_prior_value_who_and_when_stand_in_the_object(tmp_path, encoding):
    _, data = overlaid(
        tmp_path, image(encoding), {"00100020": {"vr": "LO", "Value": ["7"]}}, encoding
    )
    ds = read(data, encoding)
    (original,) = ds.OriginalAttributesSequence
    (prior,) = original.ModifiedAttributesSequence
    assert prior.PatientID == "M\xfcller"
    assert original.ReasonForTheAttributeModification == "COERCE"
    assert original.ModifyingSystem == "pacslift test"
    assert original.AttributeModificationDateTime == "20261122120000+0000"
    assert original.SourceOfPreviousValues == "OLD@SITE"
    assert ds.InstanceCoercionDateTime == "20261122120000+0000"
    (equipment,) = ds.ContributingEquipmentSequence
    (purpose,) = equipment.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109103", "DCM")
    assert purpose.CodeMeaning == "Modifying Equipment"
    assert (equipment.Manufacturer, equipment.SoftwareVersions) == ("pacslift", "0.1.0")
    assert equipment.ContributionDateTime == "20261122120000+0000"


def test_what_was_not_there_before_stands_empty_among_the_prior_values(tmp_path):
    _, data = overlaid(tmp_path, image(), NAME)
    (prior,) = read(data).OriginalAttributesSequence[0].ModifiedAttributesSequence
    assert prior["PatientName"].is_empty


def test_nothing_is_added_to_an_object_that_is_as_the_database_says(tmp_path):
    outgoing, data = overlaid(tmp_path, image(), {"00100020": {"vr": "LO", "Value": ["M\xfcller"]}})
    assert (data, outgoing.changes) == (image(), ())


def test_without_provenance_only_the_change_itself_is_made(tmp_path):
    orders = Orders(compile_overlay(NAME))
    outgoing, data = overlaid(tmp_path, image(), orders)
    assert len(data) == len(image()) + len(element(0x00100010, "PN", b"DOE^JANE"))
    assert len(outgoing.changes) == 1


def test_corrections_and_coercions_are_told_apart(tmp_path, rule_that_corrects):
    start = identified().index(b"\x10\x00\x20\x00")
    content = image()[:start] + element(MODALITY, "CS", b"ct") + image()[start:]
    outgoing, data = overlaid(tmp_path, content, NAME)
    ds = read(data)
    assert ds.Modality == "CT"
    coerced, corrected = ds.OriginalAttributesSequence
    assert coerced.ReasonForTheAttributeModification == "COERCE"
    assert corrected.ReasonForTheAttributeModification == "CORRECT"
    assert [change.rule for change in outgoing.changes] == ["X1", "DB"]


def test_a_prior_value_that_breaks_its_vr_stands_empty_and_its_bytes_beside_it(
    tmp_path, rule_that_corrects
):
    start = identified().index(b"\x10\x00\x20\x00")
    content = image()[:start] + element(MODALITY, "CS", b"ct") + image()[start:]
    _, data = overlaid(tmp_path, content, {})
    (original,) = read(data).OriginalAttributesSequence
    assert original.ModifiedAttributesSequence[0]["Modality"].is_empty
    (bad,) = original.NonconformingModifiedAttributesSequence
    assert (bad.SelectorAttribute, bad.SelectorValueNumber) == (MODALITY, 1)
    assert bad.NonconformingDataElementValue == b"ct"


@pytest.mark.parametrize("form", ["defined", "undefined", "unknown"])
def test_what_another_system_said_of_its_changes_stays_in_front(tmp_path, form):
    prior = element(MODIFIED, "SQ", item(element(0x00100010, "PN", b"OLDER ")))
    theirs = prior + element(0x04000563, "LO", b"THEIRS")
    if form == "defined":
        sequence = element(ORIGINAL, "SQ", item(theirs))
    elif form == "undefined":
        sequence = opened(ORIGINAL, "SQ") + item_until_delimiter(theirs) + DELIMITER
    else:
        inner = element(
            MODIFIED, "SQ", item(element(0x00100010, "PN", b"OLDER ", IMPLICIT)), IMPLICIT
        )
        inner += element(0x04000563, "LO", b"THEIRS", IMPLICIT)
        sequence = opened(ORIGINAL, "UN") + item(inner) + DELIMITER
    _, data = overlaid(tmp_path, behind(sequence), NAME)
    first, second = read(data).OriginalAttributesSequence
    assert (first.ModifyingSystem, second.ModifyingSystem) == ("THEIRS", "pacslift test")
    assert first.ModifiedAttributesSequence[0].PatientName == "OLDER"


def test_a_second_migration_adds_an_original_but_names_the_equipment_once(tmp_path):
    _, once = overlaid(tmp_path, image(), NAME)
    later = replace(SAID, revised="20270101000000+0000")
    orders = Orders(compile_overlay({"00100010": person("DOE^JOAN")}), provenance=later)
    _, twice = overlaid(tmp_path, once, orders)
    ds = read(twice)
    assert len(ds.OriginalAttributesSequence) == 2
    assert len(ds.ContributingEquipmentSequence) == 1
    assert ds.InstanceCoercionDateTime == "20270101000000+0000"
    newer = Orders(compile_overlay(NAME), provenance=replace(later, version="0.2.0"))
    _, thrice = overlaid(tmp_path, twice, newer)
    assert len(read(thrice).ContributingEquipmentSequence) == 2


def test_the_equipment_that_made_the_object_stays_in_front_of_ours(tmp_path):
    made = element(0x00080070, "LO", b"MAKER ") + element(0x0018A003, "ST", b"made it ")
    start = identified().index(b"\x20\x00\x0d\x00")
    content = image()[:start] + element(EQUIPMENT, "SQ", item(made)) + image()[start:]
    _, data = overlaid(tmp_path, content, NAME)
    assert [one.Manufacturer for one in read(data).ContributingEquipmentSequence] == [
        "MAKER",
        "pacslift",
    ]


def signed() -> bytes:
    pixels = image()
    return pixels + element(SIGNATURES, "SQ", item(element(0x04000100, "UI", uid("1.2.9"))))


def test_a_signature_that_a_change_breaks_is_kept_and_told(tmp_path):
    outgoing, data = overlaid(tmp_path, signed(), NAME)
    assert 0xFFFAFFFA in read(data)
    assert ("P22", "DigitalSignaturesSequence") in {(c.rule, c.keyword) for c in outgoing.changes}
    untouched, data = overlaid(tmp_path, signed(), {})
    assert (data, untouched.changes) == (signed(), ())


def test_a_signature_that_a_change_breaks_is_removed_or_set_aside_as_the_job_says(tmp_path):
    def orders(what):
        rules = RuleSettings(parameters={"P22": {"signatures": what}})
        return Orders(compile_overlay(NAME), rules, SAID)

    _, data = overlaid(tmp_path, signed(), orders("remove"))
    assert SIGNATURES not in read(data)
    with pytest.raises(SetAsideError) as refused:
        overlaid(tmp_path, signed(), orders("set_aside"))
    assert refused.value.cause is Cause.SIGNED


PROGRAM = """
import hashlib, os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from overlaid import SAID
from pacslift.inventory.stored import open_stored
from pacslift.repair.orders import Orders
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay
said = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "\\u0394"}]},
        "00081030": {"vr": "LO", "Value": ["CT"]},
        "00100020": {"vr": "LO", "Value": ["7"]}}
stored = open_stored(os.open(sys.argv[1], os.O_RDONLY))
with prepare(stored, Orders(compile_overlay(said), provenance=SAID)) as outgoing:
    print(outgoing.digest(), hashlib.sha256(repr(outgoing.changes).encode()).hexdigest())
"""


def test_the_same_job_gives_the_same_bytes_on_any_day_in_any_place(tmp_path):
    os.close(file_of(tmp_path, part10(image())))
    here = Path(__file__).parents[1]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "object"), str(here)]
    given = set()
    for seed, zone in (("0", "UTC"), ("1", "Pacific/Auckland"), ("42", "America/Caracas")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        given.add(subprocess.run(command, env=env, capture_output=True, check=True).stdout)
    assert len(given) == 1
    assert len(given.pop()) > 2 * hashlib.sha256().digest_size
