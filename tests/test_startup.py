"""What is loaded on the way from a dump to the catalog: loading takes longer than a small dump.

And what is not, where a run goes on: that is most of the time until its first object.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import init, pacslift
from oldpacs import old_pacs

FIXTURES = Path(__file__).parents[1] / "fixtures" / "orthanc"
OF_LATER_STAGES = {"jinja2", "pydicom", "pynetdicom", "pyodbc", "rich", "sqlalchemy"}
TO_THE_CATALOG = """
import json, sys
from pathlib import Path
from pacslift.adapter import load_adapters
from pacslift.extract.store import load_tables
from pacslift.extract.take import take_tables
from pacslift.inventory.build import build_catalog
from pacslift.inventory.catalog import write_catalog
from pacslift.job import Job, TargetAddress

folder, dump = map(Path, sys.argv[1:])
job = Job(folder, (dump,), {}, TargetAddress("NONE", "127.0.0.1", 104))
known = load_adapters()
taken = take_tables(job, known, lambda _: None)
catalog = build_catalog(known[taken.adapter], load_tables(job.tables))
write_catalog(catalog, job.catalog)
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps([catalog["instances"].height, loaded]))
"""


def loaded_for(dump: Path, folder: Path) -> set[str]:
    command = [sys.executable, "-c", TO_THE_CATALOG, str(folder), str(dump)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    instances, loaded = json.loads(said)
    assert instances
    return set(loaded)


@pytest.mark.parametrize("server", ["mysql", "postgresql"])
def test_a_dump_becomes_a_catalog_without_the_libraries_of_later_stages(server, tmp_path):
    loaded = loaded_for(FIXTURES / server / "index.sql", tmp_path)
    assert "polars" in loaded
    assert not loaded & OF_LATER_STAGES


def test_only_mysqls_dumps_wait_for_numpy(tmp_path):
    assert "numpy" not in loaded_for(FIXTURES / "postgresql" / "index.sql", tmp_path)


def test_a_run_that_goes_on_loads_neither_the_readers_of_dumps_nor_what_translates_sql(tmp_path):
    archive = old_pacs(tmp_path / "old")
    job = tmp_path / "job"
    init(job, archive.dump, archive.storage, "NOBODY@127.0.0.1:1")
    for stage in ("extract", "inventory", "plan"):
        assert pacslift(stage, job).exit_code == 0
    going_on = (
        "import json, sys; from pacslift.cli import main; "
        f"main(['run', {str(job)!r}], standalone_mode=False)"
    )
    loaded = f"try: exec({going_on!r})\nfinally: print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", f"import json, sys\n{loaded}"]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.returncode == 20, said.stderr
    modules = set(json.loads(said.stdout.splitlines()[-1]))
    assert "pacslift.send.deliver" in modules
    assert not modules & {"sqlglot", "pacslift.extract.sniff", "pacslift.conformance"}
