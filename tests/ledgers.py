"""Ledgers for tests, of both kinds: what is true of a ledger has to be true of each."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from databases import Postgres, run_postgres
from pacslift.ledger import Ledger
from pacslift.ledger_engine import Place, Server, place_of

NUMBERS = count(1)
NewPlace = Callable[[], Place]


@pytest.fixture(scope="session")
def ledger_server() -> Iterator[Postgres]:
    """A PostgreSQL for ledgers alone: their tables and roles disturb who dumps all there is."""
    with run_postgres() as running:
        yield running


def database_on(server: Postgres) -> str:
    """A new database that orders text by the rules of a language, as most do."""
    name = f"ledgers_{next(NUMBERS)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
    return name


def url_of(server: Postgres, database: str) -> str:
    """As job.toml takes it."""
    return f"postgresql://{server.user}@127.0.0.1:{server.port}/{database}"


def schema_at(server: Postgres, database: str) -> Server:
    """A schema that no other test has; it is not there yet."""
    return place_of(url_of(server, database), f"test_{next(NUMBERS)}")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_place(request, tmp_path_factory) -> NewPlace:
    """Gives places where no ledger is yet, in files or on a server."""
    if request.param == "postgresql":
        server = request.getfixturevalue("ledger_server")
        database = database_on(server)
        return lambda: schema_at(server, database)
    folder = tmp_path_factory.mktemp("ledgers")
    return lambda: folder / f"{next(NUMBERS)}.db"


@pytest.fixture
def place(new_place) -> Place:
    """A place where no ledger is yet."""
    return new_place()


@pytest.fixture
def ledger(place) -> Iterator[Ledger]:
    """A new ledger."""
    opened = Ledger(place)
    yield opened
    opened.close()
