"""The plan: what will be done with each instance row, and why. Pure; rows in are rows out.

Takes   the catalog, the verdicts of the inventory, the overlays, and what the mapping leaves out.
Gives   ledger rows: an instance without a cause is planned, any other is set aside with it.
Ties    the file's own study, series and SOP UIDs are compared when it is read to be sent.
Rules   an exclusion stands before what the inventory found, as nothing need be done about it then;
        whose an instance is matters last, for those that could be sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from pacslift.adapter import Adapter
from pacslift.errors import Cause
from pacslift.inventory.reconcile import Reconciled
from pacslift.ledger import InstanceState
from pacslift.plan.conflicts import two_patients
from pacslift.plan.exclude import Excluded, exclude
from pacslift.plan.lay import Laid, lay
from pacslift.plan.mapping import Line, Reviewed
from pacslift.plan.overlay import Keep

# Newest study first: it is the likeliest to be asked for tomorrow. A study stays together.
ORDER = ["study_date", "study_instance_uid", "series_instance_uid", "instance_key"]
MOST_NAMED = 12  # lines that a finding names
BATCH = 20_000  # rows handed to the ledger at a time
INSTANCE_COLUMNS = ("instance_key", "series_key", "sop_instance_uid", "sop_class_uid")


@dataclass(frozen=True)
class Plan:
    """Rows for the ledger, and what a person should know of the mapping."""

    instances: pl.DataFrame
    candidates: pl.DataFrame
    files: pl.DataFrame
    findings: tuple[str, ...]


def make_plan(
    adapter: Adapter,
    catalog: Mapping[str, pl.LazyFrame],
    found: Reconciled,
    reviewed: Reviewed,
    keep: Keep,
) -> Plan:
    """Decide about every instance and every file; the texts of overlays go to *keep*.

    Raises MappingError, CatalogError or AdapterFaultError before anything is decided.
    """
    laid = lay(adapter, catalog, reviewed, keep)
    excluded = exclude(catalog, reviewed)
    rows = instance_rows(
        catalog, found.instances, found.candidates, laid, excluded,
        one_patient_a_study=adapter.truth == "database",
    )  # fmt: skip
    findings = unused_lines(reviewed, laid.used | excluded.used)
    return Plan(rows, candidate_rows(found.candidates), file_rows(found.files), tuple(findings))


def unused_lines(reviewed: Reviewed, used: frozenset[Line]) -> Iterator[str]:
    """A sentence for each mapping file with lines that met nothing in the old database."""
    lost = [line for line in reviewed.lines if line not in used]
    for path, lines in groupby(sorted(lost, key=lambda line: line.place), lambda line: line.path):
        numbers = [line.number for line in lines]
        shown = ", ".join(map(str, numbers[:MOST_NAMED]))
        more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
        yield (
            f"{len(numbers)} lines of the mapping {path} met nothing in the old database: "
            f"line {shown}{more}; are they spelt as the database has them?"
        )


def instance_rows(
    catalog: Mapping[str, pl.LazyFrame],
    verdicts: pl.DataFrame,
    candidates: pl.DataFrame,
    laid: Laid,
    excluded: Excluded,
    *,
    one_patient_a_study: bool,
) -> pl.DataFrame:
    """One ledger row for each instance of *catalog*, with its verdict.

    *one_patient_a_study* sets aside the studies that would go out under two patients.
    """
    first = candidates.sort("instance_key", "rank").unique("instance_key", keep="first")
    syntax = first.select("instance_key", "transfer_syntax_uid")
    rows = (
        catalog["instances"].select(INSTANCE_COLUMNS).collect()
        .join(series_facts(catalog, laid, excluded), on="series_key", how="left",
              maintain_order="left")
        .join(verdicts, on="instance_key", how="left", maintain_order="left")
        .join(excluded.instances, on="sop_instance_uid", how="left", maintain_order="left")
        .pipe(judged)
    )  # fmt: skip
    if one_patient_a_study:
        sendable = rows.filter(pl.col("cause").is_null())["study_key"].unique()
        rows = with_conflicts(rows, two_patients(laid.studies, sendable))
    state = (
        pl.when(pl.col("cause").is_null())
        .then(pl.lit(InstanceState.PLANNED.value))
        .otherwise(pl.lit(InstanceState.SET_ASIDE.value))
    )
    return (
        rows.join(syntax, on="instance_key", how="left", maintain_order="left")
        .join(laid.instances, on="instance_key", how="left", maintain_order="left")
        .select(
            "instance_key",
            pl.col("sop_instance_uid").fill_null(""),
            "sop_class_uid",
            "series_instance_uid",
            "study_instance_uid",
            "study_date",
            "transfer_syntax_uid",
            "cause",
            "detail",
            "overlays",
            own_overlay="overlay",
            state=state,
        )
        .sort(ORDER, descending=[True, False, False, False], nulls_last=True)
        .with_row_index("position")
    )


def series_facts(
    catalog: Mapping[str, pl.LazyFrame], laid: Laid, excluded: Excluded
) -> pl.DataFrame:
    """For each series its UIDs, its overlays, and what stands against it and its study."""
    series = catalog["series"].select("series_key", "study_key", "series_instance_uid").collect()
    studies = catalog["studies"].select("study_key", "study_instance_uid", "study_date").collect()
    whose = laid.series.rename({"cause": "whose_cause", "detail": "whose_detail"})
    return (
        series.join(studies, on="study_key", how="left", maintain_order="left")
        .join(excluded.studies, on="study_key", how="left", maintain_order="left")
        .join(whose, on="series_key", how="left", maintain_order="left")
    )


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """*rows* with the one cause and detail that count for each."""
    why = pl.coalesce("why_instance", "why_study")
    excluded = why.is_not_null()
    known = pl.col("cause").is_not_null()
    return rows.with_columns(
        cause=pl.when(excluded)
        .then(pl.lit(Cause.EXCLUDED.value))
        .otherwise(pl.coalesce("cause", "whose_cause")),
        detail=pl.when(excluded).then(why).when(known).then("detail").otherwise("whose_detail"),
    )


def with_conflicts(rows: pl.DataFrame, conflicts: pl.DataFrame) -> pl.DataFrame:
    """*rows*, those of the studies in *conflicts* (study_key, why) set aside."""
    joined = rows.join(conflicts, on="study_key", how="left", maintain_order="left")
    hit = pl.col("cause").is_null() & pl.col("why").is_not_null()
    return joined.with_columns(
        cause=pl.when(hit).then(pl.lit(Cause.PATIENT_UNCLEAR.value)).otherwise("cause"),
        detail=pl.when(hit).then("why").otherwise("detail"),
    )


def candidate_rows(candidates: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of the copies worth trying; ranks as they are."""
    return candidates.select(
        "instance_key", "rank", "mount", "relative", "container", "member", "size_bytes",
        "digest_algorithm", "digest",
    ).unique(["instance_key", "rank"], keep="first", maintain_order=True)  # fmt: skip


def file_rows(files: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of the files on disk."""
    return files.select(
        "mount", "relative", "state", "instance_key", "detail", size_bytes=pl.col("size_on_disk")
    )


def in_batches(rows: pl.DataFrame) -> Iterator[Sequence[Mapping[str, Any]]]:
    """*rows* as lists of mappings of bounded length."""
    for part in rows.iter_slices(BATCH):
        yield part.to_dicts()
