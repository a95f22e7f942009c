"""The door to ODBC: the one module that knows pyodbc.

A connection is read-only three times over: it is opened so, its one transaction is read-only where
the server has such a thing, and nothing but SELECT is sent. The transaction is one consistent
snapshot of a server that has those (see servers.py). SQLite's file is opened immutable, so that no
-wal, -shm or -journal is made beside it.
Errors come out as two kinds: the server is gone, or it refused a statement. Their texts are freed
of the connection's secrets, and of values, which a message about bad data would quote.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pacslift.errors import DumpFormatError
from pacslift.extract.onserver.odbc import ConnectionString
from pacslift.extract.onserver.servers import SERVERS, Server, version_number, worded
from pacslift.extract.sqlite import MAGIC, SqliteFile

Row = Sequence[Any]
_Pyodbc = Any  # the module and its connections; its types are not used, as it may be missing
FETCHED = 10_000  # rows asked of the driver at once
_LOGIN_SECONDS = 30
_STREAMING_MARIADB = (3, 1, 17)  # Connector/ODBC from here on can pass on rows as they come
_QUOTES_VALUES = ("22", "23")  # SQLSTATE classes whose texts repeat the value they complain of
_SNAPSHOTS = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"


class LostError(Exception):
    """The server is gone; nothing more can be read over this connection."""


class RefusedError(Exception):
    """The server does not run a statement; the connection is still good."""


@dataclass(slots=True)
class Link:
    """An open connection to *server*, whose *version* it told. *shown* names it in messages."""

    server: Server
    version: str
    shown: str
    streams: bool  # whether the driver passes on rows without keeping the whole result
    _pyodbc: _Pyodbc
    _connection: _Pyodbc
    _secrets: tuple[str, ...]

    def rows(self, sql: str) -> Iterator[list[Row]]:
        """Rows of *sql*, some at a time. Raises LostError or RefusedError, also between them."""
        try:
            # Not `with ... as cursor`: that commits, which would end the snapshot.
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(sql)
                while rows := cursor.fetchmany(FETCHED):
                    yield rows
        except (self._pyodbc.Error, UnicodeError) as error:
            raise self._translated(error) from None

    def one(self, sql: str) -> Row:
        """The only row of *sql*."""
        return next(iter(self.rows(sql)))[0]

    def run(self, sql: str) -> None:
        """Run a statement that gives no rows."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(sql)
        except self._pyodbc.Error as error:
            raise self._translated(error) from None

    def close(self) -> None:
        """End the transaction and the connection; may be called twice."""
        with suppress(self._pyodbc.Error):
            self._connection.close()

    def _translated(self, error: Exception) -> Exception:
        sentence = _sentence(error, self._secrets)
        return RefusedError(sentence) if self._answers() else LostError(sentence)

    def _answers(self) -> bool:
        try:
            self._connection.rollback()
            self._connection.execute("SELECT 1" + " FROM DUAL" * (self.server.dialect == "oracle"))
        except self._pyodbc.Error:
            return False
        return True


def connect(asked: ConnectionString) -> Link:
    """Connect to the database and begin its snapshot.

    Raises DumpFormatError, which says why and what to do, where that cannot be.
    """
    pyodbc = _module()
    asked = _sqlite_made_safe(asked, pyodbc)
    plain, secrets = asked.opened()
    first = _connected(pyodbc, plain, asked, secrets)
    try:
        server, version = _recognised(pyodbc, first, asked)
        streams = _streams(pyodbc, first)
    finally:
        first.close()
    # Again, with what this product's driver needs to be told.
    plain, secrets = _with_options(asked, server).opened()
    link = Link(server, version, str(asked), streams, pyodbc,
                _connected(pyodbc, plain, asked, secrets), secrets)  # fmt: skip
    try:
        for statement in server.session:
            link.run(statement)
    except (LostError, RefusedError) as error:
        link.close()
        raise DumpFormatError(
            f"{asked}: the server does not begin a read-only session: {error}"
        ) from error
    return link


def _module() -> _Pyodbc:
    try:
        pyodbc: _Pyodbc = import_module(
            "pyodbc"
        )  # here, as it needs unixODBC, which only this needs
    except ImportError as error:
        raise DumpFormatError(
            f"a database is read over ODBC with pyodbc, which cannot be loaded: {error}. Install "
            "the package pyodbc, and unixODBC for it"
        ) from error
    pyodbc.pooling = False  # a closed connection must not live on in a pool
    return pyodbc


def _connected(
    pyodbc: _Pyodbc, plain: str, asked: ConnectionString, secrets: tuple[str, ...]
) -> _Pyodbc:
    try:
        return pyodbc.connect(plain, timeout=_LOGIN_SECONDS, readonly=True, autocommit=False)
    except pyodbc.Error as error:
        sentence = _sentence(error, secrets)
        hint = "check server, database, user and password"
        if re.search(r"IM00|can't open lib|data source name not found", sentence, re.IGNORECASE):
            known = ", ".join(pyodbc.drivers()) or "none"
            hint = f"the drivers registered in odbcinst.ini are: {known}"
        raise DumpFormatError(f"{asked} cannot be connected: {sentence}; {hint}") from None


def _recognised(
    pyodbc: _Pyodbc,
    connection: _Pyodbc,
    asked: ConnectionString,
) -> tuple[Server, str]:
    name = str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
    server = SERVERS.get(name.lower())
    if server is None:
        raise DumpFormatError(
            f"{asked} is a {name}, which is not read over ODBC; known are "
            f"{', '.join(sorted({s.product for s in SERVERS.values()}))}. Read a dump of it instead"
        )
    try:
        with closing(connection.cursor()) as cursor:
            version = str(cursor.execute(server.version).fetchone()[0])
            isolation = "READ COMMITTED"
            if server.dialect == "tsql" and cursor.execute(_SNAPSHOTS).fetchone()[0] == 1:
                isolation = "SNAPSHOT"
    except pyodbc.Error:
        raise DumpFormatError(f"{asked} does not tell its version") from None
    return worded(server, version, isolation), version


def _streams(pyodbc: _Pyodbc, connection: _Pyodbc) -> bool:
    if "maodbc" not in str(connection.getinfo(pyodbc.SQL_DRIVER_NAME)).lower():
        return True
    version = version_number(str(connection.getinfo(pyodbc.SQL_DRIVER_VER)))
    return version >= _STREAMING_MARIADB


def _with_options(asked: ConnectionString, server: Server) -> ConnectionString:
    """What the person wrote, and the server's options where nothing was written."""
    given = {key.lower() for key, _ in asked.parts}
    missing = {k: v for k, v in server.options.items() if k.lower() not in given}
    return asked.changed(**missing)


def _sqlite_made_safe(asked: ConnectionString, pyodbc: _Pyodbc) -> ConnectionString:
    """The connection string with SQLite's file as an immutable one; others as they are.

    SQLite would otherwise put a -shm beside a file in WAL mode, or roll back a -journal into it.
    """
    dsn = asked.value("dsn")
    driver = asked.value("driver") or str(pyodbc.dataSources().get(dsn, "") if dsn else "")
    if "sqlite" not in driver.lower():
        return asked
    path = Path(asked.value("database"))
    if dsn or not path.is_absolute() or not path.is_file():
        raise DumpFormatError(
            f"{asked}: a SQLite database is named by Driver=SQLite3;Database= and the absolute "
            "path of its file"
        )
    with path.open("rb") as file:
        is_sqlite = file.read(len(MAGIC)) == MAGIC
    beside = [p for end in ("-wal", "-journal") if (p := Path(f"{path.resolve()}{end}")).is_file()]
    waiting = [p.name for p in beside if p.stat().st_size]
    if waiting or not is_sqlite:
        what = f"{', '.join(waiting)} beside it" if waiting else "no SQLite file"
        raise DumpFormatError(
            f"{asked}: {what}; give the file itself, --dump {path}, which needs no ODBC"
        )
    SqliteFile(path, path.parent).close()  # refuses one that was cut off; copies nothing here
    return asked.changed(Database=f"file:{quote(str(path))}?mode=ro&immutable=1")


def _sentence(error: Exception, secrets: tuple[str, ...]) -> str:
    """What the driver said, on one line, without secrets and without values."""
    state, text = (str(part) for part in (*error.args, "", "")[:2])
    if state.startswith(_QUOTES_VALUES):
        return f"a value does not fit (SQLSTATE {state})"
    if isinstance(error, UnicodeError):
        return "the driver gave a text that is none"
    said = " ".join((text or state).split())
    for secret in secrets:
        said = said.replace(secret, "***")
    return said[:400]
