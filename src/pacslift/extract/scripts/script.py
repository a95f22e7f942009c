"""A dump whose tables have been found, and the rows of them that are asked for.

Rows lie in runs: a stretch of INSERT statements with one header, or one COPY block. The survey of
a format (mysqldump.py, pgplain.py, pgcustom.py) finds them; reading them is the same for all.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pacslift.extract.packed.folder import Folder
from pacslift.extract.packed.source import DumpFile, Source, explained
from pacslift.extract.scripts.namesakes import (
    of_schema,
    of_the_archive,
    passed_over,
    refuse_namesakes,
)
from pacslift.extract.shapes import Batch, Column, TableShape, lowered
from pacslift.extract.terms import Terms
from pacslift.extract.truncation import Cut


class Run(Protocol):
    """Some of a table's rows, where they lie in the dump."""

    def batches(self, table: "ScriptTable", wanted: Sequence[str], done: int) -> Iterator[Batch]:
        """Give the rows; *done* of the table came before them. Raises DumpDamagedError."""
        ...

    def count(self, table: "ScriptTable", done: int) -> int:
        """Count the rows, looking at each, so that damage is found. Raises DumpDamagedError."""
        ...


@dataclass(slots=True)
class ScriptTable:
    """A table, the schema or database it is in, and its rows' places in the order of the dump.

    *codecs* holds Python codecs of columns (lower-case) whose text is not in the dump's own
    character set; the empty name stands for all other columns.
    """

    schema: str
    shape: TableShape
    codecs: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    terms: Terms = field(default_factory=Terms)

    def read_as(self, column: str, codec: str | None) -> str:
        """The codec of a column's text: the job's word, else the dump's *codec*, else the table's.

        *codec* is None where the dump as a whole has none.
        """
        said = self.terms.charsets.codec(self.shape.name, column)
        return said or codec or self.codec(column)

    def codec(self, column: str) -> str:
        """The codec of a column that the dump leaves to the table."""
        return self.codecs.get(column.lower(), self.codecs.get("", "utf-8"))

    def count(self) -> int:
        """Rows of the table."""
        done = 0
        for run in self.runs:
            done += run.count(self, done)
        return done


class TableBook:
    """The tables that a survey has met so far, by schema and name."""

    def __init__(self) -> None:
        self._met: dict[tuple[str, str], ScriptTable] = {}
        self.latest: ScriptTable | None = None  # the table whose rows were met last

    @property
    def tables(self) -> list[ScriptTable]:
        """All of them, in the order of the dump."""
        return list(self._met.values())

    def add(self, schema: str, shape: TableShape, codecs: dict[str, str] | None = None) -> None:
        """Note a table that the dump creates."""
        self._met[schema, shape.name] = ScriptTable(schema, shape, codecs or {})

    def table(self, schema: str, name: str, columns: Sequence[str] | None) -> ScriptTable:
        """The table that rows are for, made known here where the dump does not create it.

        *columns* are those the rows name; ones that the table was not created with are added to
        it, as an inheriting table's are.
        """
        table = self._met.setdefault((schema, name), ScriptTable(schema, TableShape(name, ())))
        known = {column.name.lower() for column in table.shape.columns}
        added = [Column(c, "") for c in columns or () if c.lower() not in known]
        if added:
            table.shape = TableShape(name, (*table.shape.columns, *added))
        self.latest = table
        return table

    def last_row(self) -> str:
        """Which row was read last, in words; counts the rows of one table."""
        if self.latest is None or not self.latest.runs:
            return "no row of any table"
        return f"row {self.latest.count()} of table {self.latest.shape.name}"


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """A dump that ends before its end: how that shows, and the table whose rows came last."""

    trouble: str
    table: ScriptTable | None

    def meet(self, path: Path, terms: Terms) -> None:
        """Refuse it, or go on with the rows that are there, as *terms* say.

        Where the end falls into a row, counting the rows finds that out first.
        """
        rows = self.table.count() if self.table else 0
        name = self.table.shape.name if self.table else None
        last = (
            f"{f'row {rows}' if rows else 'no row'} of {f'table {name}' if name else 'any table'}"
        )
        terms.truncation.meet(Cut(str(path), name, rows), f"{path} {self.trouble}, after {last}.")


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a dump finds; *findings* are sentences that the operator should read."""

    server: str | None
    tables: Sequence[ScriptTable]
    findings: Sequence[str] = ()
    early_ends: Sequence[EarlyEnd] = ()


class ScriptReader:
    """DumpReader over a survey, which is made at the first need and kept.

    *terms* may be set until then.
    """

    def __init__(self, form: str, path: DumpFile | Folder, survey: Callable[[], Survey]) -> None:
        self.format = form
        self.path = path if isinstance(path, Path) else path.path
        self._file = path
        self.terms = Terms()
        self._make_survey = survey
        self._passed_over: list[str] = []

    @cached_property
    def _survey(self) -> Survey:
        with explained(self._file):
            survey = self._make_survey()
            for table in survey.tables:
                table.terms = self.terms
            for end in survey.early_ends or self._cut_off(survey):
                end.meet(self.path, self.terms)
        return survey

    @cached_property
    def _tables(self) -> Sequence[ScriptTable]:
        found, said = self._survey.tables, self.terms.schema
        return found if said is None else of_schema(str(self.path), found, said)

    def settle(self, identify: Mapping[str, Sequence[str]]) -> None:
        """Choose among tables of one name, by the tables that an adapter knows its product by."""
        if self.terms.schema is None:
            self._tables, others = of_the_archive(self._survey.tables, lowered(identify))
            self._passed_over = [passed_over(others)] if others else []

    def _cut_off(self, survey: Survey) -> list[EarlyEnd]:
        """The early end of a dump that shows only in how it is packed."""
        cut = self._file.early_end if isinstance(self._file, Source) else None
        filled = [table for table in survey.tables if table.runs]
        return [EarlyEnd(f"ends early: {cut}", filled[-1] if filled else None)] if cut else []

    @property
    def server(self) -> str | None:
        """Product and version that wrote the dump, where it says so."""
        return self._survey.server

    @property
    def tables(self) -> Sequence[ScriptTable]:
        """Every table with the places of its rows; of one schema only, if the terms name one."""
        return self._tables

    @property
    def findings(self) -> Sequence[str]:
        """What the operator should know of the dump as a whole."""
        return [*self._survey.findings, *self._passed_over]

    def shapes(self) -> Sequence[TableShape]:
        """Every table of the dump, in its order."""
        return [table.shape for table in self.tables]

    def batches(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Batch]:
        """The wanted rows; see DumpReader."""
        names = lowered(wanted)
        chosen = [t for t in self.tables if t.shape.name.lower() in names]
        refuse_namesakes(str(self.path), chosen)
        for table in chosen:
            done = 0
            for run in table.runs:
                for batch in run.batches(table, names[table.shape.name.lower()], done):
                    done += batch.frame.height
                    yield batch

    def row_counts(self) -> Mapping[str, int]:
        """Rows per table; of namesakes in several databases, the sum."""
        counts: Counter[str] = Counter()
        for table in self.tables:
            counts[table.shape.name] += table.count()
        return dict(counts)

    def close(self) -> None:
        """End what is being unpacked."""
        if not isinstance(self._file, Path):
            self._file.close()
