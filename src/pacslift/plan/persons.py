"""The mapping's lines on patients, held against the patients that the old database has."""

from collections.abc import Mapping

import polars as pl

from pacslift.errors import MappingError
from pacslift.plan.mapping import Line, Reviewed


def lines_of_patients(patients: pl.DataFrame, reviewed: Reviewed) -> Mapping[str, Line]:
    """The line on each patient (patient_key, patient_id, issuer_of_patient_id) that has one.

    A line with the issuer fits that patient alone; one without it any patient of that ID, as long
    as the database has one issuer for it. Raises MappingError where it has several.
    """
    if not reviewed.patients:
        return {}
    ids = pl.Series([old for old, _ in reviewed.patients], dtype=pl.String()).unique()
    there = patients.filter(pl.col("patient_id").is_in(ids.implode())).with_columns(
        issuer=pl.col("issuer_of_patient_id").fill_null("")
    )
    issuers = {
        row["patient_id"]: row["issuers"]
        for row in there.group_by("patient_id").agg(issuers=pl.col("issuer").unique()).to_dicts()
    }
    found: dict[str, Line] = {}
    for row in there.iter_rows(named=True):
        exact = reviewed.patients.get((row["patient_id"], row["issuer"]))
        line = exact or reviewed.patients.get((row["patient_id"], ""))
        if line is None:
            continue
        if exact is None and len(issuers[row["patient_id"]]) > 1:
            raise MappingError(
                f"{line}, column issuer_of_patient_id: the cell is empty, and the old database has "
                f"this patient ID under {len(issuers[row['patient_id']])} issuers; write a line "
                "for each"
            )
        found[row["patient_key"]] = line
    return found
