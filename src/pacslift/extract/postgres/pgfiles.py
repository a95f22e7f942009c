"""pg_dump's directory format (-Fd) and its tar format (-Ft), without PostgreSQL.

Both are a table of contents, toc.dat, and a file NNNN.dat for the rows of each table; in a
directory each file is compressed for itself and named so: NNNN.dat.gz, .lz4 or .zst. Large objects
have files of their own, which are left alone.
Strategy: a directory's files are opened by name, the plain one first and then the packed ones, as
pg_restore does, from wherever folder.py finds them; a tar file is walked once, and its members are
read where they lie.
Sources: src/bin/pg_dump/pg_backup_directory.c, pg_backup_tar.c and compress_io.c
(InitDiscoverCompressFileHandle); for headers of tar files Python's tarfile.
"""

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pacslift.errors import DumpDamagedError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.packed.folder import Folder, folder_of
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Opener, Window, opener
from pacslift.extract.postgres.pgarchive import Data, read_contents, survey_of
from pacslift.extract.postgres.pgtoc import MAGIC, Entry
from pacslift.extract.postgres.pgunpack import pieces_of, read_of, unpacked
from pacslift.extract.scripts.script import ScriptReader, Survey
from pacslift.patterns import compiled

TOC = "toc.dat"
_BLOCK = tarfile.BLOCKSIZE
_METHOD_OF = {"": "none", ".gz": "gzip", ".lz4": "lz4", ".zst": "zstd"}
_PLAIN_NAME = compiled(r"[\w.-]++")

Files = Callable[[str], Data | None]


def is_pg_directory(folder: Folder) -> bool:
    """Whether *folder* has pg_dump's table of contents."""
    found = _in_folder(folder)(TOC)
    if found is None:
        return False
    with found[1]() as window:
        return window.hold(len(MAGIC)) and window.data.startswith(MAGIC)


def is_pg_tar(head: bytes) -> bool:
    """Whether a file that begins with *head* is a tar file of pg_dump: toc.dat comes first."""
    return head.startswith(TOC.encode() + b"\0") and head[_BLOCK:].startswith(MAGIC)


def read_pgdirectory(folder: Path | Folder, charset: str | None = None) -> ScriptReader:
    """Reader of a directory; *charset* overrides its client_encoding."""
    codec = None if charset is None else job_codec(charset)
    files = folder_of(folder)
    return ScriptReader(
        "pg_dump directory", files, lambda: _survey(files.path, _in_folder(files), codec)
    )


def read_pgtar(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of a tar file; *charset* overrides its client_encoding."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("pg_dump tar", path, lambda: _survey(path, _in_tar(path), codec))


def _survey(path: DumpFile, file: Files, forced: str | None) -> Survey:
    contents = file(TOC)
    if contents is None:
        raise DumpDamagedError(f"{path} has no {TOC}. Make a new dump, or copy it again.")
    name, opened = contents
    with opened() as window:
        head, entries, _ = read_contents(window, name)

    def data_of(entry: Entry) -> Data | None:
        return file(entry.file) if _PLAIN_NAME.fullmatch(entry.file) else None

    return survey_of(head, entries, data_of, None, forced)


def _in_folder(folder: Folder) -> Files:
    """Opens the files of a directory, by the names that the table of contents has."""

    def file(name: str) -> Data | None:
        for ending, method in _METHOD_OF.items():
            source = folder.get(f"{name}{ending}")
            if source is not None:
                # A Folder unpacks what it knows, and takes the ending off its name.
                left = method if source.name.endswith(ending) else "none"
                return str(source), _content(source.opener(), left, str(source))
        return None

    return file


def _content(stored: Opener, method: str, name: str) -> Opener:
    """Windows on what *stored* shows, unpacked, with places counted from where it begins."""

    @contextmanager
    def opened() -> Iterator[Window]:
        with stored() as window:
            yield Window(read_of(unpacked(pieces_of(window), method, name)), name)

    return opened


def _in_tar(path: DumpFile) -> Files:
    """Opens the members of a tar file, which is walked at the first need."""
    places: dict[str, tuple[int, int]] = {}

    def file(name: str) -> Data | None:
        if not places:
            places.update(_members(path))
        if name not in places:
            return None
        where = f"{path}: {name}"
        return where, _content(opener(path, *places[name]), "none", where)

    return file


def _members(path: DumpFile) -> dict[str, tuple[int, int]]:
    """Place and size of each file; of one that is cut, what is there of it."""
    found: dict[str, tuple[int, int]] = {}
    with opener(path)() as window:
        while window.hold(_BLOCK) and len(window.data) - window.at >= _BLOCK:
            block = window.data[window.at : window.at + _BLOCK]
            if not block.strip(b"\0"):
                break
            try:
                member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.TarError as error:
                raise DumpDamagedError(
                    f"{path}: at byte {window.offset} a member of the tar file should begin: "
                    f"{error}. Make a new dump, or copy it again."
                ) from error
            window.at += _BLOCK
            found[member.name] = window.offset, member.size
            _pass(window, -(-member.size // _BLOCK) * _BLOCK)
    return found


def _pass(window: Window, size: int) -> None:
    """Move on by *size* bytes, or to the end."""
    while size and window.hold(1):
        step = min(size, len(window.data) - window.at)
        window.at += step
        size -= step
