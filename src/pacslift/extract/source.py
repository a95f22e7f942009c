"""A dump as its reader sees it: one file, or a folder of files, whatever they are packed in.

What the user names is taken to pieces from the outside in, by content and never by name: parts of a
split file are joined, packings opened, archives listed, until there is a file that is no container.
An archive of one file is that file; one of several is the folder that it holds. Nothing is written
to disk: each reading unpacks again, see bytesfrom.py.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract import tararchive, ziparchive
from pacslift.extract.bytesfrom import (
    Bytes,
    Parts,
    Shelf,
    Unpacked,
    bounded,
    file_of,
    head_of,
    taken,
)
from pacslift.extract.packing import packing_of
from pacslift.extract.parts import all_parts, whole_name
from pacslift.extract.truncation import Cut, Truncation
from pacslift.extract.window import Opener, Window

_HEAD = 512
_LAYERS = 4  # a .sql.gz in a .tar.gz in a .zip has four


class Source:
    """One file of a dump. *name* is what it is called unpacked, in its *folder*.

    *path* names it in messages: what the user gave, and behind it the member of an archive.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        content: Bytes,
        packed: tuple[str, ...] = (),
        parts: int = 1,
        folder: "Callable[[], Folder] | None" = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.content = content
        self.packed = packed
        self.parts = parts
        self._folder = folder
        self._shelf = shelf or Shelf()

    def __str__(self) -> str:
        return str(self.path)

    @property
    def stem(self) -> str:
        """Its name without the last suffix."""
        return PurePosixPath(self.name).stem

    @property
    def file(self) -> Path | None:
        """The file on the disk, where it is one and not packed."""
        return None if self.packed or self.parts > 1 else self.path

    @property
    def size(self) -> int:
        """Its bytes, unpacked; of a packed file all is read."""
        return self.content.size

    @property
    def early_end(self) -> str | None:
        """Where what is packed is cut off, once it was read to there."""
        cut = self.content.early
        if cut and self.parts > 1:
            return f"{cut} of its {self.parts} parts together; is another part missing behind them?"
        return cut

    def meet_end(self, truncation: Truncation, table: str | None, rows: int) -> None:
        """Refuse or accept a table's end, after so many *rows*, if what is packed is cut off."""
        if cut := self.early_end:
            after = f"row {rows} of table {table}" if rows else "no row"
            message = f"{self} ends early, after {after}: {cut}."
            truncation.meet(Cut(str(self), table, rows), message)

    @property
    def wording(self) -> str:
        """In what it is packed: ", gzip compressed, 3 parts", or nothing."""
        return worded(self.packed, self.parts)

    @property
    def folder(self) -> "Folder":
        """The folder or archive that it lies in."""
        return self._folder() if self._folder else DiskFolder(self.path.parent)

    def opener(self, start: int = 0, length: int | None = None) -> Opener:
        """Windows on it from byte *start* on, on *length* bytes at most."""

        @contextmanager
        def opened() -> Iterator[Window]:
            with self.content.reading(start) as read:
                yield Window(read if length is None else bounded(read, length), str(self), start)

        return opened

    def open(self) -> BinaryIO:
        """A file object; moving back in what is packed unpacks from the beginning."""
        return self.file.open("rb") if self.file else file_of(self.content)

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        return head_of(self.content, size)

    def open_random(self, most: int, why: str) -> BinaryIO:
        """A file object in which every place is near: what is packed is held in memory.

        Raises DumpFormatError where that is more than *most* bytes, saying *why* it must be;
        DumpDamagedError where it ends early.
        """
        if self.content.random:
            return self.open()
        with self.content.reading(0) as read:
            held = taken(read, most + 1)
        if len(held) > most:
            raise DumpFormatError(
                f"{self} has more than {most >> 20} MiB unpacked, and {why}. Unpack it first."
            )
        if self.early_end:
            raise DumpDamagedError(f"{self} ends early: {self.early_end}. Copy it again.")
        return BytesIO(held)

    def close(self) -> None:
        """End what is being unpacked; it can be read again."""
        self._shelf.close()


DumpFile = Path | Source
"""What readers of one file take: one on the disk, or one that may be packed."""


def worded(packed: tuple[str, ...], parts: int) -> str:
    """How a dump is packed, from the inside out, in words that follow its format."""
    words = ["in a tar archive" if one == "tar" else f"{one} compressed" for one in packed[::-1]]
    words += [f"{parts} parts"] if parts > 1 else []
    return "".join(f", {word}" for word in words)


@contextmanager
def explained(source: object) -> Iterator[None]:
    """Where something is wrong with *source*, say so if it is how it is packed.

    Damaged data may unpack to something for a while; its checksum comes last.
    """
    try:
        yield
    except (DumpDamagedError, DumpFormatError) as error:
        if not isinstance(source, Source) or not source.packed:
            raise
        _ = source.size  # raises DumpDamagedError for what is damaged
        cut = source.early_end
        if not cut or cut in str(error):
            raise
        raise DumpDamagedError(f"{source} ends early: {cut}. {error}") from error


class Folder:
    """Files that belong together: of a folder on the disk, or of an archive."""

    def __init__(self, path: Path, shelf: Shelf | None = None) -> None:
        self.path = path
        self._shelf = shelf or Shelf()

    @property
    def wording(self) -> str:
        """In what it, or each of its files, is packed; or nothing."""
        words = {source.wording for source in self.sources()}
        return words.pop() if len(words) == 1 else ""

    def sources(self) -> list[Source]:
        """The files right in it, by name; of an archive in its order, as they are read fastest."""
        raise NotImplementedError

    def get(self, name: str) -> Source | None:
        """The file that is called *name*, packed or unpacked, below it."""
        raise NotImplementedError

    def like(self, name: str) -> Source | None:
        """The file right in it that is called *name* in whatever case."""
        raise NotImplementedError

    def close(self) -> None:
        """End what is being unpacked."""
        self._shelf.close()


class DiskFolder(Folder):
    """A folder on the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._sources: list[Source] | None = None

    def sources(self) -> list[Source]:
        """See Folder."""
        if self._sources is None:
            firsts = self._firsts(sorted(path for path in self.path.iterdir() if path.is_file()))
            self._sources = sorted((self._source(one) for one in firsts), key=lambda s: s.name)
        return self._sources

    def get(self, name: str) -> Source | None:
        """See Folder."""
        path = self.path / name
        if path.is_file():
            return self._source(path)
        beside = DiskFolder(path.parent) if path.parent != self.path else self
        found = beside.like(path.name)
        return found if found and found.name == path.name else None

    def like(self, name: str) -> Source | None:
        """See Folder."""
        near = [p for p in self.path.iterdir() if p.name.lower().startswith(name.lower())]
        found = (self._source(p) for p in self._firsts(sorted(p for p in near if p.is_file())))
        return next((one for one in found if one.name.lower() == name.lower()), None)

    def _firsts(self, paths: list[Path]) -> Iterator[Path]:
        later: set[Path] = set()
        for path in paths:
            if path not in later:
                yield path
                later.update(all_parts(path)[1:])

    def _source(self, path: Path) -> Source:
        """The file at *path*; an archive of several is no part of a set, and left as it is."""
        found = opened(path, self._shelf, lambda: self)
        return found if isinstance(found, Source) else Source(path, path.name, Parts([path]))


class ArchiveFolder(Folder):
    """The files of an archive, by name, without the folder that all of them lie in."""

    def __init__(
        self, path: Path, members: Mapping[str, Bytes], packed: tuple[str, ...], shelf: Shelf
    ) -> None:
        super().__init__(path, shelf)
        self._packed = packed
        self._sources: list[Source] | None = None
        root = _common(list(members))
        self._members = {
            PurePosixPath(name).relative_to(root).as_posix(): content
            for name, content in members.items()
        }

    @property
    def wording(self) -> str:
        """See Folder."""
        return worded(self._packed, 1)

    def sources(self) -> list[Source]:
        """See Folder."""
        if self._sources is None:
            self._sources = [self._source(name) for name in self._members if "/" not in name]
        return self._sources

    def get(self, name: str) -> Source | None:
        """See Folder."""
        if name in self._members:
            return self._source(name)
        near = (self._source(m) for m in self._members if m.startswith(name))
        return next((one for one in near if one.name == PurePosixPath(name).name), None)

    def like(self, name: str) -> Source | None:
        """See Folder."""
        return next((one for one in self.sources() if one.name.lower() == name.lower()), None)

    def _source(self, name: str) -> Source:
        shown = self.path / name
        member = Source(shown, PurePosixPath(name).name, self._members[name], self._packed)
        found = _unwrapped(member, self._shelf, lambda: self)
        return found if isinstance(found, Source) else member


def _common(names: list[str]) -> PurePosixPath:
    """The folder in which all *names* lie."""
    parents = [PurePosixPath(name).parent for name in names]
    root = parents[0] if parents else PurePosixPath()
    while not all(root == parent or root in parent.parents for parent in parents):
        root = root.parent
    return root


def opened(
    path: Path, shelf: Shelf | None = None, folder: Callable[[], Folder] | None = None
) -> Source | Folder:
    """What is at *path*: a file, unpacked as often as it is packed, or a folder.

    Raises OSError, DumpFormatError for what cannot be unpacked, DumpDamagedError for what is
    damaged at its beginning.
    """
    if path.is_dir():
        return DiskFolder(path)
    parts = all_parts(path)
    name = whole_name(parts)
    outside = Source(path, name, Parts(parts), parts=len(parts), folder=folder)
    return _unwrapped(outside, shelf or Shelf(), folder)


def source_of(path: DumpFile) -> Source:
    """The one file at *path*. DumpFormatError for a folder or an archive of several files."""
    if isinstance(path, Source):
        return path
    found = opened(path)
    if isinstance(found, Folder):
        raise DumpFormatError(f"{path} holds several files; name one of them")
    return found


def folder_of(path: Path | Folder) -> Folder:
    """The folder at *path*. DumpFormatError for a file."""
    if isinstance(path, Folder):
        return path
    found = opened(path)
    if isinstance(found, Source):
        raise DumpFormatError(f"{path} is no folder")
    return found


def _unwrapped(outer: Source, shelf: Shelf, folder: Callable[[], Folder] | None) -> Source | Folder:
    """What *outer* holds, down to what is no container."""
    source = Source(outer.path, outer.name, outer.content, outer.packed, outer.parts, folder, shelf)
    for _ in range(_LAYERS + 1):
        head = source.head(_HEAD)
        if packing := packing_of(head):
            source.name = packing.unpacked_name(source.name)
            source.content = Unpacked(source.content, packing, str(source), shelf)
            source.packed += (packing.word,)
            continue
        word, members = _members(head, source, shelf)
        if members is None:
            return source
        source.packed += (word,)
        if len(members) != 1:
            return ArchiveFolder(source.path, members, source.packed, shelf)
        (name, source.content), *_ = members.items()
        source.name = PurePosixPath(name).name
    raise DumpFormatError(f"{outer} is packed more than {_LAYERS} times over. Unpack it first.")


def _members(head: bytes, source: Source, shelf: Shelf) -> tuple[str, dict[str, Bytes] | None]:
    """The files of an archive, and how it is called; None where *source* is none."""
    if ziparchive.SIGN.match(head):
        return "zip", ziparchive.zip_members(source.content, str(source), shelf)
    if tararchive.SIGN.match(head):
        return "tar", tararchive.tar_members(source.content, str(source))
    if ziparchive.SPANNED.match(head):
        raise DumpFormatError(
            f"{source} is the first part of a zip archive that was made in parts. Join them with "
            "`zip -s 0 PARTS.zip --out WHOLE.zip`."
        )
    return "", None
