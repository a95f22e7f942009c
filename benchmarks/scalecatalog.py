"""A made-up archive of any size: its catalog as inventory writes it, and the listing of its disk.

Shaped as one of CT and MR: a patient has two studies, a study two series, a series 150 objects;
keys count up as a database gives them, UIDs and paths are as long as those of dcm4chee. A few in a
thousand are missing, of another size, hidden or named by no row, so that every verdict is met.
No file is made: ten million of them would measure the file system.

`scalecatalog.py FOLDER INSTANCES [JOB]` makes it, and with JOB what inventory would find if nothing
was missing.
"""

import sys
from pathlib import Path

import polars as pl

from pacslift.errors import Cause
from pacslift.inventory.catalog import SCHEMAS
from pacslift.inventory.reconcile import PLACES
from pacslift.ledger import FileState

PER_SERIES, SERIES_PER_STUDY, STUDIES_PER_PATIENT = 150, 2, 2
MISSING, OTHER_SIZE, HIDDEN, ORPHAN = 1009, 2003, 503, 1511  # one in so many
CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4",
           "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.6.1")  # fmt: skip
ROOT = "archive"
MOUNT = Path("/srv/old")
CHUNK = 500_000  # rows made at a time
HEX = 16**8


def write_archive(folder: Path, instances: int, mount: Path = MOUNT) -> None:
    """Write the catalog's tables and disk.parquet, the files below *mount*, to *folder*."""
    folder.mkdir(parents=True)
    series = -(-instances // PER_SERIES)
    studies = -(-series // SERIES_PER_STUDY)
    tables = {
        "patients": counted(-(-studies // STUDIES_PER_PATIENT)).select(patients()),
        "studies": counted(studies).select(of_studies()),
        "series": counted(series).select(of_series()),
        "instances": counted(instances).select(of_instances()),
        "files": counted(instances).select(of_files()),
        "attachments": pl.LazyFrame(schema=SCHEMAS["attachments"]),
    }
    for name, rows in tables.items():
        complete(rows, name).sink_parquet(folder / f"{name}.parquet", compression="lz4")
    listing(instances, mount).sink_parquet(folder / "disk.parquet", compression="lz4")


def counted(rows: int) -> pl.LazyFrame:
    """*rows* rows with the column n, counting from 0."""
    starts = range(0, rows, CHUNK)
    return pl.concat(
        [pl.LazyFrame({"start": [start]}).select(
            n=pl.int_ranges("start", min(start + CHUNK, rows))).explode("n") for start in starts]
    )  # fmt: skip


def complete(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """*rows* with all columns of the canonical table, null where nothing is said."""
    known = rows.collect_schema().names()
    return rows.select(
        (pl.col(column) if column in known else pl.lit(None)).cast(kind).alias(column)
        for column, kind in SCHEMAS[name].items()
    )


def text(number: pl.Expr) -> pl.Expr:
    """A number as text."""
    return number.cast(pl.String())


def scattered(number: pl.Expr, salt: int) -> pl.Expr:
    """Eight hexadecimal digits that look like chance, as dcm4chee names folders and files."""
    mixed = (number * 2_654_435_761 + salt * 40_503) % HEX
    return mixed.map_batches(
        lambda some: pl.Series([f"{one:08X}" for one in some], dtype=pl.String()), pl.String()
    )


def patients() -> list[pl.Expr]:
    """Columns of patients."""
    n = pl.col("n")
    return [
        text(n).alias("patient_key"),
        pl.format("P{}", n).alias("patient_id"),
        pl.lit("HOSPITAL").alias("issuer_of_patient_id"),
        pl.format("NAME{}^GIVEN", n).alias("patient_name"),
        pl.lit("19510203").alias("patient_birth_date"),
        pl.lit("F").alias("patient_sex"),
    ]


def of_studies() -> list[pl.Expr]:
    """Columns of studies; dates over ten years."""
    n = pl.col("n")
    date = text(20_050_101 + (n % 10) * 10_000 + (n // 10 % 12) * 100 + n // 120 % 28)
    return [
        text(n).alias("study_key"),
        text(n // STUDIES_PER_PATIENT).alias("patient_key"),
        pl.format("1.2.840.113619.2.55.3.2831183680.{}", n + 1).alias("study_instance_uid"),
        date.alias("study_date"),
        pl.format("A{}", n).alias("accession_number"),
        pl.lit("CT ABDOMEN").alias("study_description"),
    ]


def of_series() -> list[pl.Expr]:
    """Columns of series."""
    n = pl.col("n")
    return [
        text(n).alias("series_key"),
        text(n // SERIES_PER_STUDY).alias("study_key"),
        pl.format("1.2.840.113619.2.55.3.2831183680.{}.{}", n // SERIES_PER_STUDY + 1, n + 1)
        .alias("series_instance_uid"),
        text(n % SERIES_PER_STUDY + 1).alias("series_number"),
        pl.lit("CT").alias("modality"),
        pl.lit(PER_SERIES).alias("expected_instances"),
    ]  # fmt: skip


def of_instances() -> list[pl.Expr]:
    """Columns of instances."""
    n = pl.col("n")
    series = n // PER_SERIES
    kind = (series % len(CLASSES)).replace_strict(dict(enumerate(CLASSES)))
    shown = pl.when(n % HIDDEN == HIDDEN - 1).then(pl.lit("hidden")).otherwise(pl.lit("live"))
    return [
        text(n).alias("instance_key"),
        text(series).alias("series_key"),
        pl.format("1.2.840.113619.2.55.3.2831183680.{}.{}.{}",
                  series // SERIES_PER_STUDY + 1, series + 1, n + 1).alias("sop_instance_uid"),
        kind.alias("sop_class_uid"),
        text(n % PER_SERIES + 1).alias("instance_number"),
        shown.alias("visibility"),
    ]  # fmt: skip


def path() -> pl.Expr:
    """Where the object lies below its root."""
    n = pl.col("n")
    series = n // PER_SERIES
    return pl.format(
        "20{}/{}/{}/{}/{}",
        (series // SERIES_PER_STUDY % 10 + 5).cast(pl.String()).str.zfill(2),
        series // 30 % 12 + 1,
        scattered(series // SERIES_PER_STUDY, 1),
        scattered(series, 2),
        scattered(n, 3),
    )


def size() -> pl.Expr:
    """Bytes of the file."""
    return 526_000 + pl.col("n") % 4_096


def of_files() -> list[pl.Expr]:
    """Columns of files."""
    n = pl.col("n")
    md5 = pl.concat_str(scattered(n, salt) for salt in (4, 5, 6, 7)).str.to_lowercase()
    return [
        text(n).alias("instance_key"),
        pl.lit(0).alias("rank"),
        pl.lit(ROOT).alias("root"),
        path().alias("path"),
        size().alias("size_bytes"),
        pl.lit("md5").alias("digest_algorithm"),
        md5.alias("digest"),
        pl.lit("1.2.840.10008.1.2.1").alias("transfer_syntax_uid"),
        pl.lit("online").alias("availability"),
    ]


def listing(instances: int, mount: Path) -> pl.LazyFrame:
    """What the walk of the storage gives, with orphans and without what is missing."""
    n = pl.col("n")
    there = counted(instances).filter(n % MISSING != MISSING - 1)
    wrong = pl.when(n % OTHER_SIZE == OTHER_SIZE - 1).then(size() + 1).otherwise(size())
    files = there.select(relative=path(), size_on_disk=wrong.cast(pl.Int64()))
    orphans = counted(instances // ORPHAN).select(
        relative=pl.format("lost/{}", scattered(n, 8)), size_on_disk=pl.lit(1_000, pl.Int64())
    )
    return pl.concat([files, orphans]).select(
        pl.lit(str(mount)).alias("mount"), "relative", "size_on_disk",
        pl.lit(None, pl.String()).alias("fault"),
    )  # fmt: skip


def write_verdicts(folder: Path, instances: int, mount: Path = MOUNT) -> None:
    """Write verdicts as inventory writes them to *folder*, of a storage that lacks nothing."""
    n = pl.col("n")
    hidden = n % HIDDEN == HIDDEN - 1
    here = pl.lit(str(mount)).alias("mount")
    nothing = pl.lit(None, pl.String())
    rows = counted(instances)
    verdicts = rows.select(
        text(n).alias("instance_key"),
        pl.when(hidden).then(pl.lit(Cause.HIDDEN.value)).alias("cause"),
        pl.when(hidden).then(pl.lit("the old database marks it as hidden")).alias("detail"),
    )
    copies = rows.select(of_files()).with_columns(here, relative="path")
    state = (
        pl.when(hidden)
        .then(pl.lit(FileState.WITHHELD.value))
        .otherwise(pl.lit(FileState.USED.value))
    )
    files = rows.select(
        here, path().alias("relative"), size().alias("size_on_disk"),
        text(n).alias("instance_key"), state.alias("state"), nothing.alias("detail"),
    )  # fmt: skip
    missing = {name: nothing.alias(name) for name in ("container", "member")}
    usable = [name for name in PLACES if name not in ("cause", "detail")]
    candidates = copies.with_columns(**missing).select(pl.col(c).cast(PLACES[c]) for c in usable)
    for name, table in (("instances", verdicts), ("candidates", candidates), ("files", files)):
        table.sink_parquet(folder / f"verdicts-{name}.parquet", compression="lz4")


if __name__ == "__main__":
    write_archive(Path(sys.argv[1]), int(sys.argv[2]))
    if len(sys.argv) > 3:
        write_verdicts(Path(sys.argv[3]), int(sys.argv[2]))
