"""Which objects are asked for the character set of their study's texts (repair.md 3).

The database can judge only where it has a text beyond ASCII, so only studies with such a text have
witnesses. Objects of a series come from one device, so a few of each will do, the first by their
keys: other rows of the same database leave them who they are. Nothing is opened here; whether they
are ever asked shows when an object is sent whose own texts leave its character set open.

Cost    a number for each series; at most MOST rows a series for the ledger.
"""

from collections.abc import Mapping

import polars as pl

from pacslift.plan.facts import beyond_ascii
from pacslift.plan.overlay import ATTRIBUTES

MOST = 4  # of a series
TEXTS = {
    "patients": ("patient_name",),
    "studies": ("referring_physician_name", "study_description"),
    "series": ("series_description",),
}
ESCAPED = r"\\u00[89a-fA-F]|\\u0[1-9a-fA-F]|\\u[1-9a-fA-F]"  # JSON text may be plain ASCII


def judged_series(catalog: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """series_key and `judged`: whether the database has a text beyond ASCII for its study."""
    patients, studies, series = (telling(catalog[table], table) for table in TEXTS)
    of_studies = (
        series.join(studies, on="study_key", how="left")
        .join(patients, on="patient_key", how="left")
        .select("series_key", "study_key", any=pl.any_horizontal("patients", "studies", "series"))
    )
    judged = pl.col("any").any().over("study_key").fill_null(value=False)
    return of_studies.select("series_key", judged=judged).collect()


def telling(rows: pl.LazyFrame, table: str) -> pl.LazyFrame:
    """The keys of a level, and whether its rows have a text beyond ASCII, named as the *table*."""
    some = pl.any_horizontal(
        *(beyond_ascii(column) for column in TEXTS[table]),
        beyond_ascii(ATTRIBUTES),
        pl.col(ATTRIBUTES).str.contains(ESCAPED).fill_null(value=False),
    )
    keys = {"patients": ("patient_key",), "studies": ("study_key", "patient_key"),
            "series": ("series_key", "study_key")}  # fmt: skip
    return rows.select(*keys[table], some.alias(table))


class Witnesses:
    """Counts the witnesses of each series while its instances come by, in the keys' order."""

    def __init__(self) -> None:
        self._known = pl.DataFrame(schema={"place": pl.UInt32(), "had": pl.UInt32()})

    def among(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The witnesses among instances that are `judged` and nothing stands against."""
        wanted = rows.filter(
            pl.col("judged"), pl.col("cause").is_null(), pl.col("study_instance_uid").is_not_null()
        ).join(self._known, on="place", how="left", maintain_order="left")
        nth = pl.int_range(pl.len(), dtype=pl.UInt32).over("place") + pl.col("had").fill_null(0)
        chosen = wanted.filter(nth < MOST)
        self._known = (
            pl.concat([self._known, chosen.group_by("place").agg(had=pl.len().cast(pl.UInt32))])
            .group_by("place")
            .agg(pl.col("had").sum())
        )
        return chosen.select("study_instance_uid", "instance_key", "overlays", "own_overlay")
