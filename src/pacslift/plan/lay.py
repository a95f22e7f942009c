"""Which overlays each series has, whose it is, and where the old database leaves that open.

The patient of a study is the one at the end of its merges; what a mapping says of that patient, or
of the study's accession number, is laid over what the database says. Rows in are rows out: a series
that cannot be given a patient comes back with a cause.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from pacslift.adapter import Adapter
from pacslift.errors import Cause
from pacslift.ledger import OverlayKind
from pacslift.plan.facts import fact_keys, patient_facts, shared_studies
from pacslift.plan.keywords import COLUMNS, JsonElement, as_json, name_text
from pacslift.plan.mapping import ACCESSION_NEW, PATIENT_NEW, Line, Reviewed
from pacslift.plan.overlay import (
    Keep,
    Level,
    Row,
    as_row,
    distinct,
    levels_of,
    overlay_keys,
    slices,
)
from pacslift.plan.patients import follow_merges
from pacslift.plan.persons import lines_of_patients

PATIENT_ID, ISSUER, NAME = "00100020", "00100021", "00100010"
STUDY_COLUMNS = ("study_key", "patient_key", "study_instance_uid", "accession_number")

# Facts of a lower level count more than those of a higher one, whatever stands between.
KEYS_OF_A_SERIES = (
    "of_patient", "studies_facts", "shared", "series_facts", "studies", "series", "of_accession",
)  # fmt: skip

# Of owned_studies(), as Laid has them.
AS_LAID = (
    "study_key", "study_instance_uid", "accession_number", "whose",
    pl.coalesce("final_key", "patient_key").alias("patient_key"),
)  # fmt: skip
PATIENTS = pl.Schema(
    {"final_key": pl.String(), "overlay": pl.String(), "whose": pl.String(), "mapped": pl.Boolean()}
)


@dataclass(frozen=True)
class Laid:
    """What the plan has to know of the levels above the instance, and the instances' own overlays.

    series      series_key, overlays (keys with spaces, or null), cause, detail
    studies     study_key, study_instance_uid, patient_key (the final one), whose, accession_number,
                patient_id (the old one)
    instances   instance_key, overlay; only those that have one
    used        lines of the mapping that were of use
    """

    series: pl.DataFrame
    studies: pl.DataFrame
    instances: pl.DataFrame
    used: frozenset[Line]


def lay(
    adapter: Adapter, catalog: Mapping[str, pl.LazyFrame], reviewed: Reviewed, keep: Keep
) -> Laid:
    """Make all overlays of the *catalog*; their texts go to *keep*.

    Raises MappingError for a line that does not fit the catalog, CatalogError and AdapterFaultError
    as overlay_keys() and levels_of() do.
    """
    levels = levels_of(adapter)
    lines = lines_of(catalog, reviewed)
    studies = owned_studies(adapter, catalog, lines, keep)
    accessions, used = accession_overlays(studies, reviewed, keep)
    shared = named(shared_studies(studies, keep), "shared")
    studies = studies.join(accessions, on="accession_number", how="left", maintain_order="left")
    studies = with_overlays(studies, levels["studies"], catalog["studies"], keep).join(
        shared, on="study_key", how="left", maintain_order="left"
    )
    below = catalog["series"].select("series_key", "study_key").collect()
    joined = with_overlays(below, levels["series"], catalog["series"], keep).join(
        studies, on="study_key", how="left", maintain_order="left"
    )
    together = pl.concat_str(KEYS_OF_A_SERIES, separator=" ", ignore_nulls=True)
    return Laid(
        series=joined.select(
            "series_key",
            pl.when(together != "").then(together).alias("overlays"),
            *orphaned(adapter),
        ),
        studies=studies.select(AS_LAID),
        instances=overlay_keys(levels["instances"], catalog["instances"], keep),
        used=used | used_of_patients(studies, lines),
    )  # fmt: skip


def lines_of(catalog: Mapping[str, pl.LazyFrame], reviewed: Reviewed) -> Mapping[str, Line]:
    """The line of the mapping for each patient that has one, by patient_key. MappingError."""
    rows = catalog["patients"].select("patient_key", "patient_id", "issuer_of_patient_id").collect()
    return lines_of_patients(rows, reviewed)


def owned_studies(
    adapter: Adapter,
    catalog: Mapping[str, pl.LazyFrame],
    lines: Mapping[str, Line],
    keep: Keep,
) -> pl.DataFrame:
    """The studies of the *catalog* and whose they are, with the overlays of their patients."""
    level = levels_of(adapter)["patients"]
    patients = patient_overlays(level, catalog["patients"], lines, keep)
    owners = owners_of(adapter, catalog["patients"], patients)
    studies = catalog["studies"].select(STUDY_COLUMNS).collect()
    return studies.join(owners, on="patient_key", how="left", maintain_order="left")


def with_overlays(
    frame: pl.DataFrame, level: Level, rows: pl.LazyFrame, keep: Keep
) -> pl.DataFrame:
    """*frame* with the keys of what a level says and of its facts, as <table> and <table>_facts."""
    for keys, column in (
        (overlay_keys(level, rows, keep), level.table),
        (fact_keys(level, rows, keep), f"{level.table}_facts"),
    ):
        frame = frame.join(named(keys, column), on=level.key, how="left", maintain_order="left")
    return frame


def named(keys: pl.DataFrame, column: str) -> pl.DataFrame:
    """Overlay keys under another name."""
    return keys.rename({"overlay": column})


def orphaned(adapter: Adapter) -> tuple[pl.Expr, pl.Expr]:
    """Cause and detail; a row without its patient has no truth where the database is the truth."""
    lost = pl.col("final_key").is_null() & pl.col("cause").is_null()
    if adapter.truth != "database":
        lost = pl.lit(value=False)
    sentence = pl.format(
        "series {}: the dump has no row of its study, or of that study's patient", "series_key"
    )
    return (
        pl.when(lost).then(pl.lit(Cause.ORPHAN_ROW.value)).otherwise("cause").alias("cause"),
        pl.when(lost).then(sentence).otherwise("detail").alias("detail"),
    )


def owners_of(adapter: Adapter, patients: pl.LazyFrame, overlays: pl.DataFrame) -> pl.DataFrame:
    """For every patient_key: final_key, of_patient, whose; cause and detail where it is unclear.

    A person who maps a patient whose merges lead nowhere has said who that is. Where the file is
    the truth, merges have been written into the files.
    """
    rows = patients.select("patient_key", "merged_into").collect()
    if adapter.truth != "database":
        rows = rows.with_columns(merged_into=pl.lit(None, pl.String()))
    mapped = overlays.filter("mapped")["final_key"]
    resolved = pl.col("cause").is_not_null() & pl.col("patient_key").is_in(mapped.implode())
    followed = follow_merges(rows).with_columns(
        final_key=pl.when(resolved).then("patient_key").otherwise("final_key"),
        cause=pl.when(~resolved).then("cause"),
        detail=pl.when(~resolved).then("detail"),
    )
    return followed.join(
        overlays.rename({"overlay": "of_patient"}), on="final_key", how="left",
        maintain_order="left",
    ).drop("mapped")  # fmt: skip


def patient_overlays(
    level: Level, rows: pl.LazyFrame, lines: Mapping[str, Line], keep: Keep
) -> pl.DataFrame:
    """PATIENTS: for each patient the keys of its overlays, and whose its studies will be."""
    found = [pl.DataFrame(schema=PATIENTS)]
    for part in slices(rows):
        texts: list[Row] = []
        made = []
        for row in part.iter_rows(named=True):
            line, said = lines.get(row["patient_key"]), level.elements(row)
            who = identity_of(said, row, line)
            mine = list(patient_rows(said, row, line, who[0]))
            texts += mine
            keys = " ".join(one["overlay_key"] for one in mine) or None
            whose = json.dumps(who if who[0] else ["row", row["patient_key"]])
            made.append((row["patient_key"], keys, whose, line is not None))
        keep(distinct(iter(texts)))
        found.append(pl.DataFrame(made, schema=PATIENTS, orient="row"))
    return pl.concat(found)


def patient_rows(
    said: Mapping[str, JsonElement],
    row: Mapping[str, str | None],
    line: Line | None,
    patient_id: str,
) -> Iterator[Row]:
    """The overlays of one patient: the database's facts, its word, and the mapping's."""
    facts = patient_facts(name_text(said.get(NAME, {})) or row["patient_name"], patient_id)
    if facts:
        yield facts
    if said:
        yield as_row(OverlayKind.DATABASE, said)
    if line is not None:
        yield as_row(OverlayKind.MAPPING, mapped_elements("patients", line, PATIENT_NEW))


def mapped_elements(
    table: str, line: Line, columns: Mapping[str, str]
) -> Mapping[str, JsonElement]:
    """What a line of the mapping says, by tag."""
    return {
        COLUMNS[table][column].tag: as_json(COLUMNS[table][column], text)
        for column, text in line.new(columns).items()
    }


def identity_of(
    elements: Mapping[str, JsonElement], row: Mapping[str, str | None], line: Line | None
) -> tuple[str, str]:
    """The patient as a target tells patients apart: Patient ID, "" where there is none; issuer."""
    said = {tag: element.get("Value") for tag, element in elements.items()}
    new = line.new(PATIENT_NEW) if line else {}
    patient_id = new.get("patient_id") or said.get(PATIENT_ID) or row["patient_id"]
    issuer = new.get("issuer_of_patient_id") or said.get(ISSUER) or row["issuer_of_patient_id"]
    return as_text(patient_id), as_text(issuer)


def as_text(value: object) -> str:
    """A value of the JSON model, or a column's, as text."""
    return "\\".join(map(str, value)) if isinstance(value, list) else str(value or "")


def accession_overlays(
    studies: pl.DataFrame, reviewed: Reviewed, keep: Keep
) -> tuple[pl.DataFrame, frozenset[Line]]:
    """Accession numbers that the mapping renames, with their overlay; and the lines of use."""
    there = set(studies["accession_number"].drop_nulls())
    lines = {old: line for old, line in reviewed.accession_numbers.items() if old in there}
    element = partial(mapped_elements, "studies", columns=ACCESSION_NEW)
    rows = {old: as_row(OverlayKind.MAPPING, element(line)) for old, line in lines.items()}
    keep(distinct(iter(rows.values())))
    schema = {"accession_number": pl.String(), "of_accession": pl.String()}
    pairs = [(old, row["overlay_key"]) for old, row in rows.items()]
    return pl.DataFrame(pairs, schema=schema, orient="row"), frozenset(lines.values())


def used_of_patients(studies: pl.DataFrame, lines: Mapping[str, Line]) -> frozenset[Line]:
    """The lines on patients that a study belongs to."""
    return frozenset(lines[key] for key in set(studies["final_key"]) & lines.keys())
