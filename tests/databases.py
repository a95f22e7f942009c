"""Real database servers for tests, by the rules of servers.py.

Their folders are short ones below /tmp: a socket's path has 107 characters at most.
"""

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers import checked, free_port, process_of, program

# ---------------------------------------------------------------------------------------------
# MariaDB


@dataclass(frozen=True)
class MariaDB:
    """A running MariaDB; root without password, over the socket or over the loopback port."""

    socket: Path
    port: int
    log: Path
    user: str = "root"

    def _client(self, name: str, *arguments: str) -> list[str]:
        address = ["--no-defaults", f"--socket={self.socket}", "--user=root"]
        return [program(name), *address, *arguments]

    def run(self, sql: str | bytes, database: str | None = None) -> bytes:
        """What the mariadb client prints for *sql*: tab separated, no heading."""
        statements = sql.encode() if isinstance(sql, str) else sql
        command = self._client("mariadb", "--batch", "--skip-column-names", "--binary-mode")
        command += ["--default-character-set=utf8mb4", *([database] if database else [])]
        return checked(command, statements)

    def dump(self, *arguments: str) -> bytes:
        """What mariadb-dump prints for *arguments*."""
        return checked(self._client("mariadb-dump", *arguments), b"")


@contextmanager
def run_mariadb(*options: str) -> Iterator[MariaDB]:
    """A MariaDB of its own."""
    install = program("mariadb-install-db")
    server = program("mariadbd", "/usr/sbin")
    user = pwd.getpwuid(os.getuid()).pw_name
    with tempfile.TemporaryDirectory(prefix="plmy-", dir="/tmp") as name:
        folder = Path(name)
        database = MariaDB(folder / "s", free_port(), folder / "log")
        common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={user}"]
        checked(
            [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], b""
        )
        command = [server, *common, f"--socket={database.socket}", f"--port={database.port}"]
        command += ["--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}"]
        command += [f"--tmpdir={folder}"]  # a server that starts empties /tmp of others' tables
        command += ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", *options]

        def ready() -> bool:
            probe = ["mariadb-admin", "--no-defaults", f"--socket={database.socket}"]
            return database.socket.exists() and not subprocess.call(
                [*probe, "--user=root", "ping"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        with process_of(command, ready, log=database.log):
            yield database


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One MariaDB for the whole run; a test makes and drops databases of its own."""
    with run_mariadb() as running:
        yield running


# ---------------------------------------------------------------------------------------------
# PostgreSQL


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL; anybody on this machine is let in as postgres."""

    socket: Path  # the folder the socket lies in, as libpq wants it
    port: int
    log: Path
    user: str = "postgres"

    @property
    def environment(self) -> dict[str, str]:
        """What libpq and its programs need to find this server."""
        return {"PGHOST": str(self.socket), "PGPORT": str(self.port), "PGUSER": self.user}

    def _client(self, name: str, *arguments: str) -> list[str]:
        client = program(name, "/usr/lib/postgresql/*/bin")
        address = [f"--host={self.socket}", f"--port={self.port}", f"--username={self.user}"]
        return [client, *address, *arguments]

    def run(self, sql: str | bytes, database: str = "postgres") -> bytes:
        """What psql prints for *sql*: unaligned, tuples only."""
        statements = sql.encode() if isinstance(sql, str) else sql
        options = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
        options += ["--set=ON_ERROR_STOP=1", database]
        return checked(self._client("psql", *options), statements)

    def dump(self, *arguments: str) -> bytes:
        """What pg_dump prints for *arguments*."""
        return checked(self._client("pg_dump", *arguments), b"")

    def dump_all(self, *arguments: str) -> bytes:
        """What pg_dumpall prints for *arguments*."""
        return checked(self._client("pg_dumpall", *arguments), b"")

    def restore(self, *arguments: str) -> bytes:
        """What pg_restore prints for *arguments*."""
        return checked(self._client("pg_restore", *arguments), b"")


def as_somebody_else(folder: Path) -> list[str]:
    """The prefix that runs a command as an ordinary user, who then owns *folder*.

    PostgreSQL refuses to run as root.
    """
    if os.getuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = names.get("postgres") or names["nobody"]
    os.chown(folder, account.pw_uid, account.pw_gid)
    ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
    return [program("setpriv"), *ids, "--clear-groups"]


@contextmanager
def new_cluster() -> Iterator[Postgres]:
    """A PostgreSQL cluster of its own, UTF-8, that is not running yet."""
    initdb = program("initdb", "/usr/lib/postgresql/*/bin")
    with tempfile.TemporaryDirectory(prefix="plpg-", dir="/tmp") as name:
        folder = Path(name)
        runas = as_somebody_else(folder)
        data = ["--pgdata", str(folder / "data")]
        make = [*runas, initdb, *data, "--username=postgres", "--auth=trust", "--no-sync"]
        checked([*make, "--encoding=UTF8", "--locale=C"], b"")
        yield Postgres(folder, free_port(), folder / "log")


@contextmanager
def serving(cluster: Postgres, *options: str) -> Iterator[None]:
    """Inside it, *cluster* runs, without a safety net (fsync off)."""
    server = program("postgres", "/usr/lib/postgresql/*/bin")
    ask = program("pg_isready", "/usr/lib/postgresql/*/bin")
    folder = cluster.socket
    command = [*as_somebody_else(folder), server, "-D", str(folder / "data"), "-k", str(folder)]
    command += ["-p", str(cluster.port), "-h", "127.0.0.1", "-F", *options]

    def ready() -> bool:
        probe = [ask, "--quiet", f"--host={folder}", f"--port={cluster.port}"]
        return not subprocess.call(probe)

    # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    with process_of(command, ready, log=cluster.log, cwd=folder, stop_with=signal.SIGINT):
        yield


@contextmanager
def run_postgres(*options: str) -> Iterator[Postgres]:
    """A PostgreSQL cluster of its own that runs."""
    with new_cluster() as cluster, serving(cluster, *options):
        yield cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run; a test makes and drops databases of its own."""
    with run_postgres() as running:
        yield running
