"""What the mapping leaves out: by patient, study, accession number or object."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pacslift.plan.mapping import Line, Reviewed
from pacslift.plan.patients import follow_merges

STUDIES = pl.Schema({"study_key": pl.String(), "why_study": pl.String()})
INSTANCES = pl.Schema({"sop_instance_uid": pl.String(), "why_instance": pl.String()})


@dataclass(frozen=True)
class Excluded:
    """Studies and objects that are left out, with the file, the line and its reason.

    studies    study_key, why_study
    instances  sop_instance_uid, why_instance
    used       lines that leave something out
    """

    studies: pl.DataFrame
    instances: pl.DataFrame
    used: frozenset[Line]


def exclude(catalog: Mapping[str, pl.LazyFrame], reviewed: Reviewed) -> Excluded:
    """Find in the *catalog* what *reviewed* leaves out.

    A patient's ID counts as the old database has it, before and after merges alike.
    """
    lines = {what: lines_of(reviewed, what) for what in ("sop_instance_uid", *STUDY_KEYS)}
    studies = study_values(catalog) if any(lines[what] for what in STUDY_KEYS) else None
    used: set[Line] = set()
    found = [pl.DataFrame(schema=STUDIES)]
    if studies is not None:
        for what in STUDY_KEYS:
            hits = studies.join(as_frame(lines[what]), left_on=what, right_on="value")
            used |= {lines[what][value] for value in hits[what].unique()}
            found.append(hits.select("study_key", why_study="why"))
    uids = as_frame(lines["sop_instance_uid"])
    there = catalog["instances"].join(uids.lazy(), left_on="sop_instance_uid", right_on="value",
                                      how="semi")  # fmt: skip
    met = there.select(pl.col("sop_instance_uid").unique()).collect()["sop_instance_uid"]
    used |= {lines["sop_instance_uid"][value] for value in met}
    return Excluded(
        pl.concat(found).unique("study_key", keep="first", maintain_order=True),
        uids.rename({"value": "sop_instance_uid", "why": "why_instance"}).cast(INSTANCES),
        frozenset(used),
    )


STUDY_KEYS = ("study_instance_uid", "accession_number", "patient_id", "final_patient_id")


def lines_of(reviewed: Reviewed, what: str) -> dict[str, Line]:
    """The lines on one kind of key, by its value."""
    return {
        value: line
        for (kind, value), line in reviewed.exclusions.items()
        if kind == what.removeprefix("final_")
    }


def as_frame(lines: Mapping[str, Line]) -> pl.DataFrame:
    """value, and why it is left out."""
    rows = [(value, f"{line}: {line.said['reason']}") for value, line in lines.items()]
    return pl.DataFrame(rows, schema={"value": pl.String(), "why": pl.String()}, orient="row")


def study_values(catalog: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """Each study with what it may be left out by."""
    patients = catalog["patients"].select("patient_key", "patient_id", "merged_into").collect()
    ids = dict(zip(patients["patient_key"], patients["patient_id"], strict=True))
    final = follow_merges(patients).select(
        "patient_key",
        final_patient_id=pl.col("final_key").replace_strict(
            ids, default=None, return_dtype=pl.String()
        ),
    )
    return (
        catalog["studies"]
        .select("study_key", "patient_key", "study_instance_uid", "accession_number")
        .collect()
        .join(patients.select("patient_key", "patient_id"), on="patient_key", how="left")
        .join(final, on="patient_key", how="left")
    )
