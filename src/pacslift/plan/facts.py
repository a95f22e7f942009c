"""What the database says that overlays nothing, but that a rule may have to ask (kind FACTS).

patient     patient_name, a judge of character sets; study_patient_id, whom studies are under (I09)
study       study_patients, where its UID is under several patients (I09); texts
series      modality (T17C); texts

Strategy: what an overlay says anyway is no fact, and a text in plain ASCII cannot judge a character
set; so most studies and series have none of their own, and equal facts are kept once. UIDs and the
transfer syntax are in the instance's row of the ledger already (send/orders.py).
"""

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from pacslift.ledger import OverlayKind
from pacslift.plan.keywords import COLUMNS
from pacslift.plan.overlay import Keep, Level, Row, as_row, slices

TEXTS = "texts"  # the fact: tag in eight hexadecimal digits to what the database has there
TEXT_COLUMNS = ("referring_physician_name", "study_description", "series_description")
MODALITY = "modality"
_A_CODE = re.compile(r"[A-Z0-9_ ]{1,16}", re.ASCII)  # PS3.5 6.2 CS


def fact_keys(level: Level, rows: pl.LazyFrame, keep: Keep) -> pl.DataFrame:
    """The facts of the rows of a level: its key and `overlay`, for those rows alone that have some.

    Takes   *rows* of the level's canonical table; hands their texts to *keep*, slice by slice.
    """
    schema = {level.key: pl.String(), "overlay": pl.String()}
    columns = [c for c in (*TEXT_COLUMNS, MODALITY) if c in asked_of(level)]
    found = [pl.DataFrame(schema=schema)]
    if not columns:
        return found[0]
    telling = [pl.col(c).is_not_null() if c == MODALITY else beyond_ascii(c) for c in columns]
    wanted = rows.filter(pl.any_horizontal(telling)).select(level.key, *columns)
    for part in slices(wanted):
        made: dict[tuple[str | None, ...], Row | None] = {}
        said = [row[1:] for row in part.iter_rows()]
        for values in dict.fromkeys(said):
            facts = facts_of(level.table, dict(zip(columns, values, strict=True)))
            made[values] = as_row(OverlayKind.FACTS, facts) if facts else None
        keep([row for row in made.values() if row])
        keys = [row["overlay_key"] if (row := made[values]) else None for values in said]
        named = pl.DataFrame({level.key: part[level.key], "overlay": keys}, schema=schema)
        found.append(named.filter(pl.col("overlay").is_not_null()))
    return pl.concat(found)


def asked_of(level: Level) -> tuple[str, ...]:
    """The columns of a level that a rule may ask for and that the level does not overlay."""
    return tuple(column for column in COLUMNS[level.table] if column not in level.columns)


def beyond_ascii(column: str) -> pl.Expr:
    """Whether a text has letters that plain ASCII has not."""
    text = pl.col(column)
    return (text.str.len_bytes() != text.str.len_chars()).fill_null(value=False)


def facts_of(table: str, row: Mapping[str, str | None]) -> Mapping[str, Any]:
    """The facts of one row of a *table*, from those of its columns that may be facts."""
    texts = {
        COLUMNS[table][column].tag: text
        for column, text in row.items()
        if column in TEXT_COLUMNS and text and not text.isascii()
    }
    modality = row.get(MODALITY)
    facts: dict[str, Any] = {TEXTS: texts} if texts else {}
    if modality and _A_CODE.fullmatch(modality):
        facts[MODALITY] = modality
    return facts


def patient_facts(name: str | None, patient_id: str | None) -> Row | None:
    """The facts of a patient; None where nothing is known."""
    said = {"patient_name": name, "study_patient_id": patient_id}
    known = {fact: value for fact, value in said.items() if value}
    return as_row(OverlayKind.FACTS, known) if known else None


def shared_studies(studies: pl.DataFrame, keep: Keep) -> pl.DataFrame:
    """study_key and `overlay`, for the studies whose UID is under several patients.

    Takes   study_key, study_instance_uid and whose. The database does not say then whose it is.
    """
    patients = pl.col("whose").drop_nulls().n_unique().over("study_instance_uid")
    several = studies.filter(pl.col("study_instance_uid").is_not_null()).select(
        "study_key", patients=patients
    )
    several = several.filter(pl.col("patients") > 1)
    rows = {
        count: as_row(OverlayKind.FACTS, {"study_patients": count, "study_patient_id": None})
        for count in sorted(set(several["patients"]))
    }
    keep(list(rows.values()))
    keys = [rows[count]["overlay_key"] for count in several["patients"]]
    return pl.DataFrame(
        {"study_key": several["study_key"], "overlay": keys},
        schema={"study_key": pl.String(), "overlay": pl.String()},
    )
