"""Studies that go first: a CSV file that names them by UID, accession number or patient.

The patients of tomorrow's appointments, as a rule. A line names every study that any of its cells
fits, with the numbers of the old database or with those that the mapping gives; a patient's studies
go newest first. Lines go by their priority, a number or a time, the lowest first; those without
one after them; equal ones as the file has them. Messages name file, line and column and never a
value, since the values are patients'.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import polars as pl

from pacslift.errors import MappingError
from pacslift.job_order import Order, csv_bytes
from pacslift.plan.mapping import Line, Reviewed, read_lines, require_none, text_of

TABLE = "priority"  # the kind of table that mapping.py reads
KEYS = ("study_instance_uid", "accession_number", "patient_id")
RANKS = pl.Schema({"study_key": pl.String(), "rank": pl.UInt32()})


@dataclass(frozen=True)
class Ranked:
    """The studies that are named: study_key, rank; and the lines that name one."""

    studies: pl.DataFrame
    used: frozenset[Line]


def read_priority(order: Order) -> tuple[Line, ...]:
    """The lines of the file, the first to go first. MappingError for what is wrong with it."""
    if order.csv is None:
        return ()
    lines = [*read_lines(TABLE, order.csv, text_of(order.csv, csv_bytes(order.csv)))]
    nobodys = [line for line in lines if not line.said.keys() & set(KEYS)]
    no_study = f"names no study; fill in one of {', '.join(KEYS)}"
    require_none(order.csv, [MappingError(f"{line} {no_study}") for line in nobodys])
    return in_turn(order.csv, lines)


def in_turn(path: Path, lines: Sequence[Line]) -> tuple[Line, ...]:
    """*lines* of the file *path* by their priority."""
    turns: dict[Line, tuple[str, float]] = {}
    faults = []
    for line in lines:
        try:
            turns |= {line: turn_of(line, line.said["priority"])} if "priority" in line.said else {}
        except MappingError as fault:
            faults.append(fault)
    require_none(path, faults)
    kinds = {kind: line for line, (kind, _) in reversed(turns.items())}
    if len(kinds) > 1:
        odd = max(kinds.values(), key=lambda line: line.number)
        raise MappingError(
            f"{odd}, column priority: numbers and times do not go together; use one of them"
        )
    last = float("inf")
    return tuple(sorted(lines, key=lambda line: turns.get(line, ("", last))[1]))


def turn_of(line: Line, text: str) -> tuple[str, float]:
    """Which kind a priority is of, and the number to sort by; a time without offset is in UTC."""
    try:
        number = float(text)
        if isfinite(number):
            return "number", number
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MappingError(
            f"{line}, column priority: it is neither a number nor a date, "
            "nor a date and time such as 2026-11-23 08:30"
        ) from error
    return "time", (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def ranked(
    lines: Sequence[Line],
    catalog: Mapping[str, pl.LazyFrame],
    studies: pl.DataFrame,
    reviewed: Reviewed,
) -> Ranked:
    """The *studies* of the *catalog*, as Laid has them, that *lines* name.

    Rows of one UID go together.
    """
    hits = pl.concat([pl.DataFrame(schema=RANKS), *hits_of(lines, catalog, studies, reviewed)])
    used = frozenset(lines[rank] for rank in hits["rank"].unique())
    uid = studies.select("study_key", "study_instance_uid")
    ranks = (
        uid.join(hits.group_by("study_key").agg(pl.col("rank").min()), on="study_key", how="left")
        .with_columns(
            together=pl.col("rank").min().over("study_instance_uid"),
            named=pl.col("study_instance_uid").is_not_null(),
        )
        .select("study_key", rank=pl.when("named").then("together").otherwise("rank"))
        .drop_nulls("rank")
    )
    return Ranked(ranks.cast(RANKS), used)


def hits_of(
    lines: Sequence[Line],
    catalog: Mapping[str, pl.LazyFrame],
    studies: pl.DataFrame,
    reviewed: Reviewed,
) -> Iterator[pl.DataFrame]:
    """RANKS of what each way of naming a study leads to; a study may be met again and again.

    An issuer counts where both sides have one: this is an order, and decides nobody's identity.
    """
    for key in ("study_instance_uid", "accession_number"):
        yield studies.join(named_by(key, lines), on=key).select(RANKS.names())
    new = {
        old: line.said["new_accession_number"] for old, line in reviewed.accession_numbers.items()
    }
    renamed = studies.select(
        "study_key",
        pl.col("accession_number").replace_strict(new, default=None, return_dtype=pl.String()),
    )
    accessions = named_by("accession_number", lines)
    yield renamed.join(accessions, on="accession_number").select(RANKS.names())
    people = people_of(catalog, studies).join(named_by("patient_id", lines), on="patient_id")
    whose, said = pl.col("issuer").fill_null(""), pl.col("said_issuer")
    fits = (whose == "") | (said == "") | (whose == said)
    yield people.filter(fits).select(RANKS.names())


def named_by(key: str, lines: Sequence[Line]) -> pl.DataFrame:
    """The lines that have *key*: it, the issuer beside it, and the line's place."""
    rows = [
        (line.said[key], line.said.get("issuer_of_patient_id", ""), rank)
        for rank, line in enumerate(lines)
        if key in line.said
    ]
    schema = {key: pl.String(), "said_issuer": pl.String(), "rank": RANKS["rank"]}
    return pl.DataFrame(rows, schema=schema, orient="row")


def people_of(catalog: Mapping[str, pl.LazyFrame], studies: pl.DataFrame) -> pl.DataFrame:
    """study_key, patient_id, issuer: whose each study is, before and after merges, and as sent."""
    patients = (
        catalog["patients"]
        .select("patient_key", "patient_id", issuer="issuer_of_patient_id")
        .collect()
    )
    before = catalog["studies"].select("study_key", "patient_key").collect()
    after = studies.select("study_key", "patient_key")
    sent = studies.select("study_key", who=pl.col("whose").str.json_decode(pl.List(pl.String)))
    known = [rows.join(patients, on="patient_key").drop("patient_key") for rows in (before, after)]
    who = pl.col("who").list
    named = {"patient_id": who.get(0, null_on_oob=True), "issuer": who.get(1, null_on_oob=True)}
    return pl.concat([*known, sent.select("study_key", **named)]).unique()
