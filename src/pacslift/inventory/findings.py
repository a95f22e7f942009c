"""What the catalog says about the archive that stops nothing: sentences for the report.

They name UIDs, keys and counts, never a patient.
"""

import polars as pl

from pacslift.counting import counted
from pacslift.inventory.ranges import Tables, length_of

UID = r"^(0|[1-9]\d*)(\.(0|[1-9]\d*))+$"  # PS3.5 9.1, with at most 64 characters
UID_LENGTH = 64
LEVELS = (
    ("studies", "study_instance_uid"),
    ("series", "series_instance_uid"),
    ("instances", "sop_instance_uid"),
)


def catalog_findings(catalog: Tables) -> list[str]:
    """Everything noticed in the catalog alone."""
    return [*rule_breaking_uids(catalog), *studies_of_two_patients(catalog), *lost_rows(catalog)]


def rule_breaking_uids(catalog: Tables) -> list[str]:
    """UIDs that break PS3.5 9.1; they are kept, since other objects refer to them."""
    said = []
    for table, column in LEVELS:
        uid = pl.col(column)
        wrong = uid.is_not_null() & ~(uid.str.contains(UID) & (uid.str.len_chars() <= UID_LENGTH))
        found = catalog[table].filter(wrong).select(uid.unique().sort())
        rows = found.collect(engine="streaming")[column]
        if rows.len():
            said.append(
                f"{rows.len()} values of {column} break the rules for UIDs (PS3.5 9.1) and are "
                f"kept as they are, for example {rows[0]}"
            )
    return said


def studies_of_two_patients(catalog: Tables) -> list[str]:
    """Study Instance UIDs that the old database holds under several patients, trash apart."""
    gone = catalog["instances"].filter(pl.col("visibility") == "deleted")
    of_trash = catalog["series"].join(gone, on="series_key", how="semi").select("study_key")
    rows = (
        catalog["studies"]
        .filter(pl.col("study_instance_uid").is_not_null())
        .join(of_trash, on="study_key", how="anti")
        .group_by("study_instance_uid")
        .agg(patients=pl.col("patient_key").n_unique())
        .filter(pl.col("patients") > 1)
        .sort("study_instance_uid")
        .collect(engine="streaming")
    )
    return [
        f"study {row['study_instance_uid']} is under {row['patients']} patients in the old "
        "database; a target may refuse or split it: have a person decide which patient is right"
        for row in rows.to_dicts()
    ]


def lost_rows(catalog: Tables) -> list[str]:
    """Rows whose parent row is not in the dump."""
    said = []
    for child, parent, key in (
        ("instances", "series", "series_key"),
        ("series", "studies", "study_key"),
        ("studies", "patients", "patient_key"),
    ):
        keys = catalog[child].select(key), catalog[parent].select(key)
        lost = length_of(keys[0].join(keys[1], on=key, how="anti"))
        if lost:
            said.append(
                f"{counted(lost, f'row of {child} belongs', f'rows of {child} belong')} to no row "
                f"of {parent} in the dump; "
                "their objects are sent as their files say, or set aside where the database "
                "is the truth"
            )
    return said


def counts_that_differ(catalog: Tables) -> list[str]:
    """How many studies and series the old database counts otherwise than its own rows do."""
    rows = catalog["series"].join(
        catalog["instances"].group_by("series_key").agg(found=pl.len()),
        on="series_key",
        how="left",
        maintain_order="left",
    )
    expected = pl.col("expected_instances")
    differs = expected.is_not_null() & (expected != pl.col("found").fill_null(0))
    wrong = rows.filter(differs).collect(engine="streaming")
    if not wrong.height:
        return []
    example = wrong["series_instance_uid"][0]
    announce = counted(wrong.height, "series announces", "series announce")
    sentence = f"{announce} another number of instances than there are rows"
    return [f"{sentence}, for example {example}"]
