"""Which format a dump is in, by its content.

The name says nothing: an Orthanc index is called `index`, a dump anything. Each format is known
by how it begins; SQL scripts, which begin in many ways, by what stands in their first statements.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract import dcmqrscp, sqlite
from pacslift.extract.dbase import dbf
from pacslift.extract.dbase.dbfheader import is_dbf
from pacslift.extract.mysql.mysqltab import is_tab_folder, read_mysqltab
from pacslift.extract.packed.folder import Folder, opened
from pacslift.extract.packed.parts import lost_beginning
from pacslift.extract.packed.source import DumpFile, Source
from pacslift.extract.postgres.pgcustom import read_pgcustom
from pacslift.extract.postgres.pgfiles import (
    is_pg_directory,
    is_pg_tar,
    read_pgdirectory,
    read_pgtar,
)
from pacslift.extract.postgres.pgtoc import MAGIC as PG_ARCHIVE
from pacslift.extract.scripts.script import ScriptReader
from pacslift.extract.scripts.scriptkinds import script_reader
from pacslift.extract.shapes import DumpReader
from pacslift.extract.terms import EVERYWHERE, Terms
from pacslift.extract.text.delimited import DelimitedSet
from pacslift.extract.text.manifest import is_manifest, manifest_of
from pacslift.patterns import compiled

_HEAD = 1 << 18
_SHOWN = 5  # names of files

# Formats that are met and not read, and what to do about them.
_FOREIGN = (
    (
        compiled(rb"7z\xbc\xaf'\x1c|Rar!\x1a\x07|\x04\x22M\x18|LZIP|\x1f\x9d"),
        "is packed with 7-Zip, RAR, LZ4, lzip or compress; unpack it, or pack it with gzip or zstd",
    ),
    (compiled(rb"TAPE"), "is a backup of SQL Server; restore it, and use ODBC"),
    (compiled(rb"DICM|.{128}DICM", re.DOTALL), "is a DICOM file, not a dump"),
)


def open_dump(path: Path, workdir: Path, terms: Terms | None = None) -> DumpReader:
    """Open the dump at *path*: a file or the first part of one, packed or not, or a folder.

    *workdir* takes private copies where SQLite needs one; *terms* are the job's word on character
    sets and early ends.
    Raises DumpFormatError for what is no dump that can be read, DumpDamagedError for one whose
    damage shows at once.
    """
    terms = terms or Terms()
    with ExitStack() as stack:
        try:
            found = opened(path)
            stack.callback(found.close)
            reader, packed = _opened(found, workdir, terms)
        except OSError as error:
            raise DumpFormatError(
                f"{path} cannot be opened: {error.strerror or error}; check the path of the dump "
                "([source] dumps in job.toml), and that this user may read it"
            ) from error
        if isinstance(reader, ScriptReader | sqlite.SqliteFile):
            reader.terms = terms
        reader.format += packed
        stack.pop_all()
    return reader


def _opened(found: Source | Folder, workdir: Path, terms: Terms) -> tuple[DumpReader, str]:
    """The reader, and how the dump is packed."""
    if isinstance(found, Folder):
        if reader := _open_set(found, terms):
            return reader, found.wording
        found = _lone(found)
    return _reader(found)(found, workdir, terms), found.wording


def _open_set(folder: Folder, terms: Terms) -> DumpReader | None:
    """The reader of files that are one dump together; None where they are none."""
    if is_pg_directory(folder):
        return read_pgdirectory(folder, _whole(terms))
    if manifest := manifest_of(folder):
        return DelimitedSet(manifest, terms)
    if is_tab_folder(folder):
        return read_mysqltab(folder, _whole(terms))
    if any(is_dbf(source) for source in folder.sources()):
        return dbf.DbfSet(folder, terms=terms)
    return None


def _lone(folder: Folder) -> Source:
    """The one file in *folder*, or the one of them that was split."""
    sources = folder.sources()
    split = [source for source in sources if source.parts > 1]
    for alone in (sources, split):
        if len(alone) == 1:
            return alone[0]
    raise DumpFormatError(
        f"{folder.path} is a folder without DBF files; name the dump's file, or the folder of a "
        "DBF set. Delimited text needs a manifest beside it: `pacslift inspect --describe` drafts "
        "one" + (f". It holds {_some(sources)}" if sources else "")
    )


def _some(sources: Sequence[Source]) -> str:
    names = [source.name for source in sources]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN))


def _whole(terms: Terms) -> str | None:
    """The codec of the whole dump, where the job says one."""
    return terms.charsets.codec(EVERYWHERE)


_Open = Callable[[Source, Path, Terms], DumpReader]


def _reader(source: Source) -> _Open:
    head = source.head(_HEAD)
    if head.startswith(sqlite.MAGIC):
        return lambda p, workdir, terms: sqlite.SqliteFile(p, workdir, _whole(terms))
    if is_manifest(head):
        return lambda p, _, terms: DelimitedSet(p, terms)
    if archived := _pg_archive(head):
        return lambda p, _, terms: archived(p, _whole(terms))
    for mark, trouble in _FOREIGN:
        if mark.match(head):
            raise DumpFormatError(f"{source} {trouble}")
    if dcmqrscp.is_index(source):
        return lambda p, _, terms: dcmqrscp.IndexFile(p, terms=terms)
    if is_dbf(source):
        return lambda p, _, terms: dbf.DbfSet(p, terms=terms)
    return _script_reader(head, source)


def _pg_archive(head: bytes) -> Callable[[DumpFile, str | None], DumpReader] | None:
    if head.startswith(PG_ARCHIVE):
        return read_pgcustom
    return read_pgtar if is_pg_tar(head) else None


def _script_reader(head: bytes, source: Source) -> _Open:
    if read := script_reader(head):
        return lambda p, _, terms: read(p, _whole(terms))
    if cut := source.early_end:
        raise DumpDamagedError(f"{source} ends early: {cut}. Copy it again.")
    first = lost_beginning(source.path) if source.file else None
    if first:
        raise DumpFormatError(
            f"{source} is in no format that is read. If it is a part of a file that was split, its "
            f"first part, {first.name}, is missing; copy it into the same folder"
        )
    raise DumpFormatError(
        f"{source} is in no format that is read: mysqldump, pg_dump in any format, SQLite (file "
        "or .dump), a script of SQL Server, Oracle or HSQLDB, a DBF set, dcmqrscp's index.dat. "
        f"Its first bytes are {head[:16].hex(' ')}" + ("; it is empty" if not head else "")
    )
