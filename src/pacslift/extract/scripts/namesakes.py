"""Tables of one name in several schemas or databases of one dump: which of them are the archive's.

The rule: where the job names a schema, its tables alone are read. Otherwise, where one place alone
has every table that the adapter knows the product by, its tables are taken before their namesakes
elsewhere, and the report says so. Anything else is refused: rows of two archives are never mixed.
A place is a schema, a database, or both with a dot between them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from pacslift.errors import DumpFormatError
from pacslift.extract.shapes import TableShape

_SHOWN = 8


class Placed(Protocol):
    """A table and the place it lies in, "" where the dump names none."""

    schema: str
    shape: TableShape


P = TypeVar("P", bound=Placed)


def of_schema(dump: str, tables: Sequence[P], said: str) -> list[P]:
    """The *tables* that lie in the place *said*. DumpFormatError where none does."""
    found = [table for table in tables if _is_in(table.schema, said)]
    if not found:
        places = ", ".join(sorted({table.schema for table in tables if table.schema})) or "no names"
        raise DumpFormatError(
            f"{dump} has no tables in {said!r}, which [source] schema of job.toml names; its "
            f"schemas have {places}"
        )
    return found


def _is_in(place: str, said: str) -> bool:
    return f".{said}." in f".{place}."


def of_the_archive(
    tables: Sequence[P], identify: Mapping[str, Sequence[str]]
) -> tuple[list[P], list[P]]:
    """*tables* without namesakes of those beside which every table of *identify* lies; and these.

    *identify* are tables and columns in lower case.
    """
    fitting = [place for place in _places(tables) if _has_all(tables, place, identify)]
    if len(fitting) != 1:
        return list(tables), []
    own = {_name(table) for table in tables if table.schema == fitting[0]}
    others = [t for t in tables if t.schema != fitting[0] and _name(t) in own]
    kept = [t for t in tables if t.schema == fitting[0] or _name(t) not in own]
    return kept, others


def _places(tables: Sequence[Placed]) -> list[str]:
    return list(dict.fromkeys(table.schema for table in tables))


def _has_all(tables: Sequence[Placed], place: str, identify: Mapping[str, Sequence[str]]) -> bool:
    there = {
        _name(table): {column.name.lower() for column in table.shape.columns}
        for table in tables
        if table.schema == place
    }
    return all(set(columns) <= there.get(name, set()) for name, columns in identify.items()) and (
        identify.keys() <= there.keys()
    )


def _name(table: Placed) -> str:
    return table.shape.name.lower()


def passed_over(others: Sequence[Placed]) -> str:
    """For the report: which tables were not read."""
    names = [f"{table.schema}.{table.shape.name}" for table in others]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"{', '.join(names[:_SHOWN])}{more}: not read, since the archive's tables have the same "
        "names in another schema; [source] schema in job.toml would choose another"
    )


def refuse_namesakes(dump: str, tables: Sequence[Placed]) -> None:
    """DumpFormatError where two of *tables* have one name."""
    owners: dict[str, list[Placed]] = {}
    for table in tables:
        owners.setdefault(_name(table), []).append(table)
    for found in owners.values():
        if len(found) > 1:
            names = " and ".join(f"{table.schema}.{table.shape.name}" for table in found)
            raise DumpFormatError(
                f"{dump}: {names} are different tables of one name. Say which is the archive's "
                f'with the line schema = "{found[0].schema}" under [source] in job.toml, or dump '
                "the archive's database alone, into a file of its own."
            )
