"""Where a ledger is kept, and what differs by that: SQLite in a file, PostgreSQL on a server.

All that the two kinds of database do otherwise is here; the tables and the queries are the same
for both. A job on a server has a schema of its own there, so that one database takes many jobs.
A password comes from the URL, from PGPASSWORD or from ~/.pgpass, and is never told.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pacslift.errors import JobBusyError, JobFileError, LedgerError, LedgerLostError
from pacslift.ledger_tables import metadata

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)  # needs no quotes in PostgreSQL
# A server that went away without a word is noticed within about half a minute (libpq).
NOTICED = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5,
           "keepalives_count": 3, "tcp_user_timeout": 25_000}  # fmt: skip
ALONE, MAKING = 1, 2  # what an advisory lock of a schema is for
NOT_ALLOWED, WAS_SILENT = "42501", "25P03"  # SQLSTATE, PostgreSQL appendix A
REFUSED = re.compile(r"password|does not exist|pg_hba\.conf|translate host name|certificate")


@dataclass(frozen=True, slots=True)
class Server:
    """A schema of a PostgreSQL database."""

    url: sa.URL = field(repr=False)
    schema: str

    def __str__(self) -> str:
        """The URL without the password, and the schema."""
        shown = self.url.set(drivername="postgresql", query={})._replace(password=None)
        return f"{shown}, schema {self.schema}"


Place = Path | Server


def place_of(url: str, schema: str) -> Server:
    """The place that job.toml names. JobFileError says what would be right."""
    try:
        said = sa.make_url(url)
    except sa.exc.ArgumentError:
        said = sa.URL.create("")
    if said.drivername not in SCHEMES or not said.database:
        raise JobFileError(  # without the URL: it may hold a password
            "[ledger] url is not of the form postgresql://USER@HOST:PORT/DATABASE; the password "
            "may stand in it, in PGPASSWORD or in ~/.pgpass"
        )
    if not SCHEMA.fullmatch(schema):
        raise JobFileError(
            f"[ledger] schema is {schema!r}; it must be 1 to 63 of a-z, 0-9 and _, and begin with "
            "a letter"
        )
    return Server(said.set(drivername="postgresql+psycopg"), schema)


def schema_for(name: str) -> str:
    """The schema to propose for a job whose folder has this *name*."""
    return ("pacslift_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"))[:63]


def engine_of(place: Place) -> sa.Engine:
    """The engine for the ledger at *place*; connects to nothing yet."""
    if isinstance(place, Path):
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(place)))
        sa.event.listen(engine, "connect", set_pragmas)
        return engine
    more = str(place.url.query.get("options", ""))
    arguments = {**NOTICED, "options": f"{more} -csearch_path={place.schema}".strip()}
    bare = place.url.difference_update_query(["options", *NOTICED])
    named = {key: value for key, value in place.url.query.items() if key in NOTICED}
    engine = sa.create_engine(
        bare, connect_args={**arguments, **named}, pool_pre_ping=True, pool_recycle=3600
    )
    sa.event.listen(engine, "connect", take_any_text)
    return engine


def set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    """WAL, and every commit on disk before it counts (sqlite.org/pragma.html)."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def take_any_text(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    """PostgreSQL's text takes every character but NUL; a legacy header may well have that."""
    from psycopg.types.string import StrDumperUnknown  # noqa: PLC0415 - only with a server

    class WithoutNul(StrDumperUnknown):
        def dump(self, obj: str) -> Any:  # noqa: ANN401 - as psycopg has it
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    connection.adapters.register_dumper(str, WithoutNul)


def fitted(dialect: str) -> sa.MetaData:
    """The tables as this kind of database is to make them.

    PostgreSQL orders text by the rules of a language unless told otherwise; keys and UIDs are
    compared here by their bytes, as Python and SQLite do.
    """
    if dialect != "postgresql":
        return metadata
    copied = sa.MetaData()
    for table in metadata.sorted_tables:
        for column in table.to_metadata(copied).columns:
            if isinstance(column.type, sa.Text):
                column.type = sa.Text(collation="C")
    return copied


@contextmanager
def making(engine: sa.Engine, place: Place) -> Iterator[sa.Connection]:
    """A transaction in which tables may be made, for one process at a time; with the schema."""
    with engine.begin() as connection:
        if isinstance(place, Server):
            connection.execute(
                sa.select(sa.func.pg_advisory_xact_lock(*lock_for(MAKING, place.schema)))
            )
            if not sa.inspect(connection).has_schema(place.schema):
                connection.execute(sa.schema.CreateSchema(place.schema))
        yield connection


def lock_for(purpose: int, schema: str = "") -> tuple[sa.ColumnElement[int], int]:
    """The two numbers of an advisory lock of a job (PostgreSQL 9.28.10).

    *schema* is said where it need not be there yet.
    """
    named = schema or sa.func.current_schema()
    return sa.func.hashtext(sa.func.concat("pacslift ", named)), purpose


@contextmanager
def held_alone(engine: sa.Engine, place: Place) -> Iterator[None]:
    """Inside it no other machine runs the same job; JobBusyError if one does.

    PostgreSQL lets go of it when the connection ends, by whatever death. A file's ledger needs
    none: the lock of the job folder serves.
    """
    if isinstance(place, Path):
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(*lock_for(ALONE)))):
            raise JobBusyError(
                f"another machine runs this job (ledger {place}); `pacslift worker` helps it, "
                "`pacslift status` shows how far it is"
            )
        try:
            yield
        finally:
            connection.invalidate()  # the lock goes with the connection, also if that was lost


def is_held(connection: sa.Connection) -> bool:
    """Whether somebody is within held_alone() (PostgreSQL 54.12, pg_locks)."""
    number, purpose = lock_for(ALONE)
    locks = sa.table("pg_locks", *map(sa.column, ("locktype", "classid", "objid", "objsubid")))
    unsigned = sa.cast(number, sa.BigInteger).op("&")(0xFFFFFFFF)
    query = sa.exists().where(
        locks.c.locktype == "advisory",
        sa.cast(locks.c.classid, sa.BigInteger) == unsigned,
        sa.cast(locks.c.objid, sa.BigInteger) == purpose,
        locks.c.objsubid == 2,  # noqa: PLR2004 - a lock by two numbers
    )
    return bool(connection.scalar(sa.select(query)))


def faults_of(place: Place) -> tuple[type[sa.exc.DBAPIError], ...]:
    """Errors that are the database's or its owner's to mend; of a server, missing rights too."""
    outage = sa.exc.OperationalError, sa.exc.InterfaceError
    more = sa.exc.ProgrammingError, sa.exc.InternalError
    return outage if isinstance(place, Path) else (*outage, *more)


def exists(place: Place) -> bool:
    """Whether there is a ledger at *place*. LedgerError if the server cannot be asked."""
    if isinstance(place, Path):
        return place.exists()
    engine = engine_of(place)
    try:
        with engine.connect() as connection:
            return sa.inspect(connection).has_table("meta", schema=place.schema)
    except sa.exc.DatabaseError as error:
        raise trouble(place, error) from error
    finally:
        engine.dispose()


def at_one_moment(engine: sa.Engine) -> sa.Connection:
    """A connection on which everything is read as of one moment."""
    if engine.dialect.name == "sqlite":
        connection = engine.connect()
        connection.exec_driver_sql("BEGIN")  # the driver begins by itself only before a write
        return connection
    return engine.connect().execution_options(isolation_level="REPEATABLE READ")


def insert_or(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *update: str
) -> None:
    """Insert *rows*; of one that is there already set the columns *update*, or leave it."""
    if not rows:
        return
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = insert(table)
    keys = list(table.primary_key.columns)
    new = {name: made.excluded[name] for name in update}
    if new:
        made = made.on_conflict_do_update(index_elements=keys, set_=new)
    else:
        made = made.on_conflict_do_nothing()
    connection.execute(made, list(rows))


def trouble(place: Place, error: sa.exc.DBAPIError) -> LedgerError:
    """What to tell of an error of the database; LedgerLostError if waiting may help."""
    why = " ".join(str(error.orig).split())
    if isinstance(place, Path):
        return LedgerError(
            f"the ledger cannot be written: {why}; make room on its disk or end the other program "
            "that holds it, then run again: the run goes on where it was"
        )
    state = getattr(error.orig, "sqlstate", None)
    if state == NOT_ALLOWED:
        return LedgerError(
            f"the ledger {place} cannot be used: {why}. Its user needs CREATE on the database "
            "once, and all rights on the schema"
        )
    if REFUSED.search(why):
        return LedgerError(f"the ledger {place} cannot be used: {why}. Mend [ledger] in job.toml")
    lost = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or state == WAS_SILENT
    return (LedgerLostError if lost else LedgerError)(
        f"the ledger {place} cannot be reached or written: {why}. Look after the server, then run "
        "again: the run goes on where it was"
    )
