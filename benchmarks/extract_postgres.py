"""pg_dump, plain and custom, of a synthetic Orthanc index with blobs, against a restore."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import Options, Row, Section
from contest import Dump, Restored, compete, count_lines, tell
from dumptext import write_fields
from measure import Usage, first_line, run_measured
from orthancrows import Table, rows_of_a_block, tables
from peers import POSTGRES_PROGRAMS, Postgres, program, run_postgres
from serverload import ServerLoad
from serverquery import queries

FULL, QUICK = 2_000_000, 60_000
BLOB_BYTES = 1_300  # two digits a byte: with these the full plain dump has about 500 MB
GOAL = 5.0
# More than Debian sets: the restore is to wait for the processor and not for checkpoints.
SETTINGS = ("shared_buffers=1GB", "maintenance_work_mem=256MB", "work_mem=256MB",
            "max_wal_size=8GB", "wal_level=minimal", "max_wal_senders=0")  # fmt: skip
OPTIONS = tuple(part for setting in SETTINGS for part in ("-c", setting))
FORMATS = {"plain": "index.sql", "custom": "index.dump"}


def run(options: Options) -> Section:
    """Measure."""
    made = tables(BLOB_BYTES)
    selects = queries(made, "postgres")
    rows: list[Row] = []
    facts: list[str] = []
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        folder = Path(name)
        dumps = _dumps(folder, made, options.rows_or(FULL, QUICK) // rows_of_a_block())
        with run_postgres(*OPTIONS) as server:
            version = server.run("SHOW server_version").decode().strip()
            for kind, dump in dumps.items():
                other = _Other(server, folder, dump.path, selects)
                found = compete(f"pg_dump {kind}", dump, other.restored, GOAL, options.turns)
                rows += found[0]
                facts += found[1]
    pg_dump = first_line(program("pg_dump", POSTGRES_PROGRAMS), "--version")
    return Section(
        "extract-postgres",
        "A dump to the catalog (extract, the adapter's SQL, Parquet) against a restore into an "
        "empty PostgreSQL and the same SELECTs, transpiled by sqlglot, written to files.",
        rows,
        [
            *facts,
            (
                f"PostgreSQL {version}, {pg_dump}, fsync off, {', '.join(SETTINGS)}. Its start is "
                "not counted."
            ),
        ],
        [
            *(dump.command for dump in dumps.values()),
            "pacslift: python benchmarks/catalogrun.py index.sql|index.dump job",
            (
                "against:  psql --file=index.sql, or pg_restore --jobs=2 index.dump; "
                "psql --command='COPY (SELECT …) TO STDOUT' > TABLE.tsv"
            ),
        ],
    )


def _client(server: Postgres, name: str, *arguments: str) -> list[str]:
    address = [f"--host={server.socket}", f"--port={server.port}", f"--username={server.user}"]
    return [program(name, POSTGRES_PROGRAMS), *address, *arguments]


def _dumps(folder: Path, made: tuple[Table, ...], blocks: int) -> dict[str, Dump]:
    """Fill a server of its own and dump it in each format."""
    dumps = {}
    with run_postgres(*OPTIONS) as server:
        server.run("CREATE DATABASE orthanc")
        count = sum(_fill(server, folder, table, blocks) for table in made)
        for kind, file in FORMATS.items():
            tell(f"pg_dump --format={kind} of {count:,} rows")
            arguments = (f"--format={kind}", "--dbname=orthanc")
            run_measured(_client(server, "pg_dump", *arguments), stdout=folder / file)
            command = f"the dump: pg_dump {' '.join(arguments)} > {file}"
            dumps[kind] = Dump(folder / file, count, command)
    return dumps


def _fill(server: Postgres, folder: Path, table: Table, blocks: int) -> int:
    columns = table.columns.format(tag="TEXT", text="TEXT", blob="BYTEA")
    server.run(f"CREATE TABLE {table.name} ({columns})", "orthanc")
    fields = folder / "fields.tsv"
    count = write_fields(fields, table, blocks)
    copy = f"--command=COPY {table.name} FROM STDIN"
    run_measured(_client(server, "psql", "--quiet", copy, "orthanc"), stdin=fields)
    fields.unlink()
    for column in table.indexes:
        server.run(f"CREATE INDEX ON {table.name} ({column})", "orthanc")
    return count


class _Other:
    """Restore and SELECT, in a database that is made anew for each run."""

    def __init__(self, server: Postgres, folder: Path, dump: Path, selects: dict[str, str]) -> None:
        self._server = server
        self._folder = folder
        self._dump = dump
        self._selects = selects

    def restored(self) -> Restored:
        self._server.run("DROP DATABASE IF EXISTS again")
        self._server.run("CREATE DATABASE again")
        with ServerLoad(self._pid()) as load:
            restore = run_measured(self._command())
            selects, rows = self._selected()
        seconds = sum(select.seconds for select in selects)
        tell(f"PostgreSQL: restore {restore.seconds:.2f} s, SELECTs {seconds:.2f} s")
        clients = sum(usage.cpu_seconds for usage in (restore, *selects))
        cpu_seconds = clients + load.cpu_seconds
        return Restored(restore.seconds, seconds, cpu_seconds, load.peak_bytes, rows)

    def _pid(self) -> int:
        data = Path(self._server.run("SHOW data_directory").decode().strip())
        return int((data / "postmaster.pid").read_text().splitlines()[0])

    def _selected(self) -> tuple[list[Usage], dict[str, int]]:
        """What each SELECT took, and its rows."""
        taken, rows = [], {}
        for name, select in self._selects.items():
            result = self._folder / f"{name}.tsv"
            copy = f"--command=COPY ({select}) TO STDOUT"
            client = _client(self._server, "psql", "--no-psqlrc", "--quiet", copy, "again")
            taken.append(run_measured(client, stdout=result))
            rows[name] = count_lines(result)
        return taken, rows

    def _command(self) -> Sequence[str]:
        if self._dump.suffix == ".sql":
            options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=again"]
            return _client(self._server, "psql", *options, f"--file={self._dump}")
        options = ["--jobs=2", "--exit-on-error", "--dbname=again"]
        return _client(self._server, "pg_restore", *options, str(self._dump))
