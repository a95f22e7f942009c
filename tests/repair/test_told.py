"""What job.toml tells the rules is taken literally, or refused with words."""

import pytest

from pacslift.errors import JobFileError
from pacslift.repair.order import BY_ID
from pacslift.repair.told import OF_ALL, OF_DEVICES, refuse_unknown
from pacslift.send.orders import rule_settings

ACME = {"Manufacturer": "ACME"}


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"T13": {"day_first": True}},
        {"T01": {"charset": "ISO_IR 100", "devices": [{**ACME, "charset": "ISO_IR 192"}]}},
        {"E23": {"devices": [{"StationName": "CT1", "Modality": "CT"}]}},
        {"S20": {"devices": [{**ACME, "tag": "00FF4AA5"}]}},
        {"S21": {"devices": [{**ACME, "creators": {"0009": "ACME 1"}}]}},
        {"P16": {"all": True}},
    ],
)
def test_what_makes_sense_is_taken(tables):
    refuse_unknown(tables)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"T13": {"dayfirst": True}}, "'dayfirst'.*day_first"),
        ({"T13": {"day_first": "yes"}}, "'yes'"),
        ({"T14": {"x": 1}}, "told nothing"),
        ({"T01": {"charset": "LATIN"}}, "ISO_IR 100"),
        ({"E23": {"devices": ACME}}, "devices"),
        ({"E23": {"devices": ["ACME"]}}, "entry 1"),
        ({"E23": {"devices": [{"Vendor": "ACME"}]}}, "'Vendor'"),
        ({"P14": {"devices": [ACME, {"planar": 1}]}}, "entry 2.*names no attribute"),
        ({"S20": {"devices": [{**ACME, "tag": "7FE0"}]}}, "8 hexadecimal"),
        ({"S21": {"devices": [{**ACME, "creators": {"9": "A"}}]}}, "4 hexadecimal"),
        ({"S21": {"devices": [{**ACME, "creators": {"0009": "Gerät"}}]}}, "'Gerät' for group 0009"),
        ({"S21": {"devices": [{**ACME, "creators": {"0009": 7}}]}}, "7 for group 0009.*ASCII"),
        ({"S21": {"devices": [{**ACME, "creators": {"0009": "A\\B"}}]}}, "without backslash"),
        ({"S21": {"devices": [{**ACME, "creators": {"0009": ""}}]}}, "1 to 64"),
    ],
)
def test_what_makes_none_is_refused_with_words(tables, words):
    with pytest.raises(JobFileError, match=words):
        refuse_unknown(tables)


def test_only_rules_that_there_are_can_be_told_something():
    assert {*OF_ALL, *OF_DEVICES} <= set(BY_ID)


def test_the_job_is_refused_before_anything_is_sent():
    with pytest.raises(JobFileError, match="dayfirst"):
        rule_settings({"on": ["T17"], "T13": {"dayfirst": True}}, {})
    settings = rule_settings({"on": ["T17"], "T13": {"day_first": True}}, {})
    assert settings.works("T17", by_default=False)
    assert settings.of("T13") == {"day_first": True}
