"""One Study Instance UID under two patients: nobody may guess whose it is (repair.md I09).

A target refuses such a study, parts it or gives all of it to the first patient. It is set aside
with the keys of the patients, unless a merge or a mapping makes them one.
"""

import polars as pl

CONFLICTS = pl.Schema({"study_key": pl.String(), "why": pl.String()})
MOST_NAMED = 4  # patient keys in a sentence


def two_patients(studies: pl.DataFrame, sendable: pl.Series) -> pl.DataFrame:
    """CONFLICTS: the studies whose UID other studies have too, under another patient.

    Takes   study_key, study_instance_uid, patient_key and whose of each study; those in *sendable*
            (study keys) count, as of the others nothing will be sent.
    """
    uid = pl.col("study_instance_uid")
    some = studies.filter(uid.is_not_null() & pl.col("study_key").is_in(sendable.implode()))
    keys = pl.col("patient_key").unique().sort()
    several = (
        some.filter(pl.col("whose").n_unique().over("study_instance_uid") > 1)
        .group_by("study_instance_uid")
        .agg(
            "study_key",
            keys=keys.head(MOST_NAMED).str.join(" and "),
            more=keys.len().cast(pl.Int64) - MOST_NAMED,
        )
    )
    rest = pl.when(pl.col("more") > 0).then(pl.format(" and {} more", "more")).otherwise(pl.lit(""))
    why = pl.format("study {} is under the patients {}{}", uid, "keys", rest)
    return several.select("study_key", why=why).explode("study_key").cast(CONFLICTS)
