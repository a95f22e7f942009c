"""Columns of blobs: a whole blob has the last word, a damaged one leaves gaps to the columns."""

import json

import polars as pl

from pacslift.inventory import blobcolumns
from pacslift.inventory.blobcolumns import by_attributes, decoded, value_of

NAME = b"\x10\0\x10\0PN\x08\0Doe^John"
COLUMNS = {"name": "00100010", "number": "00100020"}


def rows_of(*blobs):
    count = len(blobs)
    columns = {"name": ["DOE^JOHN"] * count, "number": ["4711"] * count, "attributes": blobs}
    return pl.LazyFrame(columns, {"name": pl.String, "number": pl.String, "attributes": pl.Binary})


def test_a_whole_blob_speaks_for_what_it_leaves_out_too():
    frame = by_attributes(decoded(rows_of(NAME)), COLUMNS).collect()
    assert frame.select("name", "number").rows() == [("Doe^John", None)]


def test_identity_is_kept_whatever_the_blob_leaves_out():
    frame = by_attributes(decoded(rows_of(NAME)), COLUMNS, identity=["number"]).collect()
    assert frame.select("name", "number").rows() == [("Doe^John", "4711")]


def test_a_damaged_or_missing_blob_leaves_its_gaps_to_the_columns():
    frame = by_attributes(decoded(rows_of(NAME + b"\x10\0", b"", None)), COLUMNS).collect()
    assert frame["name"].to_list() == ["Doe^John", "DOE^JOHN", "DOE^JOHN"]
    assert frame["number"].to_list() == ["4711"] * 3
    assert frame["attributes"].is_null().to_list() == [False, True, True]
    assert frame["attributes_fault"].is_null().to_list() == [False, True, True]


def test_no_rows_give_no_rows():
    frame = by_attributes(decoded(rows_of()), COLUMNS).collect()
    assert frame.height == 0
    assert frame.schema["attributes"] == frame.schema["attributes_fault"] == pl.String


def test_slices_are_put_together_in_order(monkeypatch):
    monkeypatch.setattr(blobcolumns, "SLICE", 3)
    blobs = [NAME.replace(b"Doe^John", b"Doe^%04d" % n) for n in range(10)]
    frame = by_attributes(decoded(rows_of(*blobs)), COLUMNS).collect()
    assert frame["name"].to_list() == [f"Doe^{n:04}" for n in range(10)]
    assert all(json.loads(text) for text in frame["attributes"])


def test_values_are_joined_as_dicom_joins_them():
    assert value_of({"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}) == "ORIGINAL\\\\AXIAL"
    name = {"Alphabetic": "Yamada^Tarou", "Phonetic": "やまだ^たろう"}
    assert value_of({"vr": "PN", "Value": [name]}) == "Yamada^Tarou==やまだ^たろう"
    assert value_of({"vr": "US", "Value": [512]}) == "512"
    assert value_of({"vr": "LO"}) is value_of(None) is None
