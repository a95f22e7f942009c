"""The canonical catalog: what every adapter must deliver, whatever the vendor.

Keys are the old system's own, as text. DA and TM are the text forms of PS3.5 6.2 after
normalising, null where that was impossible, with the raw value beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from pacslift.extract.inturn import Piece, in_turn

TEXT, COUNT = pl.String(), pl.Int64()

PATIENTS = pl.Schema(
    {
        "patient_key": TEXT,  # key
        "patient_id": TEXT,  # (0010,0020)
        "issuer_of_patient_id": TEXT,  # (0010,0021)
        "patient_name": TEXT,  # (0010,0010)
        "patient_birth_date": TEXT,  # (0010,0030), DA
        "patient_birth_date_raw": TEXT,
        "patient_sex": TEXT,  # (0010,0040)
        "other_patient_ids": TEXT,
        "merged_into": TEXT,  # patient_key of the patient that won; null: a patient of its own
        "attributes": TEXT,  # DICOM JSON model, PS3.18 F
    }
)

STUDIES = pl.Schema(
    {
        "study_key": TEXT,  # key
        "patient_key": TEXT,
        "study_instance_uid": TEXT,  # (0020,000D)
        "study_id": TEXT,  # (0020,0010)
        "study_date": TEXT,  # (0008,0020), DA
        "study_date_raw": TEXT,
        "study_time": TEXT,  # (0008,0030), TM
        "study_time_raw": TEXT,
        "accession_number": TEXT,  # (0008,0050)
        "issuer_of_accession_number": TEXT,
        "referring_physician_name": TEXT,  # (0008,0090)
        "study_description": TEXT,  # (0008,1030)
        "expected_instances": COUNT,  # as the old database counted; may be stale
        "attributes": TEXT,
    }
)

SERIES = pl.Schema(
    {
        "series_key": TEXT,  # key
        "study_key": TEXT,
        "series_instance_uid": TEXT,  # (0020,000E)
        "series_number": TEXT,  # (0020,0011)
        "modality": TEXT,  # (0008,0060)
        "body_part_examined": TEXT,  # (0018,0015)
        "series_description": TEXT,  # (0008,103E)
        "expected_instances": COUNT,
        "attributes": TEXT,
    }
)

INSTANCES = pl.Schema(
    {
        "instance_key": TEXT,  # key
        "series_key": TEXT,
        "sop_instance_uid": TEXT,  # (0008,0018)
        "sop_class_uid": TEXT,  # (0008,0016); null where the database does not keep it
        "instance_number": TEXT,  # (0020,0013)
        "visibility": TEXT,  # one of VISIBILITIES
        "attributes": TEXT,
    }
)

FILES = pl.Schema(
    {
        "instance_key": TEXT,  # key, with rank
        "rank": COUNT,  # copies of one object in the order to try them, best first
        "root": TEXT,  # as the dump names it: a device, an old prefix, or "" for the only root
        "path": TEXT,  # below the root, as the dump spells it
        "member": TEXT,  # name inside a container of several objects; for "split" the header's path
        "container": TEXT,  # one of CONTAINERS; null: told by the content
        "size_bytes": COUNT,  # of the file on disk
        "digest_algorithm": TEXT,  # of the file on disk: md5, sha1, sha256
        "digest": TEXT,  # hex
        "transfer_syntax_uid": TEXT,  # as the database says; null where it does not
        "availability": TEXT,  # one of AVAILABILITIES
    }
)

ATTACHMENTS = pl.Schema({"root": TEXT, "path": TEXT, "kind": TEXT})

SCHEMAS: Mapping[str, pl.Schema] = {
    "patients": PATIENTS,
    "studies": STUDIES,
    "series": SERIES,
    "instances": INSTANCES,
    "files": FILES,
    "attachments": ATTACHMENTS,
}

KEYS = {
    "patients": "patient_key",
    "studies": "study_key",
    "series": "series_key",
    "instances": "instance_key",
}

VISIBILITIES = ("live", "hidden", "merged", "rejected", "deleted", "remote")
AVAILABILITIES = ("online", "nearline", "offline", "unavailable")
PIXELS, SPLIT = "pixels", "split"
WITHOUT_HEADER = (PIXELS, SPLIT)  # only pixels; the header, if any, is a file of its own
CONTAINERS = ("part10", "bare", "orthanc-zlib", "tar", "zip", *WITHOUT_HEADER)


@dataclass(frozen=True)
class Catalog:
    """The catalog's tables, each of its schema, and what was noticed while making them."""

    tables: Mapping[str, pl.DataFrame]
    findings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> pl.DataFrame:
        """One table by its name."""
        return self.tables[name]

    def lazy(self) -> dict[str, pl.LazyFrame]:
        """The tables, as scan_catalog() gives them."""
        return {name: frame.lazy() for name, frame in self.tables.items()}


def write_catalog(catalog: Catalog, folder: Path) -> None:
    """Write folder/<table>.parquet, each whole or not at all."""
    folder.mkdir(mode=0o700, exist_ok=True)
    work = (Piece(partial(_write, frame, folder, name)) for name, frame in catalog.tables.items())
    for _ in in_turn(work):
        pass


def _write(frame: pl.DataFrame, folder: Path, name: str) -> None:
    unfinished = folder / f"{name}.parquet.partial"
    frame.write_parquet(unfinished, compression="lz4")  # half the time of zstd; read by each stage
    unfinished.replace(folder / f"{name}.parquet")


def move_catalog(source: Path, folder: Path) -> None:
    """Bring the tables that write_catalog() wrote from *source* to *folder*, on the same disk."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in SCHEMAS:
        (source / f"{name}.parquet").replace(folder / f"{name}.parquet")


def scan_catalog(folder: Path) -> dict[str, pl.LazyFrame]:
    """The tables that write_catalog() wrote, to be read as far as a query needs them."""
    return {name: pl.scan_parquet(folder / f"{name}.parquet") for name in SCHEMAS}
