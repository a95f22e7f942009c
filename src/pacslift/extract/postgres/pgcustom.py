"""pg_dump's custom format (-Fc), without PostgreSQL.

Strategy: the table of contents gives the tables and the COPY statement of each; a walk over the
data blocks, in one pass that unpacks nothing, gives where each table's rows lie, also where the
archive was written to a pipe and has no offsets, and proves that every block is whole.
Source: src/bin/pg_dump/pg_backup_custom.c.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.charset.charsets import job_codec
from pacslift.extract.packed.folder import source_of
from pacslift.extract.packed.source import DumpFile
from pacslift.extract.packed.window import Opener, Window, opener
from pacslift.extract.postgres.pgarchive import Data, read_contents, survey_of
from pacslift.extract.postgres.pgtoc import CUSTOM, ArchiveBytes, Entry, Head
from pacslift.extract.postgres.pgunpack import Pieces, read_of, unpacked
from pacslift.extract.scripts.script import ScriptReader, Survey

_DATA, _BLOBS = 1, 3


def read_pgcustom(path: DumpFile, charset: str | None = None) -> ScriptReader:
    """Reader of an archive; *charset* overrides its client_encoding."""
    codec = None if charset is None else job_codec(charset)
    return ScriptReader("pg_dump custom", path, lambda: _survey(path, codec))


def _survey(path: DumpFile, forced: str | None) -> Survey:
    with opener(path)() as window:
        head, entries, archive = read_contents(window, str(path))
        if head.form != CUSTOM:
            raise DumpFormatError(
                f"{path} is the table of contents of a pg_dump in directory format; the dump is "
                f"its folder, {source_of(path).path.absolute().parent}"
            )
        blocks, cut = _walk(window, archive)

    def data_of(entry: Entry) -> Data | None:
        at = blocks.get(entry.dump_id)
        return None if at is None else (str(path), block_opener(path, at, head))

    return survey_of(head, entries, data_of, cut, forced)


def _walk(window: Window, archive: ArchiveBytes) -> tuple[dict[int, int], int | None]:
    """Where the content of each data block begins, by dump ID; and the ID of one that is cut."""
    blocks: dict[int, int] = {}
    while window.hold(1):
        number = None
        try:
            kind, number = archive.byte(), archive.integer()
            blocks[number] = window.offset
            if kind not in {_DATA, _BLOBS}:
                return blocks, number
            _pass(window, archive, several=kind == _BLOBS)
        except DumpDamagedError:
            return blocks, number
    return blocks, None


def _pass(window: Window, archive: ArchiveBytes, *, several: bool) -> None:
    """Move behind a block, or behind all large objects of one. DumpDamagedError at a cut."""
    while not several or archive.integer():  # a large object's OID
        pass_pieces(window, archive.int_size)
        if not several:
            return


def pass_pieces(window: Window, int_size: int) -> None:
    """Move behind the block at the window's place, as block_pieces() does, and look at nothing."""
    width = 1 + int_size
    beyond = 0  # bytes of a piece that are not in view yet
    while True:
        data, at = window.data, window.at + beyond
        while at + width <= len(data):
            size = int.from_bytes(data[at + 1 : at + width], "little")
            at += width + size
            if not size:
                window.at = at
                return
        window.at = min(at, len(data))
        beyond = at - window.at
        if not window.grow():
            raise DumpDamagedError(f"a data block ends at byte {window.offset}")


def block_pieces(window: Window, int_size: int) -> Pieces:
    """What the block at the window's place holds, as it lies in the file.

    The window moves behind the block. Raises DumpDamagedError, after all that is there, where
    the file ends before the block.
    """
    width = 1 + int_size
    left = 0
    while True:
        data, at = window.data, window.at
        found: list[bytes] = []
        while at < len(data) if left else at + width <= len(data):
            if left:
                found.append(data[at : at + left])
                at += len(found[-1])
                left -= len(found[-1])
                continue
            left = int.from_bytes(data[at + 1 : at + width], "little")
            at += width
            if not left:
                window.at = at
                yield b"".join(found)
                return
        window.at = at
        yield b"".join(found)
        if not window.grow():
            raise DumpDamagedError(f"a data block ends at byte {window.offset}")


def block_opener(path: DumpFile, at: int, head: Head) -> Opener:
    """Windows on the content of the block at byte *at*, as far as it is there."""

    def whole_or_not(window: Window) -> Pieces:
        try:
            yield from block_pieces(window, head.int_size)
        except DumpDamagedError:  # known from the walk, which has told it
            return

    @contextmanager
    def opened() -> Iterator[Window]:
        with opener(path, at)() as window:
            content = unpacked(whole_or_not(window), head.method, str(path))
            yield Window(read_of(content), str(path))

    return opened
