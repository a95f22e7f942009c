"""Which of several databases in one dump is the archive's.

A dump of a whole server (--all-databases) holds test copies and other systems, with tables of the
same names. They are told apart by which of them alone an adapter claims, or by the job.
"""

from collections.abc import Iterable, Mapping, Sequence

from pacslift.adapter import Adapter, Names, claimants, shortened
from pacslift.errors import AdapterClashError, DumpFormatError
from pacslift.extract.script import ScriptReader
from pacslift.extract.shapes import DumpReader, TableShape


def settle_rivals(
    readers: Sequence[DumpReader],
    known: Mapping[str, Adapter],
    adapter: str | None = None,
    database: str | None = None,
) -> None:
    """Set the database to be read in each of *readers* that has several with the same tables.

    *adapter* and *database* are what the job says. Where nothing is said and no database alone is
    claimed, all are read together as before. Raises AdapterClashError where several are claimed,
    DumpFormatError where *database* is in none of the dumps.
    """
    scripts = [reader for reader in readers if isinstance(reader, ScriptReader)]
    if database is not None:
        _take(scripts, database)
        return
    able = [a for name, a in known.items() if adapter in {None, name}]
    for reader in scripts:
        rest = names_in([s for other in readers if other is not reader for s in other.shapes()])
        claimed = [place for place in reader.rivals if _claims(able, reader, place, rest)]
        if len(claimed) > 1:
            raise AdapterClashError(
                f"{reader.path} holds several archives: the databases {' and '.join(claimed)}. "
                'Choose one in job.toml, under [source]: database = "NAME"'
            )
        reader.database = claimed[0] if claimed else None


def names_in(shapes: Iterable[TableShape]) -> Names:
    """Tables and their columns, in lower case."""
    return {s.name.lower(): tuple(c.name.lower() for c in s.columns) for s in shapes}


def names_by_place(reader: DumpReader) -> dict[str, Names]:
    """Tables by the database they are in, where they have to be told apart; else under ""."""
    whole = {"": names_in(reader.shapes())}
    if not isinstance(reader, ScriptReader) or not reader.rivals:
        return whole
    own = {place: names_in(shapes_in(reader, place)) for place in reader.rivals}
    return {**own, **whole}


def shapes_in(reader: ScriptReader, place: str) -> list[TableShape]:
    """Tables of one database."""
    return [table.shape for table in reader.tables if table.schema == place]


def _take(scripts: Sequence[ScriptReader], database: str) -> None:
    met = {table.schema: None for reader in scripts for table in reader.tables}
    if database not in met:
        raise DumpFormatError(
            f'job.toml says database = "{database}", which is in none of the dumps; they hold '
            f"{shortened([place or '(a database without a name)' for place in met])}"
        )
    for reader in scripts:
        if any(table.schema == database for table in reader.tables):
            reader.database = database


def _claims(able: Sequence[Adapter], reader: ScriptReader, place: str, rest: Names) -> bool:
    return bool(claimants(able, {**rest, **names_in(shapes_in(reader, place))}))
