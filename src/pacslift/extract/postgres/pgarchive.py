"""The tables of a pg_dump archive, whatever its format: from the entries of its table of contents.

A table's data is what a plain dump has after its COPY statement, or INSERT statements; the format
(pgcustom.py, pgfiles.py) says where it lies, and the readers of plain dumps take it from there.
Large objects have entries of their own, which no adapter asks for and nobody opens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from pacslift.extract.charset.charsets import postgresql_codec
from pacslift.extract.ddl import DdlError, read_create_table
from pacslift.extract.inserts.insertheader import take_insert_header
from pacslift.extract.inserts.insertrun import InsertRun
from pacslift.extract.packed.window import Opener, Window
from pacslift.extract.postgres.pgfamilies import Families
from pacslift.extract.postgres.pgplain import NO_VALUES, copy_header, copy_run
from pacslift.extract.postgres.pgtoc import ArchiveBytes, Entry, Head, read_entries, read_head
from pacslift.extract.scripts.script import EarlyEnd, ScriptTable, Survey, TableBook
from pacslift.extract.scripts.statements import Dialect

_INSERTS_END = b"\n\n"  # of a table's INSERT statements, also where it has none

Data = tuple[str, Opener]
"""The file that the rows of a table are in, as messages name it, and windows on them."""


def read_contents(window: Window, name: str) -> tuple[Head, list[Entry], ArchiveBytes]:
    """Head and entries, and the reader that stands behind them."""
    archive = ArchiveBytes(window, name)
    head = read_head(archive, name)
    return head, read_entries(archive, head), archive


def survey_of(
    head: Head,
    entries: Sequence[Entry],
    data_of: Callable[[Entry], Data | None],
    cut: int | None,
    forced: str | None,
) -> Survey:
    """The survey of an archive.

    *data_of* gives the data of an entry, None where it is not there; that of the entry with the ID
    *cut* is not whole. *forced* is a codec that overrides the archive's.
    """
    book, families = TableBook(), Families()
    for entry in entries:
        if entry.desc in {"TABLE", "FOREIGN TABLE"}:
            _create(book, entry)
        if entry.desc in {"TABLE", "TABLE ATTACH"}:
            families.note(entry.defn.encode(), partial(_place, entry))
    settings = _Settings(entries, forced)
    ends: list[EarlyEnd] = []
    for entry in entries:
        if entry.desc == "TABLE DATA" and entry.has_data:
            data = data_of(entry)
            if data is None:
                ends.append(_missing(book.table(entry.namespace, entry.tag, None)))
                continue
            table, whole = _add_rows(book, entry, data, settings)
            if entry.dump_id == cut or not whole:
                ends.append(_missing(table))
    families.add_rows(book)
    server = f"PostgreSQL {head.server.split()[0]}" if head.server.strip() else None
    return Survey(server, book.tables, early_ends=ends)


def _place(entry: Entry, schema: str | None) -> str:
    return schema or entry.namespace


class _Settings:
    """Character set and quoting, which the archive keeps as entries of their own."""

    def __init__(self, entries: Sequence[Entry], forced: str | None) -> None:
        said = {entry.desc: entry.defn.partition("'")[2].partition("'")[0] for entry in entries}
        self.codec = forced or postgresql_codec(said.get("ENCODING", "UTF8"))
        on = said.get("STDSTRINGS", "on") == "on"
        self.dialect = Dialect.POSTGRES if on else Dialect.POSTGRES_ESCAPING


def _create(book: TableBook, entry: Entry) -> None:
    try:
        created = read_create_table(entry.defn, "postgres")
    except DdlError:
        return  # its rows say which columns they have
    book.add(entry.namespace, created.shape)


def _add_rows(
    book: TableBook, entry: Entry, data: Data, settings: _Settings
) -> tuple[ScriptTable, bool]:
    """The entry's table with its rows; and whether they are whole as far as can be seen yet.

    COPY's rows have an end that shows when they are read.
    """
    name, rows = data
    if copied := copy_header(entry.copy.encode()):
        table = book.table(entry.namespace, entry.tag, copied.columns)
        table.runs.append(copy_run(name, table, copied, rows, settings.codec))
        return table, True
    with rows() as window:
        window.hold(4096)
        if not window.data.strip() or NO_VALUES.match(window.data):  # rows without a column
            return book.table(entry.namespace, entry.tag, None), _ends_well(window)
        header = take_insert_header(window, name)
        table = book.table(entry.namespace, entry.tag, header.columns)
        behind = _further(rows, window.offset)
        whole = _ends_well(window)
    table.runs.append(InsertRun(name, header, behind, settings.dialect, settings.codec))
    return table, whole


def _ends_well(window: Window) -> bool:
    """Whether INSERT statements end as pg_dump ends them."""
    last = window.data[-len(_INSERTS_END) :]
    window.at = len(window.data)
    while window.grow():
        last = (last + window.data)[-len(_INSERTS_END) :]
        window.at = len(window.data)
    return last == _INSERTS_END


def _missing(table: ScriptTable) -> EarlyEnd:
    return EarlyEnd(
        f"was cut off: the data of table {table.shape.name} is not there or not whole", table
    )


def _further(rows: Opener, start: int) -> Opener:
    """The same windows, *start* bytes further on."""

    @contextmanager
    def opened() -> Iterator[Window]:
        with rows() as window:
            window.hold(start)
            window.at = start
            yield window

    return opened
