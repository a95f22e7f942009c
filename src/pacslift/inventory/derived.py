"""SOP Instance UIDs for objects that never had one: pixels alone, named by a key of the database.

The UID follows from the old key and the study's UID, so that the same dump gives the same one again
and two sites whose keys are alike do not meet. PS3.5 B.2 (UUID derived UIDs), RFC 9562 5.5.
"""

import uuid

import polars as pl

from pacslift.inventory.catalog import PIXELS

_NAMESPACE = uuid.UUID("1fa6dd32-0466-5681-9b89-781d9b830fdd")  # of rebuilt objects; never changed
NAMED_BY = ("study_instance_uid", "series_instance_uid", "instance_key")


def derived_uid(*names: str) -> str:
    """Give the UID below 2.25 that follows from *names*."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(names)).int}"


def with_derived_uids(
    instances: pl.DataFrame, series: pl.DataFrame, studies: pl.DataFrame, files: pl.DataFrame
) -> pl.DataFrame:
    """Give *instances* with a UID for those that have none and are only pixels.

    One whose study or series has no UID either stays without, since nothing tells it from others.
    """
    only_pixels = files.filter(pl.col("container") == PIXELS).select("instance_key").unique()
    nameless = instances.filter(pl.col("sop_instance_uid").fill_null("") == "")
    if only_pixels.is_empty() or nameless.is_empty():
        return instances
    named = (
        nameless.select("instance_key", "series_key")
        .join(only_pixels, on="instance_key", how="semi")
        .join(series.select("series_key", "study_key", "series_instance_uid"), on="series_key")
        .join(studies.select("study_key", "study_instance_uid"), on="study_key")
        .select(NAMED_BY)
        .drop_nulls()
    )
    made = [(row[-1], derived_uid(*row)) for row in named.iter_rows()]
    schema = {"instance_key": pl.String(), "derived": pl.String()}
    uids = pl.DataFrame(made, schema=schema, orient="row")
    return (
        instances.join(uids, on="instance_key", how="left", maintain_order="left")
        .with_columns(sop_instance_uid=pl.coalesce("derived", "sop_instance_uid"))
        .drop("derived")
    )
