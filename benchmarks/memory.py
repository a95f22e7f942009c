"""The memory that extract takes on a dump that is larger than the memory it may take."""

import tempfile
from pathlib import Path

from bench import Options, Row, Section
from contest import MEMORY_GOAL, tell, to_catalog
from dumptext import write_mysqldump
from measure import GIB
from orthancrows import rows_of_a_block, tables

FULL, QUICK = 7_000_000, 60_000
BLOB_BYTES = 9_000  # with these the full dump has more than 4 GiB
WHOLE = 4 * GIB


def run(options: Options) -> Section:
    """Measure; the dump is removed afterwards."""
    blocks = options.rows_or(FULL, QUICK) // rows_of_a_block()
    with tempfile.TemporaryDirectory(prefix="plbench-") as name:
        dump = Path(name) / "index.sql"
        rows = write_mysqldump(dump, tables(BLOB_BYTES), blocks)
        size = dump.stat().st_size
        tell(f"extract of {size / GIB:.2f} GiB")
        extracted = to_catalog(dump, Path(name) / "job", "--tables-only")
    usage = extracted.usage
    peak = usage.peak_bytes / GIB
    what = f"extract of {size / GIB:.2f} GiB, most memory"
    small = "" if size >= WHOLE else " The goal is about 4 GiB and more; this dump is smaller."
    return Section(
        "memory",
        "Extract, once, of a large dump as mariadb-dump writes it, which a script made, no server.",
        [Row(what, f"{peak:.2f} GiB", "", peak, "GiB", MEMORY_GOAL)],
        [
            (
                f"{rows:,} rows in the dump, {extracted.said['rows']:,} of tables that the adapter "
                f"reads; {usage.seconds:.1f} s, {size / usage.seconds / 1e6:,.0f} MB/s, "
                f"{usage.cpu_seconds:.1f} s of CPU, {usage.cores:.2f} cores in use.{small}"
            )
        ],
        ["pacslift: python benchmarks/catalogrun.py index.sql job --tables-only"],
    )
