"""A dump as the user names it: a file, or a folder of files, whatever they are packed in.

What is named is taken to pieces from the outside in, by content and never by name: parts of a split
file are joined, packings opened, archives listed, until there is a file that is no container. An
archive of one file is that file; one of several is the folder that it holds. Nothing is written to
disk: each reading unpacks again, see unpacked.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from pacslift.errors import DumpFormatError
from pacslift.extract.packed import tararchive, ziparchive
from pacslift.extract.packed.bytesfrom import Bytes, Parts
from pacslift.extract.packed.packing import packing_of
from pacslift.extract.packed.parts import all_parts, whole_name
from pacslift.extract.packed.source import DumpFile, Source, worded
from pacslift.extract.packed.unpacked import Shelf, Unpacked

_HEAD = 1024
_LAYERS = 4  # a .sql.gz in a .tar.gz in a .zip has four


class Folder(ABC):
    """Files that belong together: of a folder on the disk, or of an archive."""

    def __init__(self, path: Path, shelf: Shelf | None = None) -> None:
        self.path = path
        self._shelf = shelf or Shelf()

    @property
    @abstractmethod
    def wording(self) -> str:
        """In what it, or each of its files, is packed; or nothing."""

    @abstractmethod
    def sources(self) -> list[Source]:
        """The files right in it, by name; of an archive in its order, as they are read fastest."""

    @abstractmethod
    def get(self, name: str) -> Source | None:
        """The file that is called *name*, packed or unpacked, below it."""

    @abstractmethod
    def like(self, name: str) -> Source | None:
        """The file right in it that is called *name* in whatever case."""

    def close(self) -> None:
        """End what is being unpacked."""
        self._shelf.close()


class DiskFolder(Folder):
    """A folder on the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._sources: list[Source] | None = None

    @property
    def wording(self) -> str:
        """See Folder; of the files that a reader has asked for, as there may be very many."""
        words = {source.wording for source in self._sources or ()}
        return words.pop() if len(words) == 1 else ""

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
        if isinstance(found, Source):
            return found
        return Source(path, path.name, Parts([path]), lambda: self, self._shelf)


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
        def member() -> Source:
            shown, called = self.path / name, PurePosixPath(name).name
            content = self._members[name]
            return Source(shown, called, content, lambda: self, self._shelf, self._packed)

        found = _unwrapped(member(), self._shelf)
        return found if isinstance(found, Source) else member()


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
    folder = folder or (lambda: DiskFolder(path.parent))
    shelf = shelf or Shelf()
    with ExitStack() as stack:
        stack.callback(shelf.close)
        source = Source(path, whole_name(parts), Parts(parts), folder, shelf, parts=len(parts))
        found = _unwrapped(source, shelf)
        stack.pop_all()
        return found


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


def _unwrapped(source: Source, shelf: Shelf) -> Source | Folder:
    """What *source* holds, down to what is no container; it is changed to that."""
    name = str(source)
    for _ in range(_LAYERS + 1):
        head = source.head(_HEAD)
        if packing := packing_of(head):
            source.name = packing.unpacked_name(source.name)
            source.content = Unpacked(source.content, packing, name, shelf)
            source.packed += (packing.word,)
            continue
        word, members = _members(head, source, shelf)
        if members is None:
            return source
        source.packed += (word,)
        if len(members) != 1:
            return ArchiveFolder(source.path, members, source.packed, shelf)
        (member, source.content), *_ = members.items()
        source.name = PurePosixPath(member).name
    raise DumpFormatError(f"{name} is packed more than {_LAYERS} times over. Unpack it first.")


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
