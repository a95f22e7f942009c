"""pacslift's side of the extract benchmarks: a dump to the catalog, in a process of its own.

`catalogrun.py DUMP FOLDER [--tables-only]` does what `pacslift extract` and the first half of
`pacslift inventory` do, and writes FOLDER/said.json.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from pacslift.start import loading

with loading():  # as the program's own entry does it
    from pacslift.adapter import load_adapters, shipped_folder
    from pacslift.extract.store import load_tables
    from pacslift.extract.take import take_tables
    from pacslift.inventory.build import build_catalog
    from pacslift.inventory.catalog import write_catalog
    from pacslift.job import Job, TargetAddress


def main(dump: Path, folder: Path, *, tables_only: bool) -> None:
    """Extract *dump* below *folder* and build its catalog."""
    folder.mkdir(parents=True)
    known = load_adapters([shipped_folder()])
    job = Job(folder, (dump,), {}, TargetAddress("NONE", "127.0.0.1", 104))
    began = time.perf_counter()
    taken = take_tables(job, known, lambda _: None)
    said: dict[str, Any] = {"rows": taken.rows, "extract_seconds": time.perf_counter() - began}
    if not tables_only:
        began = time.perf_counter()
        catalog = build_catalog(known[taken.adapter], load_tables(job.tables))
        write_catalog(catalog, job.catalog)
        said["catalog_seconds"] = time.perf_counter() - began
        said["catalog"] = {name: frame.height for name, frame in catalog.tables.items()}
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), tables_only="--tables-only" in sys.argv)
