import polars as pl
import pytest

from pacslift.inventory import normalize


def made(expression, *values):
    frame = pl.DataFrame({"c": list(values)}, schema={"c": pl.String()})
    return frame.select(expression("c")).to_series().to_list()


@pytest.mark.parametrize("text", ["20170607", "2017-06-07", "2017.06.07", "2017-06-07 16:43:00"])
def test_a_date_in_any_unmistakable_spelling_becomes_a_dicom_date(text):
    assert made(normalize.date, text) == ["20170607"]


@pytest.mark.parametrize("text", ["07/06/2017", "20170231", "00000000", "170607", "", "unknown"])
def test_a_date_that_is_none_or_could_be_two_becomes_null(text):
    assert made(normalize.date, text) == [None]


@pytest.mark.parametrize(
    ("text", "time"),
    [("164300", "164300"), ("16:43:00", "164300"), ("1643", "1643"), ("16", "16"),
     ("164300.123456789", "164300.123456")],
)  # fmt: skip
def test_a_time_becomes_a_dicom_time(text, time):
    assert made(normalize.time, text) == [time]


@pytest.mark.parametrize("text", ["246000", "9999", "4:43 pm", "", None])
def test_a_time_that_is_none_becomes_null(text):
    assert made(normalize.time, text) == [None]


def test_padding_goes_and_an_empty_text_is_no_value_but_an_empty_identifier_is_one():
    assert made(normalize.text, "A \0", "  ", None) == ["A", None, None]
    assert made(normalize.identifier, "A \0", "  ", None) == ["A", "", None]


def test_a_code_that_nobody_listed_is_named_with_its_count():
    rows = pl.LazyFrame({"c": ["1", "7", "7", "2000", None]})
    found = normalize.unknown_codes(rows, "c", {"1": "one", "1024..65535": "users"})
    assert found.to_dicts() == [{"code": "7", "rows": 2}]
