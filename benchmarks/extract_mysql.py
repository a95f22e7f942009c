"""mariadb-dump of a synthetic Orthanc index with blobs, against a restore into MariaDB."""

import tempfile
from pathlib import Path

from bench import Options, Section
from contest import Dump, Restored, compete, count_lines, tell
from dumptext import write_fields
from measure import Usage, first_line, run_measured
from orthancrows import Table, rows_of_a_block, tables
from peers import MariaDB, program, run_mariadb
from serverload import ServerLoad
from serverquery import queries

FULL, QUICK = 2_000_000, 60_000
BLOB_BYTES = 2_600  # with these the full dump has about 500 MB
GOAL = 10.0
# More than Debian sets: the restore is to wait for the processor and not for the log.
OPTIONS = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G", "--secure-file-priv=")


def run(options: Options) -> Section:
    """Measure."""
    made = tables(BLOB_BYTES)
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        folder = Path(name)
        dump = _dump(folder, made, options.rows_or(FULL, QUICK) // rows_of_a_block())
        with run_mariadb(*OPTIONS) as server:
            version = server.run("SELECT VERSION()").decode().strip()
            other = _Other(server, folder, dump.path, queries(made, "mysql"))
            rows, facts = compete("mariadb-dump", dump, other.restored, GOAL, options.turns)
    return Section(
        "extract-mysql",
        "A dump to the catalog (extract, the adapter's SQL, Parquet) against a restore into an "
        "empty MariaDB and the same SELECTs, transpiled by sqlglot, written to files.",
        rows,
        [
            *facts,
            (
                f"MariaDB {version}, {first_line('mariadb-dump', '--version')}, with "
                f"innodb-flush-log-at-trx-commit=0, no binary log, {' '.join(OPTIONS[:2])}. "
                "Its start is not counted."
            ),
        ],
        [
            dump.command,
            "pacslift: python benchmarks/catalogrun.py index.sql job",
            (
                "against:  mariadb DATABASE < index.sql; "
                "mariadb --batch --quick --skip-column-names DATABASE < TABLE.sql > TABLE.tsv"
            ),
        ],
    )


def _client(server: MariaDB, name: str, *arguments: str) -> list[str]:
    return [
        program(name),
        "--no-defaults",
        f"--socket={server.socket}",
        "--user=root",
        "--default-character-set=utf8mb4",
        *arguments,
    ]


def _dump(folder: Path, made: tuple[Table, ...], blocks: int) -> Dump:
    """Fill a server of its own and dump it."""
    dump = folder / "index.sql"
    count = 0
    with run_mariadb(*OPTIONS) as server:
        server.run("CREATE DATABASE orthanc CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        for table in made:
            count += _fill(server, folder, table, blocks)
        tell(f"mariadb-dump of {count:,} rows")
        run_measured(_client(server, "mariadb-dump", "orthanc"), stdout=dump)
    return Dump(dump, count, "the dump: mariadb-dump orthanc > index.sql")


def _fill(server: MariaDB, folder: Path, table: Table, blocks: int) -> int:
    columns = table.columns.format(tag="VARCHAR(255)", text="LONGTEXT", blob="LONGBLOB")
    indexes = [f"INDEX ({column})" for column in table.indexes]
    server.run(f"CREATE TABLE {table.name} ({', '.join([columns, *indexes])})", "orthanc")
    fields = folder / "fields.tsv"
    count = write_fields(fields, table, blocks)
    fields.chmod(0o644)
    blob = "{blob}" in table.columns
    taken = "(uuid, @hex, type) SET content = UNHEX(SUBSTR(@hex, 3))" if blob else ""
    server.run(
        "SET foreign_key_checks = 0, unique_checks = 0; "
        f"LOAD DATA INFILE '{fields}' INTO TABLE {table.name} CHARACTER SET utf8mb4 {taken}",
        "orthanc",
    )
    fields.unlink()
    return count


class _Other:
    """Restore and SELECT, in a database that is made anew for each run."""

    def __init__(self, server: MariaDB, folder: Path, dump: Path, selects: dict[str, str]) -> None:
        self._server = server
        self._folder = folder
        self._dump = dump
        self._selects = selects

    def restored(self) -> Restored:
        self._server.run("DROP DATABASE IF EXISTS again; CREATE DATABASE again")
        with ServerLoad(self._pid()) as load:
            restore = run_measured(_client(self._server, "mariadb", "again"), stdin=self._dump)
            selects, rows = self._selected()
        seconds = sum(select.seconds for select in selects)
        tell(f"MariaDB: restore {restore.seconds:.2f} s, SELECTs {seconds:.2f} s")
        clients = sum(usage.cpu_seconds for usage in (restore, *selects))
        cpu_seconds = clients + load.cpu_seconds
        return Restored(restore.seconds, seconds, cpu_seconds, load.peak_bytes, rows)

    def _pid(self) -> int:
        return int(Path(self._server.run("SELECT @@pid_file").decode().strip()).read_text())

    def _selected(self) -> tuple[list[Usage], dict[str, int]]:
        """What each SELECT took, and its rows."""
        taken, rows = [], {}
        options = ("--batch", "--quick", "--skip-column-names", "again")
        for name, select in self._selects.items():
            query, result = self._folder / f"{name}.sql", self._folder / f"{name}.tsv"
            query.write_text(select, encoding="utf-8")
            client = _client(self._server, "mariadb", *options)
            taken.append(run_measured(client, stdin=query, stdout=result))
            rows[name] = count_lines(result)
        return taken, rows
