"""The dumps of a job become tables: open, recognise, read what the adapter needs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pacslift.adapter import Adapter, Names, choose, unread_columns
from pacslift.errors import JobFileError
from pacslift.events import Sink
from pacslift.extract.columns import needed_columns
from pacslift.extract.onserver.answers import Answers, answer_names
from pacslift.extract.onserver.database import LiveDatabase
from pacslift.extract.onserver.portable import NotOnServerError
from pacslift.extract.packed.parts import without_later_parts
from pacslift.extract.scripts.script import ScriptReader
from pacslift.extract.shapes import DumpReader
from pacslift.extract.sniff import open_dump
from pacslift.extract.store import Extracted, extract_tables
from pacslift.extract.terms import Charsets, Terms
from pacslift.extract.truncation import Truncation
from pacslift.job import Job


@dataclass(frozen=True, slots=True)
class TablesTaken:
    """What extract has done."""

    adapter: str
    format: str  # of the dumps, with the server that wrote them
    tables: int
    rows: int
    findings: tuple[str, ...]
    cuts: tuple[str, ...] = ()  # dumps that end early, as the job accepts, a sentence each


def take_tables(job: Job, known: Mapping[str, Adapter], tell: Sink) -> TablesTaken:
    """Read *job*'s dumps into its table store with the adapter that fits, or that it names.

    Raises DumpFormatError, DumpDamagedError, NoAdapterError, AdapterClashError,
    AdapterFaultError. The store is complete or as it was.
    """
    terms = terms_of(job)
    with opened_dumps(job.dumps, job.folder / "private", job.databases, terms) as readers:
        tables = names_of(readers)
        what = ", ".join(str(reader.path) for reader in readers)
        adapter = choose(known, tables, job.adapter, what)
        settle(readers, adapter, job.schema)
        tables = names_of(readers)
        terms.charsets.check({**tables, **(answer_names(adapter) if job.databases else {})})
        wanted = wanted_columns(adapter, readers)
        extracted, told = extracted_or_answered(
            adapter, readers, wanted, job.tables, tell, terms.charsets
        )
        cuts = tuple(cut.sentence for cut in terms.truncation.cuts)
        strange = unread_columns(adapter, tables, {t: tuple(c) for t, c in wanted.items()})
        findings = [f"the dump has {name}, which the adapter {adapter.name} does not know"
                    for name in strange]  # fmt: skip
        return TablesTaken(
            adapter=adapter.name,
            format=" and ".join(sorted({format_of(reader) for reader in readers})),
            tables=len(wanted),
            rows=extracted.rows,
            findings=(*cuts, *told_by(readers), *findings, *told, *extracted.findings),
            cuts=cuts,
        )


def extracted_or_answered(
    adapter: Adapter,
    readers: Sequence[DumpReader],
    wanted: Mapping[str, Sequence[str]],
    folder: Path,
    tell: Sink,
    charsets: Charsets | None = None,
) -> tuple[Extracted, list[str]]:
    """The *wanted* tables in the store, or a lone database's answers to the adapter's SQL.

    Where its server cannot be trusted with the SQL its tables are read like those of a dump, which
    gives the same catalog; the sentence says why.
    """
    told: list[str] = []
    if len(readers) == 1 and isinstance(database := readers[0], LiveDatabase):
        try:
            answers = Answers(database, adapter, charsets)
            return extract_tables([answers], answers.wanted, folder, tell, charsets), told
        except NotOnServerError as reason:
            told.append(f"the server's tables were read, not its answers to the SQL of the "
                        f"adapter {adapter.name}: {reason}")  # fmt: skip
            database.close()  # the refused statement has ended its snapshot
    return extract_tables(readers, wanted, folder, tell, charsets), told


def terms_of(job: Job) -> Terms:
    """What *job* says on reading its dumps. DumpFormatError for a codec that is not known."""
    return Terms(Charsets.of(job.charset), Truncation(accepted=job.accept_truncated), job.schema)


@contextmanager
def opened_dumps(
    paths: Sequence[Path],
    private: Path,
    databases: Sequence[str] = (),
    terms: Terms | None = None,
) -> Iterator[list[DumpReader]]:
    """Readers of *paths* and of *databases* (odbc: and a connection string).

    What they copy lies in *private* and is removed.
    """
    with ExitStack() as stack:
        readers: list[DumpReader] = []
        for text in databases:
            database = LiveDatabase(text, terms.charsets if terms else None)
            stack.callback(database.close)
            readers.append(database)
        for path in without_later_parts(paths):
            reader = open_dump(path, private, terms)
            stack.callback(reader.close)
            readers.append(reader)
        yield readers


@contextmanager
def opened_one(dump: Path | str, private: Path, terms: Terms | None = None) -> Iterator[DumpReader]:
    """A reader of one dump: a path, or the text that names a database over ODBC."""
    paths, databases = ((), (dump,)) if isinstance(dump, str) else ((dump,), ())
    with opened_dumps(paths, private, databases, terms) as (reader,):
        yield reader


def settle(readers: Sequence[DumpReader], adapter: Adapter, schema: str | None) -> None:
    """Let dumps with several schemas choose; JobFileError for a schema where no dump can have one.

    A table that a schema lacks is missed where the adapter's SQL is held against the tables.
    """
    scripts = [reader for reader in readers if isinstance(reader, ScriptReader)]
    if schema is not None and not scripts:
        raise JobFileError(
            f"[source] schema is {schema!r}, but no dump of this job has schemas; remove the line"
        )
    for script in scripts:
        script.settle(adapter.identify)


def told_by(readers: Sequence[DumpReader]) -> list[str]:
    """What scripts say of themselves, or fail to prove."""
    scripts = (reader for reader in readers if isinstance(reader, ScriptReader))
    return [finding for script in scripts for finding in script.findings]


def names_of(readers: Sequence[DumpReader]) -> Names:
    """Tables and columns of all dumps together, in lower case."""
    return {
        shape.name.lower(): tuple(column.name.lower() for column in shape.columns)
        for reader in readers
        for shape in reader.shapes()
    }


def wanted_columns(adapter: Adapter, readers: Sequence[DumpReader]) -> dict[str, list[str]]:
    """The columns that the adapter's SQL reads, and those whose codes are to be checked."""
    shapes = [shape for reader in readers for shape in reader.shapes()]
    wanted = needed_columns(adapter.queries.values(), shapes, adapter.optional)
    for table, columns in adapter.codes.items():
        if table in wanted:
            wanted[table] += [column for column in columns if column not in wanted[table]]
    return wanted


def format_of(reader: DumpReader) -> str:
    """Format and server in words."""
    return f"{reader.format} ({reader.server})" if reader.server else reader.format
