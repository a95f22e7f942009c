"""An old PACS that keeps pixels in its storage and all else in its database; and its adapter."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = """\
name     = "pixelpacs"
product  = "invented"
dialects = ["sqlite"]
truth    = "database"

[identify]
pp_persons = ["person"]
pp_studies = ["study"]
pp_images  = ["image", "pixels", "header"]

[rebuild]
iod = "{iod}"
"""

QUERIES = {
    "patients": "SELECT person AS patient_key, id AS patient_id, name AS patient_name,"
    " born AS patient_birth_date, sex AS patient_sex FROM pp_persons",
    "studies": "SELECT study AS study_key, person AS patient_key, uid AS study_instance_uid,"
    " study AS study_id, day AS study_date, hour AS study_time, number AS accession_number"
    " FROM pp_studies",
    "series": "SELECT series AS series_key, study AS study_key, uid AS series_instance_uid,"
    " series AS series_number, modality FROM pp_series",
    "instances": "SELECT image AS instance_key, series AS series_key, uid AS sop_instance_uid,"
    " class AS sop_class_uid, image AS instance_number, 'live' AS visibility, said AS attributes"
    " FROM pp_images",
    "files": "SELECT image AS instance_key, 0 AS rank, '' AS root, pixels AS path,"
    " header AS member, CASE WHEN header IS NULL THEN 'pixels' ELSE 'split' END AS container,"
    " 'online' AS availability FROM pp_images",
}

TABLES = """
CREATE TABLE pp_persons (person text, id text, name text, born text, sex text);
CREATE TABLE pp_studies (study text, person text, uid text, day text, hour text, number text);
CREATE TABLE pp_series (series text, study text, uid text, modality text);
CREATE TABLE pp_images (image text, series text, uid text, class text, said text, pixels text,
                        header text);
INSERT INTO pp_persons VALUES ('1', 'PP-1', 'MÜLLER^EVA', '19700101', 'F');
INSERT INTO pp_studies VALUES ('7', '1', '2.25.7', '20100102', '101112', 'A7');
"""


def pixel_adapter(parent: Path, iod: str = "modality") -> Path:
    """A folder of adapters with the one for this product."""
    folder = parent / "pixelpacs"
    folder.mkdir(parents=True)
    (folder / "adapter.toml").write_text(MANIFEST.format(iod=iod))
    (folder / "README.md").write_text("# pixelpacs\n\n## Sources\n\nInvented.\n")
    for name, query in QUERIES.items():
        (folder / f"{name}.sql").write_text(query)
    return parent


@dataclass
class PixelPacs:
    """The archive in the making, below *folder*; one study of one person."""

    folder: Path
    series: dict[str, str] = field(default_factory=dict)
    images: list[tuple[str | None, ...]] = field(default_factory=list)

    @property
    def dump(self) -> Path:
        return self.folder / "pixelpacs.db"

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    def add(
        self, pixels: bytes, sop_class: str | None, said: Mapping, *, modality: str = "OT",
        uid: str | None = "", header: bytes | None = None, series_uid: str | None = None,
    ) -> str:  # fmt: skip
        """One object; gives its key. *uid* "" makes one, None is none."""
        key = str(len(self.images) + 1)
        self.storage.mkdir(parents=True, exist_ok=True)
        (self.storage / f"{key}.pix").write_bytes(pixels)
        if header is not None:
            (self.storage / f"{key}.hdr").write_bytes(header)
        self.series[key] = f"INSERT INTO pp_series VALUES ('{key}', '7', ?, '{modality}')"
        self.images.append(
            (key, key, f"2.25.70{key}" if uid == "" else uid, sop_class, json.dumps(said),
             f"{key}.pix", None if header is None else f"{key}.hdr",
             series_uid or f"2.25.7{key}")
        )  # fmt: skip
        return key

    def write(self) -> None:
        """The database."""
        with closing(sqlite3.connect(self.dump)) as database, database:
            database.executescript(TABLES)
            for image in self.images:
                database.execute(self.series[str(image[0])], image[-1:])
                database.execute("INSERT INTO pp_images VALUES (?,?,?,?,?,?,?)", image[:-1])
