"""Catalogs of a few rows, and adapters that say which side is right."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl

from pacslift.adapter import Adapter, load_adapters
from pacslift.inventory.catalog import SCHEMAS

Rows = list[Mapping[str, object]]

# What the plan reads of the files on disk.
FILES = pl.Schema(
    dict.fromkeys(("mount", "relative", "state", "instance_key", "detail"), pl.String())
    | {"size_on_disk": pl.Int64()}
)


@cache
def shipped() -> Adapter:
    return load_adapters()["conquest"]


def adapter(truth: str = "database", **governs: tuple[str, ...]) -> Adapter:
    return replace(shipped(), truth=truth, governs=governs, folder=Path("adapters/acme"))


def catalog(**tables: Rows) -> dict[str, pl.LazyFrame]:
    """The tables given, each with the columns of the schema; the others are empty."""
    return {
        name: pl.DataFrame(tables.get(name, []), schema=schema).lazy()
        for name, schema in SCHEMAS.items()
    }


def archive(patients: Rows, owners: Mapping[str, str], **changed: Rows) -> dict[str, pl.LazyFrame]:
    """*patients*, and *owners*: studies (key to patient key) with one series and one instance each.

    The study st1 has the UID 1.st1, its series se-st1, its instance in-st1.
    """
    tables: dict[str, Rows] = {
        "patients": patients,
        "studies": [
            {"study_key": key, "patient_key": owner, "study_instance_uid": f"1.{key}"}
            for key, owner in owners.items()
        ],
        "series": [
            {"series_key": f"se-{key}", "study_key": key, "series_instance_uid": f"2.{key}"}
            for key in owners
        ],
        "instances": [
            {"instance_key": f"in-{key}", "series_key": f"se-{key}", "visibility": "live",
             "sop_instance_uid": f"3.{key}"}
            for key in owners
        ],
    }  # fmt: skip
    return catalog(**(tables | changed))
