"""Which format a dump is in, by its content.

The name says nothing: an Orthanc index is called `index`, a dump anything. Each format is known
by how it begins; SQL scripts, which begin in many ways, by what stands in their first statements.
"""

import re
from collections.abc import Callable
from pathlib import Path

from pacslift.errors import DumpFormatError
from pacslift.extract import dbf, dcmqrscp, sqlite
from pacslift.extract.dbfheader import is_dbf
from pacslift.extract.delimited import DelimitedSet
from pacslift.extract.manifest import is_manifest, manifest_of
from pacslift.extract.mysqltab import is_tab_folder, read_mysqltab
from pacslift.extract.pgcustom import read_pgcustom
from pacslift.extract.pgfiles import is_pg_directory, is_pg_tar, read_pgdirectory, read_pgtar
from pacslift.extract.pgtoc import MAGIC as PG_ARCHIVE
from pacslift.extract.script import ScriptReader
from pacslift.extract.scriptkinds import script_reader
from pacslift.extract.shapes import DumpReader
from pacslift.extract.terms import EVERYWHERE, Terms

_HEAD = 1 << 18

# Formats that are met and not read, and what to do about them.
_FOREIGN = (
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|PK\x03\x04"), "is compressed; unpack it"),
    (re.compile(rb"TAPE|.{256}ustar", re.DOTALL), "is a tar or backup file; unpack or restore it"),
    (re.compile(rb"DICM|.{128}DICM", re.DOTALL), "is a DICOM file, not a dump"),
)


def open_dump(path: Path, workdir: Path, terms: Terms | None = None) -> DumpReader:
    """Open the dump at *path*, a file, or a folder: a DBF set, pg_dump's directory, a --tab dump.

    *workdir* takes private copies where SQLite needs one; *terms* are the job's word on character
    sets and early ends.
    Raises DumpFormatError for what is no dump that can be read, DumpDamagedError for one whose
    damage shows at once.
    """
    terms = terms or Terms()
    try:
        reader = _opened(path, workdir, terms)
        if isinstance(reader, ScriptReader | sqlite.SqliteFile):
            reader.terms = terms
    except OSError as error:
        raise DumpFormatError(f"{path} cannot be opened: {error.strerror or error}") from error
    return reader


def _opened(path: Path, workdir: Path, terms: Terms) -> DumpReader:
    if path.is_dir():
        return _open_folder(path, terms)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return _reader(head, path)(path, workdir, terms)


def _open_folder(path: Path, terms: Terms) -> DumpReader:
    if manifest := manifest_of(path):
        return DelimitedSet(manifest, terms)
    if is_pg_directory(path):
        return read_pgdirectory(path, _whole(terms))
    if is_tab_folder(path):
        return read_mysqltab(path, _whole(terms))
    if not any(p.is_file() and is_dbf(p) for p in path.iterdir()):
        raise DumpFormatError(
            f"{path} is a folder without DBF files; name the dump's file, or the folder of a DBF "
            "set. Delimited text needs a manifest beside it: `pacslift inspect --describe` drafts "
            "one"
        )
    return dbf.DbfSet(path, terms=terms)


def _whole(terms: Terms) -> str | None:
    """The codec of the whole dump, where the job says one."""
    return terms.charsets.codec(EVERYWHERE)


_Open = Callable[[Path, Path, Terms], DumpReader]


def _reader(head: bytes, path: Path) -> _Open:
    if head.startswith(sqlite.MAGIC):
        return lambda p, workdir, terms: sqlite.SqliteFile(p, workdir, _whole(terms))
    if is_manifest(head):
        return lambda p, _, terms: DelimitedSet(p, terms)
    if archived := _pg_archive(head):
        return lambda p, _, terms: archived(p, _whole(terms))
    for mark, trouble in _FOREIGN:
        if mark.match(head):
            raise DumpFormatError(f"{path} {trouble}")
    if dcmqrscp.is_index(path):
        return lambda p, _, terms: dcmqrscp.IndexFile(p, terms=terms)
    if is_dbf(path):
        return lambda p, _, terms: dbf.DbfSet(p, terms=terms)
    return _script_reader(head, path)


def _pg_archive(head: bytes) -> Callable[[Path, str | None], DumpReader] | None:
    if head.startswith(PG_ARCHIVE):
        return read_pgcustom
    return read_pgtar if is_pg_tar(head) else None


def _script_reader(head: bytes, path: Path) -> _Open:
    if read := script_reader(head):
        return lambda p, _, terms: read(p, _whole(terms))
    raise DumpFormatError(
        f"{path} is in no format that is read: mysqldump, pg_dump in any format, SQLite (file "
        "or .dump), a script of SQL Server, Oracle or HSQLDB, a DBF set, dcmqrscp's index.dat. "
        f"Its first bytes are {head[:16].hex(' ')}" + ("; it is empty" if not head else "")
    )
