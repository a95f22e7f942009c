"""A product of two tables, its adapter and a case, to be spoilt one thing at a time."""

import sqlite3
from contextlib import closing
from pathlib import Path

MANIFEST = """\
name     = "acme"
product  = "invented"
dialects = ["sqlite"]
truth    = "file"

[identify]
acme_folders = ["folder_id", "uid"]
acme_objects = ["uid", "folder_id", "kind", "place"]

[ignored]
acme_objects = ["thumbnail"]

[codes.acme_objects.kind]
"1" = "an object"
"2" = "an object that was deleted"
"""

QUERIES = {
    "patients": "SELECT DISTINCT owner AS patient_key, owner AS patient_id FROM acme_folders",
    "studies": "SELECT folder_id AS study_key, owner AS patient_key, uid AS study_instance_uid"
    " FROM acme_folders",
    "series": "SELECT folder_id AS series_key, folder_id AS study_key FROM acme_folders",
    "instances": "SELECT uid AS instance_key, folder_id AS series_key, uid AS sop_instance_uid,"
    " CASE kind WHEN '2' THEN 'deleted' ELSE 'live' END AS visibility FROM acme_objects",
    "files": "SELECT uid AS instance_key, 0 AS rank, '' AS root, place AS path,"
    " 'online' AS availability FROM acme_objects",
}

TABLES = """
CREATE TABLE acme_folders (folder_id text, uid text, owner text);
CREATE TABLE acme_objects (uid text, folder_id text, kind text, place text, thumbnail text);
INSERT INTO acme_folders VALUES ('7', '2.25.7', 'NOBODY');
INSERT INTO acme_objects VALUES ('2.25.71', '7', '1', 'a/71', 'x'), ('2.25.72', '7', '2', '', '');
"""


def make_adapter(parent: Path, **changed: str) -> Path:
    """The adapter's folder; *changed* replaces the text of a query, `manifest` or `readme`."""
    folder = parent / "adapters" / "acme"
    folder.mkdir(parents=True)
    (folder / "adapter.toml").write_text(changed.get("manifest", MANIFEST))
    (folder / "README.md").write_text(changed.get("readme", "# acme\n\n## Sources\n\nInvented.\n"))
    for name, query in QUERIES.items():
        (folder / f"{name}.sql").write_text(changed.get(name, query))
    if "hooks" in changed:
        (folder / "hooks.py").write_text(changed["hooks"])
    return folder


def make_case(parent: Path, *more_sql: str) -> Path:
    """A case of the product, in SQLite; nothing is accepted yet."""
    folder = parent / "fixtures" / "acme" / "first"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "acme.db")) as database, database:
        for script in (TABLES, *more_sql):
            database.executescript(script)
    (folder / "case.toml").write_text('dumps = ["acme.db"]\n[mounts]\n"" = "."\n')
    return folder
