"""Tables whose rows lie in other tables: partitions, and tables that inherit.

A SELECT on a partitioned table, or on one that others inherit from, gives their rows too, so an
adapter's SQL means them. pg_dump writes rows only where they are stored; here they are added to
the table above.
Source: https://www.postgresql.org/docs/15/ddl-inherit.html and ddl-partitioning.html.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pacslift.extract.inserts.insertheader import unquoted
from pacslift.extract.inserts.insertrun import InsertRun
from pacslift.extract.scripts.script import Run, ScriptTable, TableBook
from pacslift.extract.shapes import TableShape
from pacslift.patterns import compiled

_NAME = rb"(?:\"(?:[^\"]|\"\")++\"|[\w$\x80-\xff]++)"
_TABLE = rb"(?:(" + _NAME + rb")\.)?+(" + _NAME + rb")"
_CREATED = compiled(
    rb"CREATE\s++(?:UNLOGGED\s++|FOREIGN\s++)?+TABLE\s++(?:IF NOT EXISTS\s++)?+" + _TABLE
)
_INHERITS = compiled(rb"\)\s*+INHERITS\s*+\(((?:[^()\"]++|\"[^\"]*+\")*+)\)[^()]*+\Z")
_ATTACHED = compiled(
    rb"ALTER TABLE\s++(?:ONLY\s++)?+" + _TABLE + rb"\s++ATTACH PARTITION\s++" + _TABLE
)
_TABLES = compiled(_TABLE)

_Key = tuple[str, str]


def _inherit(heir: ScriptTable, parents: Sequence[ScriptTable]) -> None:
    """Put the columns that *heir* inherits, which its CREATE TABLE leaves out, before its own."""
    tables = [*parents, heir]
    columns = {column.name: column for table in tables for column in table.shape.columns}
    heir.shape = TableShape(heir.shape.name, tuple(columns.values()))


def _named(table: ScriptTable) -> Iterator[Run]:
    """The table's runs, each with the names of its columns: other tables have another order."""
    names = tuple(column.name for column in table.shape.columns)
    for run in table.runs:
        if isinstance(run, InsertRun) and run.header.columns is None:
            yield replace(run, header=replace(run.header, columns=names))
        else:
            yield run


class Families:
    """What a dump's statements say of tables above and below each other."""

    def __init__(self) -> None:
        self._below: dict[_Key, list[_Key]] = {}
        self._heirs: dict[_Key, list[_Key]] = {}  # and what they inherit from, in creation's order

    def note(self, statement: bytes, place: Callable[[str | None], str]) -> None:
        """Take what *statement* says, if it is of the kind; *place* gives the place of a schema."""

        def key(schema: bytes | None, name: bytes) -> _Key:
            return place(None if schema is None else unquoted(schema)), unquoted(name)

        if attached := _ATTACHED.match(statement):
            above, below = key(*attached.group(1, 2)), key(*attached.group(3, 4))
            self._below.setdefault(above, []).append(below)
        elif b"INHERITS" in statement and (created := _CREATED.match(statement)):
            inherits = _INHERITS.search(statement.rstrip(b"; \n"))
            heir = key(*created.group(1, 2))
            for parent in _TABLES.finditer(inherits[1] if inherits else b""):
                above = key(*parent.groups())
                self._below.setdefault(above, []).append(heir)
                self._heirs.setdefault(heir, []).append(above)

    def add_rows(self, book: TableBook) -> None:
        """Give each table the rows of those below it, behind its own."""
        known = {(table.schema, table.shape.name): table for table in book.tables}
        for heir, parents in self._heirs.items():
            if heir in known:
                _inherit(known[heir], [known[above] for above in parents if above in known])
        own = {key: tuple(_named(table)) for key, table in known.items()}
        for above in self._below:
            if above in known:
                known[above].runs.extend(self._runs_below(above, own))

    def _runs_below(self, above: _Key, own: dict[_Key, tuple[Run, ...]]) -> list[Run]:
        """The runs of all tables below, each once, whatever statements say in a circle."""
        found: list[Run] = []
        met, waiting = {above}, list(reversed(self._below[above]))
        while waiting:
            key = waiting.pop()
            if key not in met:
                met.add(key)
                found += own.get(key, ())
                waiting += reversed(self._below.get(key, []))
        return found
