"""Procrastinate's queries on a connection of the ledger, within the ledger's own transaction.

So a study is taken, its results recorded and its task ended by one commit, and no second pool of
connections is needed. Procrastinate's own worker is not used: it runs tasks one by one, while a
crew of senders wants objects of several studies at once.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

import sqlalchemy as sa
from procrastinate.connector import BaseConnector
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from psycopg.types.json import Jsonb

T = TypeVar("T")


class WithinTransaction(BaseConnector):
    """A connector of Procrastinate whose queries belong to the transaction of *connection*."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get_sync_connector(self) -> BaseConnector:
        """Itself."""
        return self

    def execute_query_all(self, query: str, **arguments: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as Procrastinate has it
        """The rows of *query*."""
        given = {name: for_the_driver(value) for name, value in arguments.items()}
        result = self._connection.exec_driver_sql(query, given)
        return [dict(row) for row in result.mappings()]

    def execute_query_one(self, query: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """The only row of *query*."""
        (row,) = self.execute_query_all(query, **arguments)
        return row

    def execute_query(self, query: str, **arguments: Any) -> None:  # noqa: ANN401
        """As execute_query_all()."""
        self.execute_query_all(query, **arguments)

    async def execute_query_async(self, query: str, **arguments: Any) -> None:  # noqa: ANN401
        """As execute_query_all()."""
        self.execute_query_all(query, **arguments)

    async def execute_query_one_async(self, query: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """As execute_query_one()."""
        return self.execute_query_one(query, **arguments)

    async def execute_query_all_async(self, query: str, **arguments: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        """As execute_query_all()."""
        return self.execute_query_all(query, **arguments)


def for_the_driver(value: Any) -> Any:  # noqa: ANN401 - whatever Procrastinate hands over
    """*value* with its mappings as psycopg takes them for JSON."""
    if isinstance(value, dict):
        return Jsonb(value)
    if isinstance(value, list):
        return [for_the_driver(one) for one in value]
    if isinstance(value, tuple):
        return tuple(for_the_driver(one) for one in value)
    return value


def tasks_on(connection: sa.Connection) -> JobManager:
    """Procrastinate's tasks, within the transaction of *connection*."""
    return JobManager(WithinTransaction(connection))


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as none does on WithinTransaction."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    raise AssertionError("it waits for something")


def make_tables(connection: sa.Connection) -> None:
    """Make Procrastinate's tables in the schema of the ledger, unless they are there."""
    if not tasks_on(connection).check_connection():
        driver: Any = connection.connection.driver_connection
        driver.execute(SchemaManager.get_schema())
        # Else each task that is fetched is held against all others, which may be a million.
        driver.execute("CREATE INDEX pacslift_lock ON procrastinate_jobs (lock)")
