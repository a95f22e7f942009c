"""Columns of blobs, for adapters' hooks: decoded to `attributes`, and their values as columns.

A column `attributes_fault` goes beside `attributes`: why a blob says no more than it does. The
build makes findings of it and keeps it out of the catalog.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from pacslift.inventory.blobs import decode_blob

FAULT = "attributes_fault"
_DECODED = pl.Struct({"attributes": pl.String(), FAULT: pl.String()})
SLICE = 50_000  # rows
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def decoded(
    rows: pl.LazyFrame,
    *,
    leave_out: frozenset[int] = frozenset(),
    private_creators: frozenset[bytes] = frozenset(),
) -> pl.LazyFrame:
    """*rows* with the blobs in `attributes` as JSON, by decode_blob(); no bytes are null."""
    decode = partial(decode_blob, leave_out=leave_out, private_creators=private_creators)

    def read(blobs: pl.Series) -> pl.Series:
        texts: list[str | None] = []
        faults: list[str | None] = []
        for blob in blobs:
            said = decode(blob) if blob else None
            texts.append(said.text if said else None)
            faults.append(said.fault if said else None)
        return pl.DataFrame({"attributes": texts, FAULT: faults}, _DECODED.to_schema()).to_struct()

    both = pl.col("attributes").map_batches(
        _in_slices(read), return_dtype=_DECODED, is_elementwise=True
    )
    return rows.with_columns(both.alias("decoded")).drop("attributes").unnest("decoded")


def by_attributes(
    rows: pl.LazyFrame, columns: Mapping[str, str], identity: Sequence[str] = ()
) -> pl.LazyFrame:
    """*rows* with what `attributes` says in place of the *columns*, name to tag.

    A column speaks for itself only where the blob is damaged or missing: made from the blob it may
    say less (upper case), or more (midnight for no time at all). Those of *identity* always do.
    """
    kind = pl.Struct(dict.fromkeys(columns, pl.String()))

    def values(texts: pl.Series) -> pl.Series:
        parsed = [json.loads(text) if text else {} for text in texts]
        said = [{name: value_of(one.get(tag)) for name, tag in columns.items()} for one in parsed]
        return pl.Series(said, dtype=kind)

    said = pl.col("attributes").map_batches(
        _in_slices(values), return_dtype=kind, is_elementwise=True
    )
    whole = pl.col("attributes").is_not_null() & pl.col(FAULT).is_null()
    better = [
        pl.when(whole & pl.lit(name not in identity))
        .then(pl.col("said").struct[name])
        .otherwise(pl.coalesce(pl.col("said").struct[name], name))
        .alias(name)
        for name in columns
    ]
    return rows.with_columns(said.alias("said")).with_columns(better).drop("said")


def _in_slices(work: Callable[[pl.Series], pl.Series]) -> Callable[[pl.Series], pl.Series]:
    """*work* done slice by slice, since Python's objects take many times what a Series does."""

    def sliced(column: pl.Series) -> pl.Series:
        starts = range(0, max(column.len(), 1), SLICE)
        return pl.concat([work(column.slice(start, SLICE)) for start in starts])

    return sliced


def value_of(element: Mapping[str, Any] | None) -> str | None:
    """An element's values as one text, as DICOM joins them; None where it has none."""
    values = [_one(value) for value in (element or {}).get("Value", ())]
    return "\\".join(values) or None


def _one(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return "=".join(value.get(group, "") for group in _GROUPS).rstrip("=")
    return "" if value is None else str(value)
