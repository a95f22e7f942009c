"""The plan: what will be done with each instance row, and why. Pure; rows in are rows out.

Takes   the catalog, the verdicts of the inventory, the overlays, and what the mapping leaves out.
Gives   ledger rows: an instance without a cause is planned, any other is set aside with it.
Ties    the file's own study, series and SOP UIDs are compared when it is read to be sent.
Rules   an exclusion stands before what the inventory found, as nothing need be done about it then;
        whose an instance is matters last, for those that could be sent.
Cost    memory grows with the series; instances and files are worked on in ranges of their keys, and
        in that order they go into the ledger, which is how its indexes grow quickly.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from pacslift.adapter import Adapter
from pacslift.counting import counted
from pacslift.errors import Cause
from pacslift.inventory.ranges import Spilled, in_ranges
from pacslift.inventory.reconcile import Verdicts
from pacslift.ledger import InstanceState
from pacslift.plan.conflicts import two_patients
from pacslift.plan.exclude import Excluded, exclude
from pacslift.plan.lay import AS_LAID, Laid, lay, lines_of, owned_studies
from pacslift.plan.mapping import Line, Reviewed
from pacslift.plan.overlay import Keep
from pacslift.plan.priority import Ranked, ranked
from pacslift.plan.sequence import (
    LAST_PLACE,
    NO_RANKS,
    NO_TURNS,
    Turns,
    paths_of,
    positions,
    positions_by_path,
    with_places,
)
from pacslift.plan.witnesses import Witnesses, judged_series

MOST_NAMED = 12  # lines that a finding names
BATCH = 20_000  # rows handed to the ledger at a time
NONE_FIRST = Ranked(NO_RANKS, frozenset())
INSTANCE_COLUMNS = ("instance_key", "series_key", "sop_instance_uid", "sop_class_uid")


@dataclass(frozen=True)
class Plan:
    """Rows for the ledger in the order of their keys, and what a person should know of the mapping.

    The rows are put by in files, as long as the folder that make_plan() was given is there.
    """

    instances: Spilled
    candidates: Spilled
    files: Spilled
    witnesses: Spilled
    findings: tuple[str, ...]


def make_plan(  # noqa: PLR0913 - all that a plan hangs on
    adapter: Adapter,
    catalog: Mapping[str, pl.LazyFrame],
    found: Verdicts,
    reviewed: Reviewed,
    keep: Keep,
    scratch: Path,
    *,
    size: int | None = None,
    turns: Turns = NO_TURNS,
) -> Plan:
    """Decide about every instance and every file; the texts of overlays go to *keep*.

    *turns* is the order of sending.
    *scratch* is a folder for what is put by, *size* about how many instances are held at a time.
    Raises MappingError, CatalogError or AdapterFaultError before anything is decided.
    """
    laid = lay(adapter, catalog, reviewed, keep)
    excluded = exclude(catalog, reviewed)
    decided, candidates = Spilled(scratch / "decided"), Spilled(scratch / "candidates")
    first = ranked(turns.lines, catalog, laid.studies, reviewed) if turns.lines else NONE_FIRST
    series = with_places(series_facts(catalog, laid, excluded), first.studies)
    paths = Spilled(scratch / "paths")
    chosen, witnesses = Witnesses(), Spilled(scratch / "witnesses")
    for part in in_ranges(tables_by_instance(catalog, found, laid), "instance_key", scratch, size):
        if turns.by_path:
            paths.add(paths_of(part, decided.height))
        rows = decide(part, series, excluded)
        witnesses.add(chosen.among(rows))
        decided.add(rows.drop("judged"))
        candidates.add(candidate_rows(part["candidates"]))
    position = positions_by_path(paths, scratch, size) if turns.by_path else None
    one_patient_a_study = adapter.truth == "database"
    instances = Spilled(scratch / "instances")
    for rows in finished(decided, laid if one_patient_a_study else None, position):
        instances.add(rows)
    files = Spilled(scratch / "files")
    for part in in_ranges({"files": found.files}, "relative", scratch, size):
        files.add(file_rows(part["files"]))
    lost = unused_lines("mapping", reviewed.lines, laid.used | excluded.used)
    unknown = unused_lines("priorities", turns.lines, first.used)
    return Plan(instances, candidates, files, witnesses, (*lost, *unknown))


def tables_by_instance(
    catalog: Mapping[str, pl.LazyFrame], found: Verdicts, laid: Laid
) -> dict[str, pl.LazyFrame]:
    """All that is known of instances by their keys."""
    return {
        "instances": catalog["instances"].select(INSTANCE_COLUMNS),
        "verdicts": found.instances,
        "candidates": found.candidates,
        "overlays": laid.instances.lazy(),
    }


def unused_lines(what: str, lines: Iterable[Line], used: frozenset[Line]) -> Iterator[str]:
    """A sentence for each file of *lines* with some that met nothing in the old database."""
    lost = [line for line in lines if line not in used]
    for path, some in groupby(sorted(lost, key=lambda line: line.place), lambda line: line.path):
        numbers = [line.number for line in some]
        shown = ", ".join(map(str, numbers[:MOST_NAMED]))
        more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
        yield (
            f"lines of the {what} {path} that met nothing in the old database: {len(numbers)}, "
            f"line {shown}{more}; are they spelt as the database has them?"
        )


def unknown_priorities(
    adapter: Adapter, catalog: Mapping[str, pl.LazyFrame], turns: Turns, reviewed: Reviewed
) -> Sequence[str]:
    """What make_plan() would say of lines that name no study, without the rest of a plan."""
    lines = lines_of(catalog, reviewed)
    studies = owned_studies(adapter, catalog, lines, lambda _: None).select(AS_LAID)
    used = ranked(turns.lines, catalog, studies, reviewed).used
    return [*unused_lines("priorities", turns.lines, used)]


def decide(
    part: Mapping[str, pl.DataFrame], series: pl.DataFrame, excluded: Excluded
) -> pl.DataFrame:
    """The instances of a range in the order of their keys, with what stands against each."""
    first = part["candidates"].sort("instance_key", "rank").unique("instance_key", keep="first")
    syntax = first.select("instance_key", "transfer_syntax_uid")
    overlays = part["overlays"].rename({"overlay": "own_overlay"})
    joined = part["instances"].sort("instance_key")
    for others, key in (
        (series, "series_key"),
        (part["verdicts"], "instance_key"),
        (excluded.instances, "sop_instance_uid"),
        (syntax, "instance_key"),
        (overlays, "instance_key"),
    ):
        joined = joined.join(others, on=key, how="left", maintain_order="left")
    return joined.pipe(judged).select(
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
        "own_overlay",
        "study_key",
        pl.col("place").fill_null(LAST_PLACE),
        pl.col("judged").fill_null(value=False),
    )


def finished(
    decided: Spilled, laid: Laid | None, position: pl.Series | None
) -> Iterator[pl.DataFrame]:
    """Ledger rows of the instances *decided* on, with their place in the order of sending.

    The *position* is that of their series, unless it is given.
    *laid* sets aside the studies that would go out under two patients, unless it is None.
    """
    facts = [
        part.select("place", study_key=pl.when(pl.col("cause").is_null()).then("study_key"))
        for part in decided
    ]
    if position is None:
        position = positions(pl.concat([part["place"] for part in facts]))
    conflicts = None
    if laid is not None:
        sendable = pl.concat([part["study_key"].unique() for part in facts]).unique()
        conflicts = two_patients(laid.studies, sendable)
    del facts
    state = (
        pl.when(pl.col("cause").is_null())
        .then(pl.lit(InstanceState.PLANNED.value))
        .otherwise(pl.lit(InstanceState.SET_ASIDE.value))
    )
    start = 0
    for part in decided:
        rows = part if conflicts is None else with_conflicts(part, conflicts)
        yield rows.select(
            position.slice(start, part.height).alias("position"),
            state.alias("state"),
            pl.exclude("study_key", "place", "why"),
        )
        start += part.height


def series_facts(
    catalog: Mapping[str, pl.LazyFrame], laid: Laid, excluded: Excluded
) -> pl.DataFrame:
    """For each series its UIDs and overlays, what stands against it and its study.

    *judged*: the database has a text that can judge the character set of the study.
    """
    series = catalog["series"].select("series_key", "study_key", "series_instance_uid").collect()
    studies = catalog["studies"].select("study_key", "study_instance_uid", "study_date").collect()
    whose = laid.series.rename({"cause": "whose_cause", "detail": "whose_detail"})
    return (
        series.join(studies, on="study_key", how="left", maintain_order="left")
        .join(excluded.studies, on="study_key", how="left", maintain_order="left")
        .join(whose, on="series_key", how="left", maintain_order="left")
        .join(judged_series(catalog), on="series_key", how="left", maintain_order="left")
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
    return candidates.sort("instance_key", "rank").select(
        "instance_key", "rank", "mount", "relative", "container", "member", "size_bytes",
        "digest_algorithm", "digest",
    ).unique(["instance_key", "rank"], keep="first", maintain_order=True)  # fmt: skip


def file_rows(files: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of the files on disk."""
    return files.sort("mount", "relative").select(
        "mount", "relative", "state", "instance_key", "detail", size_bytes=pl.col("size_on_disk")
    )


def in_batches(rows: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """*rows* in frames of bounded length."""
    for frame in rows:
        yield from frame.iter_slices(BATCH)


def plan_sentence(rows: int, planned: int, sent: int) -> str:
    """What the plan has for its instance *rows*, some of which may have been *sent* before."""
    before = f"{sent:,} sent before, " if sent else ""
    return f"{counted(planned, 'instance')} to send, {before}{rows - planned - sent:,} not"
