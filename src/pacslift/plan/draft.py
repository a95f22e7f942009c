"""The draft of a mapping: every patient of the old database, for a person to fill in."""

from pathlib import Path

import polars as pl

from pacslift.plan.mapping import NOTE, PATIENT_NEW

WHO = ("patient_name", "patient_birth_date", "patient_sex")


def draft_patients(patients: pl.LazyFrame, path: Path) -> int:
    """Write a table of patients to *path*: old ID and issuer, the new columns empty, who it is.

    Patients merged into another are left out, as the mapping is asked about the one that is left;
    so are those without an ID. Gives the number of lines.
    """
    known = pl.col("patient_id").is_not_null() & (pl.col("patient_id") != "")
    person = pl.concat_str(WHO, separator=", ", ignore_nulls=True)
    empty = [pl.lit(None, pl.String()).alias(column) for column in PATIENT_NEW]
    drafted = (
        patients.filter(known & pl.col("merged_into").is_null())
        .select("patient_id", "issuer_of_patient_id", *empty, person.alias(NOTE))
        .unique(["patient_id", "issuer_of_patient_id"], keep="first", maintain_order=True)
        .sort("patient_id", "issuer_of_patient_id")
        .collect()
    )
    drafted.write_csv(path)
    return drafted.height
