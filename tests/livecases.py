"""Databases to be read over ODBC: a case's dump restored into a real server, or its SQLite file.

A driver that is not installed skips the test, by the rules of servers.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from databases import MariaDB, Postgres
from pacslift.adapter import Adapter
from pacslift.events import silence
from pacslift.extract.onserver.database import LiveDatabase
from pacslift.extract.store import extract_tables, load_tables
from pacslift.extract.take import extracted_or_answered, names_of, opened_dumps, wanted_columns
from pacslift.inventory.build import build_catalog
from pacslift.inventory.catalog import Catalog
from servers import unavailable

PASSWORD = "s3cret;}x"  # noqa: S105 - a test's; with what a connection string must put in braces


def driver(name: str) -> str:
    """The name, if a driver is registered by it."""
    try:
        import pyodbc  # noqa: PLC0415 - without unixODBC it cannot be loaded
    except ImportError as error:
        unavailable(f"unixODBC is not installed ({error})", "run `make servers`")
    if name not in pyodbc.drivers():
        unavailable(f"the ODBC driver {name} is not installed", "run `make servers`")
    return f"Driver={name}"


@contextmanager
def restored_mysql(server: MariaDB, dump: bytes, name: str) -> Iterator[str]:
    """*dump* in a database of its own; gives its name as a job would have it."""
    driver("MariaDB Unicode")
    server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    server.run(f"CREATE OR REPLACE USER reader@localhost IDENTIFIED BY '{PASSWORD}'")
    server.run(f"GRANT SELECT ON {name}.* TO reader@localhost")
    try:
        server.run(dump, name)
        yield (
            f"odbc:{driver('MariaDB Unicode')};Server=127.0.0.1;Port={server.port};"
            f"Database={name};UID=reader;PWD={{{PASSWORD.replace('}', '}}')}}}"
        )
    finally:
        server.run(f"DROP DATABASE {name}")


@contextmanager
def restored_postgres(server: Postgres, dump: bytes, name: str) -> Iterator[str]:
    """*dump* in a database of its own; gives its name as a job would have it."""
    driver("PostgreSQL Unicode")
    server.run(f"CREATE DATABASE {name}")
    server.run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; "
               "GRANT pg_read_all_data TO reader")  # fmt: skip
    try:
        server.run(dump, name)
        yield (
            f"odbc:{driver('PostgreSQL Unicode')};Server=127.0.0.1;Port={server.port};"
            f"Database={name};UID=reader"
        )
    finally:
        server.run(f"DROP DATABASE {name} WITH (FORCE)")


def sqlite_named(path: Path) -> str:
    """A SQLite file as a job would name it over ODBC."""
    return f"odbc:{driver('SQLite3')};Database={path}"


def catalog_of(adapter: Adapter, dumps: list[Path], databases: list[str]) -> tuple[Catalog, list]:
    """The catalog as a job makes it, and what the extraction had to say."""
    with TemporaryDirectory() as place, opened_dumps(dumps, Path(place), databases) as readers:
        wanted, folder = wanted_columns(adapter, readers), Path(place) / "tables"
        assert adapter.claims(names_of(readers))
        _, told = extracted_or_answered(adapter, readers, wanted, folder, silence)
        return build_catalog(adapter, load_tables(folder)), told


def catalog_of_tables(adapter: Adapter, database: str) -> Catalog:
    """The catalog from the tables of *database*, the SQL run here and not on the server."""
    with TemporaryDirectory() as place, opened_dumps([], Path(place), [database]) as readers:
        extract_tables(readers, wanted_columns(adapter, readers), Path(place) / "tables", silence)
        return build_catalog(adapter, load_tables(Path(place) / "tables"))


def table_rows(text: str, table: str) -> list[dict]:
    """Every column of a table as it is read over ODBC."""
    database = LiveDatabase(text)
    try:
        shape = next(s for s in database.shapes() if s.name.lower() == table)
        wanted = {table: [column.name for column in shape.columns]}
        return [row for batch in database.batches(wanted) for row in batch.frame.to_dicts()]
    finally:
        database.close()
