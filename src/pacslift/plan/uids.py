"""New UIDs for those that break the rules, where the job orders it (rule I01). PS3.5 9.1, B.2.

The map is made for the whole archive before anything is sent: an object refers to others by their
UIDs, and all of them have to follow. A new UID is derived from the old one alone, so that the same
old UID gets the same new one in every run and in every job.
"""

import uuid
from collections.abc import Mapping

import polars as pl

RULE_OF_UIDS = "I01"
NAMESPACE = uuid.UUID("6f2c0b9e-51d4-5b7a-9d0e-3b1f4a8c7e25")  # of UIDs made here; never changed
LEGAL = r"^(0|[1-9]\d*)(\.(0|[1-9]\d*))+$"
MOST = 64  # characters
LEVELS = (
    ("studies", "study_instance_uid"),
    ("series", "series_instance_uid"),
    ("instances", "sop_instance_uid"),
)


def new_uids(catalog: Mapping[str, pl.LazyFrame]) -> dict[str, str]:
    """Old UID to new, for every UID of the catalog that breaks PS3.5 9.1."""
    broken: set[str] = set()
    for table, column in LEVELS:
        uid = pl.col(column)
        wrong = (uid != "") & ~(uid.str.contains(LEGAL) & (uid.str.len_chars() <= MOST))
        rows = catalog[table].filter(wrong).select(uid.unique()).collect()
        broken |= set(rows[column])
    return {old: new_uid(old) for old in sorted(broken)}


def new_uid(old: str) -> str:
    """The UID in the place of *old*: a UUID of its name, below 2.25 (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(NAMESPACE, old).int}"
